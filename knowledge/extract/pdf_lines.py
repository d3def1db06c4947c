"""What pdfium reads on a page, measured: pieces of text in the order of reading, and lines put together from them."""

import ctypes
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pypdfium2.raw as pdfium  # type: ignore[import-untyped]

from knowledge.extract.clean import one_line

_WORD = re.compile(r"\S+")


@dataclass
class Line:
    """What stands on one baseline. Sizes in points; 0 where pdfium cannot place the text. `columns` only of a table."""

    text: str
    left: float = 0
    right: float = 0
    top: float = 0
    bottom: float = 0
    height: float = 0
    bold: bool = False
    columns: int = 0

    @property
    def width(self) -> float:
        """Of its last line: where pdfium has joined a hyphenated word, a piece ends on the line after its first."""
        return self.right - self.left


@dataclass
class Piece:
    """What pdfium ends with a line break; `first` is the index of its first character, `raw` has one for each index."""

    line: Line
    raw: str
    first: int


def pieces_of(textpage: Any) -> Iterator[Piece]:
    text = textpage.get_text_range()
    # Character positions hold only where pdfium's text has exactly one character per glyph record.
    measurable = len(text) == textpage.count_chars()
    start = 0
    for raw in text.split("\n"):
        shown = one_line(raw)
        if shown:
            first = start + len(raw) - len(raw.lstrip())
            last = start + len(raw.rstrip()) - 1
            line = _measure(textpage, shown, first, last) if measurable else Line(shown, right=len(shown))
            yield Piece(line, raw.strip(), first)
        start += len(raw) + 1


def words_of(textpage: Any, piece: Piece) -> list[Line]:
    """Only for pages that may have a table: two calls a word cost more than the page's text."""
    first, last = pdfium.FS_RECTF(), pdfium.FS_RECTF()
    words = []
    is_clean = " ".join(piece.raw.split()) == piece.line.text
    for match in _WORD.finditer(piece.raw):
        text = match[0] if is_clean else one_line(match[0])
        _loose_box(textpage, piece.first + match.start(), first)
        _loose_box(textpage, piece.first + match.end() - 1, last)
        if text:
            bottom = min(first.bottom, last.bottom)
            # Of a word written from right to left or broken over two lines the first letter is not the leftmost.
            left, right = min(first.left, last.left), max(first.right, last.right)
            words.append(Line(text, left, right, first.top, bottom, first.top - first.bottom))
    return words


def join_pieces(pieces: Iterable[Line]) -> Iterator[Line]:
    """pdfium ends a line wherever the drawing position jumps; pieces on one baseline are put together again."""
    current: Line | None = None
    for piece in pieces:
        if current is not None and _on_one_baseline(current, piece):
            glue = " " if piece.left - current.right > 0.12 * current.height else ""
            current.text, current.right = current.text + glue + piece.text, piece.right
            continue
        if current is not None:
            yield current
        current = piece
    if current is not None:
        yield current


def _on_one_baseline(line: Line, piece: Line) -> bool:
    if line.height <= 0 or line.columns or piece.columns or not 0.7 < piece.height / line.height < 1.4:
        return False
    return abs(line.bottom - piece.bottom) < 0.3 * line.height and piece.left > line.right - 0.3 * line.height


def _measure(textpage: Any, text: str, first: int, last: int) -> Line:
    left, bottom, _right, top = textpage.get_charbox(first, loose=True)
    _left, end_bottom, right, _top = textpage.get_charbox(last, loose=True)
    bold = pdfium.FPDFText_GetFontWeight(textpage.raw, first) >= 600
    return Line(text, left, right, top, min(bottom, end_bottom), round(top - bottom, 1), bold)


def _loose_box(textpage: Any, index: int, box: Any) -> None:
    pdfium.FPDFText_GetLooseCharBox(textpage.raw, index, ctypes.byref(box))
