"""The same road without a conversation: the playground and the API ask, nothing is written, nobody is called."""

from dataclasses import asdict
from typing import Any

from django.utils import translation

from ai_assistant.language import handoff_text, language_of
from ai_assistant.models import Assistant
from ai_assistant.services.assistants import ensure_assistant
from ai_assistant.services.composing import Composed, Task
from ai_assistant.services.responding import respond, small_talk_reply
from ai_assistant.triggers import is_complaint, small_talk_kind, wants_person
from tenants.models import Tenant
from tenants.names import current_schema
from tickets.services.hours import closed_notice


def ask(question: str, language: str = "", provider: str = "", *, assistant: Assistant | None = None) -> dict[str, Any]:
    """The fields of Composed without the prompt, and `outcome`: answered or handed_over. `provider`: another than is set;
    `assistant`: other settings than those that are published, never saved."""
    workspace = Tenant.objects.only("name", "language").get(schema_name=current_schema())
    assistant = with_provider(assistant or ensure_assistant(), provider)
    language = language or assistant.language or language_of(question, workspace.language)
    talk = small_talk_kind(question)
    if wants_person([question]) or is_complaint(question):
        composed = Composed(reason="asked")
    elif talk:
        composed = Composed(text=small_talk_reply(assistant, talk, language))
    else:
        task = Task(company=workspace.name, question=question, language=language)
        with translation.override(workspace.language):
            composed = respond(assistant, task)
    result = asdict(composed)
    del result["prompt"], result["pending"]
    if composed.reason:
        return {
            **result,
            "outcome": "handed_over",
            "text": handoff_text(composed.reason, language, closed_notice(language)),
        }
    return {**result, "outcome": "answered"}


def with_provider(assistant: Assistant, provider: str) -> Assistant:
    """The row in memory. A provider that the workspace did not choose has the keys of the installation."""
    if provider and provider != assistant.provider:
        assistant.provider, assistant.credentials = provider, {}
    return assistant
