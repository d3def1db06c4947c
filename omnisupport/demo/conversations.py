"""The demo's conversations, had through the product's own functions."""

from uuid import NAMESPACE_URL, UUID, uuid5

from django.utils import timezone

from channels_app.models import Channel
from omnisupport.demo.talks import CUSTOMER, REPLIES, TALKS, Line, Talk
from tenants.accounts.models import User
from tickets.models import Macro, MessageKind, Team, Ticket
from tickets.services.macros import save_macro
from tickets.services.post import post_message
from tickets.services.receive import Incoming, Profile, receive_message
from tickets.services.snoozing import snooze_ticket
from tickets.services.tickets import change_ticket


def have_conversations(slug: str, channel: Channel, owner: User) -> None:
    """Customers write in the web chat and people answer; nobody is written to, for no visitor waits there."""
    people = {user.email.partition("@")[0]: user for user in User.objects.people()}
    for number, talk in enumerate(TALKS[slug]):
        _have(talk, f"{slug}-demo-{number}", channel, people)
    language = "text_ru" if slug == "shop" else "text_en"
    for reply in REPLIES[slug]:
        told = {
            "name": reply.name,
            language: reply.text,
            "actions": reply.actions,
            "visibility": Macro.Visibility.EVERYONE,
        }
        save_macro(None, changes=told, user=owner)


def _have(talk: Talk, visitor: str, channel: Channel, people: dict[str, User]) -> None:
    ticket: Ticket | None = None
    for number, line in enumerate(talk.lines):
        client_id = uuid5(NAMESPACE_URL, f"{visitor}/{number}")
        if line.who == CUSTOMER:
            ticket = _customer_writes(talk, line, visitor, channel, client_id)
        elif ticket is not None:
            kind = MessageKind.NOTE if line.is_note else MessageKind.PUBLIC
            post_message(ticket_id=ticket.id, client_id=client_id, text=line.text, user=people[line.who], kind=kind)
    assert ticket is not None
    _settle(talk, ticket.id, people)


def _customer_writes(talk: Talk, line: Line, visitor: str, channel: Channel, client_id: UUID) -> Ticket:
    message, _is_new = receive_message(
        channel_id=channel.id,
        address=visitor,
        profile=Profile(name=talk.name, email=talk.email, phone=talk.phone),
        incoming=Incoming(external_id=str(client_id), client_id=client_id, text=line.text),
    )
    return message.ticket


def _settle(talk: Talk, ticket_id: int, people: dict[str, User]) -> None:
    changes: dict[str, object] = {}
    if talk.assignee:
        changes["assignee"] = people[talk.assignee].id
    if talk.team:
        changes["team"] = Team.objects.get(name=talk.team).pk
    if talk.tags:
        changes["tags"] = list(talk.tags)
    if talk.priority:
        changes["priority"] = talk.priority
    if talk.status:
        changes["status"] = talk.status
    actor = people.get(talk.assignee)
    change_ticket(ticket_id, changes=changes, actor=actor)
    if talk.snooze:
        snooze_ticket(ticket_id, until=timezone.now() + talk.snooze, actor=actor)
