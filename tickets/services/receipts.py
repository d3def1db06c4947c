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


def note_receipt(
    *, channel_id: UUID, address: str, external_id: str, state: str, error: str = "", key: UUID | None = None
) -> bool:
    """A provider's status of one of our messages. Returns False when the message is not known (yet)."""
    message = _ours(channel_id, address, external_id, key)
    if message is None:
        return False
    parts = message.content.get("sent_parts", [])
    if state != Delivery.FAILED and external_id in parts[:-1]:
        # The whole has arrived, or is read, with its last piece; it has failed with any.
        return True
    move_delivery(message.id, Delivery(state), error=error, external_id="" if message.external_id else external_id)
    return True


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
