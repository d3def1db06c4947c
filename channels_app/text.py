"""Texts on their way out, the same for every kind: sources under an answer, long texts in pieces."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _


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


def _cut(text: str, limit: int, length: Callable[[str], int]) -> int:
    end = min(len(text), limit)
    while length(text[:end]) > limit:
        end -= max(1, (length(text[:end]) - limit) // 2)
    for pattern in (r"\n\s*\n", r"\n", r"(?<=[.!?…])\s", r"\s"):
        places = [m.end() for m in re.finditer(pattern, text[:end])]
        # A cut near the beginning would leave a stub of a message.
        if places and places[-1] > end // 3:
            return places[-1]
    return end
