"""Bytes of a text or HTML file to characters."""

import codecs
import re

from charset_normalizer import from_bytes

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_DECLARED = re.compile(rb"""charset\s*=\s*["']?\s*([A-Za-z0-9_:.-]+)""", re.IGNORECASE)
_CYRILLIC = ("cp1251", "koi8_r", "cp866", "iso8859_5", "mac_cyrillic")
# Rank of the letters in running Russian text; a wrong code page gives rare letters and capitals amid words.
_COMMON = dict(zip("оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъё", range(33, 0, -1), strict=False))
_WORD = re.compile(r"[А-Яа-яЁё]{3,}")
_INNER_CAPITAL = re.compile(r"[а-яё][А-ЯЁ]")


def decode(data: bytes, *, declared: str = "") -> str:
    """Order of trust: byte-order mark, valid UTF-8, zero bytes (UTF-16), the declared charset, what the letters are."""
    for bom, name in _BOMS:
        if data.startswith(bom):
            return data.decode(name, errors="replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    if (wide := _wide(data)) is not None:
        return wide
    for name in (declared, *_declarations(data)):
        text = _try(data, name)
        if text is not None and (name.lower() not in {"utf-8", "utf8"}):
            return text
    return _guess(data)


def _wide(data: bytes) -> str | None:
    sample = data[:4096]
    if sample.count(0) * 4 < len(sample):
        return None
    return data.decode("utf-16-le" if sample[1::2].count(0) > sample[0::2].count(0) else "utf-16-be", errors="replace")


def _declarations(data: bytes) -> list[str]:
    return [found.decode("ascii") for found in _DECLARED.findall(data[:8192])]


def _try(data: bytes, name: str) -> str | None:
    try:
        return data.decode(name) if name else None
    except (LookupError, UnicodeDecodeError, ValueError):
        return None


def _guess(data: bytes) -> str:
    cyrillic = [text for name in _CYRILLIC if (text := _try(data, name)) is not None]
    if cyrillic:
        best = max(cyrillic, key=_likeness)
        if _likeness(best) > 12:
            return best
    guess = from_bytes(data[:200_000]).best()
    return data.decode(guess.encoding if guess else "cp1252", errors="replace")


def _likeness(text: str) -> float:
    """Mean commonness of the letters outside ASCII, counted in words only: Western text has them one by one."""
    sample = text[:20_000]
    foreign = sum(c.isalpha() and not c.isascii() for c in sample)
    if not foreign:
        return 0.0
    words = "".join(_WORD.findall(sample)).lower()
    return sum(_COMMON[c] for c in words) / foreign - 40 * len(_INNER_CAPITAL.findall(sample)) / foreign
