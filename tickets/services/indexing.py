"""What conversations are found by. Written in the transaction of the message, so that a search never lags behind."""

from collections.abc import Collection, Sequence
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Min

from tickets.models import ContactAddress, Message, MessageSearch, Ticket
from tickets.words import make_vector

_TEXTS = Message.objects.only("id", "ticket_id", "text")


def index_message(message: Message, *, first: bool | None = None) -> None:
    """A new message, or one whose text has changed. `first`: of its ticket, where the caller knows."""
    if first is None:
        first = not Message.objects.filter(ticket_id=message.ticket_id, id__lt=message.pk).exists()
    _write([message], {message.pk} if first else set())


def index_contact(contact_id: UUID) -> None:
    """The conversations of a contact whose name, address or phone is another now, or that have become theirs."""
    tickets = Ticket.objects.filter(contact_id=contact_id).values_list("id", flat=True)
    firsts = _first_messages(list(tickets))
    _write(list(_TEXTS.filter(id__in=firsts)), firsts)


@transaction.atomic
def index_backlog(limit: int) -> int:
    """Messages of before there was a search, newest first. Returns how many it took; 0 when all are done, or another is at
    it. What is indexed has no gap below the newest: so the oldest one tells where to go on."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtext(current_schema()), hashtext('search'))")
        if not cursor.fetchone()[0]:
            return 0
    messages = _TEXTS.order_by("-id")
    oldest = MessageSearch.objects.aggregate(oldest=Min("message_id"))["oldest"]
    if oldest is not None:
        messages = messages.filter(id__lt=oldest)
    batch = list(messages[:limit])
    _write(batch, _first_messages({message.ticket_id for message in batch}))
    return len(batch)


def _first_messages(ticket_ids: Collection[int]) -> set[int]:
    firsts = Message.objects.filter(ticket_id__in=ticket_ids).values("ticket_id").annotate(first=Min("id"))
    return set(firsts.values_list("first", flat=True))


def _write(messages: Sequence[Message], firsts: set[int]) -> None:
    heads = _heads({message.ticket_id for message in messages if message.pk in firsts})
    MessageSearch.objects.bulk_create(
        [
            MessageSearch(
                message_id=message.pk,
                ticket_id=message.ticket_id,
                words=make_vector(message.text, heads.get(message.ticket_id, "")),
            )
            for message in messages
        ],
        update_conflicts=True,
        unique_fields=["message"],
        update_fields=["ticket", "words"],
    )


def _heads(ticket_ids: Collection[int]) -> dict[int, str]:
    """By ticket: its subject, and how its contact is called everywhere."""
    if not ticket_ids:
        return {}
    tickets = list(Ticket.objects.select_related("contact").filter(id__in=ticket_ids))
    places: dict[UUID, list[str]] = {}
    for address in ContactAddress.objects.filter(contact_id__in={ticket.contact_id for ticket in tickets}):
        places.setdefault(address.contact_id, []).extend([address.address, str(address.details.get("username") or "")])
    return {
        ticket.id: " · ".join(
            [
                ticket.subject, ticket.contact.name, ticket.contact.email, ticket.contact.phone,
                *places.get(ticket.contact_id, []),
            ]
        )
        for ticket in tickets
    }  # fmt: skip
