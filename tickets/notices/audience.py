"""Whom an event concerns."""

from uuid import UUID

from django.db.models import Q

from tenants.accounts.models import Role, User
from tenants.events.models import Event
from tickets.models import Mention, Message, Ticket, TicketFollower
from tickets.notices.models import Kind
from tickets.rights import may_see
from tickets.services.snoozing import Waking
from tickets.told import message_of

EVENT_TYPES = (
    "ticket.created",
    "ticket.assigned",
    "ticket.handed_over",
    "ticket.mentioned",
    "ticket.woken",
    "message.received",
    "bulk.changed",
)


def audience(event: Event) -> tuple[str, list[User]]:
    """The kind of notice and the people who get it: who may see the conversation, without whoever did it."""
    if event.payload.get("to") == str(event.actor_id) or "bulk" in event.payload:
        # They have taken it themselves; or one notice tells of all that was changed at once.
        return "", []
    message = message_of(event) if event.type == "message.received" else None
    if message is not None and message.ticket_id == event.ticket_id:
        ticket: Ticket | None = message.ticket
    else:
        ticket = Ticket.objects.filter(id=ticket_of(event) or 0).first()
    kind, addressed = _addressed(event, ticket) if ticket else ("", Q())
    if not kind or ticket is None:
        return "", []
    people = User.objects.filter(addressed, is_active=True, role__in=[Role.OWNER, Role.ADMIN, Role.AGENT])
    if event.actor_id:
        people = people.exclude(id=event.actor_id)
    found = [person for person in people if may_see(person, ticket.id)]
    if found and message is not None and _opens(ticket, message.id):
        return "", []
    return kind, found


def ticket_of(event: Event) -> int | None:
    """To which its notice leads: of many that were given at once, the newest."""
    return (
        int(event.payload["ticket_id"])
        if event.type == "bulk.changed" and "count" in event.payload
        else event.ticket_id
    )


def _addressed(event: Event, ticket: Ticket) -> tuple[str, Q]:
    payload, nobody = event.payload, ("", Q())
    match event.type:
        case "ticket.created" if payload.get("assignee") is None:
            return Kind.NEW, _takers(ticket)
        case "ticket.assigned" if "team" in payload:
            return (Kind.NEW, _takers(ticket)) if payload["team"] and ticket.assignee_id is None else nobody
        case "ticket.assigned" if payload.get("to"):
            return Kind.ASSIGNED, Q(id=UUID(payload["to"]))
        case "bulk.changed" if payload.get("assignee"):
            return Kind.ASSIGNED, Q(id=UUID(payload["assignee"]))
        case "bulk.changed" if payload.get("team"):
            return Kind.NEW, Q(teams=payload["team"])
        case "ticket.handed_over":
            return Kind.HANDOVER, _takers(ticket)
        case "ticket.mentioned":
            called = Mention.objects.filter(message_id=payload["message_id"])
            return Kind.MENTION, Q(id__in=called.values("user_id"))
        case "ticket.woken" if payload.get("why") == Waking.TIME:
            return Kind.WOKE, Q(id=ticket.assignee_id)
        case "message.received" if not payload.get("automatic"):
            followers = TicketFollower.objects.filter(ticket=ticket).values("user_id")
            return Kind.REPLY, Q(id=ticket.assignee_id) | Q(id__in=followers)
    return nobody


def _opens(ticket: Ticket, message_id: int) -> bool:
    """The first message of a conversation is told of as a new conversation."""
    return not Message.objects.filter(ticket=ticket, id__lt=message_id).exists()


def _takers(ticket: Ticket) -> Q:
    """Those who may take what nobody has: its team, else everybody."""
    return Q(teams=ticket.team_id) if ticket.team_id else Q()
