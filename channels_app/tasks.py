"""Entry points of the worker: load by id, call one service, wake what follows. Sweeps do not queue behind what they seek."""

import time
from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from channels_app.base import TransportError, UnknownOutcome
from channels_app.services import changes, channels, delivery, inbound, media, reconcile, retention
from tenants.accounts.notices import mail_admins
from tenants.hosts import page_link
from tenants.lease import LIVING
from tenants.sweeper import Sweep
from tenants.tasking import MergedCalls, tenant_task, wake
from tickets.services.changes import due_changes

# A chat with much to say lets others speak in between.
_CHAT_SECONDS = 2.0


@tenant_task(queue="inbound", merges=True)
def drain_inbound(channel_id: str) -> int:
    return inbound.drain_channel(UUID(channel_id), MergedCalls(drain_inbound, channel_id))


@tenant_task(queue="sweeps", expires=30, merges=True)
def sweep_inbound() -> None:
    from channels_app.models import InboundEvent

    waiting = InboundEvent.objects.filter(state=InboundEvent.State.RECEIVED)
    for channel_id in waiting.values_list("channel_id", flat=True).distinct():
        wake(drain_inbound, str(channel_id))


@tenant_task(queue="outbound", merges=True)
def deliver_chat(address_id: int) -> int:
    begun = time.monotonic()
    tried = delivery.deliver_chat(address_id, seconds=_CHAT_SECONDS)
    if time.monotonic() - begun >= _CHAT_SECONDS:
        wake(deliver_chat, address_id)
    return tried


@tenant_task(queue="sweeps", expires=30, merges=True)
def sweep_outbound() -> None:
    recovered = delivery.recover_stale_claims()
    for address_id in recovered:
        # Whoever had this chat in hand is gone, and perhaps the next call for it too.
        MergedCalls(deliver_chat, address_id).let_go()
    for address_id in recovered | set(delivery.due_chats()):
        wake(deliver_chat, address_id)


@tenant_task(queue="outbound", merges=True)
def change_message(change_id: int) -> None:
    changes.carry_out(change_id)


@tenant_task(queue="sweeps", expires=30, merges=True)
def sweep_changes() -> None:
    for change_id in due_changes():
        wake(change_message, change_id)


@tenant_task(queue="inbound", soft_time_limit=120, time_limit=150)
def fetch_attachment(attachment_id: str) -> None:
    media.fetch_attachment(UUID(attachment_id))


@tenant_task(queue="sweeps", expires=60, merges=True)
def sweep_media() -> None:
    from tickets.models import Attachment

    pending = Attachment.objects.filter(state=Attachment.State.PENDING, attempts__lt=media.MAX_ATTEMPTS)
    for attachment_id in pending.order_by("created_at").values_list("id", flat=True)[:100]:
        wake(fetch_attachment, str(attachment_id))


@tenant_task(queue="sweeps", expires=60)
def sweep_channels() -> None:
    for channel_id in channels.claim_checks():
        wake(check_channel, str(channel_id))


@tenant_task(queue="default", expires=300)
def check_channel(channel_id: str) -> None:
    channels.check_channel(UUID(channel_id))


@tenant_task(queue="sweeps", expires=600)
def sweep_reconciliations() -> None:
    for channel_id in reconcile.claim_reconciliations():
        wake(reconcile_channel, str(channel_id))


@tenant_task(queue="default", expires=3600)
def reconcile_channel(channel_id: str) -> None:
    if reconcile.reconcile_channel(UUID(channel_id)):
        wake(drain_inbound, channel_id)


@tenant_task(queue="default", expires=3000)
def clear_ledger() -> None:
    """Bites, not one long transaction; what is left over waits for the next hour."""
    for _bite in range(50):
        if not retention.delete_old_events(timedelta(days=settings.INBOUND_RETENTION_DAYS)):
            return


@tenant_task(queue="default", autoretry_for=(OSError,), retry_backoff=30, max_retries=5)
def mail_broken(event_id: int, channel_id: str, reason: str) -> None:
    name = channels.name_of(UUID(channel_id))

    def letter() -> tuple[str, str]:
        subject = _("The channel “%(name)s” does not work") % {"name": name}
        text = _("%(reason)s\n\nCustomers may be writing into nothing. See what to do: %(link)s")
        return subject, text % {"reason": reason, "link": page_link(f"/channels/{channel_id}/")}

    mail_admins(letter, once=f"event:{event_id}")


@tenant_task(queue="default", autoretry_for=(OSError,), retry_backoff=30, max_retries=5)
def mail_gap(event_id: int, channel_id: str, missing: int) -> None:
    name = channels.name_of(UUID(channel_id))

    def letter() -> tuple[str, str]:
        subject = _("Missing messages found in the channel “%(name)s”") % {"name": name}
        text = ngettext(
            "%(n)d message that the provider holds had not reached us. It is in its conversation now: %(link)s",
            "%(n)d messages that the provider holds had not reached us. They are in their conversations now: %(link)s",
            missing,
        )
        return subject, text % {"n": missing, "link": page_link(f"/channels/{channel_id}/")}

    mail_admins(letter, once=f"event:{event_id}")


@tenant_task(queue="outbound", expires=20)
def answer_callback(channel_id: str, callback_id: str) -> None:
    _adapter(channel_id).answer_callback(callback_id)


@tenant_task(queue="outbound", expires=6)
def send_typing(channel_id: str, address: str, details: dict[str, Any]) -> None:
    with suppress(TransportError, UnknownOutcome):
        _adapter(channel_id).send_typing(address, details)


@tenant_task(queue="outbound", expires=6)
def show_draft(address_id: int, draft_id: int, text: str, question_id: int) -> None:
    """Not over an answer that is there already: the draft would stand below it."""
    from tickets.models import Author, ContactAddress, Message

    if Message.objects.filter(address=address_id, id__gt=question_id).exclude(author=Author.CONTACT).exists():
        return
    row = ContactAddress.objects.get(id=address_id)
    with suppress(TransportError, UnknownOutcome):
        _adapter(str(row.channel_id)).show_draft(row.address, row.details, draft_id, text)


@tenant_task(queue="outbound", expires=60)
def mark_read(channel_id: str, address: str, details: dict[str, Any], external_id: str) -> None:
    with suppress(TransportError, UnknownOutcome):
        _adapter(channel_id).mark_read(address, details, external_id)


def _adapter(channel_id: str) -> Any:
    from channels_app.models import Channel
    from channels_app.registry import adapter_for

    return adapter_for(Channel.objects.get(id=channel_id))


SWEEPS = (
    Sweep(
        name="inbound",
        condition="SELECT 1 FROM {schema}.channels_app_inboundevent"
        " WHERE state = 'received' AND received_at < now() - interval '3 s'",
        task="channels_app.tasks.sweep_inbound",
    ),
    Sweep(
        name="outbound",
        condition=(
            "SELECT 1 FROM {schema}.tickets_message WHERE"
            " (delivery = 'queued' AND coalesce(due_at, created_at + interval '3 s') < now())"
            " OR (delivery = 'sending' AND (claimed_at < now() - interval '75 s' OR claimed_by NOT IN (LIVING)))"
        ).replace("LIVING", LIVING),
        task="channels_app.tasks.sweep_outbound",
    ),
    Sweep(
        name="changes",
        condition="SELECT 1 FROM {schema}.tickets_messagechange WHERE"
        " (state = 'queued' AND coalesce(due_at, created_at + interval '3 s') < now())"
        " OR (state = 'sending' AND claimed_at < now() - interval '75 s')",
        task="channels_app.tasks.sweep_changes",
    ),
    Sweep(
        name="media",
        condition="SELECT 1 FROM {schema}.tickets_attachment WHERE state = 'pending'"
        " AND attempts < 5"  # media.MAX_ATTEMPTS
        " AND created_at < now() - interval '20 s' AND message_id IS NOT NULL",
        task="channels_app.tasks.sweep_media",
    ),
    Sweep(
        name="channel_health",
        condition="SELECT 1 FROM {schema}.channels_app_channel WHERE is_active AND external_id <> ''"
        " AND coalesce(health_at, created_at) < now() - interval '5 minutes'",  # channels.CHECK_EVERY
        task="channels_app.tasks.sweep_channels",
    ),
    Sweep(
        name="reconciliation",
        condition="SELECT 1 FROM {schema}.channels_app_channel WHERE is_active AND external_id <> ''"
        " AND coalesce(reconciled_at, '-infinity') < now() - interval '1 day'",  # reconcile.EVERY
        task="channels_app.tasks.sweep_reconciliations",
    ),
)
