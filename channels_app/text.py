"""Texts on their way out, the same for every kind: sources under an answer, long texts in pieces."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from omnisupport.lib.markup import BLOCK, CLOSING, OPENING, UNBROKEN, marked, open_marks, unmarked

# What belongs to the sign before it: accents, variants, skin tones, the tags of a flag, and the joiner of emoji.
_JOINED = re.compile("[\u0300-\u036f\u200d\u20e3\ufe0e\ufe0f\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]")
_FLAG_LETTERS = range(0x1F1E6, 0x1F1FF + 1)
_LONGEST_SIGN = 40


def with_sources(text: str, citations: Sequence[Mapping[str, Any]]) -> str:
    """The sources as a numbered list under the text; [n] in it stays. Telegram makes links of the addresses itself."""
    if not citations:
        return text
    return text + "\n\n" + "\n".join(map(_source_line, citations))


def _source_line(source: Mapping[str, Any]) -> str:
    line = f"[{source.get('n')}] " + " · ".join(str(source[k]) for k in ("title", "section") if source.get(k))
    if source.get("page"):
        line += " · " + _("p. %(page)s") % {"page": source["page"]}
    url = str(source.get("url") or "")
    return f"{line} — {url}" if url.startswith(("https://", "http://")) else line


def split_text(text: str, limit: int, length: Callable[[str], int] = len) -> list[str]:
    """Pieces of at most `limit` as `length` counts them, cut between paragraphs, else lines, sentences, words."""
    pieces: list[str] = []
    rest = text.strip()
    while length(rest) > limit:
        cut = _cut(rest, limit, length)
        pieces.append(rest[:cut].rstrip())
        rest = rest[cut:].lstrip()
    return [*pieces, rest] if rest else pieces


def split_marked(text: str, limit: int, length: Callable[[str], int] = len) -> list[str]:
    """The same for text with marks. Each piece is whole: what is bold or code across a cut is so on both sides of it, a link
    is not cut."""
    pieces: list[str] = []
    rest = marked(text).strip()

    def weigh(part: str) -> int:
        part = part.rstrip()
        return length(unmarked(part + open_marks(part)[1]))

    while weigh(rest) > limit:
        cut = _outside(rest, _cut(rest, limit, weigh))
        head = rest[:cut].rstrip()
        opening, closing = open_marks(head)
        pieces.append(unmarked(head + closing))
        # The first line of code keeps its indentation.
        rest = opening + (rest[cut:].lstrip("\n") if BLOCK in opening else rest[cut:].lstrip())
    return [*pieces, unmarked(rest)] if rest else pieces


def _outside(text: str, cut: int) -> int:
    """A place near `cut` with no link or mark around it that stands empty."""
    start = max(text.rfind(mark, 0, cut) for mark in UNBROKEN)
    # One that fills the message alone has to be cut.
    if start > cut // 3 and not any(end in text[start:cut] for end in UNBROKEN.values()):
        cut = start
    while cut < len(text) and text[cut] in CLOSING:
        cut += 1
    head = text[:cut].rstrip()
    bare = head.rstrip(OPENING)
    return len(bare) if bare and bare != head else cut


def _cut(text: str, limit: int, length: Callable[[str], int]) -> int:
    end = _longest(text, limit, length)
    for pattern in (r"\n\s*\n", r"\n", r"(?<=[.!?…])\s", r"\s"):
        places = [m.end() for m in re.finditer(pattern, text[:end])]
        # A cut near the beginning would leave a stub of a message.
        if places and places[-1] > end // 3:
            return places[-1]
    return _between_signs(text, end)


def _longest(text: str, limit: int, length: Callable[[str], int]) -> int:
    """How many characters fit, at least one. By halves: an escaped character may count five times."""
    fits, too_many = 1, min(len(text), limit) + 1
    while too_many - fits > 1:
        middle = (fits + too_many) // 2
        if length(text[:middle]) <= limit:
            fits = middle
        else:
            too_many = middle
    return fits


def _between_signs(text: str, end: int) -> int:
    """The last place before `end` that parts no emoji, flag or accent from the rest of its sign."""
    for place in range(end, max(end - _LONGEST_SIGN, 0), -1):
        here = text[place : place + 1]
        if not (_JOINED.match(here) or text[place - 1] == "\u200d" or _halves_flag(text, place)):
            return place
    return end


def _halves_flag(text: str, place: int) -> bool:
    """Two letters make a flag, and flags follow each other without anything between."""
    if place == len(text) or ord(text[place]) not in _FLAG_LETTERS:
        return False
    start = place
    while start and ord(text[start - 1]) in _FLAG_LETTERS:
        start -= 1
    return (place - start) % 2 == 1
