"""What a customer sees while the model is still writing: whole sentences, each already checked against the sources."""

import re
from collections.abc import Callable, Sequence

from ai_assistant.answer_text import MARK, AnswerStream, ModelAnswer
from ai_assistant.checks import Checked
from ai_assistant.providers.base import SourcePassage

# (text, whether it replaces what was shown)
OnText = Callable[[str, bool], None]
_SENTENCE_END = re.compile(r"[.!?…][»\")]*(?=\s)|(?=\n)")


class Draft:
    """Fed with a model's growing JSON. A sentence that fails the checks is never shown, nor is anything after it.

    Which sources carry it, the finished answer says: here all do, and the numbers stay out.
    """

    def __init__(
        self,
        check: Callable[[ModelAnswer], Checked],
        sources: Sequence[SourcePassage],
        restore: Callable[[str], str],
        show: OnText,
    ) -> None:
        self._check, self._restore, self._show = check, restore, show
        self._marks = "".join(f" [{source.number}]" for source in sources)
        self._reader = AnswerStream()
        self._text = self._shown = ""
        self._seen = 0

    def feed(self, piece: str) -> None:
        self._text += self._reader.feed(piece)
        self._advance()

    def replace(self, whole: str) -> None:
        """The provider changed what it had said."""
        self._reader, self._seen = AnswerStream(), 0
        self._text = self._reader.feed(whole)
        self._advance()

    def _advance(self) -> None:
        end = max((match.end() for match in _SENTENCE_END.finditer(self._text)), default=0)
        if end <= self._seen:
            return
        self._seen = end
        checked = self._check(ModelAnswer(answer=self._text[:end] + self._marks))
        if checked.problem:
            return
        text = self._restore(MARK.sub("", checked.text))
        if text.startswith(self._shown):
            self._show(text[len(self._shown) :], False)
        else:
            self._show(text, True)
        self._shown = text
