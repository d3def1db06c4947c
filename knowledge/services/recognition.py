"""Text recognition (OCR) of pages that are pictures, on machines that have tesseract with Russian and English."""

import shutil
import subprocess
from functools import cache
from pathlib import Path

import structlog
from django.core.cache import cache as kept

from knowledge.extract.elements import Element, Extraction, Report
from knowledge.extract.errors import ExtractionError
from knowledge.extract.sandbox import extract_in_sandbox, recognise_in_sandbox

log = structlog.get_logger(__name__)

# In this order: the other way round short English words come out in Cyrillic letters that look like them.
LANGUAGES = ("eng", "rus")
# About five seconds each.
MOST_PAGES = 300
# A worker that dies, or a document that is sent again, does not begin anew.
_KEPT_SECONDS = 24 * 3600


@cache
def recogniser() -> str:
    """The path of tesseract; empty where it, or one of the languages, is missing."""
    program = shutil.which("tesseract")
    if program is None:
        return ""
    told = subprocess.run([program, "--list-langs"], capture_output=True, text=True, check=False, timeout=20)
    return program if set(LANGUAGES) <= set(told.stdout.split()) else ""


def extract_with_recognition(path: Path, filename: str, sha256: str, report: Report) -> Extraction:
    """As extract_in_sandbox; pictures of pages are read too. What could not be read stays in `unread_pages`."""
    try:
        extraction = extract_in_sandbox(path, filename, report)
    except ExtractionError as error:
        if error.code != "ocr_needed" or not recogniser():
            raise
        pages = int(error.details["pages"])
        extraction = Extraction("pdf", pages=pages, unread_pages=list(range(1, pages + 1)))
        _recognise(extraction, path, sha256, report)
        if not extraction.elements:
            raise
        return extraction
    if extraction.unread_pages and recogniser():
        _recognise(extraction, path, sha256, report)
    return extraction


def _recognise(extraction: Extraction, path: Path, sha256: str, report: Report) -> None:
    pages = extraction.unread_pages
    unread = pages[MOST_PAGES:]
    for done, number in enumerate(pages[:MOST_PAGES]):
        report(done, len(pages))
        found = _page(path, number, sha256, _standing_at(report, done, len(pages)))
        if found is None:
            unread.append(number)
        else:
            extraction.elements += found
    extraction.elements.sort(key=lambda element: element.page or 0)
    extraction.unread_pages = sorted(unread)


def _standing_at(report: Report, done: int, total: int) -> Report:
    """A page's own progress is only a sign of life."""
    return lambda _done, _total: report(done, total)


def _page(path: Path, number: int, sha256: str, report: Report) -> list[Element] | None:
    """None: it could not be read."""
    key = f"ocr:{sha256}:{number}"
    known = kept.get(key)
    if known is None:
        try:
            known = recognise_in_sandbox(path, number, recogniser(), "+".join(LANGUAGES), report).to_json()
        except ExtractionError as error:
            log.warning("page_not_recognised", page=number, reason=error.code)
            return None
        kept.set(key, known, _KEPT_SECONDS)
    return Extraction.from_json(known).elements
