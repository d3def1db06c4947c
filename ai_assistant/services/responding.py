"""What is said to a question: first what the workspace has fixed itself, then documents and the model."""

from collections.abc import Sequence

from django.utils.translation import gettext as _

from ai_assistant.drafts import OnText
from ai_assistant.language import small_talk
from ai_assistant.models import Assistant, ForbiddenTopic
from ai_assistant.services.composing import Composed, Task, compose_answer
from ai_assistant.services.custom_answers import find_custom_answer
from ai_assistant.services.topics import all_topics, find_topic


def respond(assistant: Assistant, task: Task, on_text: OnText | None = None) -> Composed:
    custom = find_custom_answer(task.question)
    if custom is not None:
        return Composed(text=custom.text, custom_answer_id=custom.id)
    topics = all_topics()
    asked = find_topic(task.question, topics)
    if asked is not None:
        return _kept_from(Composed(), asked)
    composed = compose_answer(assistant, task, _Guard(on_text, topics) if on_text and topics else on_text)
    said = find_topic(composed.text, topics) if composed.text else None
    return _kept_from(composed, said) if said else composed


def _kept_from(composed: Composed, topic: ForbiddenTopic) -> Composed:
    """Neither asked nor answered: the set sentence, or a person."""
    told = _("Forbidden topic: %(name)s") % {"name": topic.name}
    composed.checks.append({"code": "topic", "message": told, "text": composed.text[:2000]})
    composed.text, composed.reason = topic.answer, "" if topic.answer else "topic"
    composed.citations, composed.pending = [], None
    for passage in composed.passages:
        passage["used"] = False
    return composed


class _Guard:
    """Shows what is being written until it touches a forbidden topic; the finished answer, or another, comes anyway."""

    def __init__(self, show: OnText, topics: Sequence[ForbiddenTopic]) -> None:
        self._show, self._topics, self._text = show, topics, ""

    def __call__(self, piece: str, replace: bool) -> None:
        self._text = piece if replace else self._text + piece
        if find_topic(self._text, self._topics) is None:
            self._show(piece, replace)


def small_talk_reply(assistant: Assistant, kind: str, language: str) -> str:
    """`kind`: greeting or thanks."""
    return assistant.greeting if kind == "greeting" and assistant.greeting else small_talk(kind, language)
