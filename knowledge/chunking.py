"""Elements to chunks: by structure first, then packed to a size that is read at a glance and embedded in one call.

A chunk never crosses a heading of the same or a higher level unless both sides are tiny; a step, a table row, a question with
its answer are never cut; a pair of a question and its answer is a chunk by itself; a table that is cut repeats its header.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from knowledge.extract.elements import Element

# Characters: about 250 to 350 tokens of Russian, and never more than the 512 that the smallest embedding model takes.
TARGET, MAXIMUM = 1100, 1600
# A section shorter than this joins its neighbour under the same parent.
SMALL = 140
_OVERLAP = 160
_MAX_HEADING = 160
_SENTENCE_END = re.compile(r"(?<=[.!?…])[»\")]?\s+(?=[«\"(]?[A-ZА-ЯЁ\d])")
_QUESTION_MARK = re.compile(r"(?:вопрос|question|в|q)\s*\d*\s*[:.)]", re.IGNORECASE)
_CYRILLIC = re.compile(r"[а-яё]", re.IGNORECASE)
_LATIN = re.compile(r"[a-z]", re.IGNORECASE)


@dataclass
class Piece:
    """A chunk before it is stored. `tokens` is an estimate: 3 Cyrillic or 4 Latin characters each."""

    text: str
    heading_path: str = ""
    page: int | None = None
    anchor: str = ""

    @property
    def language(self) -> str:
        return language_of(self.text)

    @property
    def tokens(self) -> int:
        return max(1, round(len(self.text) / (3 if self.language == "ru" else 4)))

    @property
    def content_hash(self) -> str:
        return hashlib.sha256(f"{self.heading_path}\n{self.text}".encode()).hexdigest()


@dataclass
class _Unit:
    """What is not cut: a paragraph, an item, a group of rows. `glued`: the next unit belongs with it; `alone`: none does."""

    text: str
    page: int | None = None
    glued: bool = False
    is_item: bool = False
    alone: bool = False


@dataclass
class _Section:
    path: tuple[str, ...]
    anchor: str = ""
    page: int | None = None
    units: list[_Unit] = field(default_factory=list)

    @property
    def size(self) -> int:
        return sum(len(unit.text) + 1 for unit in self.units)


def language_of(text: str) -> str:
    """`ru` or `en`. A Russian text may be full of Latin names; an English one has hardly any Cyrillic letters."""
    sample = text[:20_000]
    return "ru" if 2 * len(_CYRILLIC.findall(sample)) >= len(_LATIN.findall(sample)) else "en"


def split(elements: Iterable[Element]) -> list[Piece]:
    """Chunks in reading order; none is empty. A heading without text of its own still becomes part of its children's path."""
    pieces: list[Piece] = []
    for section in _merge_small(list(_sections(elements))):
        pieces.extend(_pack(section))
    return pieces


def _sections(elements: Iterable[Element]) -> Iterator[_Section]:
    stack: list[tuple[int, str]] = []
    current = _Section(())
    for element in elements:
        if element.kind != "title":
            current.units.extend(_units(element))
            continue
        if current.units:
            yield current
        elif stack and stack[-1][0] >= element.level:
            yield _bare(current)
        while stack and stack[-1][0] >= element.level:
            stack.pop()
        stack.append((element.level, element.text[:_MAX_HEADING]))
        current = _Section(tuple(text for _level, text in stack), element.anchor, element.page)
    if current.units:
        yield current
    elif stack:
        yield _bare(current)


def _bare(section: _Section) -> _Section:
    """A heading with nothing below it is all there is to find."""
    return _Section(section.path[:-1], section.anchor, section.page, [_Unit(section.path[-1], section.page)])


def _units(element: Element) -> Iterator[_Unit]:
    if element.kind == "table":
        for text in _row_groups(element.text):
            yield _Unit(text, element.page)
        return
    if element.kind == "pair":
        for text in _pair(element.text):
            yield _Unit(text, element.page, alone=True)
        return
    for paragraph in re.split(r"\n\s*\n", element.text):
        text = paragraph.strip()
        for part in _cut(text) if len(text) > MAXIMUM else [text]:
            if part:
                yield _Unit(part, element.page, _belongs_with_next(part), element.kind == "list")


def _pair(text: str) -> Iterator[str]:
    """An answer too long for one chunk is cut; its question stands over each part."""
    question, _line, answer = text.partition("\n")
    if len(text) <= MAXIMUM:
        yield text
    elif len(question) > TARGET // 2:
        yield from _cut(text)
    else:
        yield from (f"{question}\n{part}" for part in _cut(answer))


def _belongs_with_next(text: str) -> bool:
    """A lead-in before its list, a question before its answer."""
    return text.endswith(":") or (len(text) < 250 and text.endswith("?")) or bool(_QUESTION_MARK.match(text))


def _row_groups(table: str) -> Iterator[str]:
    header, *rows = [part for line in table.split("\n") for part in (_cut(line) if len(line) > MAXIMUM else [line])]
    group, size = [header], len(header)
    # A header as long as a chunk would leave no room for rows.
    repeated = [header] if len(header) < TARGET // 2 and rows else []
    for row in rows:
        if size + len(row) + 1 > TARGET and len(group) > len(repeated):
            yield "\n".join(group)
            group, size = list(repeated), sum(map(len, repeated))
        group.append(row)
        size += len(row) + 1
    yield "\n".join(group)


def _cut(text: str) -> Iterator[str]:
    """A paragraph too long for one chunk, by sentences; the last short sentence is repeated at the start of the next part."""
    part: list[str] = []
    size = 0
    for sentence in _sentences(text):
        if part and size + len(sentence) + 1 > TARGET:
            yield " ".join(part)
            part = [part[-1]] if len(part[-1]) <= _OVERLAP and len(part) > 1 else []
            size = sum(map(len, part))
        part.append(sentence)
        size += len(sentence) + 1
    yield " ".join(part)


def _sentences(text: str) -> Iterator[str]:
    """By line and sentence; what is still too long (a log, a table without lines) by words, then by characters."""
    for line in text.split("\n"):
        for sentence in _SENTENCE_END.split(line):
            while len(sentence) > TARGET:
                end = sentence.rfind(" ", TARGET // 2, TARGET)
                end = end if end > 0 else TARGET
                yield sentence[:end].strip()
                sentence = sentence[end:].strip()
            if sentence.strip():
                yield sentence.strip()


def _merge_small(sections: list[_Section]) -> Iterator[_Section]:
    """Joins a tiny section with the next one of the same parent; headings inside become lines of the text."""
    pending: _Section | None = None
    for section in sections:
        if pending is not None and _may_join(pending, section):
            pending = _joined(pending, section)
            continue
        if pending is not None:
            yield pending
        pending = section
    if pending is not None:
        yield pending


def _may_join(first: _Section, second: _Section) -> bool:
    if any(unit.alone for unit in first.units + second.units):
        return False
    if first.size + second.size > TARGET or min(first.size, second.size) >= SMALL or first.page != second.page:
        return False
    return first.path[:-1] == second.path[:-1] or second.path[: len(first.path)] == first.path


def _joined(first: _Section, second: _Section) -> _Section:
    common = tuple(a for a, b in zip(first.path, second.path, strict=False) if a == b)
    units = []
    for section in (first, second):
        own = section.path[len(common) :]
        units += [_Unit(heading, section.page, glued=True) for heading in own] + section.units
    return _Section(common, first.anchor, first.page, units)


def _pack(section: _Section) -> Iterator[Piece]:
    """Fills chunks up to TARGET, and up to MAXIMUM where a unit belongs with the one before it."""
    path = " › ".join(section.path)
    for group in _groups(section.units):
        text = "\n".join(unit.text for unit in group)
        page = next((unit.page for unit in group if unit.page is not None), section.page)
        yield Piece(text, path, page, section.anchor)


def _groups(units: list[_Unit]) -> Iterator[list[_Unit]]:
    group: list[_Unit] = []
    size = 0
    for unit in units:
        limit = MAXIMUM if group and (group[-1].glued or (group[-1].is_item and unit.is_item)) else TARGET
        if group and (unit.alone or group[-1].alone or size + len(unit.text) > limit):
            # A lead-in at the very end moves to the chunk of what it leads to.
            carried = [group.pop()] if group[-1].glued and len(group) > 1 else []
            yield group
            group, size = carried, sum(len(u.text) + 1 for u in carried)
        group.append(unit)
        size += len(unit.text) + 1
    if group:
        yield group
