"""`extract`: a file becomes elements.

Runs in the child process (`sandbox.py` starts it): nothing here may import Django.
"""

import importlib
import re
from pathlib import Path

from knowledge.extract.detect import detect_kind
from knowledge.extract.elements import Extraction, Report
from knowledge.extract.errors import ExtractionError

# Loaded when one is needed: each brings a library of its own.
READERS = {
    "pdf": "read_pdf",
    "docx": "read_docx",
    "xlsx": "read_xlsx",
    "pptx": "read_pptx",
    "html": "read_html",
    "csv": "read_csv",
    "text": "read_text",
}
_LETTER = re.compile(r"\w")


def extract(path: Path, filename: str, report: Report = lambda done, total: None) -> Extraction:
    """Reads any supported file. Raises ExtractionError; a document without any letter is an error too (`empty`)."""
    kind = detect_kind(path, filename)
    read = getattr(importlib.import_module(f"knowledge.extract.{kind}"), READERS[kind])
    extraction: Extraction = read(path, report)
    extraction.elements = [element for element in extraction.elements if _LETTER.search(element.text)]
    if not extraction.elements:
        raise ExtractionError("empty")
    return extraction
