"""DOCX: `unstructured` where it reads everything; our own walk over the body where it fails or loses text."""

import io
import re
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lxml import etree  # type: ignore[import-untyped]

from knowledge.extract.clean import clean_text, one_line
from knowledge.extract.elements import (
    ITEM_MARK,
    Element,
    Extraction,
    Report,
    own_title,
    promote_headings,
    table_text,
)
from knowledge.extract.errors import ExtractionError
from knowledge.extract.html_tables import rows_of_html_table
from knowledge.extract.nano import NO_LANGUAGE, load_unstructured
from knowledge.extract.zipcheck import ZIP_ERRORS, open_checked

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_WORDS = re.compile(r"\w+")
# Share of the body's words above which `unstructured` is not believed.
_LOSS = 0.01
_HEADING_STYLE = re.compile(r"heading (\d)|заголовок (\d)", re.IGNORECASE)


def read_docx(path: Path, report: Report) -> Extraction:
    with open_checked(path) as archive:
        notes = _notes(archive)
    document = _open(path)
    body = document.element.body
    hidden = _remove_hidden(body)
    report(1, 3)
    elements = _through_unstructured(document if hidden else path)
    if _lost_words(body, elements):
        elements = list(_walk(document))
    report(2, 3)
    title = own_title(elements) or one_line(document.core_properties.title or "")
    promote_headings(elements)
    return Extraction("docx", title, elements + notes)


def _open(path: Path) -> Any:
    import docx
    from docx.opc.exceptions import PackageNotFoundError

    try:
        document = docx.Document(str(path))
    except (PackageNotFoundError, etree.XMLSyntaxError, AttributeError, IndexError, *ZIP_ERRORS) as error:
        raise ExtractionError("corrupt") from error
    if document.element.body is None:
        raise ExtractionError("corrupt")
    return document


def _lost_words(body: Any, elements: list[Element]) -> bool:
    expected = Counter(_WORDS.findall(" ".join(_texts(body))))
    expected.subtract(_WORDS.findall(" ".join(element.text for element in elements)))
    lost = sum(count for count in expected.values() if count > 0)
    return lost > _LOSS * (sum(len(_WORDS.findall(element.text)) for element in elements) + lost)


def _remove_hidden(body: Any) -> int:
    """Takes out runs that Word does not show (hidden text); returns how many there were."""
    hidden = [
        run
        for run in body.iter(f"{_W}r")
        if (mark := run.find(f"{_W}rPr/{_W}vanish")) is not None and mark.get(f"{_W}val") not in {"0", "false", "off"}
    ]
    for run in hidden:
        run.getparent().remove(run)
    return len(hidden)


def _through_unstructured(source: Any) -> list[Element]:
    """Empty when `unstructured` cannot read this file: it fails on some that Word opens."""
    load_unstructured()
    from unstructured.partition.docx import partition_docx

    try:
        if isinstance(source, Path):
            parts = partition_docx(filename=str(source), languages=NO_LANGUAGE)
        else:
            copy = io.BytesIO()
            source.save(copy)
            copy.seek(0)
            parts = partition_docx(file=copy, languages=NO_LANGUAGE)
    except MemoryError:
        raise
    except Exception:  # foreign code over foreign files: whatever it raises, our own walk comes next
        return []
    return [element for part in parts if (element := _from_part(part)) is not None and element.text]


def _from_part(part: Any) -> Element | None:
    category, page = part.category, part.metadata.page_number
    depth = part.metadata.category_depth or 0
    if category in {"Header", "Footer", "PageBreak", "Image"}:
        return None
    if category == "Table":
        rows = rows_of_html_table(part.metadata.text_as_html or "")
        return Element("table", table_text(rows) or one_line(part.text), 0, page)
    text = clean_text(part.text)
    if category == "Title":
        return Element("title", one_line(text), min(depth + 1, 6), page)
    if category == "ListItem":
        return Element("list", text if ITEM_MARK.match(text) else f"• {text}", depth, page)
    return Element("list" if ITEM_MARK.match(text) else "text", text, 0, page)


def _walk(document: Any) -> Iterator[Element]:
    styles = {style.style_id: style.name for style in document.styles if style.name}
    yield from _blocks(document.element.body, styles)


def _blocks(parent: Any, styles: dict[str, str]) -> Iterator[Element]:
    for child in parent.iterchildren():
        if child.tag == f"{_W}p":
            if text := clean_text("".join(_texts(child))):
                yield _paragraph(child, text, styles)
        elif child.tag == f"{_W}tbl":
            if text := table_text(_rows(child)):
                yield Element("table", text)
        elif isinstance(child.tag, str) and child.tag not in {f"{_W}sectPr", _FALLBACK}:
            yield from _blocks(child, styles)


def _paragraph(paragraph: Any, text: str, styles: dict[str, str]) -> Element:
    style = paragraph.find(f"{_W}pPr/{_W}pStyle")
    name = styles.get(style.get(f"{_W}val", ""), "") if style is not None else ""
    outline = paragraph.find(f"{_W}pPr/{_W}outlineLvl")
    if found := _HEADING_STYLE.match(name):
        return Element("title", one_line(text), int(found[1] or found[2]))
    if name.lower() in {"title", "название"}:
        return Element("title", one_line(text), 1)
    if outline is not None and outline.get(f"{_W}val", "9") < "9":
        return Element("title", one_line(text), int(outline.get(f"{_W}val")) + 1)
    if ITEM_MARK.match(text):
        return Element("list", text)
    if paragraph.find(f"{_W}pPr/{_W}numPr") is not None or name.lower().startswith("list"):
        return Element("list", f"• {text}")
    return Element("text", text)


def _rows(table: Any) -> Iterator[list[str]]:
    """Cells of nested tables are read with the cell they lie in."""
    for row in table.iterfind(f".//{_W}tr"):
        if next(row.iterancestors(f"{_W}tbl")) is table:
            cells = [cell for cell in row.iterfind(f".//{_W}tc") if next(cell.iterancestors(f"{_W}tr")) is row]
            yield [" ".join("".join(_texts(p)) for p in cell.iter(f"{_W}p")) for cell in cells]


def _texts(root: Any) -> Iterator[str]:
    """Runs of text in order; a drawing's second copy for old versions of Word is skipped."""
    skipped = {id(node) for fallback in root.iter(_FALLBACK) for node in fallback.iter()}
    for node in root.iter(f"{_W}t", f"{_W}tab", f"{_W}br", f"{_W}cr", f"{_W}noBreakHyphen"):
        if id(node) in skipped:
            continue
        if node.tag == f"{_W}t":
            yield node.text or ""
        else:
            yield {"tab": " ", "noBreakHyphen": "-"}.get(node.tag.removeprefix(_W), "\n")


def _notes(archive: zipfile.ZipFile) -> list[Element]:
    """Footnotes and endnotes, which neither library reads."""
    found: list[Element] = []
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False)
    for name in ("word/footnotes.xml", "word/endnotes.xml"):
        try:
            root = etree.fromstring(archive.read(name), parser)
        except (etree.XMLSyntaxError, *ZIP_ERRORS):
            continue
        for note in root:
            if note.get(f"{_W}type") in {None, "normal"} and (text := one_line("".join(_texts(note)))):
                found.append(Element("text", text))
    return found
