"""Whose conversation a message belongs to: where the assistant suggests, and where it may take one that nobody has."""

from uuid import UUID

from django.db import transaction

from ai_assistant.models import Assistant
from tickets.models import AssistantMode, Message, Status
from tickets.services.hours import assistant_answers
from tickets.services.tickets import lock_ticket, set_assignee


def suggests(message: Message) -> bool:
    return message.address.channel.assistant_mode == AssistantMode.SUGGEST


def take_where_allowed(message: Message) -> bool:
    """Out of working hours the assistant takes what was written earlier and has found nobody yet."""
    channel = message.address.channel
    if channel.assistant_mode != AssistantMode.OUTSIDE_HOURS or message.ticket.assignee_id is not None:
        return False
    if channel.first_assignee_id is None or not assistant_answers(channel.assistant_mode):
        return False
    return _take(message.ticket_id, channel.first_assignee_id)


@transaction.atomic
def _take(ticket_id: int, assignee_id: UUID) -> bool:
    """Only from nobody: a person who has or had it keeps it."""
    assistant = Assistant.objects.select_related("user").filter(user_id=assignee_id, is_active=True).first()
    ticket = lock_ticket(ticket_id)
    untouched = ticket.assignee is None and not ticket.human_replied and ticket.handed_over_at is None
    if assistant is None or not untouched or ticket.status == Status.CLOSED:
        return False
    set_assignee(ticket, assistant.user, assistant.user)
    return True
