"""Plain text and Markdown: one reader, because their bytes do not tell them apart."""

import re
from collections.abc import Iterator
from pathlib import Path

from knowledge.extract.charset import decode
from knowledge.extract.clean import clean_text, one_line
from knowledge.extract.elements import Element, Extraction, Report, own_title, promote_headings, table_text

MAX_CHARACTERS = 20_000_000
_HEADING = re.compile(r"(#{1,6})\s+(.+?)\s*#*(?:\s*\{#([\w-]+)\})?$")
_UNDERLINE = re.compile(r"(=+|-+)\s*$")
_ITEM = re.compile(r"(\s*)(?:[*+•–—-]|\d{1,3}[.)])\s+\S")
_BULLET = re.compile(r"^\s*[*+-]\s+")
_TABLE_ROW = re.compile(r"\s*\|.*\|\s*$")
_TABLE_RULE = re.compile(r"\s*\|?(?:\s*:?-{2,}:?\s*\|)+\s*(?::?-{2,}:?)?\s*$")
_FENCE = re.compile(r"\s*(```|~~~)")
_FRONT_MATTER = re.compile(r"\A---\n(.*?)\n---\n", re.DOTALL)
_IMAGE = re.compile(r"!\[([^\]]*)\]\([^)]*\)")
_LINK = re.compile(r"\[([^\]]+)\]\((?:<[^>]*>|[^)\s]+)(?:\s+\"[^\"]*\")?\)")
_EMPHASIS = re.compile(r"(\*\*|__)(?=\S)(.+?)(?<=\S)\1")
_CODE = re.compile(r"`([^`]+)`")
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)


def read_text(path: Path, report: Report, *, declared: str = "") -> Extraction:
    text = clean_lines(decode(path.read_bytes(), declared=declared))
    text = _FRONT_MATTER.sub("", _COMMENT.sub("", text))
    elements = list(_elements(text.split("\n")))
    title = own_title(elements)
    promote_headings(elements)
    report(1, 1)
    return Extraction("text", title, elements)


def clean_lines(text: str) -> str:
    """Like clean_text, but the indentation of list items is kept."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").expandtabs(4).split("\n")
    return "\n".join(" " * (len(line) - len(line.lstrip(" "))) + one_line(line) for line in lines)


def _elements(lines: list[str]) -> Iterator[Element]:
    block: list[str] = []
    fenced = False
    for line in [*lines, ""]:
        if _FENCE.match(line):
            yield from _flush(block)
            fenced = not fenced
        elif fenced:
            block.append(line)
        elif found := _HEADING.match(line):
            yield from _flush(block)
            yield Element("title", _plain(found[2]), len(found[1]), anchor=found[3] or "")
        elif len(block) == 1 and line.strip() and _UNDERLINE.match(line) and not _ITEM.match(block[0]):
            yield Element("title", _plain(block.pop()), 1 if line[0] == "=" else 2)
        elif not line.strip():
            yield from _flush(block)
        else:
            if _ITEM.match(line) or (block and bool(_TABLE_ROW.match(line)) != bool(_TABLE_ROW.match(block[-1]))):
                yield from _flush(block)
            block.append(line)
    yield from _flush(block)


def _flush(block: list[str]) -> Iterator[Element]:
    lines, block[:] = list(block), []
    if not lines:
        return
    if _TABLE_ROW.match(lines[0]):
        rows = [line.strip().strip("|").split("|") for line in lines if not _TABLE_RULE.match(line)]
        if text := table_text([[_plain(cell) for cell in row] for row in rows]):
            yield Element("table", text)
    elif found := _ITEM.match(lines[0]):
        first = _BULLET.sub("• ", lines[0])
        text = _plain(" ".join([first.strip(), *(line.strip() for line in lines[1:])]))
        yield Element("list", text, len(found[1]) // 2)
    elif text := clean_text("\n".join(_plain(line) for line in lines)):
        yield Element("text", text)


def _plain(text: str) -> str:
    text = _LINK.sub(r"\1", _IMAGE.sub(r"\1", text))
    return one_line(_EMPHASIS.sub(r"\2", _CODE.sub(r"\1", text)))
