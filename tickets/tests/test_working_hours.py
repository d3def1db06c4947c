"""When people are there, on the page and over the API."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from tickets.services.hours import set_hours, working_hours
from tickets.working_hours import WorkingHours

OFFICE = [["09:00", "18:00"]] * 5 + [["10:00", "00:00"], None]
JSON = "application/json"


def at(text, zone="Europe/Moscow"):
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        ("2026-11-27T08:59", False), ("2026-11-27T09:00", True), ("2026-11-27T17:59", True), ("2026-11-27T18:00", False),
        ("2026-11-28T23:59", True), ("2026-11-29T00:00", False), ("2026-11-30T12:00", False), ("2026-12-01T12:00", True),
    ],
)  # fmt: skip
def test_days_times_midnight_and_holidays(moment, is_open):
    hours = WorkingHours(week=OFFICE, holidays=["2026-11-30"], timezone="Europe/Moscow")
    assert hours.is_open(at(moment)) is is_open


def test_the_hours_are_those_of_their_own_zone():
    hours = WorkingHours(week=OFFICE, timezone="Asia/Vladivostok")
    assert hours.is_open(at("2026-11-27T03:00")) and not hours.is_open(at("2026-11-27T12:00"))


@pytest.mark.parametrize(
    ("now", "next_one"),
    [
        ("2026-11-27T08:00", "2026-11-27T09:00"), ("2026-11-27T20:00", "2026-11-28T10:00"),
        ("2026-11-29T05:00", "2026-12-01T09:00"),
    ],
)  # fmt: skip
def test_the_next_opening_leaves_out_free_days(now, next_one):
    hours = WorkingHours(week=OFFICE, holidays=["2026-11-30"], timezone="Europe/Moscow")
    assert hours.next_opening(at(now)) == at(next_one)


def test_a_year_of_holidays_has_no_opening():
    hours = WorkingHours(week=[["09:00", "10:00"], *[None] * 6], timezone="Europe/Moscow")
    hours.holidays = [f"2027-{month:02}-{day:02}" for month in range(1, 13) for day in range(1, 32)]
    assert hours.next_opening(at("2027-01-01T00:00")).year == 2028


def form(**changes):
    times = {f"{side}_{n}": value for n in range(5) for side, value in (("from", "09:00"), ("to", "18:00"))}
    free = {f"{side}_{n}": "" for n in (5, 6) for side in ("from", "to")}
    return {**times, **free, "zone": "Asia/Omsk", "holidays": "2027-01-01\n", "closed_text": "", **changes}


def test_an_admin_sets_them_on_a_page(shop):
    admin = shop.client(shop.admin)
    assert "people count as always there" in admin.get("/assistant/hours/").content.decode()
    assert admin.post("/assistant/hours/", form()).status_code == 302
    stored = working_hours()
    assert (stored.timezone, stored.holidays) == ("Asia/Omsk", ["2027-01-01"])
    assert stored.week == [["09:00", "18:00"]] * 5 + [None, None]
    assert 'value="09:00"' in admin.get("/assistant/hours/").content.decode()
    admin.post("/assistant/hours/", {"clear": "1"})
    assert working_hours() is None
    assert shop.client(shop.agent).get("/assistant/hours/").status_code == 403


@pytest.mark.parametrize(
    "wrong",
    [{"to_0": "08:00"}, {"to_0": ""}, {"from_0": "soon"}, {"holidays": "New Year"}, {"zone": "Mars/Olympus"},
     {f"{side}_{n}": "" for n in range(7) for side in ("from", "to")}],
)  # fmt: skip
def test_nonsense_is_refused_and_changes_nothing(shop, wrong):
    assert shop.client(shop.admin).post("/assistant/hours/", form(**wrong)).status_code == 400
    assert working_hours() is None


def test_over_the_api(shop):
    admin = shop.client(HTTP_AUTHORIZATION=f"Bearer {shop.token(shop.admin)}")
    agent = shop.client(HTTP_AUTHORIZATION=f"Bearer {shop.token(shop.agent)}")
    url = "/api/v1/working-hours/"
    assert agent.get(url).status_code == 404
    body = {"week": OFFICE, "timezone": "Europe/Moscow", "holidays": ["2027-01-01"]}
    assert agent.put(url, body, JSON).status_code == 403
    assert admin.put(url, body, JSON).json()["week"] == OFFICE
    assert isinstance(agent.get(url).json()["is_open"], bool)
    assert admin.put(url, {**body, "week": OFFICE[:6]}, JSON).status_code == 400
    assert admin.delete(url).status_code == 204 and agent.get(url).status_code == 404


def test_a_channel_cannot_keep_to_hours_that_are_not_set(shop):
    admin = shop.client(HTTP_AUTHORIZATION=f"Bearer {shop.token(shop.admin)}")
    url = f"/api/v1/channels/{shop.channel.id}/"
    assert admin.patch(url, {"assistant_mode": "outside_hours"}, JSON).status_code == 400
    set_hours(week=OFFICE, zone="Europe/Moscow")
    assert admin.patch(url, {"assistant_mode": "outside_hours"}, JSON).json()["assistant_mode"] == "outside_hours"
    assert admin.patch(url, {"assistant_mode": "sometimes"}, JSON).status_code == 400
    assert admin.patch(url, {"name": "Лавка"}, JSON).json()["assistant_mode"] == "outside_hours"
