"""What nobody wants to read: spam is out of the way and can come back; who is blocked calls nobody."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from analytics.metrics import Period, counts
from tenants.events.models import Event
from tickets import queries
from tickets.models import Message, Ticket
from tickets.queries import Selection
from tickets.services.letters import Letter
from tickets.services.spam import block_contact, mark_spam
from tickets.services.tickets import set_status

HX = {"HTTP_HX_REQUEST": "true"}
JSON = "application/json"


@pytest.fixture
def ticket(shop):
    return shop.customer_writes("Купите гаражи").ticket


def shown(shop, view):
    return [ticket.id for ticket in queries.list_tickets(Selection(shop.agent, view)).tickets]


def this_week():
    now = datetime.now(UTC)
    return Period(now - timedelta(days=3), now + timedelta(days=3), "UTC")


def test_spam_is_closed_in_its_own_view_and_in_no_report(shop, ticket):
    assert counts(this_week())["created"] == 1
    mark_spam(ticket.id, is_spam=True, actor=shop.agent)
    assert [shown(shop, view) for view in ("open", "closed", "spam")] == [[], [], [ticket.id]]
    assert counts(this_week()) == {"created": 0, "solved": 0, "handed_over": 0}


@pytest.mark.parametrize("status", ["open", "waiting", "solved", "closed"])
def test_taken_back_it_is_what_it_was(shop, ticket, status):
    set_status(ticket.id, status=status, actor=None)
    mark_spam(ticket.id, is_spam=True, actor=shop.agent)
    mark_spam(ticket.id, is_spam=False, actor=shop.agent)
    ticket.refresh_from_db()
    assert (ticket.is_spam, ticket.status) == (False, status)


def test_taken_back_beside_a_newer_one_it_stays_closed(shop, ticket):
    mark_spam(ticket.id, is_spam=True, actor=shop.agent)
    newer = shop.customer_writes("Я не спам").ticket
    mark_spam(ticket.id, is_spam=False, actor=shop.agent)
    assert shown(shop, "open") == [newer.id] and shown(shop, "closed") == [ticket.id]


def test_who_is_blocked_is_kept_on_one_heap_and_calls_nobody(shop, ticket):
    set_status(ticket.id, status="closed", actor=None)
    block_contact(ticket.contact_id, is_blocked=True, actor=shop.agent)
    first, second = shop.customer_writes("Опять гаражи"), shop.customer_writes("И ещё")
    heap = Ticket.objects.get(id=first.ticket_id)
    assert second.ticket_id == heap.id != ticket.id
    assert (heap.is_spam, heap.status, heap.waiting_since) == (True, "closed", None)
    assert shown(shop, "open") == [] and first.content["blocked"]
    received = Event.objects.filter(type="message.received").order_by("-id")[0]
    # No machine answers either.
    assert received.payload["automatic"]
    block_contact(ticket.contact_id, is_blocked=False, actor=shop.agent)
    assert not shop.customer_writes("Простите").ticket.is_spam


def test_a_blocked_contact_neither_wakes_nor_reopens_what_is_going_on(shop, ticket):
    set_status(ticket.id, status="waiting", actor=None)
    Ticket.objects.update(is_snoozed=True, wakes_at=timezone.now() + timedelta(days=1))
    block_contact(ticket.contact_id, is_blocked=True, actor=shop.agent)
    assert shop.customer_writes("Ау").ticket_id == ticket.id
    ticket.refresh_from_db()
    assert (ticket.status, ticket.is_snoozed) == ("waiting", True)


def test_letters_of_the_blocked_are_kept_too(shop, ticket):
    block_contact(ticket.contact_id, is_blocked=True, actor=shop.agent)
    set_status(ticket.id, status="closed", actor=None)
    letters = [shop.customer_writes("Гаражи", letter=Letter(subject=s, fingerprint=s)) for s in ("Раз", "Два")]
    assert {letter.ticket.is_spam for letter in letters} == {True}
    assert len({letter.ticket_id for letter in letters}) == 1


def test_by_the_buttons(shop, ticket):
    client = shop.client(shop.agent)
    url = f"/inbox/{ticket.number}/"
    assert 'id="not-spam"' in client.post(f"{url}spam/", {"value": "yes"}, **HX).content.decode()
    assert 'id="spam"' in client.post(f"{url}spam/", {"value": ""}, **HX).content.decode()
    assert 'id="unblock"' in client.post(f"{url}block/", {"value": "yes"}, **HX).content.decode()
    page = client.get(url).content.decode()
    assert "Marked as spam" in page and "Not spam" in page and "Blocked" in page
    assert Message.objects.count() == 1


def test_by_the_api(shop, ticket):
    api = shop.client(HTTP_AUTHORIZATION=f"Bearer {shop.token(shop.agent)}")
    assert api.post(f"/api/v1/tickets/{ticket.id}/spam/", {}, JSON).json()["is_spam"]
    assert not api.post(f"/api/v1/tickets/{ticket.id}/spam/", {"is_spam": False}, JSON).json()["is_spam"]
    url = f"/api/v1/contacts/{ticket.contact_id}/block/"
    assert api.post(url, {}, JSON).json()["is_blocked"]
    assert not api.post(url, {"is_blocked": False}, JSON).json()["is_blocked"]
