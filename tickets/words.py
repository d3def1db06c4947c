"""Words as the search of conversations knows them: what is stored of a text, what a query asks for, which words answer it.

Russian and English words are stems. What has digits is exact: numbers, codes without their signs (`ORD-12/7` is `ord127`),
e-mail addresses. Of a phone every ending is kept under `~`, so that any run of its digits is the beginning of one of them.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from omnisupport.lib.stems import stem

# PostgreSQL keeps no more places of a word, nor farther ones.
_MAX_PLACES, _MAX_PLACE = 255, 16_383
_MAX_TEXT, _MAX_WORD = 20_000, 80
_PHONE_DIGITS = range(7, 16)
_PIECE_DIGITS = 4
_MIN_BEGINNING = 3
_FRAGMENT, _BEFORE = 160, 30

_EMAIL = r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"
_PHONE = r"\+?\d(?:[\s()‑–-]{0,2}\d){5,}"
_CODE = r"[^\W_]+(?:[-_./][^\W_]+)+"
_TOKEN = re.compile(rf"(?P<email>{_EMAIL})|(?P<phone>{_PHONE})|(?P<code>{_CODE})|(?P<word>\w+)")
_WORD = re.compile(r"\w+")
_FLEETING = re.compile(r"(?<=[а-я]{3})[ое]к$")
_DIGIT = re.compile(r"\d")


@dataclass(frozen=True)
class Term:
    """One thing asked for: any of `exact`, or what begins with one of `beginnings`."""

    exact: frozenset[str]
    beginnings: tuple[str, ...] = ()

    def meets(self, lexemes: Iterable[str]) -> bool:
        return any(lexeme in self.exact or lexeme.startswith(self.beginnings) for lexeme in lexemes)

    def __str__(self) -> str:
        choices = [*map(_quoted, sorted(self.exact)), *(f"{_quoted(start)}:*" for start in self.beginnings)]
        return f"({' | '.join(choices)})"


@dataclass(frozen=True)
class Query:
    """What somebody looks for: every term."""

    terms: tuple[Term, ...]

    @property
    def tsquery(self) -> str:
        return " & ".join(map(str, self.terms))


@dataclass(frozen=True)
class Piece:
    """Of a shown fragment; `hit`: an answer to the query."""

    text: str
    hit: bool = False


def make_vector(text: str, head: str = "") -> str:
    """The `tsvector` of a text, written out. `head` weighs more: whom and what the conversation is with."""
    places: dict[str, list[str]] = {}
    place = 0
    for part, weight in ((head, "A"), (text, "")):
        for token in _tokens(part[:_MAX_TEXT]):
            place = min(place + 1, _MAX_PLACE)
            for lexeme in _lexemes(token):
                places.setdefault(lexeme, []).append(f"{place}{weight}")
    return " ".join(f"{_quoted(lexeme)}:{','.join(at[:_MAX_PLACES])}" for lexeme, at in places.items())


def read_query(text: str) -> Query:
    """The word that is still being typed also stands for longer ones."""
    tokens = list(_tokens(text))
    terms: list[Term] = []
    for token in tokens:
        typed = token is tokens[-1] and token.end() == len(text)
        terms += _asked(token, typed)
    return Query(tuple(terms))


def make_fragment(texts: Iterable[str], query: Query) -> tuple[Piece, ...]:
    """Around the first answer to the query in the first text that has one; else the beginning of the first."""
    first = ""
    for text in texts:
        line = " ".join(text[:_MAX_TEXT].split())
        first = first or line
        spans = [t.span() for t in _tokens(line) if any(term.meets(_lexemes(t)) for term in query.terms)]
        if spans:
            return tuple(_cut(line, spans))
    return (Piece(first[:_FRAGMENT]),) if first else ()


def found_words(text: str, query: Query) -> tuple[str, ...]:
    """The words of the text that answer, as they are written, each once."""
    line = text[:_MAX_TEXT]
    met = (line[slice(*t.span())] for t in _tokens(line) if any(term.meets(_lexemes(t)) for term in query.terms))
    return tuple(dict.fromkeys(met))


def _cut(line: str, spans: list[tuple[int, int]]) -> Iterator[Piece]:
    begin = 0
    if spans[0][0] > _BEFORE:
        begin = line.rfind(" ", 0, spans[0][0] - _BEFORE // 2) + 1
        yield Piece("…")
    end = max(begin + _FRAGMENT, spans[0][1])
    at = begin
    for start, stop in spans:
        if stop > end:
            break
        if start > at:
            yield Piece(line[at:start])
        yield Piece(line[start:stop], hit=True)
        at = stop
    if at < end and line[at:end]:
        yield Piece(line[at:end])
    if end < len(line):
        yield Piece("…")


def _tokens(text: str) -> Iterator[re.Match[str]]:
    return _TOKEN.finditer(text)


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).lower().replace("ё", "е")


def _stem(word: str) -> str:
    """Twice, for the stem of «Сидорова» is «сидоров», and of that «сидор». «посылок» and «посылки» are one word too: the
    vowel that comes and goes is left out."""
    return _FLEETING.sub("к", stem(stem(word)))


def _words(text: str) -> list[str]:
    return [_stem(word[:_MAX_WORD]) for word in _WORD.findall(_folded(text))]


def _digits(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKC", text) if c in "0123456789")


def _lexemes(token: re.Match[str]) -> list[str]:
    """What is stored of a token."""
    text, found = token.group(), _words(token.group())
    match token.lastgroup:
        case "email":
            found.append(_folded(text)[:_MAX_WORD])
        case "code" if _DIGIT.search(text):
            found.append(_compact(text))
        case "phone":
            digits = _digits(text)
            found.append(digits)
            if len(digits) in _PHONE_DIGITS:
                found += [f"~{digits[i:]}" for i in range(len(digits) - _PIECE_DIGITS + 1)]
    return found


def _compact(text: str) -> str:
    return "".join(_WORD.findall(_folded(text))).replace("_", "")[:_MAX_WORD]


def _asked(token: re.Match[str], typed: bool) -> Iterator[Term]:
    text = token.group()
    match token.lastgroup:
        case "email":
            yield Term(frozenset({_folded(text)[:_MAX_WORD]}))
        case "phone":
            digits = _digits(text)
            yield Term(frozenset({digits}), (f"~{_national(digits, text)}",))
        case "code" if _DIGIT.search(text):
            yield Term(
                frozenset({_compact(text)}), _phone_piece(_digits(text)) if not re.search(r"[^\W\d_]", text) else ()
            )
        case _:
            words = _WORD.findall(_folded(text))
            for word in words:
                yield _asked_word(word[:_MAX_WORD], typed and word is words[-1])


def _asked_word(word: str, typed: bool) -> Term:
    if word.isdecimal():
        return Term(frozenset({word}), _phone_piece(word))
    begins = typed and word.isalpha() and len(word) >= _MIN_BEGINNING
    return Term(frozenset({_stem(word)}), (word,) if begins else ())


def _phone_piece(digits: str) -> tuple[str, ...]:
    return (f"~{digits}",) if len(digits) >= _PIECE_DIGITS else ()


def _national(digits: str, text: str) -> str:
    """Russians write their country as +7 and as 8."""
    if len(digits) == 11 and digits[0] in "78":
        return digits[1:]
    return digits[1:] if text.startswith("+7") and len(digits) > _PIECE_DIGITS else digits


def _quoted(lexeme: str) -> str:
    escaped = lexeme.replace("\\", "\\\\").replace("'", "''")
    return f"'{escaped}'"
