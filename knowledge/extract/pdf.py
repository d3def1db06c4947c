"""PDF through pypdfium2: text page by page, headings by the height of letters, pages without text named."""

import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from statistics import median

import pypdfium2  # type: ignore[import-untyped]
import pypdfium2.raw as pdfium  # type: ignore[import-untyped]

from knowledge.extract.elements import ITEM_MARK, Element, Extraction, Kind, Report, is_typed_heading, own_title
from knowledge.extract.errors import ExtractionError
from knowledge.extract.pdf_lines import Line, join_pieces, pieces_of
from knowledge.extract.pdf_tables import TableFinder

MAX_PAGES = 5000
MAX_CHARACTERS = 20_000_000
# Between two letters these signs mean a wrong font map: ≥ 0.10 of the letters in broken files, ≤ 0.0024 in sound ones.
_BROKEN = re.compile(r"(?<=[^\W\d_])[_\\^`\[\]{}|~<>@;:?=&](?=[^\W\d_])")
_BROKEN_SHARE = 0.02
_LETTER = re.compile(r"[^\W\d_]")
_BULLET = re.compile(r"[•▪●◦‣■–—*-]\s+")
_RUNNING_ON = frozenset(",;:.)»")
_DIGITS = re.compile(r"\d+")


def read_pdf(path: Path, report: Report) -> Extraction:
    document = _open(path)
    try:
        pages, unread, pictures = [], [], 0
        tables = TableFinder()
        total, characters = len(document), 0
        if total > MAX_PAGES:
            raise ExtractionError("too_large", pages=total, limit=MAX_PAGES)
        for number in range(1, total + 1):
            lines, has_objects = _read_page(document, number - 1, tables)
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


def _refuse_unreadable(pages: list[list[Line]], unread: list[int], pictures: int) -> None:
    if any(pages):
        return
    if not unread:
        raise ExtractionError("empty" if pages else "corrupt")
    raise ExtractionError("ocr_needed" if pictures else "garbled", pages=len(pages))


def is_garbled(text: str) -> bool:
    """Whether the text layer is a wrong mapping of glyphs, e.g. `ML<?J@>?GU` for «УТВЕРЖДЕНЫ»."""
    letters = len(_LETTER.findall(text))
    return letters > 40 and len(_BROKEN.findall(text)) > _BROKEN_SHARE * letters


def _read_page(document: pypdfium2.PdfDocument, index: int, tables: TableFinder) -> tuple[list[Line], bool]:
    """The lines of a page and whether anything is painted on it; a page that cannot be loaded counts as painted."""
    try:
        page = document[index]
    except pypdfium2.PdfiumError:
        return [], True
    try:
        textpage = page.get_textpage()
        try:
            lines = tables.lines(page, textpage, list(pieces_of(textpage)))
            return list(join_pieces(lines)), pdfium.FPDFPage_CountObjects(page.raw) > 0
        finally:
            textpage.close()
    except pypdfium2.PdfiumError:
        return [], True
    finally:
        page.close()


def _elements(pages: list[list[Line]]) -> Iterator[Element]:
    running = _running_lines(pages)
    heights = Counter[float]()
    for lines in pages:
        for line in lines:
            heights[line.height] += len(line.text)
    body = heights.most_common(1)[0][0]
    mostly_bold = sum(line.bold for lines in pages for line in lines) * 2 > sum(map(len, pages))
    levels = _heading_levels(pages, body)
    pages = [_without_running(lines, running) for lines in pages]
    _repeat_headers(pages)
    for number, lines in enumerate(pages, start=1):
        yield from _paragraphs(lines, number, body, levels, mostly_bold)


def _heading_levels(pages: list[list[Line]], body: float) -> dict[float, int]:
    """Heights that are clearly larger than the body, the largest is level 1."""
    if body <= 0:
        return {}
    large = {
        line.height
        for lines in pages
        for line in lines
        if line.height >= 1.15 * body and len(line.text) <= 150 and not line.columns
    }
    return {height: min(level, 4) for level, height in enumerate(sorted(large, reverse=True), start=1)}


def _running_lines(pages: list[list[Line]]) -> set[str]:
    """Headers, footers, watermarks, crop marks: the same words on most pages, at the edge whatever their numbers."""
    if len(pages) < 4:
        return set()
    seen = Counter(text for lines in pages for text in {line.text for line in lines})
    edges = Counter(text for lines in pages for text in {_DIGITS.sub("#", line.text) for line in _edges(lines)})
    often = max(4, 0.4 * len(pages))
    return {text for counted in (seen, edges) for text, count in counted.items() if count >= often}


def _edges(lines: list[Line]) -> list[Line]:
    """Tables are not among them: without their numbers the pages of a long one are alike."""
    return [line for line in lines[:2] + lines[-2:] if not line.columns]


def _without_running(lines: list[Line], running: set[str]) -> list[Line]:
    edges = {id(line) for line in _edges(lines)}
    return [
        line
        for line in lines
        if line.text not in running and not (id(line) in edges and _DIGITS.sub("#", line.text) in running)
    ]


def _repeat_headers(pages: list[list[Line]]) -> None:
    """A table that goes on at the top of the next page begins there with its header, if it does not already."""
    for before, after in pairwise(pages):
        if not (before and after and after[0].columns == before[-1].columns > 0):
            continue
        header = before[-1].text.partition("\n")[0]
        if after[0].text.partition("\n")[0] != header:
            after[0].text = f"{header}\n{after[0].text}"


def _paragraphs(
    lines: list[Line], page: int, body: float, levels: dict[float, int], mostly_bold: bool
) -> Iterator[Element]:
    """Joins a line that runs to the right margin with the next; a heading, an item, a gap or a short line ends one."""
    full = 0.82 * _column_width(lines)
    usual_gap = median([_gap(*pair) for pair in pairwise(lines)] or [0])
    current: Element | None = None
    previous: Line | None = None
    for line in lines:
        level = _heading_level(line, body, levels, mostly_bold)
        kind = _kind_of(line, level)
        runs_on = previous is not None and _gap(previous, line) <= usual_gap + 0.6 and _runs_on(previous, line, full)
        if current is not None and _continues(current, line, kind, level, runs_on):
            current.text += f" {line.text}"
        else:
            if current is not None:
                yield current
            current = Element(kind, _BULLET.sub("• ", line.text, count=1) if kind == "list" else line.text, level, page)
        previous = line
    if current is not None:
        yield current


def _kind_of(line: Line, level: int) -> Kind:
    if line.columns:
        return "table"
    return "title" if level else "list" if ITEM_MARK.match(line.text) else "text"


def _continues(current: Element, line: Line, kind: Kind, level: int, runs_on: bool) -> bool:
    if kind == "title":
        return current.kind == kind and current.level == level and not is_typed_heading(line.text)
    return runs_on and kind == "text" and current.kind in {"text", "list"}


def _runs_on(previous: Line, line: Line, full: float) -> bool:
    return previous.width >= full or line.text[0] in _RUNNING_ON or line.text[0].islower()


def _gap(upper: Line, lower: Line) -> float:
    """The empty space between two lines, in heights of a line; below 0 at the top of the next column."""
    return (upper.bottom - lower.top) / lower.height if lower.height else 0


def _column_width(lines: list[Line]) -> float:
    widths = sorted(line.width for line in lines if line.width > 0 and not line.columns)
    return median(widths[len(widths) // 2 :]) if widths else 0


def _heading_level(line: Line, body: float, levels: dict[float, int], mostly_bold: bool) -> int:
    if line.columns or len(line.text) > 150 or not _LETTER.search(line.text):
        return 0
    if line.height in levels:
        return levels[line.height]
    if is_typed_heading(line.text):
        return 5
    is_short = len(line.text) <= 100 and line.text[-1] not in ".,;:"
    return 5 if line.bold and not mostly_bold and is_short and body > 0 else 0
