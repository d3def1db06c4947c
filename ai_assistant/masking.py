"""Personal data leave us as typed tokens and come back as what they were, for the same conversation only.

Formats and their checks: a phone by its shape, a card by Luhn, SNILS and a person's INN by their checksums.
"""

import re
from collections.abc import Callable

_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_PHONE = re.compile(
    r"(?<![\d+])(?:\+7|8|7)[\s\u00a0(-]*\d{3}[\s\u00a0)-]*\d{3}[\s\u00a0-]*\d{2}[\s\u00a0-]*\d{2}(?!\d)|\+\d[\d\s()-]{8,16}\d"
)
_CARD = re.compile(r"(?<!\d)[2456]\d{3}(?:[ -]?\d{4}){2}[ -]?\d{1,7}(?!\d)")
_SNILS = re.compile(r"(?<!\d)\d{3}-\d{3}-\d{3}[ -]\d{2}(?!\d)")
_INN = re.compile(r"(?<!\d)\d{12}(?!\d)")
_PASSPORT = re.compile(r"(?i)(?:паспорт|серия|выдан)[^\d]{0,30}(\d{2}\s?\d{2}\s?(?:№\s?)?\d{6})(?!\d)")


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


_KINDS: list[tuple[str, re.Pattern[str], Callable[[str], bool]]] = [
    ("EMAIL", _EMAIL, lambda _text: True),
    ("CARD", _CARD, _luhn),
    ("SNILS", _SNILS, _snils),
    ("INN", _INN, _inn),
    ("PHONE", _PHONE, lambda _text: True),
]


class Mask:
    """The tokens of one call. The same value gets the same token."""

    def __init__(self) -> None:
        self._tokens: dict[str, str] = {}
        self._counts: dict[str, int] = {}

    def hide(self, text: str) -> str:
        text = _PASSPORT.sub(lambda m: m[0].replace(m[1], self._token("PASSPORT", m[1])), text)
        for kind, pattern, is_one in _KINDS:
            text = pattern.sub(lambda m, k=kind, ok=is_one: self._token(k, m[0]) if ok(m[0]) else m[0], text)  # type: ignore[misc]
        return text

    def restore(self, text: str) -> str:
        for value, token in self._tokens.items():
            text = text.replace(token, value)
        return text

    @property
    def count(self) -> int:
        return len(self._tokens)

    def _token(self, kind: str, value: str) -> str:
        if value not in self._tokens:
            self._counts[kind] = self._counts.get(kind, 0) + 1
            self._tokens[value] = f"[{kind}_{self._counts[kind]}]"
        return self._tokens[value]
