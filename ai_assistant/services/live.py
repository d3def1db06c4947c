"""What the customer sees of an answer while it is being written."""

import time
from typing import Any

from ai_assistant.models import Answer
from tickets.models import Ticket
from tickets.realtime import publish_delta
from tickets.signals import answer_draft

# Seconds between drafts: a messenger takes only so many calls.
_PAUSE = 0.8


class LiveAnswer:
    """Takes the pieces as they come: the widget gets each of them, messengers now and then all that is there."""

    def __init__(self, ticket: Ticket, answer: Answer) -> None:
        self._ticket, self._answer = ticket, answer
        self._text, self._last = "", 0.0

    def __call__(self, piece: str, replace: bool) -> None:
        publish_delta(self._ticket, str(self._answer.id), piece, replace)
        self._text = piece if replace else self._text + piece
        if time.monotonic() - self._last >= _PAUSE:
            self._last = time.monotonic()
            told: dict[str, Any] = {"answer_id": self._answer.id, "question_id": self._answer.question_message_id}
            answer_draft.send(sender=Answer, ticket=self._ticket, text=self._text, **told)
