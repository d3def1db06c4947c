"""Frames for agents' screens. A frame says what changed; the client asks for the fragment."""

from typing import Any
from uuid import UUID

from omnisupport.lib.hub import publish
from tenants.events.models import Event
from tenants.names import group_name
from tickets.models import Status, Ticket

AGENTS = "agents"


def visitor_group(channel_id: object, address: str, schema: str | None = None) -> str:
    """The windows of one visitor. A company's own id may be known in several of its chats."""
    return group_name("visitor", f"{channel_id}.{address}", schema=schema)


def event_frame(event: Event) -> dict[str, Any]:
    return {
        "type": "event",
        "seq": str(event.seq),
        "event": event.type,
        "ticket": str(event.ticket_id) if event.ticket_id else None,
        "data": event.payload,
    }


def publish_event(event: Event) -> None:
    publish(group_name(AGENTS), event_frame(event))


def publish_typing(ticket_id: int, who: str, on: bool, *, visitor: bool = False) -> None:
    """`visitor`: it is the customer who writes."""
    frame = {"type": "typing", "ticket": str(ticket_id), "who": who, "on": on}
    publish(group_name(AGENTS), {**frame, "visitor": True} if visitor else frame)


def publish_draft(user_id: UUID, ticket_id: int, kind: str, version: int) -> None:
    """For the agent's own screens; 0: there is none any more."""
    frame = {"type": "draft", "ticket": str(ticket_id), "kind": kind, "version": str(version)}
    publish(group_name("user", str(user_id)), frame)


def _visitor_of(ticket: Ticket) -> str:
    return visitor_group(ticket.address.channel_id, ticket.address.address)


def publish_delta(ticket: Ticket, answer_id: str, text: str, replace: bool = False) -> None:
    """A piece of the assistant's answer while it is being written; channels without a live window ignore it."""
    frame = {"type": "delta", "id": answer_id, "text": text, "replace": replace}
    publish(_visitor_of(ticket), frame)


def publish_answering(ticket: Ticket, on: bool) -> None:
    """The assistant has begun, or stopped, to look for an answer."""
    publish(_visitor_of(ticket), {"type": "typing", "who": "", "on": on, "author": "assistant"})
    publish(group_name(AGENTS), {"type": "typing", "ticket": str(ticket.id), "who": "", "assistant": True, "on": on})


def publish_visited(address_id: int) -> None:
    """The visitor looks at another page; not logged: whoever has the conversation open fetches its panel."""
    for ticket_id in (
        Ticket.objects.filter(address_id=address_id).exclude(status=Status.CLOSED).values_list("id", flat=True)
    ):
        publish(group_name(AGENTS), {"type": "visited", "ticket": str(ticket_id)})
