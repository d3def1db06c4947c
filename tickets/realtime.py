"""Frames for agents' screens. A frame says what changed; the client asks for the fragment."""

from typing import Any

from omnisupport.lib.hub import publish
from tenants.events.models import Event
from tenants.names import group_name

AGENTS = "agents"


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


def publish_typing(ticket_id: int, who: str, on: bool) -> None:
    publish(group_name(AGENTS), {"type": "typing", "ticket": str(ticket_id), "who": who, "on": on})
