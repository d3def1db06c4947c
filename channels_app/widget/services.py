"""A visitor's side of a conversation, through the core's own functions."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID, uuid4, uuid5

from django.core.files.base import File
from django.db import transaction
from django.utils.translation import gettext as _

from channels_app.base import Incoming, IncomingFile, Profile
from channels_app.widget.facts import type_fact
from channels_app.widget.serializers import public_message, visible_messages
from channels_app.widget.sessions import Visitor
from omnisupport.lib.errors import InvalidInput
from tenants.events.models import Event
from tickets.models import Attachment, Author, Message, Status, Ticket
from tickets.services.attachments import store_upload
from tickets.services.post import hand_to_human
from tickets.services.receive import lock_address, receive_message

HISTORY = 200


def newest_seq() -> str:
    return str(Event.objects.filter(seq__isnull=False).order_by("-seq").values_list("seq", flat=True).first() or 0)


def open_session(visitor: Visitor) -> dict[str, Any]:
    """`{messages, seq, unread}`: the last messages of the visitor, oldest first."""
    # Before the messages: what comes in between is asked for again, never missed.
    seq = newest_seq()
    row = visitor.row()
    if row is None:
        return {"messages": [], "seq": seq, "unread": 0}
    found = visible_messages(visitor.address, visitor.channel.id)
    rows = list(reversed(found.reverse()[:HISTORY]))
    unread = found.filter(id__gt=row.read_up_to).exclude(author=Author.CONTACT).count()
    return {"messages": [public_message(message, visitor.address) for message in rows], "seq": seq, "unread": unread}


def write(
    visitor: Visitor,
    *,
    client_id: UUID,
    text: str,
    attachment_ids: Sequence[UUID] = (),
    language: str = "",
    facts: Mapping[str, type_fact] | None = None,
) -> Message:
    """Stores a visitor's message; the same `client_id` is the same message. Raises InvalidInput when it is empty."""
    text = text.replace("\x00", "").strip()
    if not text and not attachment_ids:
        raise InvalidInput(_("Write a text or attach a file."), field="text")
    files = tuple(IncomingFile(attachment_id=id) for id in attachment_ids)
    message, _new = receive_message(
        channel_id=visitor.channel.id,
        address=visitor.address,
        profile=Profile(language=language, details={"facts": dict(facts)} if facts else {}),
        incoming=Incoming(external_id=str(client_id), text=text, files=files, client_id=client_id),
        assign_to=visitor.channel.first_assignee_id,
    )
    return message


@transaction.atomic
def keep_upload(visitor: Visitor, file: File[Any]) -> Attachment:
    row = lock_address(visitor.channel.id, visitor.address, Profile())
    return store_upload(file, address=row)


def call_person(visitor: Visitor) -> Message:
    """“Talk to a person”: hands over from the assistant; says so again when a person has it already."""
    asked = _("I would like to talk to a person.")
    text = _("A person will answer here as soon as possible. You can go on writing.")
    row = visitor.row()
    live = Ticket.objects.filter(address=row).exclude(status=Status.CLOSED).first() if row else None
    if live is None or live.status == Status.SOLVED or not live.messages.filter(author=Author.CONTACT).exists():
        live = write(visitor, client_id=uuid4(), text=asked).ticket
    done = hand_to_human(ticket_id=live.id, reason="asked", text=text, client_id=uuid4())
    if done is not None:
        return done
    return _already_with_people(live, text)


def _already_with_people(ticket: Ticket, text: str) -> Message:
    from tickets.services.post import post_message

    # One such line a conversation: the id makes a second press find the first.
    return post_message(
        ticket_id=ticket.id, client_id=uuid5(UUID(int=ticket.id), "with-people"), text=text, author=Author.SYSTEM
    )


def mark_read(visitor: Visitor, last: int) -> None:
    row = visitor.row()
    if row is not None and last > row.read_up_to:
        row.read_up_to = last
        row.save(update_fields=["read_up_to"])
