"""From bytes to text where the declared charset is missing, wrong or made up, as in much Russian mail."""

import codecs
from functools import lru_cache

_CYRILLIC = ("cp1251", "koi8-r", "cp866", "iso8859-5")
# Escapes of their own inside plain ASCII.
_SEVEN_BITS = ("iso2022", "iso-2022", "utf-7", "utf7", "hz")
# Codecs of Python that are no charsets, or that run over what they read.
_NO_CHARSETS = {"idna", "punycode", "unicode-escape", "raw-unicode-escape", "undefined", "mbcs", "oem"}
_LATIN = {"iso8859-1", "cp1252", "iso8859-15", "latin-1"}
_OTHER_NAMES = {"windows1251": "cp1251", "win-1251": "cp1251", "win1251": "cp1251", "cp-1251": "cp1251", "koi8": "koi8-r",
                "koi-8-r": "koi8-r", "koi8r": "koi8-r"}  # fmt: skip
# The letters that make up Russian text, per thousand, in small print.
_FREQUENCY = dict(
    zip(
        "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъё",
        (110, 85, 80, 74, 67, 63, 55, 47, 45, 44, 35, 32, 30, 28, 26, 20, 19, 17, 17, 16, 16, 14, 12, 10, 9, 7, 6, 5, 4,
         3, 3, 1, 1),
        strict=True,
    )
)  # fmt: skip


def decode(data: bytes, declared: str = "") -> str:
    """The text; what no charset explains is replaced, never refused. Without NUL, which PostgreSQL does not store."""
    return _decode(data, declared).replace("\x00", "")


def _decode(data: bytes, declared: str) -> str:
    name = _known(declared)
    if data.isascii():
        # UTF-8 would take these as well, and hide what is written in seven bits.
        return _strictly(data, name) or data.decode("ascii") if name.startswith(_SEVEN_BITS) else data.decode("ascii")
    text = _strictly(data, "utf-8")
    if text is None and name not in {"", "ascii", "utf-8"} and not (name in _LATIN and _is_mostly_high(data)):
        text = _strictly(data, name)
    return _guess(data) if text is None else text


@lru_cache(maxsize=256)
def _known(declared: str) -> str:
    """Python's name of a declared charset; empty for one that it does not know."""
    name = declared.strip().strip("\"'").lower().partition("*")[0]
    name = _OTHER_NAMES.get(name, name)
    try:
        found = codecs.lookup(name)
    except (LookupError, ValueError):
        return ""
    is_charset = getattr(found, "_is_text_encoding", True) and found.name not in _NO_CHARSETS
    return found.name if is_charset else ""


def _strictly(data: bytes, name: str) -> str | None:
    try:
        return data.decode(name)
    except (UnicodeError, LookupError):
        return None


def _is_mostly_high(data: bytes) -> bool:
    """Russian under a Western label: hardly any Latin letters, while Western languages have few others."""
    high = sum(byte >= 0x80 for byte in data)
    low = sum(chr(byte).isalpha() for byte in data if byte < 0x80)
    return high > low


def _guess(data: bytes) -> str:
    candidates = [data.decode(name, "replace") for name in _CYRILLIC]
    best = max(candidates, key=lambda text: _score(text[:4000]))
    return best if _score(best[:4000]) > 0 else data.decode("cp1251", "replace")


def _score(text: str) -> float:
    """How much like Russian. KOI8-R read as cp1251 is Cyrillic too, with its case the wrong way round."""
    score, before = 0.0, " "
    for letter in text:
        score += _FREQUENCY.get(letter, 0) or _FREQUENCY.get(letter.lower(), 0) * 0.9
        if letter.isupper() and before.islower():
            score -= 150
        if letter == "\ufffd" or "─" <= letter <= "▟" or (ord(letter) > 127 and not letter.isprintable()):
            score -= 100
        before = letter
    return score
