"""What every reader returns: the document as a flat list of elements in reading order."""

import re
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from typing import Any, Literal

Kind = Literal["title", "text", "list", "table", "pair"]
# (done, total) in pages, or in steps where a format has no pages.
Report = Callable[[int, int], None]

# How an item of a list begins when its author typed the mark: "•", "–", "1.", "2.3.1.", "a)".
ITEM_MARK = re.compile(
    r"(?:[•▪●◦‣■–—*-]|\(?\d{1,3}[.)]|\d{1,2}(?:\.\d{1,3})+\.?|\(?[a-zа-я]\))\s+(?=\S)", re.IGNORECASE
)
SECTION_MARK = re.compile(
    r"[«\"]?(?:Глава|ГЛАВА|Раздел|РАЗДЕЛ|Статья|СТАТЬЯ|Приложение|ПРИЛОЖЕНИЕ"
    r"|Chapter|CHAPTER|Section|SECTION|Article|ARTICLE|Appendix|APPENDIX)\s+(?:№\s*)?[\dIVXLC]+\b"
)


@dataclass
class Element:
    """`text` is clean. A list element is one item; a table has a line per row, cells parted by " | ", header first;
    a pair has its question on the first line and the answer below.

    `level` is 1 for the highest heading; for a list item its depth from 0. `anchor` is the id of a heading in its page.
    """

    kind: Kind
    text: str
    level: int = 0
    page: int | None = None
    anchor: str = ""


@dataclass
class Extraction:
    """`unread_pages` are those that have a picture or a broken text layer instead of text; the rest was read."""

    kind: str
    title: str = ""
    elements: list[Element] = field(default_factory=list)
    pages: int | None = None
    unread_pages: list[int] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Extraction":
        return cls(**{**data, "elements": [Element(**element) for element in data["elements"]]})


def table_text(rows: Iterable[Iterable[str]]) -> str:
    """Rows as lines; empty rows and a row's empty tail are left out."""
    lines = []
    for row in rows:
        cells = [" ".join(cell.split()).replace(" | ", " / ") for cell in row]
        while cells and not cells[-1]:
            cells.pop()
        if cells:
            lines.append(" | ".join(cells))
    return "\n".join(lines)


def promote_headings(elements: list[Element]) -> None:
    """Many authors type headings as ordinary short paragraphs: «Статья 5. …», «2. ЦЕНА ДОГОВОРА», «ОПЛАТА»."""
    for element, following in pairwise(elements):
        if element.kind in {"text", "list"} and following.kind != "title" and is_typed_heading(element.text):
            element.kind, element.level = "title", 5 if SECTION_MARK.match(element.text) else 4


def is_typed_heading(text: str) -> bool:
    if len(text) > 140 or "\n" in text or text[-1:] in ".,;:":
        return False
    if SECTION_MARK.match(text):
        return True
    letters = [c for c in text if c.isalpha()]
    return len(letters) >= 5 and all(c.isupper() for c in letters)


def own_title(elements: list[Element]) -> str:
    """The document's first heading, if its author made it one of the highest and it is short enough for a name."""
    first = next((e for e in elements[:6] if e.kind == "title" and e.level <= 3), None)
    return first.text if first is not None and len(first.text) <= 120 else ""
