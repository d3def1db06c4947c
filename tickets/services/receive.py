"""What a customer did in a channel, told by an adapter: a message, an edit, a deletion, a reaction."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from omnisupport.lib.markup import PLAIN, translate
from omnisupport.lib.text import Storable
from tenants.events.log import record
from tickets.models import Attachment, Author, ContactAddress, Message, MessageChange, Status, Ticket
from tickets.services.addresses import Profile, addresses_named, lock_address
from tickets.services.continuity import carry_over, move_here
from tickets.services.indexing import index_message
from tickets.services.letters import Letter, find_thread, name_of, named_by_another
from tickets.services.schedule import drop_on_reply
from tickets.services.snoozing import Waking, wake
from tickets.services.spam import unwanted_ticket
from tickets.services.tickets import close_if_over, live_ticket, move_status, open_ticket

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

# Of one address; what never comes is pushed out by what comes later.
_MOST_EARLY = 20


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


# Whoever calls this for many has a savepoint for each already.
@transaction.atomic(savepoint=False)
def receive_message(
    *,
    channel_id: UUID,
    address: str,
    profile: Profile,
    incoming: Incoming,
    assign_to: UUID | None = None,
    start_code: str = "",
    edited_at: datetime | None = None,
) -> tuple[Message, bool]:
    """Stores a customer's message in the live ticket of its address. Returns (message, is_new); a repeated one is found.

    `start_code`: what the person brought from another channel, to go on with the conversation there. `edited_at`: of one
    whose first words never reached us.
    """
    row = lock_address(channel_id, address, profile)
    external_id = name_of(row, incoming.external_id, incoming.letter)
    known = Message.objects.filter(address=row, external_id=external_id)
    if known.exists():
        return known.get(), False
    if start_code:
        carry_over(row, start_code)
    live, content = _conversation(row, incoming, None if incoming.automatic else assign_to)
    # Of both nobody is told and no machine answers.
    quiet = incoming.automatic or row.contact.is_blocked
    move_here(live, row)
    message = Message.objects.create(
        ticket=live,
        address=row,
        client_id=incoming.client_id or uuid4(),
        external_id=external_id,
        author=Author.CONTACT,
        text=incoming.text,
        content=content,
        reply_to=_named([row], incoming.reply_to_external_id),
        sent_at=incoming.sent_at or timezone.now(),
        edited_at=edited_at,
    )
    index_message(message, first=False if live.last_message_id else None)
    attach_files(message, row, incoming.files)
    _apply_early(message, row)
    if quiet:
        _note_quiet(live, message)
    else:
        _note_inbound(live, row, message)
        drop_on_reply(live.id)
    payload = {"message_id": str(message.id), "kind": message.kind}
    record("message.received", ticket_id=live.id, payload=payload | ({"automatic": True} if quiet else {}))
    return message, True


def _conversation(row: ContactAddress, incoming: Incoming, assign_to: UUID | None) -> tuple[Ticket, dict[str, Any]]:
    """The live ticket that the message belongs to, made where there is none; and the message's content."""
    letter = incoming.letter
    subject = letter.subject if letter else incoming.text.strip().split("\n")[0][:120]
    if row.contact.is_blocked:
        live = find_thread(row, letter, incoming.external_id)[0] if letter else live_ticket(row, lock=True)
        return unwanted_ticket(row, live, subject), {**incoming.content, "blocked": True}
    if letter is None:
        live = _still_open(live_ticket(row, lock=True))
        return live or open_ticket(row, assignee_id=assign_to, subject=subject), incoming.content
    named, thread = find_thread(row, letter, incoming.external_id)
    found = _still_open(named)
    ticket = found or open_ticket(row, assignee_id=assign_to, subject=letter.subject, thread=thread)
    content = {**incoming.content, "fingerprint": letter.fingerprint} | (
        {"automatic": True} if incoming.automatic else {}
    )
    other = None if named else named_by_another(row, letter)
    return ticket, content | ({"answers": str(other.number)} if other else {})


def _still_open(ticket: Ticket | None) -> Ticket | None:
    return None if ticket is None or close_if_over(ticket) else ticket


def _note_quiet(ticket: Ticket, message: Message) -> None:
    """Neither reopens nor wakes nor makes anybody wait."""
    ticket.last_message = message
    ticket.last_activity_at = timezone.now()
    if not ticket.messages.exclude(id=message.pk).exists():
        ticket.human_wait_from = None
    ticket.save(update_fields=["last_message", "last_activity_at", "human_wait_from"])


def _named(rows: Iterable[ContactAddress], external_id: str) -> Message | None:
    """A message of either side by the provider's id, or by that of a piece in which it left."""
    if not external_id:
        return None
    here = Message.objects.filter(address__in=rows)
    # Two queries: the first has an index, and nearly always finds it.
    return (
        here.filter(external_id=external_id).first()
        or here.filter(content__sent_parts__contains=[external_id]).order_by("id").first()
    )


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
    wake(ticket, Waking.CUSTOMER)
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
    by_company: bool = False,
) -> bool:
    """The customer changed a message. Returns False when we never had it (the caller decides what to do then).

    `content` is laid over what is known (a place that moves). A file joins the others when its `remote["key"]` is new.
    `by_company`: the message is one that we or somebody in the messenger's own app wrote.
    """
    rows = Message.objects.select_for_update().filter(
        address__in=addresses_named(channel_id, address), external_id=external_id
    )
    customers = Q(author=Author.CONTACT)
    message = rows.filter(~customers if by_company else customers).first()
    if message is None:
        return False
    if by_company and _is_our_change(message, text):
        return True
    if edited_at and message.edited_at and edited_at < message.edited_at:
        # A repeat that was late: what is here is newer.
        return True
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


def _is_our_change(message: Message, text: str) -> bool:
    """The provider tells us what we had asked it to do, with our marks drawn or dropped."""
    ours = message.changes.filter(what=MessageChange.What.EDIT).order_by("-id").first()
    return ours is not None and _bare(ours.text) == _bare(text)


def _bare(text: str) -> str:
    return "".join(letter for letter in translate(text, PLAIN) if letter.isalnum())


@transaction.atomic
def delete_received_message(*, channel_id: UUID, address: str, external_id: str) -> bool:
    """The customer took a message back: it is marked, the text is kept for agents."""
    rows = Message.objects.filter(address__in=addresses_named(channel_id, address), external_id=external_id)
    message = rows.first()
    if message is None:
        _keep_early(channel_id, address, external_id, {"deleted": True})
    if message is None or message.deleted_at:
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
    known = _named(addresses_named(channel_id, address), external_id)
    if known is None:
        _keep_early(channel_id, address, external_id, {"reaction": emoji[:16]})
        return False
    message = Message.objects.select_for_update().get(id=known.id)
    reactions = [emoji[:16]] if emoji else []
    if message.content.get("reactions", []) != reactions:
        message.content = {**message.content, "reactions": reactions}
        message.save(update_fields=["content"])
        payload = {"message_id": str(message.id), "kind": message.kind}
        record("message.edited", ticket_id=message.ticket_id, payload=payload)
    return True


def _keep_early(channel_id: UUID, address: str, external_id: str, what: dict[str, Any]) -> None:
    """What was done to a message that has not come yet: some providers promise no order. Of people we know."""
    row = addresses_named(channel_id, address).select_for_update(of=("self",)).first()
    if row is None or not external_id:
        return
    early = dict(row.details.get("early", {}))
    early[external_id] = {**early.pop(external_id, {}), **what}
    row.details = {**row.details, "early": dict(list(early.items())[-_MOST_EARLY:])}
    row.save(update_fields=["details"])


def _apply_early(message: Message, row: ContactAddress) -> None:
    early = dict(row.details.get("early", {}))
    what = early.pop(message.external_id, None)
    if what is None:
        return
    row.details = {**row.details, "early": early}
    row.save(update_fields=["details"])
    if what.get("deleted"):
        message.deleted_at = timezone.now()
    if what.get("reaction"):
        message.content = {**message.content, "reactions": [what["reaction"]]}
    message.save(update_fields=["deleted_at", "content"])
