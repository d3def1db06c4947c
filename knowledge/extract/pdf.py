"""PDF through pypdfium2: text page by page, headings by the height of letters, pages without text named."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import pypdfium2  # type: ignore[import-untyped]
import pypdfium2.raw as pdfium  # type: ignore[import-untyped]

from knowledge.extract.clean import one_line
from knowledge.extract.elements import ITEM_MARK, Element, Extraction, Kind, Report, is_typed_heading, own_title
from knowledge.extract.errors import ExtractionError

MAX_PAGES = 5000
MAX_CHARACTERS = 20_000_000
# Between two letters these signs mean a wrong font map: ≥ 0.10 of the letters in broken files, ≤ 0.0024 in sound ones.
_BROKEN = re.compile(r"(?<=[^\W\d_])[_\\^`\[\]{}|~<>@;:?=&](?=[^\W\d_])")
_BROKEN_SHARE = 0.02
_LETTER = re.compile(r"[^\W\d_]")
_BULLET = re.compile(r"[•▪●◦‣■–—*-]\s+")
_RUNNING_ON = frozenset(",;:.)»")
_DIGITS = re.compile(r"\d+")


@dataclass
class _Line:
    """What stands on one baseline. Sizes in points; 0 where pdfium cannot place the text."""

    text: str
    left: float = 0
    right: float = 0
    top: float = 0
    bottom: float = 0
    height: float = 0
    bold: bool = False

    @property
    def width(self) -> float:
        """Of its last line: where pdfium has joined a hyphenated word, a piece ends on the line after its first."""
        return self.right - self.left


def read_pdf(path: Path, report: Report) -> Extraction:
    document = _open(path)
    try:
        pages, unread, pictures = [], [], 0
        total, characters = len(document), 0
        if total > MAX_PAGES:
            raise ExtractionError("too_large", pages=total, limit=MAX_PAGES)
        for number in range(1, total + 1):
            lines, has_objects = _read_page(document, number - 1)
            text = "\n".join(line.text for line in lines)
            characters += len(text)
            if characters > MAX_CHARACTERS:
                raise ExtractionError("too_large", characters=characters, limit=MAX_CHARACTERS)
            broken = is_garbled(text)
            if broken or not text.strip():
                unread.append(number) if has_objects else None
                pictures += has_objects and not broken
                lines = []
            pages.append(lines)
            report(number, total)
    finally:
        document.close()
    _refuse_unreadable(pages, unread, pictures)
    elements = list(_elements(pages))
    return Extraction("pdf", own_title(elements), elements, total, unread)


def _open(path: Path) -> pypdfium2.PdfDocument:
    try:
        return pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError as error:
        if getattr(error, "err_code", None) == pdfium.FPDF_ERR_PASSWORD:
            raise ExtractionError("encrypted") from error
        raise ExtractionError("corrupt") from error


def _refuse_unreadable(pages: list[list[_Line]], unread: list[int], pictures: int) -> None:
    if any(pages):
        return
    if not unread:
        raise ExtractionError("empty" if pages else "corrupt")
    raise ExtractionError("ocr_needed" if pictures else "garbled", pages=len(pages))


def is_garbled(text: str) -> bool:
    """Whether the text layer is a wrong mapping of glyphs, e.g. `ML<?J@>?GU` for «УТВЕРЖДЕНЫ»."""
    letters = len(_LETTER.findall(text))
    return letters > 40 and len(_BROKEN.findall(text)) > _BROKEN_SHARE * letters


def _read_page(document: pypdfium2.PdfDocument, index: int) -> tuple[list[_Line], bool]:
    """The lines of a page and whether anything is painted on it; a page that cannot be loaded counts as painted."""
    try:
        page = document[index]
    except pypdfium2.PdfiumError:
        return [], True
    try:
        textpage = page.get_textpage()
        try:
            return list(_lines(textpage)), pdfium.FPDFPage_CountObjects(page.raw) > 0
        finally:
            textpage.close()
    except pypdfium2.PdfiumError:
        return [], True
    finally:
        page.close()


def _lines(textpage: Any) -> Iterator[_Line]:
    """pdfium ends a line wherever the drawing position jumps; pieces on one baseline are put together again."""
    current: _Line | None = None
    for piece in _pieces(textpage):
        if current is not None and _on_one_baseline(current, piece):
            gap = piece.left - current.right
            glue = " | " if gap > 1.5 * current.height else " " if gap > 0.12 * current.height else ""
            current.text, current.right = current.text + glue + piece.text, piece.right
            continue
        if current is not None:
            yield current
        current = piece
    if current is not None:
        yield current


def _on_one_baseline(line: _Line, piece: _Line) -> bool:
    if line.height <= 0 or not 0.7 < piece.height / line.height < 1.4:
        return False
    return abs(line.bottom - piece.bottom) < 0.3 * line.height and piece.left > line.right - 0.3 * line.height


def _pieces(textpage: Any) -> Iterator[_Line]:
    text = textpage.get_text_range()
    # Character positions hold only where pdfium's text has exactly one character per glyph record.
    measurable = len(text) == textpage.count_chars()
    start = 0
    for raw in text.split("\n"):
        shown = one_line(raw)
        if shown:
            first = start + len(raw) - len(raw.lstrip())
            last = start + len(raw.rstrip()) - 1
            yield _measure(textpage, shown, first, last) if measurable else _Line(shown, right=len(shown))
        start += len(raw) + 1


def _measure(textpage: Any, text: str, first: int, last: int) -> _Line:
    left, bottom, _right, top = textpage.get_charbox(first, loose=True)
    _left, end_bottom, right, _top = textpage.get_charbox(last, loose=True)
    bold = pdfium.FPDFText_GetFontWeight(textpage.raw, first) >= 600
    return _Line(text, left, right, top, min(bottom, end_bottom), round(top - bottom, 1), bold)


def _elements(pages: list[list[_Line]]) -> Iterator[Element]:
    running = _running_lines(pages)
    heights = Counter[float]()
    for lines in pages:
        for line in lines:
            heights[line.height] += len(line.text)
    body = heights.most_common(1)[0][0]
    mostly_bold = sum(line.bold for lines in pages for line in lines) * 2 > sum(map(len, pages))
    levels = _heading_levels(pages, body)
    for number, lines in enumerate(pages, start=1):
        yield from _paragraphs(_without_running(lines, running), number, body, levels, mostly_bold)


def _heading_levels(pages: list[list[_Line]], body: float) -> dict[float, int]:
    """Heights that are clearly larger than the body, the largest is level 1."""
    if body <= 0:
        return {}
    large = {line.height for lines in pages for line in lines if line.height >= 1.15 * body and len(line.text) <= 150}
    return {height: min(level, 4) for level, height in enumerate(sorted(large, reverse=True), start=1)}


def _running_lines(pages: list[list[_Line]]) -> set[str]:
    """Headers, footers, watermarks, crop marks: the same words on most pages, at the edge whatever their numbers."""
    if len(pages) < 4:
        return set()
    seen = Counter(text for lines in pages for text in {line.text for line in lines})
    edges = Counter(text for lines in pages for text in {_DIGITS.sub("#", line.text) for line in _edges(lines)})
    often = max(4, 0.4 * len(pages))
    return {text for counted in (seen, edges) for text, count in counted.items() if count >= often}


def _edges(lines: list[_Line]) -> list[_Line]:
    return lines[:2] + lines[-2:]


def _without_running(lines: list[_Line], running: set[str]) -> list[_Line]:
    edges = {id(line) for line in _edges(lines)}
    return [
        line
        for line in lines
        if line.text not in running and not (id(line) in edges and _DIGITS.sub("#", line.text) in running)
    ]


def _paragraphs(
    lines: list[_Line], page: int, body: float, levels: dict[float, int], mostly_bold: bool
) -> Iterator[Element]:
    """Joins a line that runs to the right margin with the next; a heading, an item, a gap or a short line ends one."""
    full = 0.82 * _column_width(lines)
    usual_gap = median([_gap(*pair) for pair in pairwise(lines)] or [0])
    current: Element | None = None
    previous: _Line | None = None
    for line in lines:
        level = _heading_level(line, body, levels, mostly_bold)
        is_row = " | " in line.text
        kind: Kind = "title" if level else "table" if is_row else "list" if ITEM_MARK.match(line.text) else "text"
        runs_on = previous is not None and _gap(previous, line) <= usual_gap + 0.6 and _runs_on(previous, line, full)
        if current is not None and _continues(current, line, kind, level, runs_on):
            current.text += ("\n" if kind == "table" else " ") + line.text
        else:
            if current is not None:
                yield current
            current = Element(kind, _BULLET.sub("• ", line.text, count=1) if kind == "list" else line.text, level, page)
        previous = line
    if current is not None:
        yield current


def _continues(current: Element, line: _Line, kind: Kind, level: int, runs_on: bool) -> bool:
    if kind in {"title", "table"}:
        return current.kind == kind and current.level == level and not is_typed_heading(line.text)
    return runs_on and kind == "text" and current.kind in {"text", "list"}


def _runs_on(previous: _Line, line: _Line, full: float) -> bool:
    return previous.width >= full or line.text[0] in _RUNNING_ON or line.text[0].islower()


def _gap(upper: _Line, lower: _Line) -> float:
    """The empty space between two lines, in heights of a line; below 0 at the top of the next column."""
    return (upper.bottom - lower.top) / lower.height if lower.height else 0


def _column_width(lines: list[_Line]) -> float:
    widths = sorted(line.width for line in lines if line.width > 0)
    return median(widths[len(widths) // 2 :]) if widths else 0


def _heading_level(line: _Line, body: float, levels: dict[float, int], mostly_bold: bool) -> int:
    if len(line.text) > 150 or not _LETTER.search(line.text) or " | " in line.text:
        return 0
    if line.height in levels:
        return levels[line.height]
    if is_typed_heading(line.text):
        return 5
    is_short = len(line.text) <= 100 and line.text[-1] not in ".,;:"
    return 5 if line.bold and not mostly_bold and is_short and body > 0 else 0
