"""The text of an answer: reading it out of the model's JSON while it streams, and checking it against its sources."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ValidationError

from ai_assistant.providers.base import SourcePassage

MARK = re.compile(r"\s*\[(\d{1,2})\]")
_LINK = re.compile(r"!?\[([^\]]*)\]\((?:[^)\s]*)\)")
_ADDRESS = re.compile(r"https?://[^\s<>\"'»)]+|www\.[^\s<>\"'»)]+", re.IGNORECASE)
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
_HTML = re.compile(r"<[a-zA-Z/!][^>]*>")


class ModelAnswer(BaseModel):
    answer: str = ""
    citations: list[int] = []
    answerable: bool = True


@dataclass(frozen=True)
class Checked:
    """`problem` empty: fit to send. `used` are source numbers in order of appearance."""

    text: str
    used: tuple[int, ...]
    problem: str = ""


def read_answer(text: str) -> ModelAnswer | None:
    """The model's JSON, also where it stands in a code fence or among words; None when there is none."""
    start, end = text.find("{"), text.rfind("}")
    if start < 0 or end <= start:
        return None
    try:
        return ModelAnswer.model_validate(json.loads(text[start : end + 1]))
    except (ValueError, ValidationError, RecursionError):
        return None


def check_answer(answer: ModelAnswer, sources: Sequence[SourcePassage]) -> Checked:
    """Refuses what the sources do not carry: strange numbers, addresses, citations that do not exist, or none at all."""
    known = {source.number: source for source in sources}
    text = _HTML.sub("", _LINK.sub(r"\1", answer.answer)).strip()
    text = MARK.sub(lambda m: m[0] if int(m[1]) in known else "", text)
    used = tuple(dict.fromkeys(int(n) for n in MARK.findall(text)))
    if not text:
        return Checked("", (), "it was empty.")
    if not used:
        return Checked(text, (), "no statement named its source.")
    cited = " ".join(f"{known[n].title} {known[n].text}" for n in used)
    bare = MARK.sub("", text)
    for pattern, name in ((_ADDRESS, "the address"), (_EMAIL, "the e-mail")):
        for found in pattern.findall(bare):
            if found.rstrip(".,;:!?") not in cited:
                return Checked(text, used, f"{name} {found[:80]} is not in the cited sources.")
    digits = set(_NUMBER.findall(_join_digits(cited)))
    for number in _NUMBER.findall(_join_digits(re.sub(r"(?m)^\s*\d{1,2}[.)]\s", "", bare))):
        if number not in digits and number.strip(".,:") not in digits:
            return Checked(text, used, f"the number {number} is not in the cited sources.")
    return Checked(text, used)


def _join_digits(text: str) -> str:
    """`6 000` and `6000` are one number; so are `350 ₽` and `350₽`."""
    return re.sub(r"(?<=\d)[ \u00a0\u202f](?=\d{3}(?!\d))", "", text)


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
        """A further piece. Returns what the customer may see of it."""
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
            size = 6 if self._raw[self._at + 1 : self._at + 2] == "u" else 2
            if self._at + size > len(self._raw):
                break
            try:
                out.append(json.loads(f'"{self._raw[self._at : self._at + size]}"'))
            except ValueError:
                self._done = True
                break
            self._at += size
        # Half of a surrogate pair cannot be sent on its own.
        return "".join(out).encode("utf-16", "surrogatepass").decode("utf-16", "ignore")
