"""What integrators are told: the event, and the things that it is about as the REST API shows them."""

import json
from typing import Any

from rest_framework.renderers import JSONRenderer

from tenants.events.models import Event
from tenants.hosts import page_link
from tenants.names import current_schema
from tickets.links import link_path
from tickets.models import Contact, Message, Ticket
from tickets.serializers import AttachmentSerializer, ContactSerializer, MessageSerializer, TicketSerializer

EVENT_TYPES = (
    "ticket.created",
    "ticket.status_changed",
    "ticket.assigned",
    "ticket.priority_changed",
    "ticket.tags_changed",
    "ticket.attributes_changed",
    "ticket.handed_over",
    "ticket.snoozed",
    "ticket.woken",
    "ticket.spam_changed",
    "ticket.merged",
    "ticket.unmerged",
    "ticket.split",
    "ticket.incident_changed",
    "message.received",
    "message.posted",
    "message.edited",
    "message.deleted",
    "message.delivery_changed",
    "attachment.changed",
    "contact.changed",
    "channel.health_changed",
)
PING = "ping"


def event_key(event: Event) -> str:
    return f"evt_{event.pk}"


def event_body(event: Event) -> str:
    """JSON of `{id, seq, type, created_at, workspace, data}`; `data` has the payload and ticket, message, contact as they are
    when the event is dispatched."""
    data: dict[str, Any] = dict(event.payload)
    tickets = Ticket.objects.select_related("custom_status").prefetch_related("tags")
    ticket = tickets.filter(id=event.ticket_id).first() if event.ticket_id else None
    if ticket is not None:
        data["ticket"] = TicketSerializer(ticket).data
    message_id = event.payload.get("message_id")
    message = Message.objects.prefetch_related("attachments").filter(id=message_id).first() if message_id else None
    if message is not None:
        data["message"] = {**MessageSerializer(message).data, "attachments": _files(message)}
    contact_id = event.payload.get("contact_id") or (ticket.contact_id if ticket else None)
    contact = Contact.objects.prefetch_related("addresses").filter(id=contact_id).first() if contact_id else None
    if contact is not None:
        data["contact"] = ContactSerializer(contact).data
    return _dump(event_key(event), str(event.seq), event.type, event.created_at, data)


def _files(message: Message) -> list[dict[str, Any]]:
    """With whole signed links, good for a week: whoever listens has no session."""
    return [
        {
            **AttachmentSerializer(file).data,
            "url": page_link(link_path(file)) if file.state == file.State.READY else None,
        }
        for file in message.attachments.all()
    ]


def ping_body(key: str, at: Any) -> str:
    return _dump(key, None, PING, at, {})


def _dump(key: str, seq: str | None, type: str, at: Any, data: dict[str, Any]) -> str:
    whole = {"id": key, "seq": seq, "type": type, "created_at": at, "workspace": current_schema(), "data": data}
    # The API's own renderer writes dates and ids; keys come back in this order.
    return json.dumps(json.loads(JSONRenderer().render(whole)), ensure_ascii=False)
