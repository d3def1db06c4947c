"""CSV: the delimiter is the one that gives all rows the same number of cells."""

import csv
import io
import re
from collections import Counter
from pathlib import Path

from knowledge.extract.charset import decode
from knowledge.extract.elements import Extraction, Report
from knowledge.extract.errors import ExtractionError
from knowledge.extract.grid import MAX_CHARACTERS, elements_of_grid

_DELIMITERS = ";,\t|"
_SAMPLE = 64 * 1024
_NAMED = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)  # Excel's own first line


def read_csv(path: Path, report: Report) -> Extraction:
    text = decode(path.read_bytes()).lstrip("\ufeff").replace("\0", "")
    if len(text) > MAX_CHARACTERS:
        raise ExtractionError("too_large", characters=len(text), limit=MAX_CHARACTERS)
    named = _NAMED.match(text)
    if named:
        text = text[named.end() :]
    rows = _rows(text, named[1] if named else _delimiter(text))
    report(1, 1)
    return Extraction("csv", "", list(elements_of_grid(rows)))


def _delimiter(text: str) -> str:
    sample = text[:_SAMPLE]
    if len(text) > _SAMPLE:
        sample = sample.rpartition("\n")[0] or sample
    return max(_DELIMITERS, key=lambda mark: _evenness(_rows(sample, mark)))


def _evenness(rows: list[list[str]]) -> tuple[float, int]:
    widths = Counter(len(row) for row in rows if any(row))
    width, count = max(widths.items(), key=lambda item: (item[0] > 1, item[1]), default=(0, 0))
    return (count / widths.total(), width) if width > 1 else (0.0, 0)


def _rows(text: str, delimiter: str) -> list[list[str]]:
    csv.field_size_limit(MAX_CHARACTERS)
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True))
    # A quotation mark that nothing closes takes all that follows into one cell: then it was a mark of the text.
    if rows and any(cell.count("\n") > 200 for cell in rows[-1]):
        rows = list(csv.reader(text.splitlines(), delimiter=delimiter, quoting=csv.QUOTE_NONE))
    return rows
