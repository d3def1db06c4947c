"""PPTX: a slide is a page, its title a heading; what is not shown (hidden slides, shapes off the slide) is left out."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lxml import etree  # type: ignore[import-untyped]

from knowledge.extract.clean import clean_text, one_line
from knowledge.extract.elements import ITEM_MARK, Element, Extraction, Report, own_title, table_text
from knowledge.extract.errors import ExtractionError
from knowledge.extract.zipcheck import ZIP_ERRORS, open_checked

_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_MAX_TITLE = 120
_MAX_DEPTH = 20


def read_pptx(path: Path, report: Report) -> Extraction:
    open_checked(path).close()
    try:
        return _read(path, report)
    except (ExtractionError, MemoryError, RecursionError):
        raise
    except (etree.XMLSyntaxError, AttributeError, IndexError, TypeError, *ZIP_ERRORS) as error:
        raise ExtractionError("corrupt") from error


def _read(path: Path, report: Report) -> Extraction:
    import pptx
    from pptx.exc import PackageNotFoundError

    try:
        deck = pptx.Presentation(str(path))
    except PackageNotFoundError as error:
        raise ExtractionError("corrupt") from error
    total = len(deck.slides)
    elements: list[Element] = []
    pictures = []
    for number, slide in enumerate(deck.slides, start=1):
        if slide._element.get("show") not in {"0", "false"}:
            found = list(_slide(slide, deck.slide_width or 0, deck.slide_height or 0))
            for element in found:
                element.page = number
            elements += found
            if not found and any(True for _node in slide._element.iter(f"{_A}blip")):
                pictures.append(number)
        report(number, total)
    if pictures and not elements:
        raise ExtractionError("ocr_needed")
    title = own_title(elements) or one_line(deck.core_properties.title or "")
    return Extraction("pptx", title, elements, total, pictures)


def _slide(slide: Any, width: int, height: int) -> Iterator[Element]:
    holder = slide.shapes.title
    title = one_line(holder.text_frame.text) if holder is not None else ""
    shown = [shape for shape in slide.shapes if shape is not holder and _is_shown(shape, width, height)]
    shown = [shape for shape in shown if holder is None or shape.shape_id != holder.shape_id]
    body = [element for shape in sorted(shown, key=_place) for element in _shape(shape)]
    if not title and body and body[0].kind == "text" and len(body[0].text) <= _MAX_TITLE and "\n" not in body[0].text:
        title = body.pop(0).text
    if title:
        yield Element("title", title, 1)
    yield from body
    if slide.has_notes_slide and (frame := slide.notes_slide.notes_text_frame) is not None:
        notes = clean_text(_text(frame.text))
        if notes:
            yield Element("text", notes)


def _place(shape: Any) -> tuple[int, int]:
    return shape.top or 0, shape.left or 0


def _is_shown(shape: Any, width: int, height: int) -> bool:
    if any(node.get("hidden") in {"1", "true"} for node in shape._element.xpath("./*/p:cNvPr")):
        return False
    if None in {shape.left, shape.top, shape.width, shape.height}:
        return True
    across = shape.left < width and shape.left + shape.width >= 0
    return bool(across and shape.top < height and shape.top + shape.height >= 0)


def _shape(shape: Any, depth: int = 0) -> Iterator[Element]:
    if hasattr(shape, "shapes"):
        if depth < _MAX_DEPTH:
            for inner in shape.shapes:
                if not any(node.get("hidden") in {"1", "true"} for node in inner._element.xpath("./*/p:cNvPr")):
                    yield from _shape(inner, depth + 1)
    elif getattr(shape, "has_table", False):
        if text := table_text([[_cell(cell) for cell in row.cells] for row in shape.table.rows]):
            yield Element("table", text)
    elif getattr(shape, "has_chart", False):
        yield from _chart(shape.chart)
    elif shape.has_text_frame and not _is_furniture(shape):
        yield from _frame(shape.text_frame)


def _is_furniture(shape: Any) -> bool:
    """The date, footer and number that stand on every slide."""
    from pptx.enum.shapes import PP_PLACEHOLDER

    if not shape.is_placeholder:
        return False
    return shape.placeholder_format.type in {PP_PLACEHOLDER.DATE, PP_PLACEHOLDER.FOOTER, PP_PLACEHOLDER.SLIDE_NUMBER}


def _cell(cell: Any) -> str:
    return "" if cell.is_spanned else one_line(_text(cell.text_frame.text))


def _frame(frame: Any) -> Iterator[Element]:
    """Several short paragraphs in one frame are points, whatever mark the slide's master draws before them."""
    texts = [(clean_text(_text(part.text)), part.level) for part in frame.paragraphs]
    texts = [(text, level) for text, level in texts if text]
    for text, level in texts:
        if ITEM_MARK.match(text):
            yield Element("list", text, level)
        elif len(texts) > 1 and not text.endswith(":"):
            yield Element("list", f"• {text}", level)
        else:
            yield Element("text", text)


def _chart(chart: Any) -> Iterator[Element]:
    """The numbers that a chart draws, as a table."""
    if chart.has_title and chart.chart_title.has_text_frame:
        yield Element("text", one_line(chart.chart_title.text_frame.text))
    for plot in chart.plots:
        series = list(plot.series)
        names = [str(category) for category in plot.categories]
        rows = [["", *(one.name for one in series)]]
        rows += [[name, *(_value(one.values, n) for one in series)] for n, name in enumerate(names)]
        if text := table_text(rows):
            yield Element("table", text)


def _value(values: Any, number: int) -> str:
    value = values[number] if number < len(values) else None
    return "" if value is None else f"{value:.15g}"


def _text(text: str) -> str:
    return text.replace("\v", "\n")  # a line break inside a paragraph
