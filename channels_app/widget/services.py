"""A visitor's side of a conversation, through the core's own functions."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID, uuid4, uuid5

from django.core.files.base import File
from django.db import IntegrityError, transaction
from django.db.models import Max, Q
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from channels_app.base import Incoming, IncomingFile, Profile
from channels_app.facts import type_fact
from channels_app.models import Channel
from channels_app.registry import adapter_for
from channels_app.services.channels import assignee_of_new, note_heard
from channels_app.widget.serializers import public_message, visible_messages
from channels_app.widget.sessions import Visitor
from omnisupport.lib.errors import Conflict, InvalidInput
from tenants.events.models import Event
from tickets.models import Attachment, Author, ContactAddress, Message, Status, Ticket
from tickets.services.addresses import lock_address
from tickets.services.attachments import store_upload
from tickets.services.continuity import make_code
from tickets.services.hours import closed_notice
from tickets.services.post import hand_to_human, post_message
from tickets.services.receive import receive_message

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
    """Stores a visitor's message; the same `client_id` is the same message.

    Raises InvalidInput (empty, a file that is not theirs), Conflict (the id is of a message that is not theirs).
    """
    text = text.replace("\x00", "").strip()
    if not text and not attachment_ids:
        raise InvalidInput(_("Write a text or attach a file."), field="text")
    _check_uploads(visitor, client_id, attachment_ids)
    taken = Conflict(_("Another message has been sent under this id. Send this one anew."), field="client_id")
    files = tuple(IncomingFile(attachment_id=id) for id in attachment_ids)
    try:
        message, is_new = receive_message(
            channel_id=visitor.channel.id,
            address=visitor.address,
            profile=Profile(language=language, details={"facts": dict(facts)} if facts else {}),
            incoming=Incoming(external_id=str(client_id), text=text, files=files, client_id=client_id),
            assign_to=assignee_of_new(visitor.channel),
        )
    except IntegrityError:
        raise taken from None
    if message.author != Author.CONTACT or (message.text != text and message.edited_at is None):
        raise taken
    if is_new:
        note_heard(visitor.channel)
    return message


def _check_uploads(visitor: Visitor, client_id: UUID, attachment_ids: Sequence[UUID]) -> None:
    """Files that wait for this message, or hang on it since an earlier try."""
    if not attachment_ids:
        return
    free = Attachment.objects.filter(Q(message=None) | Q(message__client_id=client_id), id__in=attachment_ids)
    own = free.filter(uploaded_from__channel_id=visitor.channel.id, uploaded_from__address=visitor.address)
    if own.count() != len(set(attachment_ids)):
        raise InvalidInput(_("One of the files is gone. Attach it again."), field="attachments")


@transaction.atomic
def keep_upload(visitor: Visitor, file: File[Any]) -> Attachment:
    row = lock_address(visitor.channel.id, visitor.address, Profile())
    return store_upload(file, address=row)


@transaction.atomic
def call_person(visitor: Visitor, language: str = "") -> Message:
    """“Talk to a person”: takes the conversation from the assistant; where there is none yet, begins it.

    Says that a person will come, also when one has the conversation already. Pressed again with nothing written in
    between, it is the same message.
    """
    asked = _("I would like to talk to a person.")
    text = closed_notice(get_language() or "en") or _(
        "A person will answer here as soon as possible. You can go on writing."
    )
    # Locked before looking: an impatient second press waits here and then finds what the first one began.
    row = lock_address(visitor.channel.id, visitor.address, Profile(language=language))
    ticket = Ticket.objects.filter(address=row).exclude(status=Status.CLOSED).first()
    if ticket is None or ticket.status == Status.SOLVED or _last_word(ticket) is None:
        ticket = write(visitor, client_id=uuid4(), text=asked).ticket
    key = uuid5(UUID(int=ticket.id), f"person after {_last_word(ticket)}")
    handed = hand_to_human(ticket_id=ticket.id, reason="asked", text=text, client_id=key)
    return handed or post_message(ticket_id=ticket.id, client_id=key, text=text, author=Author.SYSTEM)


def _last_word(ticket: Ticket) -> int | None:
    """The id of the visitor's newest message in it."""
    newest: int | None = ticket.messages.filter(author=Author.CONTACT).aggregate(id=Max("id"))["id"]
    return newest


def other_ways(visitor: Visitor) -> list[dict[str, str]]:
    """Messengers in which this conversation can be gone on with: {kind, title, url}. None before it has begun."""
    row = visitor.row()
    if row is None:
        return []
    code, ways = make_code(row), []
    for channel in Channel.objects.filter(is_active=True, health=Channel.Health.OK).exclude(id=visitor.channel.id):
        adapter = adapter_for(channel)
        if url := adapter.deep_link(code):
            ways.append({"kind": channel.kind, "title": str(adapter.title), "url": url})
    return ways


def mark_read(visitor: Visitor, last: int) -> None:
    """Everything up to the message `last`; never back, and never further than what there is to read."""
    newest = visible_messages(visitor.address, visitor.channel.id).filter(id__lte=last).aggregate(id=Max("id"))["id"]
    if newest is not None:
        rows = ContactAddress.objects.filter(channel_id=visitor.channel.id, address=visitor.address)
        rows.filter(read_up_to__lt=newest).update(read_up_to=newest)
