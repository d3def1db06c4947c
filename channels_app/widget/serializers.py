"""The public shape of a message (docs/architecture.md): what a visitor may see of it, and nothing else."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db.models import Q

from channels_app.widget.sessions import sign_file
from tickets.models import Attachment, Author, Delivery, Message, MessageKind

# What stands beside these in `Message.content` (scores, ids, names of internal things) is for agents.
_BUTTON = ("text", "value")
_CITATION = ("n", "title", "section", "page", "quote", "url")
_AUTHORS = {Author.CONTACT: "visitor", Author.AGENT: "agent", Author.ASSISTANT: "assistant", Author.SYSTEM: "system"}


def public_message(message: Message, address: str, files: Iterable[Attachment] | None = None) -> dict[str, Any]:
    """`files`: those of the message, where they are known; else they are read."""
    assert message.kind == MessageKind.PUBLIC, "notes are never shown to visitors"
    name = message.user.get_short_name() if message.user and message.author == Author.AGENT else ""
    deleted = message.deleted_at is not None
    known = message.attachments.all() if files is None else files
    return {
        "id": str(message.id),
        "client_id": str(message.client_id),
        "author": _AUTHORS[Author(message.author)],
        "name": name,
        "text": "" if deleted else message.text,
        "at": message.created_at.isoformat(),
        "state": message.delivery if message.author != Author.CONTACT else "sent",
        "edited": message.edited_at is not None,
        "deleted": deleted,
        "attachments": [] if deleted else [_file(a, message, address) for a in known],
        "buttons": _only(_BUTTON, message.content.get("buttons", [])),
        "citations": _only(_CITATION, message.content.get("citations", [])),
    }


def _only(names: tuple[str, ...], rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: row.get(name) for name in names} for row in rows]


def _file(attachment: Attachment, message: Message, address: str) -> dict[str, Any]:
    channel = message.address.channel_id
    ready = attachment.state == Attachment.State.READY
    url = f"/widget/{channel}/files/{attachment.id}/?sig={sign_file(attachment.id, address)}" if ready else ""
    return {
        "id": str(attachment.id), "name": attachment.name, "mime": attachment.mime, "size": attachment.size, "url": url,
    }  # fmt: skip


def is_visible(message: Message) -> bool:
    """One of `visible_messages`."""
    is_held = message.delivery == Delivery.QUEUED and message.due_at is not None
    return message.kind == MessageKind.PUBLIC and not is_held and message.delivery != Delivery.CANCELLED


def visible_messages(address: str, channel_id: UUID | str) -> Any:
    """Every public message of a visitor over all their conversations, oldest first."""
    # What an agent may still take back, or has.
    held = Q(delivery=Delivery.QUEUED, due_at__isnull=False) | Q(delivery=Delivery.CANCELLED)
    return (
        Message.objects.filter(address__channel_id=channel_id, address__address=address, kind=MessageKind.PUBLIC)
        .exclude(held)
        .select_related("user", "address")
        .prefetch_related("attachments")
        .order_by("id")
    )
