"""XLSX: sheet by sheet, only what is seen: no hidden sheets, rows and columns; formulas by the value stored with them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from lxml import etree  # type: ignore[import-untyped]

from knowledge.extract.clean import one_line
from knowledge.extract.elements import Element, Extraction, Report
from knowledge.extract.errors import ExtractionError
from knowledge.extract.grid import MAX_CHARACTERS, elements_of_grid
from knowledge.extract.number_format import shown_value
from knowledge.extract.zipcheck import ZIP_ERRORS, open_checked

_S = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_GENERIC = re.compile(r"(?:sheet|лист|list)\s?\d*", re.IGNORECASE)
_RANGE = re.compile(r"([A-Z]{1,3})(\d{1,7}):([A-Z]{1,3})(\d{1,7})")
_MAX_COLUMNS = 16_384


def read_xlsx(path: Path, report: Report) -> Extraction:
    open_checked(path).close()
    # As a stream: by its path the library would judge the file's name.
    with path.open("rb") as stream:
        book = _open(stream)
        try:
            return _read(book, report)
        except (etree.XMLSyntaxError, AttributeError, IndexError, TypeError, SyntaxError, *ZIP_ERRORS) as error:
            raise ExtractionError("corrupt") from error
        finally:
            book.close()


def _open(stream: IO[bytes]) -> Any:
    import openpyxl  # type: ignore[import-untyped]

    try:
        return openpyxl.load_workbook(stream, read_only=True, data_only=True, keep_links=False)
    except MemoryError:
        raise
    except Exception as error:  # foreign code over foreign files
        raise ExtractionError("corrupt") from error


def _read(book: Any, report: Report) -> Extraction:
    sheets = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"]
    elements: list[Element] = []
    left = MAX_CHARACTERS
    for number, sheet in enumerate(sheets, start=1):
        rows = list(_rows(sheet, left))
        left -= sum(len(cell) for row in rows for cell in row)
        name = one_line(sheet.title)
        found = list(elements_of_grid(rows))
        if found and not (_GENERIC.fullmatch(name) and len(sheets) == 1):
            elements.append(Element("title", name, 1))
        elements += found
        report(number, len(sheets))
    return Extraction("xlsx", one_line(book.properties.title or ""), elements)


def _rows(sheet: Any, limit: int) -> Iterator[list[str]]:
    """Cells as they are shown. Raises ExtractionError when they have more than `limit` characters."""
    layout = _layout(sheet)
    # What the file says of its own size is often wrong: too small, or a million empty rows.
    sheet.reset_dimensions()
    carried: dict[int, tuple[int, str]] = {}
    size = empty = 0
    for number, cells in enumerate(sheet.iter_rows(min_row=1, min_col=1), start=1):
        if number in layout.hidden_rows:
            continue
        row = [_shown(cell) for cell in cells]
        for column, last in layout.merged_down.get(number, ()):
            carried[column] = (last, row[column - 1] if column <= len(row) else "")
        _fill(row, carried, number)
        row = [text for column, text in enumerate(row, start=1) if not layout.hides(column)]
        size += sum(map(len, row))
        if size > limit:
            raise ExtractionError("too_large", characters=size, limit=MAX_CHARACTERS)
        empty = 0 if any(row) else empty + 1
        if empty < 2:
            yield row


def _fill(row: list[str], carried: dict[int, tuple[int, str]], number: int) -> None:
    """A cell merged over several rows belongs to each of them: chunks are read without the rows above."""
    for column, (last, text) in list(carried.items()):
        if number > last:
            del carried[column]
            continue
        row.extend([""] * (column - len(row)))
        row[column - 1] = row[column - 1] or text


def _shown(cell: Any) -> str:
    # A formula that failed (#N/A, #REF!) says nothing.
    return "" if cell.data_type == "e" else shown_value(cell.value, cell.number_format or "General")


@dataclass
class _Layout:
    """What the library does not tell of a sheet that it streams. Columns and rows count from 1."""

    hidden_rows: set[int] = field(default_factory=set)
    hidden_columns: list[tuple[int, int]] = field(default_factory=list)
    # By the first row: (column, last row) of each merged column of cells.
    merged_down: dict[int, list[tuple[int, int]]] = field(default_factory=dict)

    def hides(self, column: int) -> bool:
        return any(first <= column <= last for first, last in self.hidden_columns)


def _layout(sheet: Any) -> _Layout:
    found = _Layout()
    tags = [f"{_S}{name}" for name in ("row", "col", "mergeCell")]
    number = 0
    with sheet._get_source() as source:
        for _event, node in etree.iterparse(source, tag=tags, resolve_entities=False, no_network=True):
            if node.tag == tags[0]:
                number = int(node.get("r") or number + 1)
                if _is_true(node.get("hidden")):
                    found.hidden_rows.add(number)
            elif node.tag == tags[1]:
                if _is_true(node.get("hidden")):
                    found.hidden_columns.append((int(node.get("min")), int(node.get("max"))))
            elif match := _RANGE.fullmatch(node.get("ref") or ""):
                _note_merged(found, match)
            node.clear()
            while node.getprevious() is not None:
                del node.getparent()[0]
    return found


def _note_merged(layout: _Layout, match: re.Match[str]) -> None:
    from openpyxl.utils import column_index_from_string  # type: ignore[import-untyped]

    first, last = int(match[2]), int(match[4])
    if last > first:
        column = min(column_index_from_string(match[1]), _MAX_COLUMNS)
        layout.merged_down.setdefault(first, []).append((column, last))


def _is_true(value: str | None) -> bool:
    return value in {"1", "true", "on"}
