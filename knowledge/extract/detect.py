"""What a file is, by its bytes. The name only tells damage from another type."""

import re
from pathlib import Path

from knowledge.extract.charset import decode, wide_codec
from knowledge.extract.errors import ExtractionError
from knowledge.extract.zipcheck import open_checked

HEAD = 8192
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED_STREAM = "EncryptedPackage".encode("utf-16-le")
_NEVER_TEXT = (".pdf", ".docx", ".xlsx", ".pptx")
_HTML = re.compile(
    r"<!doctype\s+html|<(?:html|head|body|title|meta|table|div|p|h[1-6]|article|section|ul|ol)\b", re.IGNORECASE
)


def detect_kind(path: Path, filename: str) -> str:
    """A key of `knowledge.extract.READERS`. Raises ExtractionError: empty, encrypted, corrupt, bomb, unsupported."""
    with path.open("rb") as stream:
        head = stream.read(HEAD)
    kind = kind_of_head(head, filename)
    if kind == "ole":
        raise ExtractionError("encrypted" if _ENCRYPTED_STREAM in path.read_bytes() else "unsupported")
    return _kind_of_zip(path) if kind == "zip" else kind


def kind_of_head(head: bytes, filename: str) -> str:
    """From the first HEAD bytes: a kind, or `zip` or `ole`, whose inside must tell. Raises ExtractionError."""
    if not head:
        raise ExtractionError("empty")
    if b"%PDF-" in head[:1024]:
        return "pdf"
    if head.startswith(_OLE):
        return "ole"
    return "zip" if head.startswith(b"PK\x03\x04") else _kind_of_text(head, filename)


def _kind_of_zip(path: Path) -> str:
    with open_checked(path) as archive:
        return kind_of_parts(set(archive.namelist()))


def kind_of_parts(names: set[str]) -> str:
    """What an office archive is, by the names of its parts. Raises ExtractionError: corrupt, unsupported."""
    if "word/document.xml" in names or any(re.fullmatch(r"word/document\d*\.xml", name) for name in names):
        return "docx"
    if "xl/workbook.xml" in names:
        return "xlsx"
    if "ppt/presentation.xml" in names:
        return "pptx"
    raise ExtractionError("corrupt" if "[Content_Types].xml" in names and not _other_office(names) else "unsupported")


def _other_office(names: set[str]) -> bool:
    return any(name.startswith(("xl/", "ppt/", "visio/")) for name in names)


def _kind_of_text(head: bytes, filename: str) -> str:
    if _is_binary(head):
        raise ExtractionError(_damaged_or_other(filename))
    text = decode(head).lstrip("\ufeff \t\r\n")
    if text.startswith("<") and _HTML.search(text):
        return "html"
    if filename.lower().endswith(_NEVER_TEXT):
        raise ExtractionError("corrupt")
    # A table and a text have the same bytes: here alone the name decides.
    return "csv" if filename.lower().endswith((".csv", ".tsv")) else "text"


def _is_binary(head: bytes) -> bool:
    if head.startswith((b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")) or wide_codec(head[:4096]):
        return False
    controls = sum(byte < 9 or 13 < byte < 32 for byte in head if byte != 27)
    return 0 in head or controls > 0.02 * len(head)


def _damaged_or_other(filename: str) -> str:
    return "corrupt" if filename.lower().endswith((*_NEVER_TEXT, ".html", ".htm")) else "unsupported"
