"""Whether an answer may be sent: its citations exist, and what its sources do not carry is refused."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from django.utils import translation
from django.utils.translation import gettext_lazy as _

from ai_assistant.answer_text import MARK, ModelAnswer
from ai_assistant.providers.base import SourcePassage
from omnisupport.lib.masking import TOKEN

_LINK = re.compile(r"!?\[([^\]]*)\]\((?:[^)\s]*)\)")
_HTML = re.compile(r"<[a-zA-Z/!][^>]*>")
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
# With a scheme, a bare domain, or a name in a messenger.
_ADDRESS = re.compile(
    r"(?:https?://|www\.)[^\s<>\"'»)\]]+|(?<![\w@.-])(?:[a-z0-9-]+\.)+(?:[a-z]{2,}|рф)\b(?:[/?#][^\s<>\"'»)\]]*)?|(?<![\w.])@\w{3,}",
    re.IGNORECASE,
)
_SCHEME = re.compile(r"^(?:https?://)?(?:www\.)?", re.IGNORECASE)
_LONG_NUMBER = re.compile(r"(?<![\d.,])\+?\d(?:[\s\u00a0()-]{0,3}\d){6,}(?![\d.,]\d)")
_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
_STEP = re.compile(r"(?m)^\s*\d{1,2}[.)]\s")
_WORD = re.compile(r"\w+")
# So many words in a row are no coincidence.
_ECHO_WORDS = 8

_SENTENCES = {
    "unreadable": _("The answer is not the JSON object asked for."),
    "cut": _("The answer was cut off."),
    "empty": _("The answer is empty."),
    "refused": _("The model says that the sources do not answer."),
    "uncited": _("No statement names its source."),
    "citation": _("There is no source [%(detail)s]."),
    "address": _("The address %(detail)s is not in the cited sources."),
    "email": _("The e-mail address %(detail)s is not in the cited sources."),
    "number": _("The number %(detail)s is not in the cited sources."),
    "token": _("%(detail)s stands for nothing that the customer wrote."),
    "language": _("The answer is not in the customer's language."),
    "instructions": _("The answer repeats the assistant's instructions."),
    # Of what a model does for agents (aid_results.py).
    "added": _("The model added %(detail)s, which is not in the text."),
    "lost": _("The model left out %(detail)s."),
    "longer": _("It has not become shorter."),
    "other_language": _("It is not in the language asked for."),
    "personal": _("It says something about this customer: %(detail)s."),
}


@dataclass(frozen=True)
class Problem:
    """`code` is a key above; as a string it is a sentence in the active language."""

    code: str
    detail: str = ""

    def __str__(self) -> str:
        return str(_SENTENCES[self.code]) % {"detail": self.detail}

    def for_model(self) -> str:
        with translation.override("en"):
            return str(self)


@dataclass(frozen=True)
class Checked:
    """`problem` None: fit to send. `used` are source numbers in order of appearance."""

    text: str = ""
    used: tuple[int, ...] = ()
    problem: Problem | None = None


def check_answer(answer: ModelAnswer, sources: Sequence[SourcePassage], tokens: Collection[str] = ()) -> Checked:
    """`tokens` stand for the personal data of this conversation; whatever they mean, the customer wrote it."""
    known = {source.number: source for source in sources}
    text = _HTML.sub("", _LINK.sub(r"\1", answer.answer)).strip()
    if not text:
        return Checked(problem=Problem("empty"))
    if not MARK.search(text):
        text += "".join(f" [{number}]" for number in dict.fromkeys(answer.citations))
    used = tuple(dict.fromkeys(int(number) for number in MARK.findall(text)))
    strange = next((number for number in used if number not in known), None)
    if strange is not None:
        return Checked(text, problem=Problem("citation", str(strange)))
    if not used:
        return Checked(text, problem=Problem("uncited"))
    invented = next((token[0] for token in TOKEN.finditer(text) if token[0] not in tokens), None)
    if invented:
        return Checked(text, problem=Problem("token", invented))
    cited = "\n".join(f"{known[number].title}\n{known[number].text}" for number in used)
    return Checked(text, used, unsupported(TOKEN.sub("", MARK.sub("", text)), cited))


def unsupported(text: str, cited: str) -> Problem | None:
    """The first e-mail, address or number of the text that the cited sources do not have."""
    emails = {email.lower() for email in _EMAIL.findall(cited)}
    for email in _EMAIL.findall(text):
        if email.lower().rstrip(".") not in emails:
            return Problem("email", email[:80])
    text, cited = _EMAIL.sub(" ", text), _EMAIL.sub(" ", cited)
    addresses = {_plain_address(address) for address in _ADDRESS.findall(cited)}
    for address in _ADDRESS.findall(text):
        if _plain_address(address) not in addresses:
            return Problem("address", address.rstrip(".,;:!?…")[:80])
    return _strange_number(_STEP.sub("", _ADDRESS.sub(" ", text)), cited)


def _plain_address(address: str) -> str:
    return _SCHEME.sub("", address).rstrip(".,;:!?…/").lower()


def _strange_number(text: str, cited: str) -> Problem | None:
    """Phones and accounts as a whole, however they are grouped; other numbers one by one."""
    runs = ["".join(_digits(run)) for run in _LONG_NUMBER.findall(cited)]
    for run in _LONG_NUMBER.findall(text):
        digits = "".join(_digits(run))
        # +7 and 8 begin the same Russian number.
        national = digits[1:] if len(digits) == 11 and digits[0] in "78" else digits
        if not any(national in known for known in runs):
            return Problem("number", run[:80])
    numbers = set(numbers_of(cited))
    strange = next((number for number in numbers_of(_LONG_NUMBER.sub(" ", text)) if number not in numbers), None)
    return Problem("number", strange) if strange else None


def _digits(text: str) -> list[str]:
    return [char for char in text if char.isdigit()]


def numbers_of(text: str) -> list[str]:
    """`6 000` and `6000` are one number; so are `1,5` and `1.5`."""
    joined = re.sub(r"(?<=\d)[ \u00a0\u202f\u2009](?=\d{3}(?!\d))", "", text)
    return [number.replace(",", ".") for number in _NUMBER.findall(joined)]


def repeats_instructions(text: str, instructions: str, cited: str) -> bool:
    """Whether the text has a run of words from the instructions that its sources do not explain."""
    told = _runs(instructions) - _runs(cited)
    return not told.isdisjoint(_runs(text))


def _runs(text: str) -> set[tuple[str, ...]]:
    words = _WORD.findall(text.lower())
    return {tuple(words[i : i + _ECHO_WORDS]) for i in range(len(words) - _ECHO_WORDS + 1)}
