"""The lines drawn on a page, and the grids they make: where the columns and the rows of a ruled table are."""

import ctypes
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pypdfium2.raw as pdfium  # type: ignore[import-untyped]

# More is a drawing and not a table; also a bound for the comparing of all with all.
_MAX_OBJECTS, _MAX_POINTS, _MAX_RULINGS = 6000, 20_000, 400
# Points: a line may be a rectangle this thin; two lines this near are one or touch.
_THIN, _NEAR = 3.0, 3.0
_SHORTEST, _LOWEST = 6.0, 20.0


@dataclass
class _Ruling:
    """`at` is the y of a horizontal one and the x of a vertical one; it runs from `start` to `end`."""

    horizontal: bool
    at: float
    start: float
    end: float

    def touches(self, other: "_Ruling") -> bool:
        if self.horizontal == other.horizontal:
            return False
        crosses = other.start - _NEAR <= self.at <= other.end + _NEAR
        return crosses and self.start - _NEAR <= other.at <= self.end + _NEAR


@dataclass
class Grid:
    """Edges of columns from left to right, edges of rows from top to bottom."""

    columns: list[float] = field(default_factory=list)
    rows: list[float] = field(default_factory=list)


def grids_of(page: Any) -> list[Grid]:
    """Those with at least two columns. Lines inside form objects are not looked at."""
    rulings = _joined(list(_rulings(page)))
    if len(rulings) > _MAX_RULINGS:
        return []
    grids = []
    for group in _touching(rulings):
        columns = _distinct(sorted(ruling.at for ruling in group if not ruling.horizontal))
        rows = _distinct(sorted((ruling.at for ruling in group if ruling.horizontal), reverse=True))
        if len(columns) > 2 and len(rows) > 1 and rows[0] - rows[-1] >= _LOWEST:
            grids.append(Grid(columns, rows))
    return grids


def _rulings(page: Any) -> Iterator[_Ruling]:
    points = 0
    bounds = [ctypes.c_float() for _side in range(4)]
    pointers = [ctypes.byref(side) for side in bounds]
    for index in range(min(pdfium.FPDFPage_CountObjects(page.raw), _MAX_OBJECTS)):
        shape = pdfium.FPDFPage_GetObject(page.raw, index)
        if pdfium.FPDFPageObj_GetType(shape) != pdfium.FPDF_PAGEOBJ_PATH:
            continue
        pdfium.FPDFPageObj_GetBounds(shape, *pointers)
        x0, y0, x1, y1 = (side.value for side in bounds)
        if x1 - x0 <= _THIN or y1 - y0 <= _THIN:
            yield from _ruling(x0, y0, x1, y1)
            continue
        if max(x1 - x0, y1 - y0) < _LOWEST:
            continue
        count = pdfium.FPDFPath_CountSegments(shape)
        points += count
        if points > _MAX_POINTS:
            return
        for edge in _edges(shape, count):
            yield from _ruling(*edge)


def _ruling(x0: float, y0: float, x1: float, y1: float) -> Iterator[_Ruling]:
    if abs(y1 - y0) <= _THIN and abs(x1 - x0) >= _SHORTEST:
        yield _Ruling(True, (y0 + y1) / 2, min(x0, x1), max(x0, x1))
    elif abs(x1 - x0) <= _THIN and abs(y1 - y0) >= _SHORTEST:
        yield _Ruling(False, (x0 + x1) / 2, min(y0, y1), max(y0, y1))


def _edges(shape: Any, count: int) -> Iterator[tuple[float, float, float, float]]:
    """The straight sides of a path; pdfium has written out the side that closes it. Curves break the chain."""
    matrix = pdfium.FS_MATRIX()
    pdfium.FPDFPageObj_GetMatrix(shape, ctypes.byref(matrix))
    x, y = ctypes.c_float(), ctypes.c_float()
    last = None
    for index in range(count):
        segment = pdfium.FPDFPath_GetPathSegment(shape, index)
        pdfium.FPDFPathSegment_GetPoint(segment, ctypes.byref(x), ctypes.byref(y))
        point = (
            matrix.a * x.value + matrix.c * y.value + matrix.e,
            matrix.b * x.value + matrix.d * y.value + matrix.f,
        )
        kind = pdfium.FPDFPathSegment_GetType(segment)
        if kind == pdfium.FPDF_SEGMENT_LINETO and last is not None:
            yield (*last, *point)
        last = point


def _joined(rulings: list[_Ruling]) -> list[_Ruling]:
    """The borders of neighbouring cells, drawn one by one, are one line."""
    joined: list[_Ruling] = []
    for ruling in sorted(rulings, key=lambda r: (r.horizontal, round(r.at), r.start)):
        last = joined[-1] if joined else None
        if (
            last is not None
            and last.horizontal == ruling.horizontal
            and abs(last.at - ruling.at) <= 1
            and ruling.start <= last.end + _NEAR
        ):
            last.end = max(last.end, ruling.end)
        else:
            joined.append(ruling)
    return joined


def _touching(rulings: list[_Ruling]) -> Iterator[list[_Ruling]]:
    waiting = list(rulings)
    while waiting:
        group, fresh = [], [waiting.pop()]
        while fresh:
            ruling = fresh.pop()
            group.append(ruling)
            fresh += [other for other in waiting if ruling.touches(other)]
            waiting = [other for other in waiting if not ruling.touches(other)]
        yield group


def _distinct(edges: list[float]) -> list[float]:
    kept: list[float] = []
    for edge in edges:
        if not kept or abs(edge - kept[-1]) > _NEAR:
            kept.append(edge)
    return kept
