"""Writing into a conversation: an agent's reply or note, the assistant's answer, a system notice, a hand-over."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from omnisupport.lib.errors import Conflict, InvalidInput
from tenants.accounts.models import User
from tenants.events.log import record
from tickets import queries
from tickets.models import Attachment, Author, ContactAddress, Delivery, Message, MessageKind, Status, Ticket
from tickets.services.following import add_mentions
from tickets.services.indexing import index_message
from tickets.services.tickets import choose_status, lock_ticket, move_status, set_assignee

MAX_TEXT = 20_000
# The code of the refusal of a reply whose author has not read the newest messages.
ADDED_SINCE = "added_since"


@transaction.atomic
def post_message(
    *,
    ticket_id: int,
    client_id: UUID,
    text: str,
    user: User | None = None,
    author: Author = Author.AGENT,
    kind: MessageKind = MessageKind.PUBLIC,
    content: dict[str, Any] | None = None,
    attachment_ids: Sequence[UUID] = (),
    reply_to_id: int | None = None,
    status: str = "",
    due_at: datetime | None = None,
    address_id: int | None = None,
    seen: int | None = None,
    mentions: Sequence[str] = (),
) -> Message:
    """Stores a message; a public one is `queued` for delivery. The same `client_id` always gives the same message.

    `status` moves the ticket in the same transaction («send and solve»). `seen` is the newest message that the author of a
    reply has read; `mentions` are those whom a note calls (following.add_mentions). Raises NotFound, InvalidInput (empty,
    too long, strange attachment or address, an empty field that solving needs), Conflict (ticket closed, something added
    since `seen`, or the client_id belongs to another message).
    """
    ticket = lock_ticket(ticket_id)
    known = Message.objects.filter(client_id=client_id).first()
    if known is not None:
        _check_repeat(known, ticket_id, text, kind)
        return known
    text = check_text(text, bool(attachment_ids or (content or {}).get("buttons")))
    if kind == MessageKind.PUBLIC:
        _check_may_reply(ticket, user, seen)
    message = Message.objects.create(
        ticket=ticket, address_id=_check_address(ticket, address_id), client_id=client_id, kind=kind, author=author,
        user=user, text=text, content=content or {}, due_at=due_at,
        reply_to=Message.objects.filter(id=reply_to_id, ticket=ticket).first() if reply_to_id else None,
        delivery=Delivery.QUEUED if kind == MessageKind.PUBLIC else Delivery.NONE,
    )  # fmt: skip
    index_message(message)
    _attach_uploads(message, user, attachment_ids)
    note_posted(ticket, message)
    payload = {"message_id": str(message.id), "kind": kind, "author": author}
    record("message.posted", ticket_id=ticket.id, actor_id=user.id if user else None, payload=payload)
    if kind == MessageKind.NOTE and mentions:
        add_mentions(message, mentions, user)
    if status:
        choose_status(ticket, status, user)
    return message


def _check_may_reply(ticket: Ticket, user: User | None, seen: int | None) -> None:
    if ticket.status == Status.CLOSED:
        raise Conflict(_("This conversation is closed. Reopen it before you reply."))
    if seen is not None and user is not None and queries.added_since(ticket, seen, user):
        raise Conflict(
            _("Something was added to the conversation while you wrote. Read it, then send again."), code=ADDED_SINCE
        )


def _check_address(ticket: Ticket, address_id: int | None) -> int:
    """Where the customer last wrote, unless another place of the same person was picked."""
    if address_id is None or address_id == ticket.address_id:
        return ticket.address_id
    if not ContactAddress.objects.filter(queries.places_of(ticket), id=address_id).exists():
        raise InvalidInput(_("This is not an address of this customer."), field="address")
    return address_id


def _check_repeat(known: Message, ticket_id: int, text: str, kind: MessageKind) -> None:
    """Other words under a used id would be lost without a sound."""
    if known.ticket_id != ticket_id:
        raise Conflict(_("This message id is already used in another conversation."), field="client_id")
    # What the product says may be in another language the second time.
    if known.author == Author.AGENT and (known.text, known.kind) != (_clean(text), kind):
        raise Conflict(_("Another message has been sent under this id. Send this one anew."), field="client_id")


def _clean(text: str) -> str:
    # PostgreSQL stores no NUL; messengers refuse it too.
    return text.replace("\x00", "").strip()


def check_text(text: str, has_more: bool) -> str:
    """The text as it is stored. Raises InvalidInput: empty without anything else, too long."""
    text = _clean(text)
    if not text and not has_more:
        raise InvalidInput(_("Write a text or attach a file."), field="text")
    if len(text) > MAX_TEXT:
        raise InvalidInput(_("The text is longer than %(limit)s characters.") % {"limit": MAX_TEXT}, field="text")
    return text


def _attach_uploads(message: Message, user: User | None, attachment_ids: Sequence[UUID]) -> None:
    if not attachment_ids:
        return
    mine = Attachment.objects.filter(id__in=attachment_ids, message=None, uploaded_by=user, uploaded_from=None)
    if mine.update(message=message) != len(set(attachment_ids)):
        raise InvalidInput(_("One of the files is gone. Attach it again."), field="attachments")


def note_posted(ticket: Ticket, message: Message) -> None:
    """What a message to the customer changes at its ticket. The caller holds the lock."""
    now = timezone.now()
    ticket.last_activity_at = now
    fields = ["last_activity_at"]
    if message.kind == MessageKind.PUBLIC:
        ticket.last_message = message
        fields.append("last_message")
        if message.author == Author.AGENT:
            ticket.waiting_since = None
            ticket.human_replied = True
            if ticket.first_reply_at is None:
                ticket.first_reply_at = now
                ticket.human_wait_from = ticket.human_wait_from or ticket.created_at
            fields += ["waiting_since", "human_replied", "first_reply_at", "human_wait_from"]
        elif message.author == Author.ASSISTANT:
            ticket.waiting_since = None
            ticket.assistant_replied = True
            fields += ["waiting_since", "assistant_replied"]
    ticket.save(update_fields=fields)
    answers_for_it = ticket.assignee is None or ticket.assignee.is_assistant
    if message.author == Author.AGENT and message.kind == MessageKind.PUBLIC and answers_for_it:
        set_assignee(ticket, message.user, message.user)


@transaction.atomic
def hand_to_human(
    *, ticket_id: int, reason: str, text: str, client_id: UUID, user: User | None = None, note: str = ""
) -> Message | None:
    """Takes the ticket from the assistant and tells the customer so. None when a person already has it, or without `text`.

    `reason` is a code (asked, not_sure, no_source, error, limit…); `note` is the packet for the agents.
    """
    ticket = lock_ticket(ticket_id)
    if ticket.assignee is None or not ticket.assignee.is_assistant:
        return Message.objects.filter(client_id=client_id).first()
    now = timezone.now()
    ticket.handed_over_at = now
    ticket.handoff_reason = reason[:40]
    ticket.human_wait_from = now
    ticket.save(update_fields=["handed_over_at", "handoff_reason", "human_wait_from"])
    assistant = ticket.assignee
    set_assignee(ticket, None, user)
    if ticket.status != Status.OPEN:
        move_status(ticket, Status.OPEN, user)
    record("ticket.handed_over", ticket_id=ticket.id, payload={"reason": reason})
    message = None
    if text:
        message = post_message(
            ticket_id=ticket.id,
            client_id=client_id,
            text=text,
            user=assistant,
            author=Author.SYSTEM,
            content={"handoff": reason},
        )
    Ticket.objects.filter(id=ticket.id).update(waiting_since=now)
    if note:
        post_message(
            ticket_id=ticket.id,
            client_id=uuid5(client_id, "note"),
            text=note[:MAX_TEXT],
            user=assistant,
            author=Author.ASSISTANT,
            kind=MessageKind.NOTE,
        )
    return message
