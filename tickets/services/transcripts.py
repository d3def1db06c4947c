"""A conversation as a document for its customer: what both sides said, without notes."""

import hashlib
from typing import Any
from uuid import UUID

from django.apps import apps
from django.conf import settings
from django.core.files.base import ContentFile
from django.db import transaction
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _

from omnisupport.lib.errors import InvalidInput
from tenants.accounts.models import User
from tenants.events.log import record
from tickets.models import Contact, ContactAddress, Delivery, Message, MessageKind, Status, Ticket
from tickets.services.addresses import Profile, lock_address
from tickets.services.attachments import store_upload
from tickets.services.post import post_message
from tickets.services.tickets import open_ticket, set_status

MOST_MESSAGES = 5000


def make_transcript(ticket: Ticket, form: str) -> str:
    """`form`: html or txt. In the language of whoever reads it."""
    messages = Message.objects.filter(ticket=ticket, kind=MessageKind.PUBLIC, deleted_at=None)
    sent = messages.exclude(delivery__in=[Delivery.CANCELLED, Delivery.FAILED]).select_related("user")
    rows = list(sent.prefetch_related("attachments").order_by("id")[: MOST_MESSAGES + 1])
    context = {"ticket": ticket, "messages": rows[:MOST_MESSAGES], "cut": len(rows) > MOST_MESSAGES}
    return render_to_string(f"inbox/transcript.{form}", context)


@transaction.atomic
def send_transcript(ticket: Ticket, *, client_id: UUID, user: User) -> Message:
    """To the customer's e-mail address, through the company's mailbox: a conversation of its own, solved at once. The same
    `client_id` is the same letter. Raises InvalidInput where there is no address or no mailbox."""
    known = Message.objects.filter(client_id=client_id).first()
    if known is not None:
        return known
    place = _mailbox_of(ticket.contact)
    language = ticket.contact.language
    # A refusal is for whoever asked, the letter for the customer.
    with translation.override(language if language in dict(settings.LANGUAGES) else None):
        return _post_letter(ticket, place, client_id, user)


def _post_letter(ticket: Ticket, place: ContactAddress, client_id: UUID, user: User) -> Message:
    words = {"number": ticket.number}
    file = ContentFile(make_transcript(ticket, "txt").encode(), name=f"transcript-{ticket.number}.txt")
    attachment = store_upload(file, user=user)
    thread = hashlib.sha256(f"transcript {client_id}".encode()).hexdigest()[:32]
    letter = open_ticket(
        place, assignee_id=user.id, subject=_("Transcript of conversation №%(number)s") % words, thread=thread
    )
    message = post_message(
        ticket_id=letter.id,
        client_id=client_id,
        text=_("The transcript of our conversation №%(number)s is attached.") % words,
        user=user,
        attachment_ids=[attachment.id],
    )
    set_status(letter.id, status=Status.SOLVED, actor=None)
    payload = {"number": str(letter.number), "message_id": str(message.id)}
    record("ticket.transcript_sent", ticket_id=ticket.id, actor_id=user.id, payload=payload)
    return message


def _mailbox_of(contact: Contact) -> ContactAddress:
    """Where they write letters from; else their e-mail address in the first mailbox that is at work."""
    mailboxes: Any = apps.get_model("channels_app", "Channel").objects.mailboxes().filter(is_active=True)
    own = contact.addresses.filter(channel__in=mailboxes, unreachable_reason="").order_by("-last_inbound_at").first()
    if own is not None:
        return own
    mailbox = mailboxes.order_by("created_at").first()
    if mailbox is None:
        raise InvalidInput(_("There is no mailbox to send it from: connect one under Channels."))
    if not contact.email:
        raise InvalidInput(_("The customer's e-mail address is not known."))
    row = lock_address(mailbox.id, contact.email.lower(), Profile(name=contact.name, email=contact.email))
    if row.contact_id != contact.id and not row.tickets.exists():
        ContactAddress.objects.filter(id=row.id).update(contact=contact)
        row.contact = contact
    return row
