"""The suggested reply above an agent's composer."""

from typing import Any

from django import template

from ai_assistant.answer_text import MARK
from ai_assistant.models import Answer
from ai_assistant.services import suggesting
from tickets.models import HandoffReason, Ticket

register = template.Library()


@register.simple_tag
def suggestion_for(ticket: Ticket) -> Answer | None:
    return suggesting.suggestion_for(ticket)


@register.filter
def without_marks(text: str) -> str:
    """The words as a customer may get them: the numbers of sources are for the agent."""
    return MARK.sub("", text)


@register.filter
def used_passages(answer: Answer) -> list[dict[str, Any]]:
    return [passage for passage in answer.passages if passage.get("used")]


@register.filter
def handoff_words(code: str) -> str:
    return HandoffReason.words(code)
