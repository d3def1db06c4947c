"""Dates in short words, as browsers write them (`Intl`): Django's own are “22 Ноя” and “22 nov”.

A page names the same days and minutes dozens of times, and finding the words of a language costs far more than keeping them.
"""

from datetime import date, datetime, time
from functools import lru_cache

from babel.dates import format_skeleton
from django.utils import timezone
from django.utils.formats import date_format, time_format
from django.utils.translation import get_language

from omnisupport.lib.zones import place_of


def day_and_month(value: date) -> str:
    """“22 нояб.” or “Nov 22”."""
    return _day_and_month(value, (get_language() or "en")[:2])


def day_in_words(value: date, *, with_year: bool = True) -> str:
    """“22 ноября 2026 г.” or “Nov. 22, 2026”."""
    return _day_in_words(value, "DATE_FORMAT" if with_year else "MONTH_DAY_FORMAT", get_language())


def time_in_words(value: time) -> str:
    """“9:05” or “9:05 a.m.”."""
    return _time_in_words(value.hour, value.minute, get_language())


def moment(value: datetime) -> str:
    """“вт, 1 дек., 10:00” or “Tue, Dec 1, 10:00”, in the reader's zone; with the year where it is another, and the place where
    the workspace's clock shows another hour."""
    local = timezone.localtime(value)
    days = "MMMEd" if local.year == timezone.localtime().year else "yMMMEd"
    place = place_of(value)
    words = f"{_weekday_and_day(local.date(), days, (get_language() or 'en')[:2])}, {local:%H:%M}"
    return f"{words} ({place})" if place else words


@lru_cache(maxsize=1024)
def _weekday_and_day(value: date, pattern: str, locale: str) -> str:
    return format_skeleton(pattern, value, locale=locale)


@lru_cache(maxsize=1024)
def _day_and_month(value: date, locale: str) -> str:
    return format_skeleton("MMMd", value, locale=locale)


@lru_cache(maxsize=1024)
def _day_in_words(value: date, pattern: str, _language: str | None) -> str:
    return date_format(value, pattern)


@lru_cache(maxsize=4096)
def _time_in_words(hour: int, minute: int, _language: str | None) -> str:
    return time_format(time(hour, minute), "TIME_FORMAT")
