"""Phone numbers as people spell them, in one spelling, so that the same number is the same person."""

import re

# "доб. 12", "ext. 5": more than a number.
_SPELT = re.compile(r"\+?[\d\s().\-‐-―]+")
# The eight that is dialled inside Russia stands before area codes that begin with these.
_RUSSIAN = re.compile(r"8([3489]\d{9})")


def phone_number(given: str) -> str:
    """+79161234567 for a full number, however it is spelt; a short one, or one with words, stays as it was given."""
    given = given.strip()
    digits = "".join(c for c in given if c in "0123456789")
    if not _SPELT.fullmatch(given) or not 11 <= len(digits) <= 15:
        return given
    inside = _RUSSIAN.fullmatch(digits)
    return f"+7{inside[1]}" if inside and not given.startswith("+") else f"+{digits}"
