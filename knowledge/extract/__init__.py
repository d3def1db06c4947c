"""`extract`: a file becomes elements. Its bytes say what it is; the name only tells damage from another type.

Runs in the child process (`sandbox.py` starts it): nothing here may import Django.
"""

import re
from collections.abc import Callable
from pathlib import Path

from knowledge.extract.charset import decode
from knowledge.extract.docx import read_docx
from knowledge.extract.elements import Extraction, Report
from knowledge.extract.errors import ExtractionError
from knowledge.extract.html import read_html
from knowledge.extract.pdf import read_pdf
from knowledge.extract.text import read_text
from knowledge.extract.zipcheck import open_checked

READERS: dict[str, Callable[[Path, Report], Extraction]] = {
    "pdf": read_pdf,
    "docx": read_docx,
    "html": read_html,
    "text": read_text,
}
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED_STREAM = "EncryptedPackage".encode("utf-16-le")
_HTML = re.compile(
    r"<!doctype\s+html|<(?:html|head|body|title|meta|table|div|p|h[1-6]|article|section|ul|ol)\b", re.IGNORECASE
)
_LETTER = re.compile(r"\w")


def extract(path: Path, filename: str, report: Report = lambda done, total: None) -> Extraction:
    """Reads any supported file. Raises ExtractionError; a document without any letter is an error too (`empty`)."""
    kind = detect_kind(path, filename)
    extraction = READERS[kind](path, report)
    extraction.elements = [element for element in extraction.elements if _LETTER.search(element.text)]
    if not extraction.elements:
        raise ExtractionError("empty")
    return extraction


def detect_kind(path: Path, filename: str) -> str:
    """A key of READERS. Raises ExtractionError: empty, encrypted, corrupt, bomb, unsupported."""
    if not path.stat().st_size:
        raise ExtractionError("empty")
    with path.open("rb") as stream:
        head = stream.read(8192)
    if b"%PDF-" in head[:1024]:
        return "pdf"
    if head.startswith(_OLE):
        raise ExtractionError("encrypted" if _ENCRYPTED_STREAM in path.read_bytes() else "unsupported")
    if head.startswith(b"PK\x03\x04"):
        return _kind_of_zip(path)
    return _kind_of_text(head, filename)


def _kind_of_zip(path: Path) -> str:
    with open_checked(path) as archive:
        names = set(archive.namelist())
    if "word/document.xml" in names or any(re.fullmatch(r"word/document\d*\.xml", name) for name in names):
        return "docx"
    raise ExtractionError("corrupt" if "[Content_Types].xml" in names and not _other_office(names) else "unsupported")


def _other_office(names: set[str]) -> bool:
    return any(name.startswith(("xl/", "ppt/", "visio/")) for name in names)


def _kind_of_text(head: bytes, filename: str) -> str:
    if _is_binary(head):
        raise ExtractionError(_damaged_or_other(filename))
    text = decode(head).lstrip("\ufeff \t\r\n")
    if text.startswith("<") and _HTML.search(text):
        return "html"
    if filename.lower().endswith((".pdf", ".docx")):
        raise ExtractionError("corrupt")
    return "text"


def _is_binary(head: bytes) -> bool:
    """Zero bytes are fine only in UTF-16 and UTF-32, which begin with a mark or have every second byte zero."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")):
        return False
    controls = sum(byte < 9 or 13 < byte < 32 for byte in head if byte not in (0, 27))
    zeros = head.count(0)
    if zeros and not 0.4 <= zeros / len(head) <= 0.8:
        return True
    return controls > 0.02 * len(head)


def _damaged_or_other(filename: str) -> str:
    return "corrupt" if filename.lower().endswith((".pdf", ".docx", ".html", ".htm")) else "unsupported"
