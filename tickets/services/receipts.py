"""What a provider tells of messages to the customer: where they are, who has read them, which were written past us."""

from collections.abc import Callable
from uuid import UUID, uuid4

from django.db import transaction
from django.utils import timezone

from tenants.events.log import record
from tickets.models import Author, ContactAddress, Delivery, Message
from tickets.services.addresses import Profile, addresses_named, lock_address
from tickets.services.delivery import move_delivery
from tickets.services.indexing import index_message
from tickets.services.post import note_posted
from tickets.services.receive import Incoming, attach_files
from tickets.services.tickets import live_ticket, open_ticket

# Of a long text in pieces, brought to several devices each.
_MOST_EARLY = 50


def note_receipt(
    *, channel_id: UUID, address: str, external_id: str, state: str, error: str = "", key: UUID | None = None
) -> bool:
    """A provider's status of one of our messages. Returns False when the message is not known."""
    message = _ours(channel_id, address, external_id, key)
    if message is None and address and external_id:
        if _keep_early(channel_id, address, {"external_id": external_id, "state": state, "error": error}):
            return True
        # Its id may have been stored just now.
        message = _ours(channel_id, address, external_id, key)
    if message is None:
        return False
    parts = message.content.get("sent_parts", [])
    if state != Delivery.FAILED and external_id in parts[:-1]:
        # The whole has arrived, or is read, with its last piece; it has failed with any.
        return True
    move_delivery(message.id, Delivery(state), error=error, external_id="" if message.external_id else external_id)
    return True


@transaction.atomic
def _keep_early(channel_id: UUID, address: str, receipt: dict[str, str]) -> bool:
    """A status may overtake the answer that names its message: it waits at the message that is being sent in this chat, which
    is one at most. False: none is."""
    rows = Message.objects.select_for_update(of=("self",)).filter(
        address__in=addresses_named(channel_id, address), delivery=Delivery.SENDING
    )
    message = rows.first()
    if message is None:
        return False
    kept = [*message.content.get("early_receipts", []), receipt]
    message.content = {**message.content, "early_receipts": kept[-_MOST_EARLY:]}
    message.save(update_fields=["content"])
    return True


def apply_early_receipts(message_id: int) -> None:
    """What was said of the message before its name was known. To be called once it is."""
    with transaction.atomic():
        message = Message.objects.select_for_update(of=("self",)).select_related("address").get(id=message_id)
        early = message.content.get("early_receipts", [])
        if early:
            message.content = {name: value for name, value in message.content.items() if name != "early_receipts"}
            message.save(update_fields=["content"])
    row = message.address
    for receipt in early:
        note_receipt(channel_id=row.channel_id, address=row.address, **receipt)


def _ours(channel_id: UUID, address: str, external_id: str, key: UUID | None) -> Message | None:
    """By our own key where the provider gave it back, else by the provider's id; without an address, in the whole channel."""
    sent = Message.objects.filter(address__channel_id=channel_id).exclude(author=Author.CONTACT)
    by_key = sent.filter(client_id=key).first() if key else None
    if by_key is not None or not external_id:
        return by_key
    here = sent.filter(address__in=addresses_named(channel_id, address)) if address else sent
    # A long text left in several pieces, each with an id of its own; before all are out, one says nothing of the whole.
    parts = here.filter(content__sent_parts__contains=[external_id]).exclude(
        delivery__in=[Delivery.QUEUED, Delivery.SENDING]
    )
    return here.filter(external_id=external_id).first() or parts.first()


def note_read_up_to(*, channel_id: UUID, address: str, external_id: str) -> bool:
    """The customer has seen this message and all before it. Returns False when it is not known."""
    last = _ours(channel_id, address, external_id, None)
    if last is None:
        return False
    seen = Message.objects.filter(
        address_id=last.address_id, id__lte=last.id, delivery__in=[Delivery.SENT, Delivery.DELIVERED]
    )
    for message_id in seen.order_by("id").values_list("id", flat=True):
        move_delivery(message_id, Delivery.READ)
    ContactAddress.objects.filter(id=last.address_id, read_up_to__lt=last.id).update(read_up_to=last.id)
    return True


def _ours_by_hash(row: ContactAddress, is_of: Callable[[UUID], bool]) -> Message | None:
    sent = Message.objects.filter(address=row).exclude(author=Author.CONTACT).exclude(delivery=Delivery.NONE)
    # An echo follows its message at once: no need to try the keys of a whole conversation.
    return next((message for message in sent.order_by("-id")[:100] if is_of(message.client_id)), None)


@transaction.atomic
def receive_echo(
    *,
    channel_id: UUID,
    address: str,
    profile: Profile,
    incoming: Incoming,
    key: UUID | None = None,
    is_of: Callable[[UUID], bool] | None = None,
    is_whole: bool = True,
) -> Message:
    """What the company wrote to the customer past us, as an agent's message that has left; one of ours is confirmed.

    `is_of` and `is_whole` as in channels_app.inbound.Echo.
    """
    row = lock_address(channel_id, address, profile)
    known = _ours(channel_id, address, incoming.external_id, key) or (_ours_by_hash(row, is_of) if is_of else None)
    if known is not None and not is_whole:
        return known
    if known is not None:
        move_delivery(known.id, Delivery.SENT, external_id="" if known.external_id else incoming.external_id)
        return known
    ticket = live_ticket(row, lock=True) or open_ticket(row, assignee_id=None)
    message = Message.objects.create(
        ticket=ticket,
        address=row,
        client_id=incoming.client_id or uuid4(),
        external_id=incoming.external_id[:255],
        author=Author.AGENT,
        text=incoming.text,
        content=incoming.content,
        delivery=Delivery.SENT,
        sent_at=incoming.sent_at or timezone.now(),
    )
    index_message(message)
    attach_files(message, row, incoming.files)
    note_posted(ticket, message)
    payload = {"message_id": str(message.id), "kind": message.kind, "author": message.author}
    record("message.posted", ticket_id=ticket.id, payload=payload)
    return message
