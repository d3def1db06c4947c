"""People in another time zone than their workspace: what they write and read is by their own clock."""

import uuid
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from omnisupport.lib.zones import use_zones
from tickets.conditions import Condition, Conditions, Group, make_query
from tickets.models import ScheduledReply, Ticket

HX = {"HTTP_HX_REQUEST": "true"}
MOSCOW, VLADIVOSTOK = ZoneInfo("Europe/Moscow"), ZoneInfo("Asia/Vladivostok")


@pytest.fixture
def far(shop):
    """Oleg works from Vladivostok for a workspace in Moscow."""
    shop.agent.timezone = VLADIVOSTOK.key
    shop.agent.save()
    shop.ticket = shop.customer_writes().ticket
    return shop


def tomorrow_at(hour: int, zone: ZoneInfo) -> datetime:
    day = datetime.now(zone).date() + timedelta(days=1)
    return datetime(day.year, day.month, day.day, hour, tzinfo=zone)


def test_a_time_in_ones_own_words_is_by_ones_own_clock(far):
    url = f"/inbox/{far.ticket.number}/snooze/"
    for person, zone in ((far.agent, VLADIVOSTOK), (far.colleague, MOSCOW)):
        far.client(person).post(url, {"text": "завтра в 10"}, **HX)
        assert Ticket.objects.get().wakes_at == tomorrow_at(10, zone)
    read = far.client(far.agent).get("/inbox/moment/", {"text": "завтра в 10"}).json()
    assert datetime.fromisoformat(read["at"]) == tomorrow_at(10, VLADIVOSTOK)
    assert read["words"].endswith("10:00 (Vladivostok)")
    assert "(" not in far.client(far.colleague).get("/inbox/moment/", {"text": "завтра в 10"}).json()["words"]


def test_by_token_too_times_are_by_the_clock_of_whose_it_is(far):
    for person, zone in ((far.agent, VLADIVOSTOK), (far.colleague, MOSCOW)):
        # The browser's session is somebody else's: the token says who asks.
        client = far.client(far.admin, HTTP_AUTHORIZATION=f"Bearer {far.token(person)}")
        path = f"/api/v1/tickets/{far.ticket.id}/snooze/"
        assert client.post(path, {"text": "завтра в 10"}, "application/json").status_code == 200
        assert Ticket.objects.get().wakes_at == tomorrow_at(10, zone)
        # A time without a zone too.
        at = tomorrow_at(9, zone)
        client.post(path, {"until": f"{at:%Y-%m-%dT%H:%M}"}, "application/json")
        assert Ticket.objects.get().wakes_at == at
    # Nobody's clock stays behind for the next request of this thread.
    assert timezone.get_current_timezone() not in (VLADIVOSTOK, MOSCOW)


def test_send_later_takes_the_clock_of_whoever_writes(far):
    client = far.client(far.agent)
    at = tomorrow_at(10, VLADIVOSTOK)
    data = {"kind": "public", "text": "Позже", "client_id": uuid.uuid4(), "send_at": f"{at:%Y-%m-%dT%H:%M}"}
    client.post(f"/inbox/{far.ticket.number}/messages/", data, **HX)
    assert ScheduledReply.objects.get().send_at == at
    page = client.get(f"/inbox/{far.ticket.number}/").content.decode()
    assert "10:00 (Vladivostok)</time>" in page and 'data-zone="Asia/Vladivostok"' in page
    assert 'data-zone="Europe/Moscow"' in far.client(far.colleague).get("/inbox/").content.decode()


def test_a_person_chooses_a_zone_and_none_is_the_workspaces(far):
    client = far.client(far.agent)
    person = {"name": "Олег Агент", "language": "en", "undo_seconds": 0}
    assert client.post("/accounts/me/", {**person, "timezone": "Nowhere/Land"}).status_code == 400
    client.post("/accounts/me/", {**person, "timezone": "Europe/London"})
    far.agent.refresh_from_db()
    assert far.agent.timezone == "Europe/London"
    client.post("/accounts/me/", {**person, "timezone": ""})
    assert 'data-zone="Europe/Moscow"' in client.get("/inbox/").content.decode()


def test_days_of_views_and_figures_are_the_workspaces_for_everybody(far):
    """One in the morning of the second of March in Vladivostok is still the first in Moscow."""
    Ticket.objects.update(created_at=datetime(2026, 3, 1, 15, 0, tzinfo=UTC))
    view = Conditions("all", (Group("all", (Condition("created", "from", "2026-03-02"),)),))
    with use_zones(MOSCOW, VLADIVOSTOK):
        assert timezone.get_current_timezone() == VLADIVOSTOK
        assert not Ticket.objects.filter(make_query(view, far.agent.id)).exists()
    page = far.client(far.agent).get("/dashboard/conversations.csv").content.decode()
    assert page.strip().splitlines()[-1].split(",")[0] == f"{datetime.now(MOSCOW):%b} {datetime.now(MOSCOW).day}"
