"""Out of sight until a time or until the customer writes; and back on top by itself."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from omnisupport.lib.errors import Conflict, InvalidInput
from tenants.events.models import Event
from tenants.sweeper import find_work
from tickets import queries
from tickets.models import Ticket
from tickets.queries import Selection
from tickets.services import snoozing
from tickets.services.hours import set_hours
from tickets.services.post import post_message
from tickets.services.snoozing import presets, snooze_ticket, wake_due
from tickets.services.tickets import assign_ticket, set_status

HX = {"HTTP_HX_REQUEST": "true"}
JSON = "application/json"


@pytest.fixture
def ticket(shop):
    ticket = shop.customer_writes().ticket
    return assign_ticket(ticket.id, assignee_id=shop.agent.id, actor=None)


def in_hours(n):
    return timezone.now() + timedelta(hours=n)


def shown(shop, view):
    return [ticket.id for ticket in queries.list_tickets(Selection(shop.agent, view)).tickets]


def counts(shop):
    return {name: count for name, count in queries.count_views(shop.agent).items() if count}


def come(ticket):
    Ticket.objects.filter(id=ticket.id).update(wakes_at=timezone.now() - timedelta(seconds=1))


def test_a_snoozed_one_is_in_its_own_view_only_and_so_are_the_counts(shop, ticket):
    assert counts(shop) == {"mine": 1, "open": 1}
    snooze_ticket(ticket.id, until=in_hours(3), actor=shop.agent)
    assert [shown(shop, view) for view in ("mine", "open", "snoozed")] == [[], [], [ticket.id]]
    assert counts(shop) == {"snoozed": 1}


def test_the_customers_word_brings_it_back_ours_does_not(shop, ticket):
    snooze_ticket(ticket.id, until=None, actor=shop.agent)
    post_message(ticket_id=ticket.id, client_id="6f0f2f0e-3b0e-4a52-8a57-6f5a5f0f2f0e", text="Ждём", user=shop.agent)
    assert shown(shop, "snoozed") == [ticket.id]
    shop.customer_writes("Ау!")
    assert shown(shop, "mine") == [ticket.id]
    assert Event.objects.filter(type="ticket.woken").get().payload == {"why": "customer"}


def test_at_its_time_it_is_on_top_and_open_again(shop, ticket):
    set_status(ticket.id, status="waiting", actor=None)
    snooze_ticket(ticket.id, until=in_hours(1), actor=shop.agent)
    newer = shop.customer_writes(address="newer").ticket
    assert wake_due() == 0
    come(ticket)
    assert wake_due() == 1
    assert shown(shop, "open") == [ticket.id, newer.id]
    assert wake_due() == 0


def test_the_sweeper_sees_only_what_is_due(live_shop):
    ticket = live_shop.customer_writes().ticket
    snooze_ticket(ticket.id, until=in_hours(1), actor=live_shop.agent)

    def asked():
        return "snoozed" in {sweep.name for schema, sweep in find_work() if schema == live_shop.schema}

    assert not asked()
    come(ticket)
    assert asked()
    wake_due()
    assert not asked()


def test_what_is_solved_is_neither_snoozed_nor_stays_so(shop, ticket):
    snooze_ticket(ticket.id, until=in_hours(1), actor=shop.agent)
    set_status(ticket.id, status="solved", actor=shop.agent)
    assert not Ticket.objects.get().is_snoozed
    with pytest.raises(Conflict):
        snooze_ticket(ticket.id, until=in_hours(1), actor=shop.agent)


@pytest.mark.parametrize("hours", [-1, 24 * 400])
def test_neither_the_past_nor_a_far_future_can_be_chosen(shop, ticket, hours):
    with pytest.raises(InvalidInput):
        snooze_ticket(ticket.id, until=in_hours(hours), actor=shop.agent)


def test_presets_follow_the_working_hours(shop, monkeypatch):
    day = ["10:00", "19:00"]
    set_hours(week=[day, day, day, day, day, None, None], zone="Europe/Moscow", holidays=["2026-11-30"])
    moscow = ZoneInfo("Europe/Moscow")

    def at(*now):
        monkeypatch.setattr(snoozing.timezone, "now", lambda: datetime(*now, tzinfo=moscow))
        with timezone.override(moscow):
            return [preset.at.strftime("%m-%d %H:%M") for preset in presets()]

    # A Thursday, its evening, and the Friday before a Monday that is a holiday.
    assert at(2026, 11, 26, 11, 10) == ["11-26 14:30", "11-27 10:00", "12-01 10:00"]
    assert at(2026, 11, 26, 18, 0) == ["11-27 10:00", "12-01 10:00"]
    assert at(2026, 11, 27, 12, 0) == ["11-27 15:00", "12-01 10:00"]


def test_the_dialog_takes_presets_and_words(shop, ticket):
    client = shop.client(shop.agent)
    url = f"/inbox/{ticket.number}/snooze/"
    page = client.get(url, **HX).content.decode()
    assert 'name="until"' in page and 'value="reply"' in page
    assert client.post(url, {"until": "reply"}, **HX).status_code == 200
    assert Ticket.objects.get().wakes_at is None
    answer = client.post(url, {"text": "через 3 дня в 10:30"}, **HX)
    assert 'id="wake"' in answer.content.decode()
    at = timezone.localtime(Ticket.objects.get().wakes_at, ZoneInfo("Europe/Moscow"))
    assert (at.hour, at.minute) == (10, 30)
    client.post(f"/inbox/{ticket.number}/wake/", **HX)
    assert not Ticket.objects.get().is_snoozed


@pytest.mark.parametrize(
    "wrong",
    [{"text": "когда-нибудь"}, {"until": "soon"}, {"until": "2026-13-45T00:00:00Z"}, {"until": "2030-01-01"}, {}],
)
def test_what_is_no_time_is_refused_with_a_sentence(shop, ticket, wrong):
    answer = shop.client(shop.agent).post(f"/inbox/{ticket.number}/snooze/", wrong, **HX)
    assert answer.status_code == 400 and 'role="alert"' in answer.content.decode()
    assert not Ticket.objects.get().is_snoozed


def test_the_written_moment_is_explained_while_it_is_written(shop):
    client = shop.client(shop.agent)
    assert client.get("/inbox/moment/", {"text": "завтра в 10"}).json()["words"].endswith("10:00")
    assert client.get("/inbox/moment/", {"text": "не знаю"}).json()["at"] is None


def test_by_the_api(shop, ticket):
    api = shop.client(HTTP_AUTHORIZATION=f"Bearer {shop.token(shop.agent)}")
    url = f"/api/v1/tickets/{ticket.id}/snooze/"
    assert api.post(url, {"until": in_hours(2).isoformat()}, JSON).json()["is_snoozed"]
    assert api.post(url, {"text": "завтра в 10"}, JSON).json()["wakes_at"].endswith("10:00:00+03:00")
    assert api.post(url, {"until": "x"}, JSON).status_code == 400
    assert not api.post(f"/api/v1/tickets/{ticket.id}/wake/").json()["is_snoozed"]
