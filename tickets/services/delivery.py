"""States of an outgoing message. Each move is one conditional UPDATE, so two workers cannot both win and none goes back."""

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone

from tenants.events.log import record
from tenants.lease import lease, living_holders
from tickets.models import Delivery, Message

_FROM: dict[Delivery, list[str]] = {
    Delivery.SENT: ["sending", "uncertain"],
    Delivery.DELIVERED: ["sending", "sent", "uncertain"],
    Delivery.READ: ["sending", "sent", "delivered", "uncertain"],
    # A provider may report a failure after it had accepted the message, but never after the customer read it.
    Delivery.FAILED: ["queued", "sending", "sent", "uncertain"],
    Delivery.UNCERTAIN: ["sending"],
    Delivery.QUEUED: ["sending", "failed", "uncertain"],
    # Once a worker has it, it may be on its way.
    Delivery.CANCELLED: ["queued"],
}


def claim_next(address_id: int) -> Message | None:
    """Takes the oldest due message of a chat for sending, or None: nothing is due, or an earlier one is still on its way."""
    now = timezone.now()
    earlier = Message.objects.filter(address=OuterRef("address"), id__lt=OuterRef("id")).filter(
        Q(delivery=Delivery.SENDING) | Q(delivery=Delivery.QUEUED)
    )
    due = Message.objects.filter(address_id=address_id, delivery=Delivery.QUEUED).filter(
        Q(due_at=None) | Q(due_at__lte=now)
    )
    candidate = due.filter(~Exists(earlier)).order_by("id").values_list("id", flat=True).first()
    if candidate is None:
        return None
    claimed = Message.objects.filter(id=candidate, delivery=Delivery.QUEUED).update(
        delivery=Delivery.SENDING, claimed_at=now, claimed_by=lease.hold(), attempts=F("attempts") + 1
    )
    if not claimed:
        return None
    return Message.objects.select_related("ticket", "address", "reply_to", "user").get(id=candidate)


def has_due(address_id: int) -> bool:
    now = timezone.now()
    due = Message.objects.filter(address_id=address_id, delivery=Delivery.QUEUED)
    return due.filter(Q(due_at=None) | Q(due_at__lte=now)).exists()


def put_off(address_id: int, until: datetime) -> None:
    """Nothing of this chat leaves before `until`; that costs its messages no attempt."""
    due = Q(due_at=None) | Q(due_at__lt=until)
    Message.objects.filter(due, address_id=address_id, delivery=Delivery.QUEUED).update(due_at=until)


@transaction.atomic
def note_sent_part(message_id: int, part: str) -> None:
    """Keeps the provider's id of a piece that went through (`content["sent_parts"]`) and begins the claim's time anew."""
    message = Message.objects.select_for_update().get(id=message_id)
    parts = [*message.content.get("sent_parts", []), part]
    message.content = {**message.content, "sent_parts": parts}
    message.claimed_at = timezone.now()
    message.save(update_fields=["content", "claimed_at"])


@transaction.atomic
def move_delivery(
    message_id: int, to: Delivery, *, error: str = "", external_id: str = "", due_at: datetime | None = None
) -> bool:
    """Moves the state forward. Returns False when the message is already past it; all that it may learn then is its name at
    the provider."""
    changes: dict[str, Any] = {"delivery": to, "delivery_error": error[:500]}
    if to == Delivery.SENT:
        changes["sent_at"] = timezone.now()
    if external_id:
        changes["external_id"] = external_id[:255]
    if to == Delivery.QUEUED:
        changes |= {"due_at": due_at, "claimed_at": None}
    if not _update(message_id, to, changes):
        if external_id:
            _name(message_id, external_id[:255])
        return False
    ticket_id = Message.objects.values_list("ticket_id", flat=True).get(id=message_id)
    record(
        "message.delivery_changed",
        ticket_id=ticket_id,
        payload={"message_id": str(message_id), "state": str(to), "error": error[:500]},
    )
    return True


def _update(message_id: int, to: Delivery, changes: dict[str, Any]) -> int:
    rows = Message.objects.filter(id=message_id, delivery__in=_FROM[to])
    if "external_id" not in changes:
        return rows.update(**changes)
    try:
        with transaction.atomic():
            return rows.update(**changes)
    except IntegrityError:
        # A provider that names two messages alike: what was sent is sent, and must not go out again for want of a name.
        return rows.update(**{name: value for name, value in changes.items() if name != "external_id"})


def _name(message_id: int, external_id: str) -> None:
    """A receipt came before the answer, by our own id: later ones may name the message as the answer does."""
    message = Message.objects.get(id=message_id)
    if message.external_id in {"", str(message.client_id)}:
        with suppress(IntegrityError), transaction.atomic():
            Message.objects.filter(id=message_id).update(external_id=external_id)


def retry_message(message_id: int) -> bool:
    """An agent's choice for a failed or uncertain message: a new attempt that really sends."""
    with transaction.atomic():
        message = Message.objects.select_for_update().get(id=message_id)
        if message.delivery not in {Delivery.FAILED, Delivery.UNCERTAIN}:
            return False
        # The old provider id belongs to the attempt that failed.
        message.external_id = ""
        message.attempts = 0
        if message.sent_at is not None:
            # All of it had left before it failed: going on behind the last piece would send nothing.
            message.content = {name: value for name, value in message.content.items() if name != "sent_parts"}
            message.sent_at = None
        message.save(update_fields=["external_id", "attempts", "content", "sent_at"])
        return move_delivery(message_id, Delivery.QUEUED)


def cancel_message(message_id: int) -> bool:
    """Takes back what has not begun to leave. False: it has."""
    return move_delivery(message_id, Delivery.CANCELLED)


def stale_claims(older_than: timedelta) -> list[Message]:
    """Messages whose worker died while sending, or has had them for too long to be still at it."""
    too_long = Q(claimed_at__lt=timezone.now() - older_than)
    dead = ~Q(claimed_by__in=living_holders()) | Q(claimed_by=None)
    stuck = Message.objects.filter(too_long | dead, delivery=Delivery.SENDING)
    return list(stuck.select_related("address").order_by("id")[:500])
