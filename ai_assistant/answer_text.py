"""The text of an answer: reading it out of the model's JSON, also while that is still growing, and numbering its sources."""

import json
import re
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ValidationError, field_validator

MARK = re.compile(r"\s*\[(\d{1,3})\]")
# [1, 2] and [1][2] say the same.
_MARK_LIST = re.compile(r"\[\s*\d{1,3}(?:\s*[,;]\s*\d{1,3})+\s*\]")


class ModelAnswer(BaseModel):
    answer: str = ""
    citations: list[int] = []
    answerable: bool = True

    @field_validator("answer")
    @classmethod
    def split_mark_lists(cls, text: str) -> str:
        return _split_lists(text)

    @field_validator("citations", mode="before")
    @classmethod
    def keep_numbers(cls, value: Any) -> list[int]:
        """The marks in the text decide; what is strange here costs nothing."""
        return [number for number in value if type(number) is int] if isinstance(value, list) else []


def _split_lists(text: str) -> str:
    return _MARK_LIST.sub(lambda m: "".join(f"[{number}]" for number in re.findall(r"\d+", m[0])), text)


def read_answer(text: str) -> ModelAnswer | None:
    """The model's JSON, also where it stands in a code fence or among words; None when there is none."""
    start, end = text.find("{"), text.rfind("}")
    if start < 0 or end <= start:
        return None
    try:
        return ModelAnswer.model_validate(json.loads(text[start : end + 1], strict=False))
    except (ValueError, ValidationError, RecursionError):
        return None


def renumber(text: str, used: Sequence[int]) -> str:
    """Citations from 1 upwards in order of appearance."""
    places = {number: str(index) for index, number in enumerate(used, 1)}
    return MARK.sub(lambda m: f" [{places[int(m[1])]}]" if int(m[1]) in places else "", text).strip()


class AnswerStream:
    """Reads the growing JSON of a model and gives the new characters of its `answer`, escapes decoded."""

    _START = re.compile(r'"answer"\s*:\s*"')

    def __init__(self) -> None:
        self._raw = ""
        self._at = -1
        self._done = False

    def feed(self, text: str) -> str:
        """A further piece. Returns what is new of the answer."""
        self._raw += text
        if self._done:
            return ""
        if self._at < 0:
            match = self._START.search(self._raw)
            if match is None:
                return ""
            self._at = match.end()
        out = []
        while self._at < len(self._raw):
            char = self._raw[self._at]
            if char == '"':
                self._done = True
                break
            if char != "\\":
                out.append(char)
                self._at += 1
                continue
            size = self._escape_size()
            if self._at + size > len(self._raw):
                break
            try:
                out.append(json.loads(f'"{self._raw[self._at : self._at + size]}"'))
            except ValueError:
                self._done = True
                break
            self._at += size
        return "".join(out).encode("utf-16", "surrogatepass").decode("utf-16", "replace")

    def _escape_size(self) -> int:
        """In characters; both halves of a surrogate pair are one escape, for half of it cannot be sent."""
        if self._raw[self._at + 1 : self._at + 2] != "u":
            return 2
        is_first_half = re.match(r"[dD][89abAB]", self._raw[self._at + 2 : self._at + 4])
        return 12 if is_first_half else 6
