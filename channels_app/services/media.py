"""Files that customers sent: fetched from the provider by a task of their own."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db.models import F
from django.utils.translation import gettext as _

from channels_app.base import Adapter, FetchedFile, TransportError
from channels_app.models import Channel, InboundEvent
from channels_app.registry import adapter_for
from omnisupport.lib.errors import AppError
from tickets.models import Attachment
from tickets.services.attachments import keep_fetched, mark_fetch_failed, refuse_executables

MAX_ATTEMPTS = 5


def fetch_attachment(attachment_id: UUID) -> None:
    """Leaves the attachment `ready`, `failed` with its reason, or `pending` for the sweeper to try again."""
    Attachment.objects.filter(id=attachment_id).update(attempts=F("attempts") + 1)
    attachment = Attachment.objects.select_related("message__address").filter(
        id=attachment_id, state=Attachment.State.PENDING
    ).first()  # fmt: skip
    if attachment is None or attachment.message is None:
        return
    channel = Channel.objects.get(id=attachment.message.address.channel_id)
    try:
        fetched = _fetch(adapter_for(channel), attachment.remote)
        refuse_executables(attachment.name or fetched.name, fetched.body[:4])
    except TransportError as error:
        if error.permanent or attachment.attempts >= MAX_ATTEMPTS:
            mark_fetch_failed(attachment, error.reason)
    except AppError as error:
        mark_fetch_failed(attachment, str(error))
    except Exception as error:
        if attachment.attempts >= MAX_ATTEMPTS:
            mark_fetch_failed(
                attachment, _("The file could not be fetched (%(fault)s).") % {"fault": type(error).__name__}
            )
        raise
    else:
        keep_fetched(attachment, fetched.body, name=fetched.name, mime=fetched.mime)


def _fetch(adapter: Adapter, remote: Mapping[str, Any]) -> FetchedFile:
    if "ledger" not in remote:
        return adapter.fetch_file(remote)
    event = InboundEvent.objects.filter(id=remote["ledger"], channel_id=adapter.channel.id).first()
    if event is None:
        raise TransportError(_("The event that this file came in is no longer kept."), permanent=True)
    return adapter.unpack_file(event.headers, bytes(event.body), remote)
