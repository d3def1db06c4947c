"""Links that open one file without a session: for providers that fetch by themselves, and for files too large for a channel."""

from datetime import timedelta
from pathlib import PurePath
from uuid import UUID

from django.core import signing
from django.urls import reverse

from tenants.names import current_schema
from tickets.models import Attachment

GOOD_FOR = timedelta(days=7)
_SIGNER = signing.TimestampSigner(salt="file-link", sep="~")


def link_path(attachment: Attachment) -> str:
    """Its last part ends with the extension of the file: some providers look at nothing else."""
    token = _SIGNER.sign_object([current_schema(), attachment.id.hex])
    suffix = PurePath(attachment.name).suffix.lower()
    name = f"file{suffix}" if suffix.isascii() and suffix[1:].isalnum() else "file"
    return reverse("files:linked", args=[token, name])


def linked_attachment(token: str) -> Attachment | None:
    """None for a link that is forged, too old, or of another workspace."""
    try:
        schema, hexadecimal = _SIGNER.unsign_object(token, max_age=GOOD_FOR)
        attachment_id = UUID(str(hexadecimal))
    except (signing.BadSignature, ValueError, TypeError):
        return None
    if schema != current_schema():
        return None
    return Attachment.objects.filter(id=attachment_id, state=Attachment.State.READY).first()
