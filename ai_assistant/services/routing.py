"""Whose conversation a message belongs to: where the assistant suggests, and where it may take one that nobody has."""

from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from ai_assistant.models import Assistant
from tenants.accounts.models import User
from tenants.events.models import Event
from tickets.models import AssistantMode, Author, Message, MessageKind, Status, Ticket
from tickets.services.hours import assistant_answers
from tickets.services.tickets import lock_ticket, set_assignee


def suggests(message: Message) -> bool:
    return message.address.channel.assistant_mode == AssistantMode.SUGGEST


def take_where_allowed(message: Message) -> bool:
    """Out of working hours the assistant takes what has found nobody yet; after a pause what was solved and begins anew."""
    channel = message.address.channel
    if channel.first_assignee_id is not None and _begins_anew(message):
        return assistant_answers(channel.assistant_mode) and _take_back(message.ticket_id, channel.first_assignee_id)
    if channel.assistant_mode != AssistantMode.OUTSIDE_HOURS or message.ticket.assignee_id is not None:
        return False
    if channel.first_assignee_id is None or not assistant_answers(channel.assistant_mode):
        return False
    return _take(message.ticket_id, channel.first_assignee_id)


def _begins_anew(message: Message) -> bool:
    """Whether this very message reopened a conversation that a person had, after the pause that is set."""
    if not message.ticket.human_replied or message.ticket.reopened_count == 0:
        return False
    assistant = Assistant.objects.exclude(cooldown_minutes=None).filter(is_active=True).first()
    if assistant is None or last_word_of_person(message.ticket, assistant) is not None:
        return False
    moves = Event.objects.filter(ticket_id=message.ticket_id, type="ticket.status_changed").order_by("-id")
    last = moves.first()
    return last is not None and last.payload.get("from") == Status.SOLVED and last.created_at >= message.created_at


def last_word_of_person(ticket: Ticket, assistant: Assistant) -> Message | None:
    """What a person wrote to this customer in this channel within the pause that is set."""
    if assistant.cooldown_minutes is None:
        return None
    said = Message.objects.filter(
        ticket__contact_id=ticket.contact_id,
        address__channel_id=ticket.channel_id,
        author=Author.AGENT,
        kind=MessageKind.PUBLIC,
        created_at__gt=timezone.now() - timedelta(minutes=assistant.cooldown_minutes),
    )
    return said.select_related("user").order_by("-id").first()


@transaction.atomic
def let_go(ticket: Ticket, to: User | None) -> None:
    """The assistant gives up a conversation without a word to the customer; whoever has taken it meanwhile keeps it."""
    locked = lock_ticket(ticket.id)
    if locked.assignee_id == ticket.assignee_id:
        set_assignee(locked, to, ticket.assignee)


def give_back_while_cooling(ticket: Ticket) -> bool:
    """A conversation that came to the assistant by itself goes back to the person who has just had the customer."""
    assistant = Assistant.objects.filter(user=ticket.assignee).first()
    word = last_word_of_person(ticket, assistant) if assistant else None
    if word is None or _given_by_person(ticket):
        return False
    let_go(ticket, word.user if word.user and word.user.is_active else None)
    return True


def _given_by_person(ticket: Ticket) -> bool:
    given = Event.objects.filter(ticket_id=ticket.id, type="ticket.assigned", payload__to=str(ticket.assignee_id))
    last = given.order_by("-id").select_related("actor").first()
    return last is not None and last.actor is not None and not last.actor.is_assistant


@transaction.atomic
def _take_back(ticket_id: int, assignee_id: UUID) -> bool:
    assistant = Assistant.objects.select_related("user").filter(user_id=assignee_id, is_active=True).first()
    if assistant is None:
        return False
    set_assignee(lock_ticket(ticket_id), assistant.user, assistant.user)
    return True


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
