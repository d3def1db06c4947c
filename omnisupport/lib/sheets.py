"""CSV as spreadsheets write and read it."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from omnisupport.lib.errors import InvalidInput

_FORMULA = frozenset("=+-@＝＋－＠\t\r")
_DELIMITERS = ";,\t"


def safe_cell(text: str) -> str:
    """A cell that a spreadsheet would run as a formula gets an apostrophe."""
    return f"'{text}" if text.lstrip()[:1] in _FORMULA or text[:1] in _FORMULA else text


def plain_cell(text: str) -> str:
    """What `safe_cell` was given."""
    text = text.strip()
    return text[1:].strip() if text[:1] == "'" and safe_cell(text[1:]) == text else text


def write_rows(rows: Sequence[Sequence[object]]) -> str:
    """With a mark at its beginning: Excel takes the file for Windows-1251 without it."""
    out = io.StringIO()
    out.write("\ufeff")
    csv.writer(out).writerows([[safe_cell(str(cell)) for cell in row] for row in rows])
    return out.getvalue()


@dataclass(frozen=True)
class Sheet:
    encoding: str
    delimiter: str
    header: list[str]
    text: str

    def rows(self) -> Iterator[list[str]]:
        """Without the header and without empty ones; each as wide as the header."""
        for row in _parsed(self.text, self.delimiter):
            cells = [plain_cell(cell) for cell in row[: len(self.header)]]
            if any(cells):
                yield [*cells, *[""] * (len(self.header) - len(cells))]


def read_sheet(raw: bytes) -> Sheet:
    """UTF-8 or Windows-1251, with semicolons, commas or tabs, the names of the columns first. Raises InvalidInput."""
    encoding = "utf-8-sig"
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError:
        encoding = "cp1251"
        text = raw.decode(encoding, errors="replace")
    if "\x00" in text:
        raise InvalidInput(_("This is no CSV file. Save the table as CSV and try again."), field="file")
    first = text.lstrip("\r\n").partition("\n")[0]
    delimiter = max(_DELIMITERS, key=first.count)
    header = next(_parsed(text, delimiter, header=True), [])
    header = [" ".join(name.split())[:80] for name in header]
    if not any(header):
        raise InvalidInput(_("The file is empty. Its first line has to name the columns."), field="file")
    return Sheet(encoding.removesuffix("-sig"), delimiter, header, text)


def _parsed(text: str, delimiter: str, *, header: bool = False) -> Iterator[list[str]]:
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        for row in rows:
            if not any(cell.strip() for cell in row):
                continue
            if header:
                yield row
                return
            break
        yield from rows
    except csv.Error as error:
        raise InvalidInput(_("The file cannot be read: %(why)s.") % {"why": error}, field="file") from None
