"""What a person may ask of their data: all of it in one file, and that it be forgotten (152-FZ, GDPR)."""

from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from omnisupport.lib.errors import InvalidInput, NotFound
from tenants.accounts.models import User
from tenants.events.log import record
from tenants.events.models import Event
from tickets.models import Attachment, Author, Contact, ContactMerge, Message, MessageSearch, ScheduledReply, Ticket


def export_contact(contact: Contact) -> dict[str, Any]:
    """Everything that is kept of them, notes of agents included."""
    messages = Message.objects.filter(ticket__contact=contact).prefetch_related("attachments").order_by("id")
    by_ticket: dict[int, list[dict[str, Any]]] = {}
    for message in messages:
        by_ticket.setdefault(message.ticket_id, []).append(
            {
                "at": message.created_at, "author": message.author, "kind": message.kind, "text": message.text,
                "content": message.content, "deleted_at": message.deleted_at,
                "files": [{"name": file.name, "mime": file.mime, "size": file.size} for file in message.attachments.all()],
            }
        )  # fmt: skip
    return {
        "id": contact.id, "name": contact.name, "email": contact.email, "phone": contact.phone, "language": contact.language,
        "company": str(contact.company or ""), "attributes": contact.attributes, "notes": contact.notes,
        "created_at": contact.created_at,
        "addresses": [
            {"channel": place.channel.name, "address": place.address, "alias": place.alias, "details": place.details,
             "last_message_at": place.last_inbound_at}
            for place in contact.addresses.select_related("channel").order_by("id")
        ],
        "conversations": [
            {"number": ticket.number, "channel": ticket.channel.name, "subject": ticket.subject, "status": ticket.status,
             "attributes": ticket.attributes, "created_at": ticket.created_at, "messages": by_ticket.get(ticket.id, [])}
            for ticket in contact.tickets.select_related("channel").order_by("id")
        ],
    }  # fmt: skip


@transaction.atomic
def erase_contact(contact_id: UUID, *, named: str, actor: User) -> None:
    """Forgets the person: what they are called and where they write from, every word, file and note of their conversations.
    What is left says that there were conversations, when, and how long they took. `named` repeats the name, so that it is
    no slip. Raises NotFound, InvalidInput."""
    contact = Contact.objects.select_for_update().filter(id=contact_id, merged_into=None).first()
    if contact is None:
        raise NotFound(_("There is no such contact."))
    if " ".join(named.split()).casefold() != " ".join(str(contact).split()).casefold():
        raise InvalidInput(_("Write the name as it stands above to erase this person."), field="named")
    everybody = [contact.id, *ContactMerge.objects.filter(kept=contact).values_list("gone_id", flat=True)]
    tickets = list(Ticket.objects.filter(contact=contact).values_list("id", flat=True))
    rows = Message.objects.filter(ticket_id__in=tickets, content__has_key="ledger").values_list(
        "content__ledger", flat=True
    )
    # The floors above hold words of theirs too: they hear of it.
    told = {"contact_id": str(contact.id), "ticket_ids": tickets, "ledger": list(rows)}
    _erase_words(tickets)
    for place in contact.addresses.all():
        place.address, place.alias, place.details, place.unreachable_reason = f"erased-{place.id}", "", {}, _("erased")
        place.save(update_fields=["address", "alias", "details", "unreachable_reason"])
    ContactMerge.objects.filter(kept=contact).delete()
    Contact.objects.filter(id__in=everybody).update(
        name=_("Erased"), email="", phone="", language="", attributes={}, notes="", company=None
    )
    # What the log tells of them in words.
    Event.objects.filter(payload__contact_id__in=list(map(str, everybody))).exclude(type="contact.revealed").update(
        payload={"contact_id": str(contact.id)}
    )
    record("contact.erased", actor_id=actor.id, payload=told)


def _erase_words(tickets: list[int]) -> None:
    files = Attachment.objects.filter(message__ticket_id__in=tickets)
    for file in files.exclude(file=""):
        transaction.on_commit(lambda file=file: file.file.storage.delete(file.file.name))  # type: ignore[misc]
    files.update(name="", file="", remote={}, state=Attachment.State.FAILED, error=_("erased"))
    ScheduledReply.objects.filter(ticket_id__in=tickets).delete()
    messages = Message.objects.filter(ticket_id__in=tickets)
    messages.exclude(author=Author.SYSTEM).update(text=_("Erased"), content={}, delivery_error="")
    messages.filter(author=Author.SYSTEM).update(content={})
    MessageSearch.objects.filter(ticket_id__in=tickets).delete()
    Ticket.objects.filter(id__in=tickets).update(subject="", attributes={})
