"""Files of conversations: uploads that wait for their message, and files fetched from providers."""

import mimetypes
from datetime import timedelta
from typing import IO, Any

import filetype
from django.conf import settings
from django.core.files.base import ContentFile, File
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from omnisupport.lib.errors import InvalidInput, TooLarge, Unsupported
from tenants.accounts.models import User
from tenants.events.log import record
from tickets.models import Attachment, ContactAddress, Draft

# Never kept, whatever they are called: a customer or agent who opens one runs it.
_REFUSED = {
    "exe",
    "dll",
    "msi",
    "bat",
    "cmd",
    "com",
    "scr",
    "ps1",
    "vbs",
    "js",
    "jse",
    "wsf",
    "hta",
    "jar",
    "lnk",
    "apk",
    "htaccess",
}
# Shown inside the page by browsers without running anything; everything else is a download.
INLINE_TYPES = {
    "image/png",
    "image/jpeg",
    "image/gif",
    "image/webp",
    "audio/ogg",
    "audio/mpeg",
    "audio/mp4",
    "video/mp4",
    "video/webm",
}


def clean_name(name: str) -> str:
    """The last part of a path, without control characters and quotes, at most 200 characters."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    kept = "".join(c for c in last if c.isprintable() and c not in '"<>|:*?')
    return kept.strip(" .")[-200:] or "file"


def detect_mime(head: bytes, name: str) -> str:
    """By content where the content tells; else by name, but never a type that a browser would run."""
    kind = filetype.guess(head)
    if kind is not None:
        return str(kind.mime)
    guessed = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return (
        guessed if guessed not in {"text/html", "image/svg+xml", "application/xhtml+xml", "text/xml"} else "text/plain"
    )


def kind_of(mime: str) -> str:
    return {"image": "photo", "audio": "audio", "video": "video"}.get(mime.split("/")[0], "document")


def store_upload(file: File[Any], *, user: User | None = None, address: ContactAddress | None = None) -> Attachment:
    """Keeps an uploaded file until its message comes. Raises TooLarge, Unsupported, InvalidInput (empty)."""
    name, mime = check_upload(file)
    return Attachment.objects.create(
        uploaded_by=user,
        uploaded_from=address,
        file=File(file, name),
        name=name,
        mime=mime,
        size=file.size,
        kind=kind_of(mime),
    )


def check_upload(file: File[Any]) -> tuple[str, str]:
    """(name, type) as they are kept. Raises TooLarge, Unsupported, InvalidInput (empty)."""
    name = clean_name(file.name or "")
    size = file.size or 0
    if size > settings.MAX_UPLOAD_BYTES:
        limit = settings.MAX_UPLOAD_BYTES // 1024 // 1024
        raise TooLarge(_("“%(name)s” is larger than %(limit)s MB.") % {"name": name, "limit": limit}, field="file")
    if not size:
        raise InvalidInput(_("“%(name)s” is empty.") % {"name": name}, field="file")
    head = file.read(4096)
    file.seek(0)
    refuse_executables(name, head)
    return name, detect_mime(head, name)


def refuse_executables(name: str, head: bytes) -> None:
    extension = name.rsplit(".", 1)[-1].lower() if "." in name else name.lower()
    if extension in _REFUSED or head[:2] == b"MZ" or head[:4] == b"\x7fELF":
        raise Unsupported(
            _("Programs are not accepted: “%(name)s”. Put it into an archive.") % {"name": name}, field="file"
        )


@transaction.atomic
def keep_fetched(attachment: Attachment, body: bytes | IO[bytes], *, name: str = "", mime: str = "") -> None:
    """The provider's file has arrived."""
    data = body if isinstance(body, bytes) else body.read()
    attachment.name = clean_name(attachment.name or name or "file")
    attachment.mime = attachment.mime or mime or detect_mime(data[:4096], attachment.name)
    attachment.size = len(data)
    attachment.file.save(attachment.name, ContentFile(data), save=False)
    attachment.state = Attachment.State.READY
    attachment.error = ""
    attachment.save()
    _changed(attachment)


@transaction.atomic
def mark_fetch_failed(attachment: Attachment, error: str) -> None:
    """Shown in the bubble instead of the file, with the reason."""
    attachment.state = Attachment.State.FAILED
    attachment.error = error[:255]
    attachment.save(update_fields=["state", "error"])
    _changed(attachment)


def _changed(attachment: Attachment) -> None:
    message = attachment.message
    record(
        "attachment.changed",
        ticket_id=message.ticket_id if message else None,
        payload={
            "message_id": str(attachment.message_id),
            "attachment_id": str(attachment.id),
            "state": attachment.state,
        },
    )


def delete_orphan_uploads(older_than: timedelta, batch: int = 200) -> int:
    """Uploads that no message ever took and no draft holds, with their files, in a small bite. Returns how many."""
    drafts = Draft.objects.filter(content__has_key="files").values_list("content", flat=True)
    begun = [file["id"] for content in drafts for file in content["files"]]
    old = Attachment.objects.filter(message=None, created_at__lt=timezone.now() - older_than).exclude(id__in=begun)
    gone = 0
    for attachment_id in list(old.order_by("created_at").values_list("id", flat=True)[:batch]):
        with transaction.atomic():
            row = Attachment.objects.select_for_update(skip_locked=True).filter(id=attachment_id, message=None).first()
            if row is None:
                continue
            # The file first: a crash in between leaves a row, and the next run finds it.
            if row.file:
                row.file.delete(save=False)
            row.delete()
            gone += 1
    return gone
