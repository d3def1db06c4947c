"""Sending what was posted: claim → send outside any transaction → store what the provider said."""

import random
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.db.models import Min, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from channels_app.base import Adapter, OutgoingFile, OutgoingMessage, SendResult, TransportError, UnknownOutcome
from channels_app.kinds import adapter_class
from channels_app.models import Channel, DeliveryAttempt
from channels_app.registry import adapter_for
from channels_app.services.channels import mark_broken, mark_healthy
from channels_app.services.loops import is_used_up
from channels_app.services.templates import has_window_passed, note_changed_templates
from omnisupport.lib.limits import take_turn
from tenants.names import tenant_key
from tickets.links import link_path
from tickets.models import Attachment, Author, Delivery, Message
from tickets.services.addresses import close_window, set_reachable
from tickets.services.delivery import claim_next, has_due, move_delivery, note_sent_part, put_off, stale_claims
from tickets.services.receipts import apply_early_receipts

log = structlog.get_logger(__name__)

MAX_ATTEMPTS = 8
_AUTOMATIC = {Author.ASSISTANT, Author.SYSTEM}
# A message that has ended so many workers is not given to another.
MAX_LOSSES = 3
# A worker waits out a turn that is so near (seconds); beyond, the chat is put off and the sweeper wakes it.
LONGEST_NAP = 1.5
# A provider that names its pause is not at fault: a busy bot may be told to wait many times over one message.
MAX_PAUSES = 100
# Longer than any one call of an adapter may take (see the deadline of their clients); every piece sent begins it anew.
STALE_AFTER = timedelta(seconds=75)


def deliver_chat(address_id: int, *, seconds: float = float("inf")) -> int:
    """Sends what is due in one chat, in order, and begins none after so many seconds. Returns how many were tried."""
    tried, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        channel = Channel.objects.filter(addresses=address_id).first()
        if channel is None:
            return tried
        rest = _rest(channel, address_id)
        if rest > LONGEST_NAP:
            put_off(address_id, timezone.now() + timedelta(seconds=rest))
            return tried
        time.sleep(rest)
        message = claim_next(address_id)
        if message is None:
            return tried
        _send(message, channel)
        tried += 1
    return tried


def _rest(channel: Channel, address_id: int) -> float:
    """Seconds until this chat may send its next message: the provider's own pause, else our turn within its limits."""
    now = timezone.now()
    if channel.paused_until and channel.paused_until > now:
        return (channel.paused_until - now).total_seconds()
    if not has_due(address_id):
        return 0
    adapter = adapter_class(channel.kind)
    for rate, name in ((adapter.chat_rate, str(address_id)), (adapter.rate, "channel")):
        if rate is not None:
            key = tenant_key("rate", channel.id, name)
            wait = take_turn(key, per_second=rate.per_second, burst=rate.burst)
            if wait:
                return wait
    return 0


def _send(message: Message, channel: Channel) -> None:
    started = timezone.now()
    if not channel.is_active:
        _finish(message, started, Delivery.FAILED, _("The channel is switched off."))
        return
    if "template" not in message.content and has_window_passed(channel.kind, message.address):
        reason = _("The customer has not written for too long: this channel lets only an approved template through.")
        _finish(message, started, Delivery.FAILED, reason)
        return
    if message.author in _AUTOMATIC and is_used_up(channel.kind, message):
        reason = _("One automatic message has left for this customer already; a second could answer another machine.")
        _finish(message, started, Delivery.FAILED, reason)
        return
    try:
        adapter = adapter_for(channel)
        result = adapter.send(outgoing_message(message, adapter))
    except Exception as error:
        _after_fault(message, channel, error, started)
    else:
        _after_success(message, channel, result, started)


def _after_fault(message: Message, channel: Channel, error: Exception, started: datetime) -> None:
    match error:
        case TransportError():
            _after_refusal(message, channel, error, started)
        case UnknownOutcome() if adapter_class(channel.kind).idempotent and message.attempts < MAX_ATTEMPTS:
            _later(message, started, str(error), backoff(message.attempts))
        case UnknownOutcome():
            _finish(message, started, Delivery.UNCERTAIN, str(error))
        case _:
            # Our own fault after the request may have left: only a person can tell whether it arrived.
            log.error("send_failed", message=message.pk, exc_info=error)
            _finish(message, started, Delivery.UNCERTAIN, type(error).__name__)


def outgoing_message(message: Message, adapter: Adapter) -> OutgoingMessage:
    """The message as the adapter gets it; files that the channel cannot carry have become links."""
    ready = message.attachments.filter(state=Attachment.State.READY)
    files = [_outgoing_file(attachment, adapter) for attachment in ready]
    links = [f"{file.name or _('File')}: {file.url}" for file in files if file.size > adapter.limits.file_bytes]
    return OutgoingMessage(
        key=message.client_id,
        address=message.address.address,
        details=message.address.details,
        text="\n\n".join(filter(None, [message.text, *links])),
        files=[file for file in files if file.size <= adapter.limits.file_bytes],
        buttons=message.content.get("buttons", []),
        citations=message.content.get("citations", []),
        reply_to_external_id=message.reply_to.external_id if message.reply_to else "",
        sent_parts=message.content.get("sent_parts", []),
        note_part=_part_noter(message.id),
        template=message.content.get("template"),
        alias=message.address.alias,
        ticket_number=message.ticket.number,
        subject=message.ticket.subject,
        thread=_newest_ids(message),
        automatic=message.author in _AUTOMATIC,
    )


def _outgoing_file(attachment: Attachment, adapter: Adapter) -> OutgoingFile:
    return OutgoingFile(
        id=attachment.id,
        kind=attachment.kind,
        name=attachment.name,
        mime=attachment.mime,
        size=attachment.size,
        path=attachment.file.name or "",
        remote=attachment.remote,
        url=adapter.channel.site_url + link_path(attachment),
    )


def _newest_ids(message: Message) -> list[str]:
    earlier = Message.objects.filter(ticket=message.ticket_id, id__lt=message.id).exclude(external_id="")
    return list(earlier.order_by("-id").values_list("external_id", flat=True)[:20])[::-1]


def _part_noter(message_id: int) -> Callable[[str], None]:
    # Written at once: neither a fault nor a kill in a later piece may send this one again.
    return lambda part: note_sent_part(message_id, part)


def _after_success(message: Message, channel: Channel, result: SendResult, started: datetime) -> None:
    for attachment_id, remote in result.remote_files.items():
        Attachment.objects.filter(id=attachment_id).update(remote=dict(remote))
    to = Delivery.DELIVERED if result.delivered else Delivery.SENT
    _finish(message, started, to, external_id=result.external_id)
    apply_early_receipts(message.id)
    Channel.objects.filter(id=channel.id).update(last_outbound_at=timezone.now())
    mark_healthy(channel)


def _after_refusal(message: Message, channel: Channel, error: TransportError, started: datetime) -> None:
    if error.unreachable:
        set_reachable(channel_id=channel.id, address=message.address.address, reason=error.reason)
    if error.stale_templates:
        note_changed_templates(channel.id)
    if error.window_closed:
        close_window(channel_id=channel.id, address=message.address.address)
    if error.breaks_channel:
        mark_broken(channel, error.reason)
    if error.retry_after and _is_for_all(message, channel, error):
        until = timezone.now() + timedelta(seconds=error.retry_after + 1)
        shorter = Q(paused_until=None) | Q(paused_until__lt=until)
        Channel.objects.filter(shorter, id=channel.id).update(paused_until=until)
    limit = MAX_ATTEMPTS if error.retry_after is None else MAX_PAUSES
    if error.permanent or message.attempts >= limit:
        _finish(message, started, Delivery.FAILED, error.reason)
    else:
        rest = error.retry_after + 1 if error.retry_after is not None else backoff(message.attempts)
        _later(message, started, error.reason, rest)


def _is_for_all(message: Message, channel: Channel, error: TransportError) -> bool:
    if error.whole_channel is not None:
        return error.whole_channel
    resting = Message.objects.filter(delivery=Delivery.QUEUED, due_at__gt=timezone.now(), delivery_error=error.reason)
    return resting.filter(address__channel=channel).exclude(address_id=message.address_id).exists()


def backoff(attempts: int) -> float:
    """Seconds; doubles from 2 to 5 minutes, with full jitter so that a recovering provider is not hit at once."""
    return random.uniform(1, min(300, 2**attempts))  # noqa: S311  # spreads load, guards nothing


def _later(message: Message, started: datetime, reason: str, seconds: float, outcome: str = "retry") -> None:
    _note_attempt(message, started, outcome, reason)
    move_delivery(message.id, Delivery.QUEUED, error=reason, due_at=timezone.now() + timedelta(seconds=seconds))


def _finish(message: Message, started: datetime, to: Delivery, error: str = "", external_id: str = "") -> None:
    _note_attempt(message, started, "sent" if to in {Delivery.SENT, Delivery.DELIVERED} else str(to), error)
    move_delivery(message.id, to, error=error, external_id=external_id)


def _note_attempt(message: Message, started: datetime, outcome: str, error: str) -> None:
    DeliveryAttempt.objects.create(
        message=message, number=message.attempts, outcome=outcome, error=error[:500], started_at=started
    )


def last_fault(channel_id: UUID) -> DeliveryAttempt | None:
    """The newest try to send in this channel that did not go through; of the workspace's newest thousands."""
    newest = DeliveryAttempt.objects.order_by("-id").values_list("id", flat=True).first() or 0
    recent = DeliveryAttempt.objects.filter(id__gt=newest - 10_000, message__address__channel_id=channel_id)
    return recent.exclude(outcome="sent").order_by("-id").first()


def recover_stale_claims() -> set[int]:
    """Messages whose worker died while sending: retried where a key protects, else uncertain. Returns chats to wake."""
    chats: set[int] = set()
    for message in stale_claims(STALE_AFTER):
        channel = Channel.objects.get(id=message.address.channel_id)
        chats.add(message.address_id)
        started = message.claimed_at or timezone.now()
        losses = 1 + message.delivery_attempts.filter(outcome="lost").count()
        if adapter_class(channel.kind).idempotent and losses < MAX_LOSSES:
            _later(message, started, _("The worker stopped while sending."), 0, outcome="lost")
        else:
            _finish(message, started, Delivery.UNCERTAIN, _("The worker stopped while sending; it may have arrived."))
    return chats


def due_chats(limit: int = 500) -> list[int]:
    """Chats with something to send now, those first that have waited longest."""
    due = Message.objects.filter(delivery=Delivery.QUEUED).exclude(due_at__gt=timezone.now())
    oldest = due.values("address_id").annotate(oldest=Min("id")).order_by("oldest")
    return [row["address_id"] for row in oldest[:limit]]
