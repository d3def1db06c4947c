"""Fetching a page that an admin named, through the guarded client."""

import hashlib
import re
from typing import Any
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.core.files.base import ContentFile

from knowledge.models import Document
from knowledge.services.documents import remove_file
from omnisupport.lib.errors import AppError, InvalidInput
from omnisupport.lib.http import Fetched, fetch

_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w:.-]+)", re.IGNORECASE)


class FetchFailed(Exception):
    """`code` and `details` as in knowledge.errors."""

    def __init__(self, code: str, **details: Any) -> None:
        super().__init__(code)
        self.code = code
        self.details = details


def fetch_page(document: Document) -> dict[str, Any]:
    """Stores what stands at the document's address; returns the fields that this changes. Raises FetchFailed."""
    fetched = fetch_address(document.url)
    body = as_utf8(fetched)
    digest = hashlib.sha256(body).hexdigest()
    same = Document.objects.filter(sha256=digest).exclude(id=document.id).exclude(state=Document.State.DELETING).first()
    if same is not None:
        raise FetchFailed("duplicate", title=same.title)
    old_name, filename = document.file.name, name_of(fetched.url)
    document.file.save(filename, ContentFile(body), save=False)
    remove_file(old_name)
    return {"file": document.file.name, "filename": filename, "size": len(body), "sha256": digest}


def fetch_address(url: str) -> Fetched:
    """What stands there, with something in it. Raises FetchFailed."""
    try:
        fetched = fetch(url, max_bytes=settings.MAX_UPLOAD_BYTES)
    except InvalidInput as error:
        raise FetchFailed("bad_url", reason=str(error)) from error
    except AppError as error:
        raise FetchFailed("fetch_failed", reason=str(error)) from error
    if fetched.status != 200:
        raise FetchFailed("fetch_status", status=fetched.status)
    if not fetched.body:
        raise FetchFailed("empty")
    return fetched


def as_utf8(fetched: Fetched) -> bytes:
    """The charset that only the HTTP header names must survive the way through a file."""
    found = _CHARSET.search(fetched.headers.get("content-type", ""))
    if found is None or not fetched.headers.get("content-type", "").startswith("text/"):
        return fetched.body
    try:
        return fetched.body.decode(found[1]).encode("utf-8-sig")
    except (LookupError, UnicodeDecodeError):
        return fetched.body


def name_of(url: str) -> str:
    name = unquote(urlsplit(url).path.rstrip("/").rsplit("/", 1)[-1])
    return "".join(c for c in name if c.isprintable())[-200:] or urlsplit(url).hostname or "page"
