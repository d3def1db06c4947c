"""A text as words and codes."""

import re
import unicodedata

_WORD = re.compile(r"\w+")
# A code or a dotted name is also kept whole: "A-1234", "v2.0.1", "crm.lead.add".
_CODE = re.compile(r"(?<![\w.])[^\W_]+(?:[-_./][^\W_]+)+", re.UNICODE)
_CYRILLIC = re.compile(r"[а-я]")


def plain(text: str) -> str:
    """Lower case, one form of each sign; ё is е."""
    return unicodedata.normalize("NFKC", text).lower().replace("ё", "е")


def tokens_of(text: str) -> list[str]:
    """Lower-case words and codes. «не» is a word like any other."""
    text = plain(text)
    codes = [code for code in _CODE.findall(text) if not _CYRILLIC.search(code) or any(c.isdigit() for c in code)]
    return _WORD.findall(text) + codes
