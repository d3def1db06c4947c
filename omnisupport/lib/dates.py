"""Dates in short words, as browsers write them (`Intl`): Django's own are “22 Ноя” and “22 nov”."""

from datetime import date

from babel.dates import format_skeleton
from django.utils.translation import get_language


def day_and_month(value: date) -> str:
    """“22 нояб.” or “Nov 22”."""
    return format_skeleton("MMMd", value, locale=(get_language() or "en")[:2])
