"""When people are there: days, times, holidays of a workspace. Nothing set means always."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db import models
from django.utils.translation import gettext_lazy as _

WEEKDAYS = (
    _("Monday"), _("Tuesday"), _("Wednesday"), _("Thursday"), _("Friday"), _("Saturday"), _("Sunday"),
)  # fmt: skip
# Further ahead nobody plans; a calendar of holidays alone ends the search.
_LOOK_AHEAD = 370


class WorkingHours(models.Model):
    """One row at most. `week` has seven entries from Monday on: null for a free day, or ["09:00", "18:00"]; an end of
    "00:00" is midnight."""

    week = models.JSONField(default=list)
    # Days on which nobody is there: ["2027-01-01", …].
    holidays = models.JSONField(default=list, blank=True)
    timezone = models.CharField(_("time zone"), max_length=50)
    # What customers read while nobody is there; empty: a sentence that names the next opening.
    closed_text = models.TextField(_("what customers read while nobody is there"), blank=True, max_length=1000)

    class Meta:
        verbose_name = _("working hours")
        verbose_name_plural = _("working hours")

    def __str__(self) -> str:
        return self.timezone

    def is_open(self, at: datetime) -> bool:
        local = at.astimezone(ZoneInfo(self.timezone))
        span = self.span(local.date())
        return span is not None and span[0] <= local < span[1]

    def next_opening(self, at: datetime) -> datetime | None:
        """The next beginning of a working day after `at`; None where none is planned."""
        local = at.astimezone(ZoneInfo(self.timezone))
        for ahead in range(_LOOK_AHEAD):
            span = self.span(local.date() + timedelta(days=ahead))
            if span and span[0] > local:
                return span[0]
        return None

    def span(self, day: date) -> tuple[datetime, datetime] | None:
        """When that day's work begins and ends; None on a free day."""
        hours = self.week[day.weekday()]
        if hours is None or day.isoformat() in self.holidays:
            return None
        zone = ZoneInfo(self.timezone)
        begin, end = (datetime.combine(day, time.fromisoformat(value), zone) for value in hours)
        return begin, end if hours[1] != "00:00" else datetime.combine(day + timedelta(days=1), time(), zone)
