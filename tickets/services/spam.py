"""What nobody wants to read: a conversation that is spam, a contact who is blocked."""

from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from omnisupport.lib.errors import NotFound
from tenants.accounts.models import User
from tenants.events.log import record
from tenants.events.models import Event
from tickets.models import Contact, ContactAddress, Status, Ticket
from tickets.services.tickets import has_newer, lock_ticket, move_status, open_ticket
from tickets.services.unit_of_work import save_fields


@transaction.atomic
def mark_spam(ticket_id: int, *, is_spam: bool, actor: User | None) -> Ticket:
    """Spam is closed and in no view but its own, nor in any report. Taken back, it is what it was before, unless the customer
    has a newer conversation there: then it stays closed."""
    ticket = lock_ticket(ticket_id)
    move_spam(ticket, is_spam, actor)
    return ticket


def move_spam(ticket: Ticket, is_spam: bool, actor: User | None) -> None:
    """The same for a caller that holds the lock already."""
    if ticket.is_spam == is_spam:
        return
    before = ticket.status
    ticket.is_spam = is_spam
    save_fields(ticket, ["is_spam"])
    record(
        "ticket.spam_changed",
        ticket_id=ticket.id,
        actor_id=actor.id if actor else None,
        payload={"to": is_spam, "status": before},
    )
    if is_spam:
        move_status(ticket, Status.CLOSED, actor)
    elif before == Status.CLOSED and not has_newer(ticket):
        move_status(ticket, _status_before(ticket), actor)


def _status_before(ticket: Ticket) -> str:
    marks = Event.objects.filter(ticket_id=ticket.id, type="ticket.spam_changed", payload__to=True)
    mark = marks.order_by("-id").first()
    # Spam from its first message on never was anything else.
    return str(mark.payload["status"]) if mark else Status.OPEN


@transaction.atomic
def block_contact(contact_id: UUID, *, is_blocked: bool, actor: User | None) -> Contact:
    """What a blocked contact writes is kept as spam, and neither people nor machines are called. Raises NotFound."""
    contact = Contact.objects.select_for_update().filter(id=contact_id).first()
    if contact is None:
        raise NotFound(_("There is no such contact."))
    if contact.is_blocked != is_blocked:
        contact.is_blocked = is_blocked
        contact.save(update_fields=["is_blocked"])
        payload = {"contact_id": str(contact.id), "blocked": is_blocked}
        live = contact.tickets.exclude(status=Status.CLOSED)
        # On the newest one where none is going on, so that it stands somewhere.
        for ticket in live or contact.tickets.order_by("-id")[:1]:
            record("contact.changed", ticket_id=ticket.id, actor_id=actor.id if actor else None, payload=payload)
    return contact


def unwanted_ticket(row: ContactAddress, live: Ticket | None, subject: str) -> Ticket:
    """Where the words of a blocked contact are kept: what is still going on, else one heap for each address. The caller holds
    the lock on the address."""
    if live is not None:
        return live
    heap = Ticket.objects.filter(address=row, is_spam=True, status=Status.CLOSED).order_by("-id").first()
    if heap is not None:
        return lock_ticket(heap.id)
    ticket = open_ticket(row, assignee_id=None, subject=subject)
    ticket.is_spam, ticket.status, ticket.human_wait_from = True, Status.CLOSED, None
    ticket.save(update_fields=["is_spam", "status", "human_wait_from"])
    return ticket
