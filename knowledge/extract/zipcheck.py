"""What a ZIP of an office document is, and whether it is safe to open."""

import re
import zipfile
import zlib
from pathlib import Path

from knowledge.extract.errors import ExtractionError

MAX_UNPACKED = 100 * 1024 * 1024
MAX_RATIO = 200
_MAX_PARTS = 10_000
ZIP_ERRORS = (zipfile.BadZipFile, zlib.error, OSError, ValueError, NotImplementedError, EOFError, KeyError)
# A document part never needs a DTD; its entities are how a few bytes become gigabytes or a local file.
_DTD = re.compile(rb"<!\s*(?:DOCTYPE|ENTITY)|<\x00!\x00(?:D\x00O\x00C\x00T|E\x00N\x00T)", re.IGNORECASE)


def open_checked(path: Path) -> zipfile.ZipFile:
    """Raises ExtractionError: corrupt, bomb, encrypted. The caller closes the archive."""
    try:
        archive = zipfile.ZipFile(path)
    except ZIP_ERRORS as error:
        raise ExtractionError("corrupt") from error
    try:
        _check(archive, path.stat().st_size)
    except BaseException:
        archive.close()
        raise
    return archive


def _check(archive: zipfile.ZipFile, packed: int) -> None:
    parts = archive.infolist()
    unpacked = sum(part.file_size for part in parts)
    if len(parts) > _MAX_PARTS or unpacked > MAX_UNPACKED or unpacked > MAX_RATIO * max(packed, 50_000):
        raise ExtractionError("bomb", megabytes=unpacked // 1024 // 1024)
    if any(part.flag_bits & 1 for part in parts):
        raise ExtractionError("encrypted")
    for part in parts:
        if part.filename.endswith((".xml", ".rels")):
            _refuse_dtd(archive, part)


def _refuse_dtd(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> None:
    try:
        with archive.open(part) as stream:
            head = stream.read(64 * 1024)
    except ZIP_ERRORS as error:
        raise ExtractionError("corrupt") from error
    if _DTD.search(head):
        raise ExtractionError("bomb", megabytes=0)
