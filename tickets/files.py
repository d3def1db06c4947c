"""Attachments as HTTP answers that browsers cannot be made to run, for agents and visitors alike; and transcripts."""

import re

from django.http import HttpResponse
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _

from omnisupport.lib.errors import NotFound
from tickets.models import Attachment, Ticket
from tickets.services.attachments import INLINE_TYPES
from tickets.services.transcripts import make_transcript

_RANGE = re.compile(r"bytes=(\d{0,15})-(\d{0,15})", re.ASCII)


def file_response(attachment: Attachment, range_header: str = "") -> HttpResponse:
    """The file, or one part of it (players seek by ranges). The caller has checked who asks. Raises NotFound."""
    inline = attachment.mime in INLINE_TYPES
    part = _wanted_part(range_header, attachment.size)
    if part is not None and part[0] >= attachment.size:
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{attachment.size}"})
    start, end = part or (0, attachment.size - 1)
    response = HttpResponse(
        _read(attachment, start, end - start + 1),
        content_type=attachment.mime if inline else "application/octet-stream",
        status=206 if part else 200,
    )
    disposition = content_disposition_header(as_attachment=not inline, filename=attachment.name or "file")
    response["Content-Disposition"] = disposition or "attachment"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["X-Content-Type-Options"] = "nosniff"
    # The content of an id never changes; shared caches must not keep it.
    response["Cache-Control"] = "private, max-age=86400, immutable"
    response["Accept-Ranges"] = "bytes"
    if part:
        response["Content-Range"] = f"bytes {start}-{end}/{attachment.size}"
    return response


def _read(attachment: Attachment, start: int, length: int) -> bytes:
    try:
        with attachment.file.open("rb") as file:
            file.seek(start)
            return bytes(file.read(length))
    except FileNotFoundError:
        raise NotFound(_("This file is lost from the storage.")) from None


def _wanted_part(header: str, size: int) -> tuple[int, int] | None:
    """(first, last) byte; None for the whole file, also where the header makes no sense (RFC 9110, 14.2)."""
    match = _RANGE.fullmatch(header.strip())
    if match is None or not any(match.groups()):
        return None
    first, last = match.groups()
    if not first:
        return max(0, size - int(last)), size - 1
    end = min(int(last), size - 1) if last else size - 1
    return None if last and int(last) < int(first) else (int(first), end)


def transcript_file(ticket: Ticket, form: str) -> HttpResponse:
    kind = "text/html" if form == "html" else "text/plain"
    answer = HttpResponse(make_transcript(ticket, form), content_type=f"{kind}; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="conversation-{ticket.number}.{form}"'
    return answer
