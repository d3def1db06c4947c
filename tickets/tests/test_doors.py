"""Every address of the workspace, asked by people who may not see a conversation: nothing of it comes out of any of them."""

import re
import uuid
from collections.abc import Iterator
from datetime import timedelta
from itertools import product

import pytest
from django.core import mail
from django.core.files.base import ContentFile
from django.urls import get_resolver
from django.utils import timezone

from ai_assistant.models import Aid, Answer
from tenants.accounts.models import Access
from tenants.events.dispatch import dispatch_new_events
from tickets.models import Attachment, Company, Incident, Mention, ScheduledReply, Ticket, TicketFollower
from tickets.notices.letters import mail_unseen
from tickets.notices.models import Notice
from tickets.notices.push import push_to_absent
from tickets.notices.services import count_unseen, list_notices
from tickets.services.post import post_message
from tickets.services.ticket_merges import merge_tickets
from tickets.services.tickets import assign_ticket

SECRET = "Канарейка"
WORD = "ворвань"
# Django's own pages for admins, and what strangers may ask.
_ELSEWHERE = ("admin/", "widget/", "help/", "jsi18n/", "demo-shop/", "api/v1/schema", "api/v1/docs")


@pytest.fixture
def hidden(shop, monkeypatch):
    """Of a colleague, and full of the secret word; Oleg was called to it, and told of it, while he still saw everything."""
    monkeypatch.setattr("tickets.notices.subscribers.wake", lambda *_args: True)
    first = shop.customer_writes(f"{SECRET} {WORD}", address="secret").ticket
    other = shop.customer_writes(f"{SECRET} {WORD}", address="secret-2").ticket
    shop.customer_writes("Обычное", address="plain")
    for ticket in (first, other):
        assign_ticket(ticket.id, assignee_id=shop.colleague.id, actor=None)
    contact = first.contact
    contact.name, contact.email = f"{SECRET} {WORD}", f"{WORD}@example.com"
    contact.company = Company.objects.create(name="Компания")
    contact.save()
    Ticket.objects.filter(id=first.id).update(
        subject=f"{SECRET} {WORD}", incident=Incident.objects.create(title="Авария")
    )
    note = post_message(
        ticket_id=first.id, client_id=uuid.uuid4(), text=f"{SECRET} @Олег Агент", user=shop.colleague, kind="note",
        mentions=[f"u:{shop.agent.id}"],
    )  # fmt: skip
    dispatch_new_events()
    merge = merge_tickets(kept_id=first.id, gone_id=other.id, user=shop.colleague)
    TicketFollower.objects.filter(user=shop.agent).delete()
    message = first.messages.order_by("id").first()
    file = Attachment.objects.create(message=message, name=f"{SECRET}.txt", mime="text/plain", size=1)
    file.file.save("a.txt", ContentFile(SECRET.encode()))
    answer = Answer.objects.create(
        ticket_id=first.id, question_message_id=message.id, question=SECRET, text=SECRET, outcome="handed_over",
        reason="no_source",
    )  # fmt: skip
    aid = Aid.objects.create(ticket_id=first.id, kind=Aid.Kind.SUMMARY, user=shop.colleague, text=SECRET)
    reply = ScheduledReply.objects.create(
        ticket=first, user=shop.colleague, client_id=uuid.uuid4(), text=SECRET, send_at="2100-01-01T00:00Z"
    )
    numbers = {
        first.id,
        first.number,
        message.id,
        note.id,
        reply.id,
        merge.id,
        contact.company_id,
        first.incident_id or 1,
    }
    return first, sorted(numbers), [contact.id, answer.id, aid.id, file.id]


def routes(patterns, prefix: str = "") -> Iterator[str]:
    for pattern in patterns:
        route = prefix + re.sub(r"[\^$\\]|/\?|\\Z", "", str(pattern.pattern))
        if hasattr(pattern, "url_patterns"):
            if not route.startswith(_ELSEWHERE):
                yield from routes(pattern.url_patterns, route)
        elif "format" not in route and not route.startswith(_ELSEWHERE):
            yield route


_NAMED = re.compile(r"<(?:(\w+):)?\w+>|\(\?P<\w+>((?:\[[^\]]*\]|[^)\[])*)\)")


def addresses(numbers, ids) -> Iterator[str]:
    """Every address with everything that it could name."""
    for route in routes(get_resolver("omnisupport.urls").url_patterns):
        choices = []
        for kind, _regex in _NAMED.findall(route):
            choices.append(ids if kind == "uuid" else numbers if kind == "int" else [*numbers, *ids])
        template = _NAMED.sub("{}", route)
        for values in product(*(choices[:1] + [some[:2] for some in choices[1:]])):
            yield "/" + template.format(*values)


@pytest.mark.parametrize("access", [Access.TEAMS, Access.OWN])
def test_nothing_of_a_hidden_conversation_comes_out_of_any_address(shop, hidden, access):
    ticket, numbers, ids = hidden
    shop.agent.access = access
    shop.agent.save()
    browser = shop.client(shop.agent)
    bearer = shop.client(HTTP_AUTHORIZATION=f"Bearer {shop.token(shop.agent)}")
    asked, told = 0, []
    for path in addresses(numbers, ids):
        client = bearer if path.startswith("/api/") else browser
        answer = client.get(path, {"q": WORD, "text": WORD})
        body = b"".join(answer.streaming_content) if answer.streaming else answer.content
        asked += answer.status_code == 200
        if SECRET in body.decode(errors="replace") or f"{WORD}@" in body.decode(errors="replace"):
            told.append(path)
        # Search of the documents wants a worker: 503 without one.
        assert answer.status_code != 500, path
    assert told == []
    assert asked > 50
    # And the same addresses do show it to whoever may see it, so the word could have been found.
    assert SECRET in shop.client(shop.colleague).get(f"/inbox/{ticket.number}/").content.decode()


def test_who_may_not_open_it_any_more_is_not_told_of_it(shop, hidden, monkeypatch):
    ticket = hidden[0]
    mine = Notice.objects.filter(user=shop.agent, ticket=ticket)
    assert mine.filter(kind="mention").exists() and Mention.objects.filter(user=shop.agent).exists()
    before = count_unseen(shop.agent)
    pushed = []
    monkeypatch.setattr("tickets.notices.push._push", lambda *given: pushed.append(given))
    shop.agent.access = Access.OWN
    shop.agent.save()
    assert count_unseen(shop.agent) < before
    assert ticket.id not in {notice.ticket_id for notice in list_notices(shop.agent)}
    mine.update(mail_at=timezone.now() - timedelta(minutes=1))
    mail_unseen()
    assert mail.outbox == []
    push_to_absent(mine.filter(kind="mention").get().event_id)
    assert pushed == []


def test_figures_count_what_the_reader_may_see(shop, hidden):
    def days_total(person) -> str:
        return shop.client(person).get("/dashboard/conversations.csv").content.decode().split()[-1].split(",")[-1]

    shop.agent.access = Access.TEAMS
    shop.agent.save()
    assert (days_total(shop.colleague), days_total(shop.agent)) == ("2", "1")
    assert "Only conversations that you may see" in shop.client(shop.agent).get("/dashboard/").content.decode()
    assert "Only conversations that you may see" not in shop.client(shop.admin).get("/dashboard/").content.decode()
    companies = {
        person: shop.client(person).get("/companies/").content.decode() for person in (shop.agent, shop.colleague)
    }
    assert companies[shop.agent] != companies[shop.colleague]
