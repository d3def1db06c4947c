"""The assistant listens: to customers on its tickets, and to tickets given to it."""

from ai_assistant.services.answering import SETTLE
from ai_assistant.tasks import answer_ticket
from tenants.events.log import subscribe
from tenants.events.models import Event
from tenants.tasking import wake
from tickets.models import Ticket


@subscribe("message.received", "ticket.assigned")
def take_turn(event: Event) -> None:
    if event.ticket_id is None or event.payload.get("automatic"):
        return
    if Ticket.objects.filter(id=event.ticket_id, assignee__role="assistant").exists():
        countdown = SETTLE.total_seconds() if event.type == "message.received" else 0
        wake(answer_ticket, event.ticket_id, countdown=countdown)
