"""The same road without a conversation: the playground and the API ask, nothing is written, nobody is called."""

from dataclasses import asdict
from typing import Any

from ai_assistant.language import handoff_text, language_of
from ai_assistant.services.assistants import ensure_assistant
from ai_assistant.services.composing import compose_answer
from ai_assistant.triggers import is_complaint, wants_person
from tenants.models import Tenant
from tenants.names import current_schema


def ask(question: str, language: str = "") -> dict[str, Any]:
    """The fields of Composed without the prompt, and `outcome`: answered or handed_over."""
    workspace = Tenant.objects.only("name", "language").get(schema_name=current_schema())
    language = language or language_of(question, workspace.language)
    if wants_person(question) or is_complaint(question):
        return _refused("asked", language)
    composed = compose_answer(
        ensure_assistant(), company=workspace.name, question=question, query=question, language=language
    )
    result = asdict(composed)
    del result["prompt"]
    if composed.reason:
        return {**result, "outcome": "handed_over", "text": handoff_text(composed.reason, language)}
    return {**result, "outcome": "answered"}


def _refused(reason: str, language: str) -> dict[str, Any]:
    return {
        "outcome": "handed_over", "reason": reason, "text": handoff_text(reason, language), "citations": [], "passages": [],
        "confidence": None, "provider": "", "model": "", "prompt_version": "", "checks": [], "usage": {},
        "timings": {}, "query": "",
    }  # fmt: skip
