"""Pages that are pictures: drawn by pypdfium2 and read by tesseract, one page in one child."""

import subprocess
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from statistics import mean
from typing import NamedTuple

import pypdfium2  # type: ignore[import-untyped]

from knowledge.extract.clean import one_line
from knowledge.extract.elements import ITEM_MARK, Element, Extraction, promote_headings
from knowledge.extract.errors import ExtractionError

# What tesseract is trained for; a page of unusual size is drawn smaller.
_DOTS_PER_INCH = 300
_MOST_PIXELS = 25_000_000
# Of 100. Below, a word is dirt or a guess; a page whose words are like that on the average was not understood.
_WORD, _PAGE = 35, 55
# Columns of tesseract's TSV.
_LEVEL_OF_A_WORD = "5"


class Word(NamedTuple):
    paragraph: tuple[str, str]
    line: str
    confidence: float
    text: str


def read_picture(path: Path, number: int, program: str, languages: str) -> Extraction:
    """One page of a PDF, counted from 1. No elements: there is nothing to read on it. Raises ExtractionError `unreadable`
    where tesseract failed or mostly guessed."""
    command = [program, "-", "-", "-l", languages, "--psm", "3", "tsv"]
    done = subprocess.run(command, input=_drawn(path, number), capture_output=True, check=False)
    if done.returncode != 0:
        raise ExtractionError("unreadable")
    words = list(_words(done.stdout.decode("utf-8", "replace")))
    if words and mean(word.confidence for word in words) < _PAGE:
        raise ExtractionError("unreadable")
    texts = filter(None, map(one_line, _paragraphs(words)))
    elements = [Element("list" if ITEM_MARK.match(text) else "text", text, page=number) for text in texts]
    promote_headings(elements)
    return Extraction("pdf", elements=elements, pages=1)


def _drawn(path: Path, number: int) -> bytes:
    """The page as a grey picture (PGM), which needs no encoder."""
    document = pypdfium2.PdfDocument(path)
    page = document[number - 1]
    width, height = page.get_size()
    scale = min(_DOTS_PER_INCH / 72, (_MOST_PIXELS / max(width * height, 1)) ** 0.5)
    bitmap = page.render(scale=scale, grayscale=True)
    rows = memoryview(bitmap.buffer)
    lines = (rows[at : at + bitmap.width] for at in range(0, bitmap.height * bitmap.stride, bitmap.stride))
    return b"P5 %d %d 255\n" % (bitmap.width, bitmap.height) + b"".join(lines)


def _words(table: str) -> Iterator[Word]:
    for row in table.splitlines()[1:]:
        cells = row.split("\t")
        if len(cells) != 12 or cells[0] != _LEVEL_OF_A_WORD:
            continue
        _level, _page, block, paragraph, line, *_place, confidence, text = cells
        if float(confidence) >= _WORD and text.strip():
            yield Word((block, paragraph), line, float(confidence), text.strip())


def _paragraphs(words: list[Word]) -> Iterator[str]:
    for _place, group in groupby(words, key=lambda word: word.paragraph):
        text = ""
        for _line, found in groupby(group, key=lambda word: word.line):
            line = " ".join(word.text for word in found)
            if ITEM_MARK.match(line):
                yield text
                text = line
            elif text[-1:] == "-" and text[-2:-1].isalpha() and line[0].islower():
                # A word that was divided at the end of its line.
                text = text[:-1] + line
            else:
                text = f"{text} {line}".strip()
        yield text
