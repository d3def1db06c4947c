"""The demo's conversations, had through the product's own functions, as if in the days before."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from uuid import NAMESPACE_URL, UUID, uuid5

from django.db.models import DateTimeField
from django.utils import timezone

from channels_app.models import Channel
from omnisupport.demo.talk import CUSTOMER, Line, Talk
from omnisupport.demo.talks import AROUND, REPLIES, TALKS, Around
from tenants.accounts.models import User
from tenants.events.models import Event
from tickets.models import Contact, ContactAddress, Macro, Message, MessageKind, Tag, Team, Ticket, Visibility
from tickets.services.companies import save_company
from tickets.services.contacts import update_contact
from tickets.services.incidents import link_incident, open_incident
from tickets.services.macros import save_macro
from tickets.services.post import post_message
from tickets.services.receive import Incoming, Profile, receive_message
from tickets.services.snoozing import snooze_ticket
from tickets.services.tickets import change_ticket
from tickets.services.views import save_view


def have_conversations(slug: str, channel: Channel, owner: User) -> None:
    """Customers write in the web chat and people answer; nobody is written to, for no visitor waits there."""
    people = {user.email.partition("@")[0]: user for user in User.objects.people()}
    around = AROUND[slug]
    company = {"name": around.company, "domain": around.domain, "notes": around.company_notes}
    save_company(None, changes=company, actor=owner)
    had = [_have(talk, f"{slug}-demo-{number}", channel, people) for number, talk in enumerate(TALKS[slug])]
    _link(around, [ticket for talk, ticket in zip(TALKS[slug], had, strict=True) if talk.in_incident], people["second"])
    _keep_view(around, people["admin"])
    language = "text_ru" if slug == "shop" else "text_en"
    for reply in REPLIES[slug]:
        told = {
            "name": reply.name,
            language: reply.text,
            "actions": reply.actions,
            "visibility": Macro.Visibility.EVERYONE,
        }
        save_macro(None, changes=told, user=owner)


def _have(talk: Talk, visitor: str, channel: Channel, people: dict[str, User]) -> Ticket:
    ticket: Ticket | None = None
    begun = timezone.now() - timedelta(hours=talk.ago)
    for number, line in enumerate(talk.lines):
        client_id = uuid5(NAMESPACE_URL, f"{visitor}/{number}")
        with _dated(begun + timedelta(minutes=talk.pace * number)):
            if line.who == CUSTOMER:
                ticket = _customer_writes(talk, line, visitor, channel, client_id)
            elif ticket is not None:
                kind = MessageKind.NOTE if line.is_note else MessageKind.PUBLIC
                post_message(ticket_id=ticket.id, client_id=client_id, text=line.text, user=people[line.who], kind=kind)
    assert ticket is not None
    ended = begun + timedelta(minutes=talk.pace * len(talk.lines))
    with _dated(ended):
        _settle(talk, ticket, people, ended)
    return ticket


@contextmanager
def _dated(moment: datetime) -> Iterator[None]:
    """What is written here gets the date of that moment, before anybody can see it: only so do lists, figures and answer
    times look as after days of work. The workspace is being made, so that every new date in it is of this block."""
    started = timezone.now()
    yield
    written = (started, timezone.now())
    for model in (Contact, ContactAddress, Ticket, Message, Event):
        for field in model._meta.fields:
            if isinstance(field, DateTimeField):
                model._default_manager.filter(**{f"{field.name}__range": written}).update(**{field.name: moment})


def _customer_writes(talk: Talk, line: Line, visitor: str, channel: Channel, client_id: UUID) -> Ticket:
    message, _is_new = receive_message(
        channel_id=channel.id,
        address=visitor,
        profile=Profile(name=talk.name, email=talk.email, phone=talk.phone),
        incoming=Incoming(external_id=str(client_id), client_id=client_id, text=line.text),
    )
    return message.ticket


def _settle(talk: Talk, ticket: Ticket, people: dict[str, User], ended: datetime) -> None:
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
    change_ticket(ticket.id, changes=changes, actor=actor)
    if talk.snooze:
        snooze_ticket(ticket.id, until=ended + talk.snooze, actor=actor)
    if talk.notes:
        update_contact(ticket.contact_id, changes={"notes": talk.notes}, actor=actor)


def _link(around: Around, tickets: list[Ticket], user: User) -> None:
    incident = open_incident(around.incident, user=user)
    for ticket in tickets:
        link_incident(ticket.id, incident_id=incident.id, actor=user)


def _keep_view(around: Around, admin: User) -> None:
    conditions = [
        {"field": "status", "op": "any", "value": ["open", "waiting"]},
        {"field": "tags", "op": "any", "value": [str(Tag.objects.get(name=around.view_tag).pk)]},
    ]
    save_view(
        None,
        user=admin,
        name=around.view,
        visibility=Visibility.EVERYONE,
        conditions={"match": "all", "groups": [{"match": "all", "conditions": conditions}]},
    )
