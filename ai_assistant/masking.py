"""Personal data leave us as typed tokens and come back as what they were, for the same conversation only.

A phone is known by its shape, a card by Luhn, SNILS and a person's INN by their checksums or by the word beside them.
"""

import re
from collections.abc import Callable

_GAP = r"[\s\u00a0.(-]*"
_PHONE = (
    # Nobody's own: 8 800 numbers are companies' hot lines.
    rf"(?<![\d+])(?:\+7|8|7){_GAP}(?!800)\d{{3}}[\s\u00a0.)-]*\d{{3}}[\s\u00a0.-]*\d{{2}}[\s\u00a0.-]*\d{{2}}(?!\d)"
    r"|(?<!\d)\(?9\d{2}\)?[\s\u00a0.-]+\d{3}[\s\u00a0.-]*\d{2}[\s\u00a0.-]*\d{2}(?!\d)"
    r"|\+(?!7[\s\u00a0(-]*800)\d[\d\s\u00a0()-]{8,16}\d"
)
_CARD = r"(?<!\d)[2456]\d{3}(?:[ \u00a0-]?\d{4}){2}[ \u00a0-]?\d{1,7}(?!\d)"


def _digits(text: str) -> list[int]:
    return [int(c) for c in text if c.isdigit()]


def _luhn(text: str) -> bool:
    digits = _digits(text)
    odd = digits[-1::-2]
    even = [sum(divmod(2 * d, 10)) for d in digits[-2::-2]]
    return 13 <= len(digits) <= 19 and (sum(odd) + sum(even)) % 10 == 0


def _snils(text: str) -> bool:
    digits = _digits(text)
    control = sum(d * (9 - i) for i, d in enumerate(digits[:9])) % 101 % 100
    return control == digits[9] * 10 + digits[10]


def _inn(text: str) -> bool:
    digits = _digits(text)
    first = sum(a * b for a, b in zip((7, 2, 4, 10, 3, 5, 9, 4, 6, 8), digits, strict=False)) % 11 % 10
    second = sum(a * b for a, b in zip((3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8), digits, strict=False)) % 11 % 10
    return digits[10] == first and digits[11] == second


def _always(_text: str) -> bool:
    return True


# Where a pattern has a group, that is the value; the rest are words that give it away.
_KINDS: list[tuple[str, re.Pattern[str], Callable[[str], bool]]] = [
    (name, re.compile(pattern, re.IGNORECASE), check)
    for name, pattern, check in (
        ("EMAIL", r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+", _always),
        (
            "PASSPORT",
            r"(?:паспорт|серия|выдан|passport)[^\d]{0,30}(\d{2}\s?\d{2}[\s,]*(?:№|номер|n)?\s*\d{6})(?!\d)",
            _always,
        ),
        ("SNILS", r"снилс\D{0,10}(\d{3}[\s-]?\d{3}[\s-]?\d{3}[\s-]?\d{2})(?!\d)", _always),
        ("INN", r"\bинн\b[^\d\n]{0,25}(\d{12}|\d{10})(?!\d)", _always),
        ("PHONE", r"(?:тел|моб|номер|звон|phone|call me)\w*\D{0,12}(9\d{9})(?!\d)", _always),
        ("ACCOUNT", r"(?<!\d)\d{20}(?!\d)", _always),
        ("CARD", _CARD, _luhn),
        ("SNILS", r"(?<!\d)\d{3}-\d{3}-\d{3}[ -]\d{2}(?!\d)", _snils),
        ("INN", r"(?<!\d)\d{12}(?!\d)", _inn),
        ("PHONE", _PHONE, _always),
    )
]
TOKEN = re.compile(r"\[(?:EMAIL|PASSPORT|SNILS|INN|PHONE|ACCOUNT|CARD)_\d+\]")


def without_personal_data(text: str) -> str:
    """For a search: what is nobody else's business says nothing about what is asked."""
    return _replace(text, lambda _kind, _value: " ")


class Mask:
    """The tokens of one call. The same value gets the same token."""

    def __init__(self) -> None:
        self._tokens: dict[str, str] = {}
        self._counts: dict[str, int] = {}

    def hide(self, text: str) -> str:
        return _replace(text, self._token)

    def restore(self, text: str) -> str:
        for value, token in self._tokens.items():
            text = text.replace(token, value)
        return text

    @property
    def tokens(self) -> frozenset[str]:
        return frozenset(self._tokens.values())

    def _token(self, kind: str, value: str) -> str:
        if value not in self._tokens:
            self._counts[kind] = self._counts.get(kind, 0) + 1
            self._tokens[value] = f"[{kind}_{self._counts[kind]}]"
        return self._tokens[value]


def _replace(text: str, stand_in: Callable[[str, str], str]) -> str:
    for kind, pattern, is_one in _KINDS:
        text = pattern.sub(lambda m, k=kind, ok=is_one: _exchange(m, k, ok, stand_in), text)  # type: ignore[misc]
    return text


def _exchange(
    match: re.Match[str], kind: str, is_one: Callable[[str], bool], stand_in: Callable[[str, str], str]
) -> str:
    group = match.re.groups
    value = match[group]
    if not is_one(value):
        return match[0]
    before, after = match.start(group) - match.start(), match.end(group) - match.start()
    return match[0][:before] + stand_in(kind, value) + match[0][after:]
