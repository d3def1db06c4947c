"""Geometry of server-drawn SVG charts: numbers in, rectangles and points out; the template only draws."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil


@dataclass(frozen=True)
class Bar:
    """One segment of a stacked bar, in the units of the view box."""

    x: float
    y: float
    width: float
    height: float
    series: int
    title: str


@dataclass(frozen=True)
class Chart:
    width: int
    height: int
    left: int
    bars: Sequence[Bar] = ()
    line: str = ""
    ticks: Sequence[tuple[float, int]] = ()
    labels: Sequence[tuple[float, str]] = ()


WIDTH, HEIGHT = 720, 220
# Room for the labels at the size that a phone makes of them (pages.css).
LEFT, BOTTOM, TOP = 48, 28, 12


def nice_ceiling(value: int) -> int:
    """The smallest of 1, 2, 5 × 10ⁿ steps of four ticks that holds `value`."""
    step = 1
    while True:
        for factor in (1, 2, 5):
            if step * factor * 4 >= value:
                return step * factor * 4
        step *= 10


def _ticks(top: int) -> list[tuple[float, int]]:
    plot = HEIGHT - BOTTOM - TOP
    return [(round(TOP + plot * (1 - n / 4), 1), top * n // 4) for n in range(5)]


def _labels(names: Sequence[str], slot: float) -> list[tuple[float, str]]:
    every = max(1, ceil(len(names) / 8))
    return [(round(LEFT + slot * (n + 0.5), 1), name) for n, name in enumerate(names) if n % every == 0]


def stacked_bars(names: Sequence[str], stacks: Sequence[Sequence[tuple[int, str]]]) -> Chart:
    """`stacks[day][series] = (value, title)`; all days have the same series."""
    top = nice_ceiling(max((sum(value for value, _ in stack) for stack in stacks), default=0) or 1)
    plot, slot = HEIGHT - BOTTOM - TOP, (WIDTH - LEFT) / max(len(stacks), 1)
    bars = []
    for index, stack in enumerate(stacks):
        y = float(HEIGHT - BOTTOM)
        for series, (value, title) in enumerate(stack):
            height = plot * value / top
            y -= height
            if value:
                bars.append(
                    Bar(
                        round(LEFT + slot * (index + 0.15), 1),
                        round(y, 1),
                        round(slot * 0.7, 1),
                        round(height, 1),
                        series % 6,
                        title,
                    )
                )
    return Chart(WIDTH, HEIGHT, LEFT, bars=bars, ticks=_ticks(top), labels=_labels(names, slot))


def line(names: Sequence[str], values: Sequence[int]) -> Chart:
    top = nice_ceiling(max(values, default=0) or 1)
    plot, slot = HEIGHT - BOTTOM - TOP, (WIDTH - LEFT) / max(len(values), 1)
    points = " ".join(
        f"{LEFT + slot * (n + 0.5):.1f},{TOP + plot * (1 - value / top):.1f}" for n, value in enumerate(values)
    )
    return Chart(WIDTH, HEIGHT, LEFT, line=points, ticks=_ticks(top), labels=_labels(names, slot))
