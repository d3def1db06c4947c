"""Moments as people write them, read by somebody whose clock says Saturday, 28 November 2026, 13:00 in Moscow."""

from datetime import datetime, time
from zoneinfo import ZoneInfo

import pytest

from tickets.moments import read_moment

MOSCOW = ZoneInfo("Europe/Moscow")
NOW = datetime(2026, 11, 28, 13, tzinfo=MOSCOW)


def nine(day):
    return datetime.combine(day, time(9), MOSCOW)


def read(text, now=NOW):
    at = read_moment(text, now, nine)
    return at.strftime("%Y-%m-%d %H:%M") if at else None


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("через 3 часа", "2026-11-28 16:00"),
        ("через полчаса", "2026-11-28 13:30"),
        ("через полтора часа", "2026-11-28 14:30"),
        ("через 1,5 часа", "2026-11-28 14:30"),
        ("через час", "2026-11-28 14:00"),
        ("через 2 дня", "2026-11-30 09:00"),
        ("через пару дней в 10:30", "2026-11-30 10:30"),
        ("через неделю", "2026-12-05 09:00"),
        ("через месяц", "2026-12-28 09:00"),
        ("завтра", "2026-11-29 09:00"),
        ("Завтра в 10", "2026-11-29 10:00"),
        ("завтра, в 10.", "2026-11-29 10:00"),
        ("в 10 завтра", "2026-11-29 10:00"),
        ("завтра в 3", "2026-11-29 15:00"),
        ("завтра в 03:00", "2026-11-29 03:00"),
        ("завтра в 9 утра", "2026-11-29 09:00"),
        ("завтра в 7 вечера", "2026-11-29 19:00"),
        ("завтра в 3 часа дня", "2026-11-29 15:00"),
        ("послезавтра утром", "2026-11-30 09:00"),
        ("сегодня вечером", "2026-11-28 18:00"),
        ("вечером", "2026-11-28 18:00"),
        ("утром", "2026-11-29 09:00"),
        ("днём", "2026-11-28 14:00"),
        ("в 18:00", "2026-11-28 18:00"),
        ("в 10", "2026-11-29 10:00"),
        ("в пятницу", "2026-12-04 09:00"),
        ("пт 17:00", "2026-12-04 17:00"),
        ("в среду 14-30", "2026-12-02 14:30"),
        ("во вторник в 12", "2026-12-01 12:00"),
        ("в следующий вторник в 15:00", "2026-12-01 15:00"),
        ("в субботу в 18", "2026-11-28 18:00"),
        ("в субботу в 9", "2026-12-05 09:00"),
        ("на следующей неделе", "2026-11-30 09:00"),
        ("15 декабря 9:00", "2026-12-15 09:00"),
        ("15 декабря 2026 года в 9", "2026-12-15 09:00"),
        ("15 мая", "2027-05-15 09:00"),
        ("15.12 в 10", "2026-12-15 10:00"),
        ("15.12.2026 9:00", "2026-12-15 09:00"),
        ("20 числа в 10", "2026-12-20 10:00"),
        ("2027-01-15 12:00", "2027-01-15 12:00"),
    ],
)
def test_russian(text, meant):
    assert read(text) == meant


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("in 3 hours", "2026-11-28 16:00"),
        ("in an hour", "2026-11-28 14:00"),
        ("half an hour", "2026-11-28 13:30"),
        ("30m", "2026-11-28 13:30"),
        ("2h", "2026-11-28 15:00"),
        ("in 2 days", "2026-11-30 09:00"),
        ("in a couple of days at 9am", "2026-11-30 09:00"),
        ("in a week", "2026-12-05 09:00"),
        ("tomorrow", "2026-11-29 09:00"),
        ("9am tomorrow", "2026-11-29 09:00"),
        ("tomorrow afternoon", "2026-11-29 14:00"),
        ("the day after tomorrow at 5", "2026-11-30 17:00"),
        ("tonight", "2026-11-28 18:00"),
        ("5 pm", "2026-11-28 17:00"),
        ("12 am tomorrow", "2026-11-29 00:00"),
        ("at noon", "2026-11-29 12:00"),
        ("next Tue 3pm", "2026-12-01 15:00"),
        ("on Friday at noon", "2026-12-04 12:00"),
        ("Monday morning", "2026-11-30 09:00"),
        ("next week", "2026-11-30 09:00"),
        ("next month", "2026-12-01 09:00"),
        ("weekend", "2026-12-05 09:00"),
        ("Dec 15", "2026-12-15 09:00"),
        ("December 15th at 9:00", "2026-12-15 09:00"),
        ("15 December 2026", "2026-12-15 09:00"),
        ("Mar 3 4pm", "2027-03-03 16:00"),
        ("the 5th at 8am", "2026-12-05 08:00"),
    ],
)
def test_english(text, meant):
    assert read(text) == meant


@pytest.mark.parametrize(
    "text",
    ["", "  ", "10", "купить молоко", "завтра купить молоко", "вчера", "сегодня в 9", "завтра в 25", "завтра в 10:75", "31.02",
     "32 декабря", "через 400 дней", "через год", "in 0 hours", "in 9999 weeks", "12 13 14", "завтра завтра", "день", "may",
     "2020-01-01", "15.12.2020", "tomorrow at", "9" * 100, "²", "через ² часа"],
)  # fmt: skip
def test_what_makes_no_moment_ahead_is_not_guessed(text):
    assert read(text) is None


def test_next_and_nearest_differ_within_a_week():
    monday = datetime(2026, 11, 30, 8, tzinfo=MOSCOW)
    assert read("вторник", monday) == "2026-12-01 09:00"
    assert read("следующий вторник", monday) == "2026-12-08 09:00"


def test_an_hour_is_an_hour_in_the_night_of_the_changed_clocks():
    berlin = ZoneInfo("Europe/Berlin")
    before = datetime(2026, 10, 25, 1, 30, tzinfo=berlin)
    at = read_moment("in 3 hours", before, nine)
    assert at is not None and at.timestamp() - before.timestamp() == 3 * 3600
