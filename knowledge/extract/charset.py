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
_LATIN = re.compile(
    r"cp125[0247]|cp(?:437|85\d|775|86[01356])|latin|iso8859_(?:1|2|3|4|9|10|13|14|15|16)$|mac_(?!cyr|greek)|hp_roman"
)
_WORD = re.compile(r"[А-Яа-яЁё]{3,}")
_INNER_CAPITAL = re.compile(r"[а-яё][А-ЯЁ]")


def decode(data: bytes, *, declared: str = "") -> str:
    """Order of trust: byte-order mark, zero bytes (UTF-16), valid UTF-8, the declared charset, what the letters are."""
    for bom, name in _BOMS:
        if data.startswith(bom):
            return data.decode(name, errors="replace")
    # Before UTF-8, to which Cyrillic in UTF-16 is a row of valid control characters.
    if codec := wide_codec(data[:4096]):
        return data.decode(codec, errors="replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    for name in (declared, *_declarations(data)):
        text = _try(data, name)
        if text is not None and (name.lower() not in {"utf-8", "utf8"}):
            return text
    return _guess(data)


def wide_codec(sample: bytes) -> str:
    """UTF-16 without a mark: Latin letters, digits and blanks leave zeros at every second place. "" when it is not that."""
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    if max(even, odd) < 0.03 * len(sample) or min(even, odd) > 0.05 * max(even, odd):
        return ""
    codec = "utf-16-le" if odd > even else "utf-16-be"
    text = sample[: len(sample) // 2 * 2].decode(codec, errors="replace")
    readable = sum(c.isprintable() or c.isspace() for c in text)
    return codec if readable > 0.95 * len(text) else ""


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
    # Between Latin code pages the guess is a coin; browsers take the most common one.
    is_known = guess is not None and not _LATIN.match(guess.encoding)
    return data.decode(guess.encoding if guess is not None and is_known else "cp1252", errors="replace")


def _likeness(text: str) -> float:
    """Mean commonness of the letters outside ASCII, counted in words only: Western text has them one by one."""
    sample = text[:20_000]
    foreign = sum(c.isalpha() and not c.isascii() for c in sample)
    if not foreign:
        return 0.0
    words = "".join(_WORD.findall(sample)).lower()
    return sum(_COMMON[c] for c in words) / foreign - 40 * len(_INNER_CAPITAL.findall(sample)) / foreign
