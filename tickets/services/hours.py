"""Working hours: setting them, and what they mean for a customer who writes now."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from babel.dates import format_date, format_skeleton
from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from omnisupport.lib.errors import InvalidInput
from tenants.provisioning import time_zones
from tickets.models import AssistantMode
from tickets.working_hours import WEEKDAYS, WorkingHours

_MOST_HOLIDAYS = 400


def working_hours() -> WorkingHours | None:
    """None: people are always there."""
    return WorkingHours.objects.first()


@transaction.atomic
def set_hours(
    *, week: Sequence[Sequence[str] | None], zone: str, holidays: Sequence[str] = (), closed_text: str = ""
) -> WorkingHours:
    """`week` as in WorkingHours. Raises InvalidInput with `field`: week, zone, holidays."""
    if zone not in time_zones():
        raise InvalidInput(_("There is no time zone “%(zone)s”.") % {"zone": zone}, field="zone")
    values: dict[str, Any] = {
        "week": _checked_week(week),
        "holidays": _checked_days(holidays),
        "timezone": zone,
        "closed_text": closed_text.strip()[:1000],
    }
    return WorkingHours.objects.update_or_create(id=1, defaults=values)[0]


def clear_hours() -> None:
    """People are always there again."""
    WorkingHours.objects.all().delete()


def _checked_week(week: Sequence[Sequence[str] | None]) -> list[list[str] | None]:
    if len(week) != len(WEEKDAYS):
        raise InvalidInput(_("Seven days are needed, from Monday on."), field="week")
    checked = [_checked_day(hours, str(WEEKDAYS[number])) for number, hours in enumerate(week)]
    if not any(checked):
        raise InvalidInput(_("At least one working day is needed."), field="week")
    return checked


def _checked_day(hours: Sequence[str] | None, day: str) -> list[str] | None:
    if not hours:
        return None
    try:
        begin, end = (time.fromisoformat(value) for value in hours)
    except (ValueError, TypeError):
        raise InvalidInput(_("%(day)s: give two times like 09:00 and 18:00.") % {"day": day}, field="week") from None
    if end <= begin and end != time():
        raise InvalidInput(_("%(day)s: the end has to be after the beginning.") % {"day": day}, field="week")
    return [begin.strftime("%H:%M"), end.strftime("%H:%M")]


def _checked_days(days: Sequence[str]) -> list[str]:
    found: set[str] = set()
    for day in days:
        try:
            found.add(date.fromisoformat(day.strip()).isoformat())
        except ValueError:
            raise InvalidInput(
                _("“%(day)s” is no date. Write dates like 2027-01-01.") % {"day": day[:40]}, field="holidays"
            ) from None
    if len(found) > _MOST_HOLIDAYS:
        raise InvalidInput(_("More than %(n)d holidays.") % {"n": _MOST_HOLIDAYS}, field="holidays")
    return sorted(found)


def assistant_answers(mode: str) -> bool:
    """Whether a channel in this mode gives new conversations to its assistant now."""
    if mode == AssistantMode.OUTSIDE_HOURS:
        hours = working_hours()
        return hours is not None and not hours.is_open(timezone.now())
    return mode in {AssistantMode.ANSWER, AssistantMode.ASK_FIRST}


def closed_notice(language: str) -> str:
    """What a customer who waits for a person should know; empty while people are there."""
    hours = working_hours()
    now = timezone.now()
    if hours is None or hours.is_open(now):
        return ""
    if hours.closed_text:
        return hours.closed_text
    opening = hours.next_opening(now)
    with translation.override(language):
        if opening is None:
            return _(
                "Nobody is here at the moment; you will be answered as soon as somebody is. You can go on writing."
            )
        locale = language[:2]
        day = f"{format_date(opening, 'EEEE', locale)}, {format_skeleton('MMMMd', opening, locale=locale)}"
        when = f"{day}, {opening:%H:%M} ({_offset(opening)})"
        return _("People are here again: %(when)s. They will answer then; you can go on writing.") % {"when": when}


def _offset(at: datetime) -> str:
    """`UTC+3`: no customer has to know where the company is."""
    minutes = int((at.utcoffset() or timedelta()).total_seconds() // 60)
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{'-' if minutes < 0 else '+'}{hours}" + (f":{rest:02}" if rest else "")
