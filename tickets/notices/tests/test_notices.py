"""Who is told of what, once; what is before somebody's eyes is no news; and everybody chooses how they are told."""

import json
import re
import time
import uuid

import pytest

from omnisupport.lib.redis import redis_client
from tenants.events.dispatch import dispatch_new_events
from tenants.events.log import record
from tenants.events.models import Event
from tenants.names import tenant_key
from tickets.models import MessageKind
from tickets.notices.models import DEFAULTS, Kind, Notice
from tickets.notices.services import choose_ways, count_unseen, note_seen, words_of, write_notices
from tickets.presence import move_screen
from tickets.queries import count_unseen_mentions
from tickets.services.bulk import begin_bulk, run_bulk, undo_bulk
from tickets.services.following import set_following
from tickets.services.post import hand_to_human, post_message
from tickets.services.tickets import assign_ticket, set_team


@pytest.fixture(autouse=True)
def quiet(monkeypatch):
    """What is pushed to browsers has its own stories."""
    monkeypatch.setattr("tickets.notices.subscribers.wake", lambda *_args: True)


@pytest.fixture
def told(shop):
    """Lets the events of before pass; then `told()` gives (kind, name) of what has been told since."""
    dispatch_new_events()
    Notice.objects.all().delete()

    def since() -> set[tuple[str, str]]:
        dispatch_new_events()
        found = {(notice.kind, notice.user.name) for notice in Notice.objects.select_related("user")}
        Notice.objects.all().delete()
        return found

    return since


@pytest.fixture
def ticket(shop):
    return shop.customer_writes().ticket


def note(ticket, author, text, *keys):
    return post_message(
        ticket_id=ticket.id, client_id=uuid.uuid4(), text=text, user=author, kind=MessageKind.NOTE, mentions=keys
    )


def test_a_conversation_that_nobody_has_is_told_to_all_and_of_a_team_to_its_members(shop, told):
    ticket = shop.customer_writes().ticket
    everybody = {shop.owner.name, shop.admin.name, shop.agent.name, shop.colleague.name}
    assert told() == {("new", name) for name in everybody}
    set_team(ticket.id, team_id=shop.team.id, actor=shop.admin)
    assert told() == {("new", shop.agent.name)}


def test_whoever_may_not_see_it_is_not_told(shop, told):
    shop.agent.access, shop.colleague.access = "own", "teams"
    shop.agent.save()
    shop.colleague.save()
    ticket = shop.customer_writes().ticket
    assert told() == {("new", person.name) for person in (shop.owner, shop.admin, shop.colleague)}
    set_team(ticket.id, team_id=shop.team.id, actor=shop.admin)
    note(ticket, shop.admin, "@Олег Агент", f"u:{shop.agent.id}")
    assert told() == set()


def test_a_person_is_told_of_what_is_given_to_them_but_not_by_themselves(shop, ticket, told):
    assign_ticket(ticket.id, assignee_id=shop.agent.id, actor=shop.admin)
    assert told() == {("assigned", shop.agent.name)}
    assign_ticket(ticket.id, assignee_id=shop.colleague.id, actor=shop.colleague)
    assign_ticket(ticket.id, assignee_id=shop.assistant.id, actor=shop.admin)
    assign_ticket(ticket.id, assignee_id=None, actor=shop.admin)
    assert told() == set()


def test_a_customers_word_reaches_who_has_it_and_who_follows(shop, ticket, told):
    assign_ticket(ticket.id, assignee_id=shop.agent.id, actor=shop.agent)
    set_following(ticket.id, user=shop.colleague, follows=True)
    shop.customer_writes("Ау!")
    assert told() == {("reply", shop.agent.name), ("reply", shop.colleague.name)}
    # Automatic letters are nobody's word, and our own replies no news.
    shop.customer_writes("Я в отпуске", automatic=True)
    post_message(ticket_id=ticket.id, client_id=uuid.uuid4(), text="Ждите", user=shop.admin)
    assert told() == set()


def test_a_note_that_calls_somebody_and_a_hand_over(shop, ticket, told):
    note(ticket, shop.agent, "@Вера Коллега", f"u:{shop.colleague.id}")
    assert told() == {("mention", shop.colleague.name)}
    set_team(ticket.id, team_id=shop.other_team.id, actor=shop.colleague)
    assign_ticket(ticket.id, assignee_id=shop.assistant.id, actor=None)
    told()
    hand_to_human(ticket_id=ticket.id, reason="asked", text="Зову человека", client_id=uuid.uuid4())
    assert told() == {("handover", shop.colleague.name)}


def test_a_conversation_that_wakes_by_itself_is_told_to_who_has_it(shop, ticket, told):
    assign_ticket(ticket.id, assignee_id=shop.agent.id, actor=shop.agent)
    told()
    for why in ("time", "customer", "person"):
        record("ticket.woken", ticket_id=ticket.id, payload={"why": why})
    assert told() == {("woke", shop.agent.name)}


def test_an_event_that_comes_twice_is_told_once(shop, ticket):
    assign_ticket(ticket.id, assignee_id=shop.agent.id, actor=shop.admin)
    event = Event.objects.get(type="ticket.assigned")
    write_notices(event)
    write_notices(event)
    assert Notice.objects.filter(event=event).count() == 1


@pytest.fixture
def screens(shop):
    yield
    redis_client().delete(tenant_key("screens"))


def test_what_is_before_somebodys_eyes_is_seen_already(shop, ticket, screens, told):
    assign_ticket(ticket.id, assignee_id=shop.agent.id, actor=shop.agent)
    told()
    move_screen(shop.schema, "desk", user_id=shop.agent.id, name="Олег", ticket=str(ticket.id))
    shop.customer_writes("Ау!")
    dispatch_new_events()
    notice = Notice.objects.get(user=shop.agent, kind="reply")
    assert notice.seen_at is not None and notice.mail_at is None
    note(ticket, shop.admin, "@Олег Агент", f"u:{shop.agent.id}")
    dispatch_new_events()
    assert count_unseen_mentions(shop.agent) == 0
    # Nobody has touched that screen for long: perhaps nobody is there.
    move_screen(shop.schema, "desk", user_id=shop.agent.id, name="Олег", ticket=str(ticket.id), idle=True)
    shop.customer_writes("Вы где?")
    dispatch_new_events()
    assert count_unseen(shop.agent) == 1


def test_opening_the_conversation_makes_it_seen_on_every_screen(shop, ticket):
    assign_ticket(ticket.id, assignee_id=shop.agent.id, actor=shop.admin)
    listener = redis_client().pubsub(ignore_subscribe_messages=True)
    listener.subscribe(f"rt:{shop.schema}.user.{shop.agent.id}")
    dispatch_new_events()
    note_seen(ticket.id, shop.agent)
    frames, last = [], time.monotonic() + 1
    while time.monotonic() < last:
        if got := listener.get_message(timeout=0.1):
            frames.append(json.loads(got["data"]))
    listener.close()
    # The new conversation, that it is his, and then that both are seen.
    assert [(f["type"], f.get("kind", ""), f["unseen"]) for f in frames][-1] == ("notices", "", 0)
    (assigned,) = [
        f for f in frames if (f["type"] == "notice" and "assigned" in f["text"]) or "назнач" in f.get("text", "")
    ]
    assert (assigned["title"], assigned["number"]) == ("Марина", str(ticket.number))
    assert assigned["ways"] == DEFAULTS[Kind.ASSIGNED] and assigned["unseen"] == 2
    assert count_unseen(shop.agent) == 0


def test_the_list_shows_who_and_what_and_the_bell_counts(shop, ticket):
    note(ticket, shop.admin, "@Олег Агент, глянь: <тайна>", f"u:{shop.agent.id}")
    dispatch_new_events()
    oleg = shop.client(shop.agent)
    page = oleg.get("/notices/").content.decode()
    assert "Анна Админ" in page and f'href="/inbox/{ticket.number}/"' in page and "тайна" not in page
    assert "data-unseen >2<" in page
    oleg.post("/notices/seen/")
    page = oleg.get("/notices/").content.decode()
    assert "data-unseen hidden>0<" in page and "news__item--new" not in page
    assert "news__item" not in shop.client(shop.colleague).get("/notices/?before=1").content.decode()


def test_everybody_chooses_how_they_are_told(shop, ticket, told):
    oleg = shop.client(shop.agent)
    page = oleg.get("/notices/settings/").content.decode()
    assert 'name="mention" value="email" checked' in page and 'name="new" value="email" >' in page
    oleg.post("/notices/settings/", {"reply": ["sound"], "mention": ["app", "email"]})
    shop.agent.refresh_from_db()
    assert shop.agent.notices == {
        "new": [], "handover": [], "assigned": [], "reply": ["sound"], "mention": ["app", "email"], "woke": [],
    }  # fmt: skip
    assign_ticket(ticket.id, assignee_id=shop.agent.id, actor=shop.admin)
    assert told() == set()
    shop.customer_writes("Ау!")
    dispatch_new_events()
    # A sound only: it does not stand in the list.
    assert Notice.objects.get().listed is False and count_unseen(shop.agent) == 0
    assert "news__item" not in oleg.get("/notices/").content.decode()


def test_unknown_ways_are_refused(shop):
    answer = shop.client(shop.agent).post("/notices/settings/", {"reply": ["pigeon"]})
    assert answer.status_code == 400
    shop.agent.refresh_from_db()
    assert shop.agent.notices == {}


def test_the_list_costs_the_same_for_one_notice_and_many(shop, django_assert_num_queries):
    oleg = shop.client(shop.agent)
    choose_ways(shop.agent, {"new": ["app"]})
    oleg.get("/notices/")
    for number in range(3):
        shop.customer_writes(address=f"v{number}")
        dispatch_new_events()
        with django_assert_num_queries(QUERIES):
            oleg.get("/notices/")


# Session, person, schema of the request, notices, the bell.
QUERIES = 5


def test_many_given_at_once_are_one_notice_and_giving_them_back_is_none(shop, told):
    tickets = [shop.customer_writes(address=f"a{n}").ticket for n in range(3)]
    assign_ticket(tickets[0].id, assignee_id=shop.agent.id, actor=shop.admin)
    told()
    changes = {"assignee": str(shop.agent.id), "priority": 4}
    bulk = begin_bulk([ticket.id for ticket in tickets], changes=changes, user=shop.admin)
    while run_bulk(bulk.id):
        pass
    dispatch_new_events()
    page = shop.client(shop.agent).get("/notices/").content.decode()
    assert re.search(r'news__text clip">[^<]*\b2 ', page) and f"/inbox/{tickets[2].number}/" in page
    assert told() == {("assigned", shop.agent.name)}
    undo_bulk(bulk.id, user=shop.admin)
    while run_bulk(bulk.id):
        pass
    assert told() == set()


def test_what_is_given_back_leaves_the_list(shop):
    choose_ways(shop.agent, {"new": []})
    ticket = shop.customer_writes().ticket
    bulk = begin_bulk([ticket.id], changes={"assignee": str(shop.agent.id)}, user=shop.admin)
    run_bulk(bulk.id)
    dispatch_new_events()
    assert count_unseen(shop.agent) == 1
    other = shop.customer_writes(address="b").ticket
    assign_ticket(other.id, assignee_id=shop.agent.id, actor=shop.admin)
    undo_bulk(bulk.id, user=shop.admin)
    run_bulk(bulk.id)
    dispatch_new_events()
    assert [notice.ticket_id for notice in Notice.objects.filter(user=shop.agent)] == [other.id]


def test_many_given_to_a_team_are_one_notice_to_its_people(shop, told):
    tickets = [shop.customer_writes(address=f"a{n}").ticket for n in range(3)]
    assign_ticket(tickets[0].id, assignee_id=shop.agent.id, actor=shop.admin)
    told()
    bulk = begin_bulk([ticket.id for ticket in tickets], changes={"team": shop.team.id}, user=shop.admin)
    while run_bulk(bulk.id):
        pass
    dispatch_new_events()
    assert all(words_of(notice)["text"].startswith("2 ") for notice in Notice.objects.all())
    assert told() == {("new", shop.agent.name)}
