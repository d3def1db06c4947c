"""Tables of a PDF page, which knows only words and their places.

Where lines are drawn, they are the table's grid. Else columns are what at least three rows in a row leave free between their
words; rows are told from the lines of a wrapped cell by the gaps between them.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from operator import neg
from statistics import median
from typing import Any

from knowledge.extract.elements import ITEM_MARK, table_text
from knowledge.extract.pdf_lines import Line, Piece, words_of
from knowledge.extract.pdf_rulings import Grid, grids_of

# On pages that may have a table, of a whole document: some 15 s of the child's 55.
MAX_CHARACTERS = 3_000_000
# Points of width that a character takes in a line of prose, in heights of the line, stay below this.
_LOOSE = 0.6
# Heights of a line: the least gap between two columns, and the largest between two rows.
_COLUMN_GAP, _ROW_GAP = 0.8, 1.6
_LEAST_ROWS = 3
# For the first look; in points.
_LEAST_SIGNS, _WIDE_GAP, _TALL_CELL = 2, 6, 150
# Words that may be read between two that stand side by side or below each other: the rest of a wrapped cell.
_JUMP = 12
# A column of lines that run to its edge is prose.
_PROSE_WIDTH, _PROSE_SHARE = 15, 0.8


@dataclass
class _Word:
    line: Line
    order: int
    piece: int


@dataclass
class _Row:
    """What stands on one baseline: stretches of words with a gap between them, from left to right."""

    stretches: list[list[_Word]] = field(default_factory=list)

    @property
    def words(self) -> list[_Word]:
        return [word for stretch in self.stretches for word in stretch]

    @property
    def top(self) -> float:
        return max(word.line.top for word in self.words)

    @property
    def bottom(self) -> float:
        return min(word.line.bottom for word in self.words)

    @property
    def height(self) -> float:
        return max(word.line.height for word in self.words)


@dataclass
class _Table:
    """`rows` are cells of words."""

    rows: list[list[list[_Word]]]

    @property
    def words(self) -> list[_Word]:
        return sorted((word for row in self.rows for cell in row for word in cell), key=lambda word: word.order)


class TableFinder:
    """Looks for the tables of one document, within a bound: measuring words costs more than reading them."""

    def __init__(self) -> None:
        self._left = MAX_CHARACTERS

    def lines(self, page: Any, textpage: Any, pieces: Sequence[Piece]) -> list[Line]:
        """The pieces in their order; those of a table are one Line with its text, at the place of the first."""
        if not _may_have_table(textpage, pieces):
            return [piece.line for piece in pieces]
        self._left -= textpage.count_chars()
        return _with_tables(page, textpage, pieces) if self._left > 0 else [piece.line for piece in pieces]


def _with_tables(page: Any, textpage: Any, pieces: Sequence[Piece]) -> list[Line]:
    by_piece = [words_of(textpage, piece) for piece in pieces]
    flat = [(number, line) for number, lines in enumerate(by_piece) for line in lines]
    words = [_Word(line, order, number) for order, (number, line) in enumerate(flat)]
    tables = []
    for grid in grids_of(page):
        table = _ruled(grid, words)
        if table is not None:
            tables.append(table)
            taken = {word.order for word in table.words}
            words = [word for word in words if word.order not in taken]
    tables += _unruled(words)
    return _placed(pieces, words, tables)


def _may_have_table(textpage: Any, pieces: Sequence[Piece]) -> bool:
    """A first look that costs little: lines too wide for their letters, and steps to the right or up from cell to cell."""
    signs = sum(_is_loose(piece.line) for piece in pieces)
    last_top, last_bottom, last_right = 0.0, 0.0, 0.0
    for index in range(textpage.count_rects() if signs < _LEAST_SIGNS else 0):
        left, bottom, right, top = textpage.get_rect(index)
        beside = abs(bottom - last_bottom) < top - bottom < left - last_right and left - last_right > _WIDE_GAP
        above = left > last_right and 0 < bottom - last_top < _TALL_CELL
        signs += beside or above
        last_top, last_bottom, last_right = top, bottom, right
    return signs >= _LEAST_SIGNS


def _is_loose(line: Line) -> bool:
    # Capitals are wider.
    usual = _LOOSE * (1.5 if line.text.isupper() else 1) * line.height * len(line.text)
    return " " in line.text and line.width > usual


def _placed(pieces: Sequence[Piece], words: list[_Word], tables: list[_Table]) -> list[Line]:
    taken: dict[int, set[int]] = {}
    begins: dict[int, list[_Table]] = {}
    for table in tables:
        begins.setdefault(table.words[0].piece, []).append(table)
        for word in table.words:
            taken.setdefault(word.piece, set()).add(word.order)
    free: dict[int, list[_Word]] = {}
    for word in words:
        free.setdefault(word.piece, []).append(word)
    lines = []
    for number, piece in enumerate(pieces):
        if number not in taken:
            lines.append(piece.line)
            continue
        left = [word for word in free.get(number, []) if word.order not in taken[number]]
        at = [(table.words[0].order, _line_of(table)) for table in begins.get(number, [])]
        at += [(stretch[0].order, _as_line(stretch, piece.line)) for stretch in _stretches(left)]
        lines += [line for _order, line in sorted(at, key=lambda pair: pair[0])]
    return lines


def _line_of(table: _Table) -> Line:
    lines = [word.line for word in table.words]
    return Line(
        table_text([[_text(cell) for cell in row] for row in table.rows]),
        min(line.left for line in lines),
        max(line.right for line in lines),
        max(line.top for line in lines),
        min(line.bottom for line in lines),
        round(median(line.height for line in lines), 1),
        columns=len(table.rows[0]),
    )


def _as_line(stretch: list[_Word], like: Line) -> Line:
    first, last = stretch[0].line, stretch[-1].line
    return replace(like, text=_text(stretch), left=first.left, right=last.right, top=first.top, bottom=first.bottom)


def _text(words: Iterable[_Word]) -> str:
    return " ".join(word.line.text for word in words)


# ---- Ruled -----------------------------------------------------------------------------------------------------------


def _ruled(grid: Grid, words: Sequence[_Word]) -> _Table | None:
    """None where the grid is a chart or a frame: hardly any row has two cells with words."""
    bands: dict[int, list[list[_Word]]] = {}
    for word in words:
        row, column = _place_in(grid, word.line)
        if 0 <= row < len(grid.rows) - 1 and 0 <= column < len(grid.columns) - 1:
            bands.setdefault(row, [[] for _column in grid.columns[1:]])[column].append(word)
    rows = [bands[row] for row in sorted(bands)]
    if len(grid.rows) <= _LEAST_ROWS:
        # Perhaps only the header and the whole body are framed: then rows are told as without lines.
        lines = [
            [[word for word in row.words if _place_in(grid, word.line)[1] == column] for column in range(len(rows[0]))]
            for row in _rows(sorted(_in_order(map(_in_order, rows)), key=lambda word: word.order))
        ]
        rows = _grouped(lines) if sum(all(line) for line in lines) > len(rows) else rows
    if sum(sum(map(bool, row)) >= 2 for row in rows) < 2:
        return None
    return _Table(rows)


def _place_in(grid: Grid, word: Line) -> tuple[int, int]:
    """(row, column) of the cell that has the word's centre; outside the grid one of them is -1 or too large."""
    x, y = (word.left + word.right) / 2, (word.top + word.bottom) / 2
    return bisect_left(grid.rows, -y, key=neg) - 1, bisect_right(grid.columns, x) - 1


# ---- Unruled ---------------------------------------------------------------------------------------------------------


def _stretches(words: Iterable[_Word]) -> Iterator[list[_Word]]:
    """Words in reading order, cut where the baseline changes or a gap is as wide as between columns."""
    stretch: list[_Word] = []
    for word in words:
        if stretch and not _follows(stretch[-1].line, word.line):
            yield stretch
            stretch = []
        stretch.append(word)
    if stretch:
        yield stretch


def _follows(word: Line, following: Line) -> bool:
    gap = following.left - word.right
    return _same_baseline(word, following) and -word.height < gap < _COLUMN_GAP * max(word.height, following.height)


def _same_baseline(one: Line, other: Line) -> bool:
    return abs(one.bottom - other.bottom) < 0.3 * max(one.height, other.height)


def _rows(words: Sequence[_Word]) -> list[_Row]:
    """From top to bottom."""
    rows: list[_Row] = []
    for stretch in sorted(_stretches(words), key=lambda s: -s[0].line.bottom):
        if rows and _same_baseline(rows[-1].stretches[0][0].line, stretch[0].line):
            rows[-1].stretches.append(stretch)
        else:
            rows.append(_Row([stretch]))
    for row in rows:
        row.stretches.sort(key=lambda stretch: stretch[0].line.left)
    return rows


class _Run:
    """Rows that share their columns. A column is [left, right] of all that stands in it."""

    def __init__(self) -> None:
        self.rows: list[_Row] = []
        self.columns: list[list[float]] = []

    def takes(self, row: _Row) -> bool:
        """Adds the row unless one of its stretches reaches over two columns, or it is far below or of another size."""
        if not _is_read_across(row) or (self.rows and not self._is_near(row)):
            return False
        columns = [list(column) for column in self.columns]
        for stretch in row.stretches:
            left, right = _extent(stretch)
            margin = 0.25 * row.height
            touched = [column for column in columns if left < column[1] + margin and right > column[0] - margin]
            if len(touched) > 1:
                return False
            if touched:
                touched[0][:] = min(left, touched[0][0]), max(right, touched[0][1])
            else:
                columns.append([left, right])
        self.rows.append(row)
        self.columns = sorted(columns)
        return True

    def _is_near(self, row: _Row) -> bool:
        last = self.rows[-1]
        jump = abs(min(word.order for word in row.words) - max(word.order for word in last.words))
        near = last.bottom - row.top < _ROW_GAP * last.height
        return near and jump <= _JUMP and 0.75 * last.height < row.height < 1.33 * last.height

    def table(self) -> _Table | None:
        """None where this is prose in columns, a list, or too little to tell."""
        self._drop_tail()
        if sum(len(row.stretches) > 1 for row in self.rows) < _LEAST_ROWS:
            return None
        lines = [self._cells(row) for row in self.rows]
        lines = _without_twins(lines)
        prosy = sum(self._is_prose(column) for column in zip(*lines, strict=True))
        rows = _grouped(lines)
        if len(lines[0]) < 2 or _is_list(lines) or prosy > 1 or (prosy and len(rows) == len(lines)):
            return None
        across = sum(sum(map(bool, row)) > 1 for row in rows)
        return _Table(rows) if across >= max(_LEAST_ROWS, len(rows) / 2) else None

    def _drop_tail(self) -> None:
        """A line of one stretch below the table belongs to what follows, unless it wraps a cell."""
        while len(self.rows) > 1 and len(self.rows[-1].stretches) == 1:
            steps = [upper.bottom - lower.bottom for upper, lower in pairwise(self.rows)]
            if steps[-1] <= 1.2 * min(steps) and max(steps) > 1.25 * min(steps):
                return
            self.rows.pop()

    def _cells(self, row: _Row) -> list[list[_Word]]:
        cells: list[list[_Word]] = [[] for _column in self.columns]
        for stretch in row.stretches:
            middle = sum(_extent(stretch)) / 2
            cells[next(i for i, (left, right) in enumerate(self.columns) if left <= middle <= right)] += stretch
        return cells

    def _is_prose(self, cells: Iterable[list[_Word]]) -> bool:
        filled = [cell for cell in cells if cell]
        widths = [right - left for left, right in map(_extent, filled)]
        if not widths or max(widths) < _PROSE_WIDTH * filled[0][0].line.height:
            return False
        return sum(width > _PROSE_SHARE * max(widths) for width in widths) > len(widths) / 2


def _extent(words: Iterable[_Word]) -> tuple[float, float]:
    lines = [word.line for word in words]
    return min(line.left for line in lines), max(line.right for line in lines)


def _is_read_across(row: _Row) -> bool:
    """Columns of prose are read one after the other; the cells of a row follow each other."""
    orders = [word.order for word in row.words]
    return max(orders) - min(orders) < len(orders) + max(len(orders), _JUMP)


def _is_list(lines: Sequence[list[list[_Word]]]) -> bool:
    """Whether there is nothing before the last column but the marks of items."""
    marks = [_text(line[0]) for line in lines if line[0]]
    return len(lines[0]) == 2 and all(map(_is_mark, marks))


def _is_mark(text: str) -> bool:
    mark = ITEM_MARK.match(f"{text} …")
    return text.isdigit() or (mark is not None and mark.end() > len(text))


def _unruled(words: Sequence[_Word]) -> Iterator[_Table]:
    run = _Run()
    for row in _rows(words):
        if run.rows and run.takes(row):
            continue
        table = run.table() if run.rows else None
        if table is not None:
            yield table
        run = _Run()
        if len(row.stretches) > 1:
            run.takes(row)
    table = run.table() if run.rows else None
    if table is not None:
        yield table


def _without_twins(lines: list[list[list[_Word]]]) -> list[list[list[_Word]]]:
    """A column's title and the numbers set to the right below it look like two columns: only the title is in one."""
    column = 0
    while lines and column + 1 < len(lines[0]):
        below = [(bool(line[column]), bool(line[column + 1])) for line in lines[1:]]
        alone = bool(lines[0][column]) != bool(lines[0][column + 1])
        if not alone or all(any(side) for side in zip(*below, strict=True)):
            column += 1
            continue
        lines = [[*line[:column], line[column] + line[column + 1], *line[column + 2 :]] for line in lines]
    return lines


def _grouped(lines: list[list[list[_Word]]]) -> list[list[list[_Word]]]:
    """Lines to rows: the lines of one wrapped cell stand closer than rows do. Where all are equally close, by their cells."""
    levels = [min(word.line.bottom for cell in line for word in cell) for line in lines]
    steps = [upper - lower for upper, lower in pairwise(levels)]
    wide = [step > 1.25 * min(steps) for step in steps]
    groups = [[lines[0]]] if lines else []
    for line, is_apart in zip(lines[1:], wide, strict=True):
        groups.append([line]) if is_apart else groups[-1].append(line)
    if any(sum(all(line) for line in group) > 1 for group in groups) or len(groups) < _LEAST_ROWS:
        groups = []
        for line in lines:
            groups[-1].append(line) if groups and _wraps(line) else groups.append([line])
    return [[_in_order(cells) for cells in zip(*group, strict=True)] for group in groups]


def _wraps(line: list[list[_Word]]) -> bool:
    """One cell alone, and not the first, or it begins in the middle of a sentence."""
    filled = [cell for cell in line if cell]
    return len(filled) == 1 and (not line[0] or filled[0][0].line.text[0].islower())


def _in_order(cells: Iterable[list[_Word]]) -> list[_Word]:
    return [word for cell in cells for word in cell]
