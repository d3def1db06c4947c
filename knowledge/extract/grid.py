"""Rows of a sheet, from CSV or XLSX: pairs of a question and its answer, or tables."""

import re
from collections.abc import Iterator, Sequence

from knowledge.extract.clean import clean_text, one_line
from knowledge.extract.elements import Element, table_text

Row = Sequence[str]

# About five thousand chunks; more in one file is a database, not a document.
MAX_CHARACTERS = 5_000_000
_QUESTION = re.compile(r"(?:вопрос\w*|questions?|q|faq|запрос)\b.{0,30}", re.IGNORECASE)
_ANSWER = re.compile(r"(?:ответ\w*|answers?|a|reply|решение)\b.{0,30}", re.IGNORECASE)
_GROUP = re.compile(r"(?:категори[яи]|раздел|тема|рубрика|category|section|topic)", re.IGNORECASE)
_NUMBER = re.compile(r"[-+]?[\d\s.,]*\d[\d\s.,]*\s?(?:%|₽|\$|€|руб\.?)?")


def elements_of_grid(rows: Sequence[Row]) -> Iterator[Element]:
    """Cells may hold any text; hidden rows and columns are the caller's to leave out."""
    cleaned = [[clean_text(cell) for cell in row] for row in rows]
    filled = [row for row in cleaned if any(row)]
    if (columns := _columns_by_header(filled)) is not None:
        yield from _pairs(filled[0], filled[1:], *columns)
    elif _is_two_columns_of_questions(filled):
        yield from _pairs(["", ""], filled, 0, 1)
    else:
        for block in _blocks(cleaned):
            yield from _table(block)


def _columns_by_header(rows: Sequence[Row]) -> tuple[int, int] | None:
    header = [one_line(cell) for cell in rows[0]] if len(rows) > 1 else []
    question = next((n for n, cell in enumerate(header) if _QUESTION.fullmatch(cell)), None)
    answer = next((n for n, cell in enumerate(header) if _ANSWER.fullmatch(cell)), None)
    return None if question is None or answer is None else (question, answer)


def _is_two_columns_of_questions(rows: Sequence[Row]) -> bool:
    """Without a header: the first of two columns asks, the second tells."""
    if not rows or any(any(row[2:]) for row in rows):
        return False
    asks = sum(len(row) > 1 and row[0].endswith("?") and not row[1].endswith("?") for row in rows)
    return 2 * asks > len(rows)


def _pairs(header: Row, rows: Sequence[Row], question: int, answer: int) -> Iterator[Element]:
    """Further columns stand under the answer by name; one of categories makes headings of its values."""
    group = next((n for n, cell in enumerate(header) if _GROUP.fullmatch(one_line(cell))), None)
    current = ""
    for row in rows:
        cells = [*row, *[""] * (max(question, answer, len(header) - 1) + 1 - len(row))]
        if group is not None and (name := one_line(cells[group])) and name != current:
            current = name
            yield Element("title", name, 2)
        further = [
            f"{one_line(header[n])}: {one_line(cell)}" if n < len(header) and header[n] else one_line(cell)
            for n, cell in enumerate(cells)
            if cell and n not in {question, answer, group}
        ]
        text = "\n".join(part for part in (one_line(cells[question]), cells[answer], *further) if part)
        if text:
            yield Element("pair" if cells[question] and cells[answer] else "text", text)


def _blocks(rows: Sequence[Row]) -> Iterator[list[Row]]:
    """Tables of one sheet, parted by empty rows. One that begins with numbers goes on under the header before it."""
    blocks: list[list[Row]] = [[]]
    for row in rows:
        if any(row):
            blocks[-1].append(row)
        elif blocks[-1]:
            blocks.append([])
    header: Row = []
    for block in filter(None, blocks):
        if header and len(block[0]) <= len(header) and any(_NUMBER.fullmatch(cell) for cell in block[0]):
            block.insert(0, header)
        start = _captions(block)
        header = block[start] if start < len(block) else header
        yield block


def _captions(block: Sequence[Row]) -> int:
    """How many rows above the header have one cell only, as a caption has."""
    if max(_width(row) for row in block) < 2:
        return len(block)
    return next(n for n, row in enumerate(block) if _width(row) > 1)


def _width(row: Row) -> int:
    return sum(map(bool, row))


def _table(block: Sequence[Row]) -> Iterator[Element]:
    start = _captions(block)
    for row in block[:start]:
        yield Element("text", next(filter(None, row)))
    if text := table_text(block[start:]):
        yield Element("table", text)
