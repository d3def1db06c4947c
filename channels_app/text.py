"""Texts on their way out, the same for every kind: sources under an answer, long texts in pieces."""

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from itertools import permutations
from typing import Any

from django.utils.translation import gettext as _

from omnisupport.lib.markup import PLAIN, translate

_MARKS = ("**", "_", "~~", "`")
_FENCE = re.compile(r"^```", re.MULTILINE)
_LINK = re.compile(r"\[[^\[\]\n]*\]\([^()\s]*\)")
# What may be added to a piece so that no mark is cut in two: all of the above, or the end of a block.
_ROOM = 8
_JOINER = "\u200d"


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
    """The same for a text in our own markup: what a cut goes through is closed before it and opened anew behind it."""
    pieces: list[str] = []
    rest = text.strip()
    while length(rest) > limit:
        cut = _cut(rest, limit - _ROOM, length)
        link = next((found for found in _LINK.finditer(rest) if found.start() < cut < found.end()), None)
        if link and link.start():
            cut = link.start()
        piece, rest = _mended(rest[:cut].rstrip(), rest[cut:].lstrip())
        pieces.append(piece)
    return [*pieces, rest] if rest else pieces


def _mended(piece: str, rest: str) -> tuple[str, str]:
    if len(_FENCE.findall(piece)) % 2:
        return f"{piece}\n```", f"```\n{rest}"
    whole = _shown(f"{piece} {rest}")
    for count in range(len(_MARKS) + 1):
        for marks in permutations(_MARKS, count):
            closed, opened = piece + "".join(marks), "".join(reversed(marks)) + rest
            if _shown(closed) + _shown(opened) == whole:
                return closed, opened
    return piece, rest


def _shown(text: str) -> str:
    return "".join(translate(text, PLAIN).split())


def _cut(text: str, limit: int, length: Callable[[str], int]) -> int:
    end = min(len(text), limit)
    while length(text[:end]) > limit:
        end -= max(1, (length(text[:end]) - limit) // 2)
    end = _before_a_sign(text, end)
    for pattern in (r"\n\s*\n", r"\n", r"(?<=[.!?…])\s", r"\s"):
        places = [m.end() for m in re.finditer(pattern, text[:end])]
        # A cut near the beginning would leave a stub of a message.
        if places and places[-1] > end // 3:
            return places[-1]
    return end


def _before_a_sign(text: str, end: int) -> int:
    """Not through one that is made of several characters: a family, a flagged letter, a skin colour."""
    start = end
    while 0 < start < len(text) and (_goes_on(text[start]) or text[start - 1] == _JOINER):
        start -= 1
    # Signs without end are cut wherever the limit is.
    return start if start > end // 2 else end


def _goes_on(sign: str) -> bool:
    return sign == _JOINER or unicodedata.category(sign) in {"Mn", "Me"} or "\U0001f3fb" <= sign <= "\U0001f3ff"
