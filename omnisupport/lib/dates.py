"""Dates in short words, as browsers write them (`Intl`): Django's own are “22 Ноя” and “22 nov”."""

from datetime import date, datetime

from babel.dates import format_skeleton
from django.utils import timezone
from django.utils.translation import get_language


def day_and_month(value: date) -> str:
    """“22 нояб.” or “Nov 22”."""
    return format_skeleton("MMMd", value, locale=(get_language() or "en")[:2])


def moment(value: datetime) -> str:
    """“вт, 1 дек., 10:00” or “Tue, Dec 1, 10:00”, in the reader's zone; with the year where it is another."""
    local, language = timezone.localtime(value), (get_language() or "en")[:2]
    days = "MMMEd" if local.year == timezone.localtime().year else "yMMMEd"
    return f"{format_skeleton(days, local.date(), locale=language)}, {local:%H:%M}"
