"""What a customer did in a channel, told by an adapter: a message, an edit, a deletion, a reaction."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.utils import timezone

from omnisupport.lib.text import Storable
from tenants.events.log import record
from tickets.models import Attachment, Author, ContactAddress, Message, Status, Ticket
from tickets.services.addresses import Profile, addresses_named, lock_address
from tickets.services.continuity import carry_over, move_here
from tickets.services.indexing import index_message
from tickets.services.letters import Letter, find_thread, name_of, named_by_another
from tickets.services.schedule import drop_on_reply
from tickets.services.tickets import live_ticket, move_status, open_ticket

__all__ = [
    "Incoming",
    "IncomingFile",
    "Letter",
    "Profile",
    "attach_files",
    "delete_received_message",
    "edit_received_message",
    "note_reaction",
    "receive_message",
]


@dataclass(frozen=True)
class IncomingFile(Storable):
    """A file still with the provider (`remote` is its reference), or an upload that waits (`attachment_id`)."""

    kind: str = "document"
    name: str = ""
    mime: str = ""
    size: int = 0
    remote: dict[str, Any] = field(default_factory=dict)
    attachment_id: UUID | None = None


@dataclass(frozen=True)
class Incoming(Storable):
    """`external_id` is unique within the address; `content` as in Message.content.

    `automatic`: a machine wrote it, and nobody waits for an answer. `quiet`: a person did, but no machine may answer.
    """

    external_id: str
    text: str = ""
    content: dict[str, Any] = field(default_factory=dict)
    files: tuple[IncomingFile, ...] = ()
    reply_to_external_id: str = ""
    sent_at: datetime | None = None
    client_id: UUID | None = None
    letter: Letter | None = None
    automatic: bool = False
    quiet: bool = False


@transaction.atomic
def receive_message(
    *,
    channel_id: UUID,
    address: str,
    profile: Profile,
    incoming: Incoming,
    assign_to: UUID | None = None,
    start_code: str = "",
) -> tuple[Message, bool]:
    """Stores a customer's message in the live ticket of its address. Returns (message, is_new); a repeated one is found.

    `start_code`: what the person brought from another channel, to go on with the conversation there.
    """
    row = lock_address(channel_id, address, profile)
    external_id = name_of(row, incoming.external_id, incoming.letter)
    known = Message.objects.filter(address=row, external_id=external_id).first()
    if known is not None:
        return known, False
    if start_code:
        carry_over(row, start_code)
    live, content = _conversation(row, incoming, None if incoming.automatic else assign_to)
    move_here(live, row)
    message = Message.objects.create(
        ticket=live,
        address=row,
        client_id=incoming.client_id or uuid4(),
        external_id=external_id,
        author=Author.CONTACT,
        text=incoming.text,
        content=content,
        reply_to=Message.objects.filter(address=row, external_id=incoming.reply_to_external_id or "-").first(),
        sent_at=incoming.sent_at or timezone.now(),
    )
    index_message(message)
    attach_files(message, row, incoming.files)
    if incoming.automatic:
        _note_automatic(live, message)
    else:
        _note_inbound(live, row, message)
        drop_on_reply(live.id)
    payload = {"message_id": str(message.id), "kind": message.kind}
    record("message.received", ticket_id=live.id, payload=payload | ({"automatic": True} if incoming.automatic else {}))
    return message, True


def _conversation(row: ContactAddress, incoming: Incoming, assign_to: UUID | None) -> tuple[Ticket, dict[str, Any]]:
    """The live ticket that the message belongs to, made where there is none; and the message's content."""
    letter = incoming.letter
    if letter is None:
        subject = incoming.text.strip().split("\n")[0][:120]
        return live_ticket(row, lock=True) or open_ticket(row, assignee_id=assign_to, subject=subject), incoming.content
    found, thread = find_thread(row, letter, incoming.external_id)
    ticket = found or open_ticket(row, assignee_id=assign_to, subject=letter.subject, thread=thread)
    content = {**incoming.content, "fingerprint": letter.fingerprint} | (
        {"automatic": True} if incoming.automatic else {}
    )
    other = None if found else named_by_another(row, letter)
    return ticket, content | ({"answers": str(other.number)} if other else {})


def _note_automatic(ticket: Ticket, message: Message) -> None:
    """Neither reopens nor makes anybody wait: one machine wrote, and no other may answer."""
    ticket.last_message = message
    ticket.last_activity_at = timezone.now()
    if not ticket.messages.exclude(id=message.pk).exists():
        ticket.human_wait_from = None
    ticket.save(update_fields=["last_message", "last_activity_at", "human_wait_from"])


def attach_files(message: Message, row: ContactAddress, files: tuple[IncomingFile, ...]) -> None:
    for file in files:
        if file.attachment_id is not None:
            Attachment.objects.filter(id=file.attachment_id, message=None, uploaded_from=row).update(message=message)
            continue
        Attachment.objects.create(
            message=message,
            kind=file.kind,
            name=file.name[:255],
            mime=file.mime[:120],
            size=file.size,
            remote=file.remote,
            state=Attachment.State.PENDING,
        )


def _note_inbound(ticket: Ticket, row: ContactAddress, message: Message) -> None:
    if ticket.status in {Status.SOLVED, Status.WAITING}:
        move_status(ticket, Status.OPEN, None)
    now = timezone.now()
    ticket.last_message = message
    ticket.last_activity_at = now
    ticket.waiting_since = ticket.waiting_since or now
    if not (ticket.assignee and ticket.assignee.is_assistant):
        ticket.human_wait_from = ticket.human_wait_from or now
    ticket.save(update_fields=["last_message", "last_activity_at", "waiting_since", "human_wait_from"])
    row.last_inbound_at = now
    # Whoever writes to us can be reached again.
    row.unreachable_reason = ""
    row.save(update_fields=["last_inbound_at", "unreachable_reason"])


@transaction.atomic
def edit_received_message(
    *,
    channel_id: UUID,
    address: str,
    external_id: str,
    text: str,
    edited_at: datetime | None,
    content: dict[str, Any] | None = None,
    files: tuple[IncomingFile, ...] = (),
) -> bool:
    """The customer changed a message. Returns False when we never had it (the caller decides what to do then).

    `content` is laid over what is known (a place that moves). A file joins the others when its `remote["key"]` is new.
    """
    rows = Message.objects.select_for_update().filter(
        address__in=addresses_named(channel_id, address), external_id=external_id, author=Author.CONTACT
    )
    message = rows.first()
    if message is None:
        return False
    changed = {name: value for name, value in (content or {}).items() if message.content.get(name) != value}
    known = {attachment.remote.get("key") for attachment in message.attachments.all()} if files else set()
    new_files = tuple(file for file in files if file.remote.get("key") and file.remote["key"] not in known)
    if message.text == text and not changed and not new_files:
        return True
    if message.text != text:
        history = [*message.content.get("edits", []), {"text": message.text, "until": timezone.now().isoformat()}]
        changed["edits"] = history[-20:]
    message.content = {**message.content, **changed}
    message.text = text
    message.edited_at = edited_at or timezone.now()
    message.save(update_fields=["text", "content", "edited_at"])
    index_message(message)
    attach_files(message, message.address, new_files)
    record("message.edited", ticket_id=message.ticket_id, payload={"message_id": str(message.id), "kind": message.kind})
    return True


@transaction.atomic
def delete_received_message(*, channel_id: UUID, address: str, external_id: str) -> bool:
    """The customer took a message back: it is marked, the text is kept for agents."""
    rows = Message.objects.filter(address__in=addresses_named(channel_id, address), external_id=external_id)
    message = rows.filter(deleted_at=None).first()
    if message is None:
        return False
    message.deleted_at = timezone.now()
    message.save(update_fields=["deleted_at"])
    record(
        "message.deleted", ticket_id=message.ticket_id, payload={"message_id": str(message.id), "kind": message.kind}
    )
    return True


@transaction.atomic
def note_reaction(*, channel_id: UUID, address: str, external_id: str, emoji: str) -> bool:
    """The customer's reaction, on a message of either side; an empty `emoji` takes it back. False: no such message."""
    rows = Message.objects.select_for_update().filter(
        address__in=addresses_named(channel_id, address), external_id=external_id
    )
    message = rows.first()
    if message is None:
        return False
    reactions = [emoji[:16]] if emoji else []
    if message.content.get("reactions", []) != reactions:
        message.content = {**message.content, "reactions": reactions}
        message.save(update_fields=["content"])
        payload = {"message_id": str(message.id), "kind": message.kind}
        record("message.edited", ticket_id=message.ticket_id, payload=payload)
    return True
