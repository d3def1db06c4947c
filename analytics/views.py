"""The dashboard: tiles, three charts and their tables, all from analytics.metrics."""

import csv
from datetime import datetime, time, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from analytics import metrics
from analytics.metrics import Period
from channels_app.models import Channel
from omnisupport.lib import charts
from omnisupport.lib.dates import day_and_month
from omnisupport.lib.sheets import safe_cell
from omnisupport.lib.zones import home_zone
from tenants.accounts.access import agent_required, signed_in
from tickets.rights import sees_all

PERIODS = (7, 30, 90)
REASONS = {
    "asked": gettext_lazy("asked for a person"),
    "no_source": gettext_lazy("no source in the documents"),
    "not_sure": gettext_lazy("not sure"),
    "error": gettext_lazy("error of the model"),
    "limit": gettext_lazy("limit reached"),
    "unread_file": gettext_lazy("a file it cannot read"),
}


def period_of(request: HttpRequest) -> tuple[int, Period]:
    """The last N days, today included, in the workspace's zone."""
    given = request.GET.get("days", "")
    days = int(given) if given.isdecimal() and int(given) in PERIODS else PERIODS[0]
    zone = home_zone()
    tomorrow = timezone.localdate(timezone=zone) + timedelta(days=1)
    end = datetime.combine(tomorrow, time.min, zone)
    start = datetime.combine(tomorrow - timedelta(days=days), time.min, zone)
    return days, Period(start, end, str(zone), signed_in(request))


@agent_required
def dashboard(request: HttpRequest) -> HttpResponse:
    days, period = period_of(request)
    now, before = metrics.counts(period), metrics.counts(period.before)
    context = {
        "days": days,
        "periods": PERIODS,
        "tiles": _tiles(period, now, before),
        "backlog": metrics.backlog_now(period.viewer),
        "is_partial": not sees_all(signed_in(request)),
        "reasons": [
            (REASONS.get(reason, reason or "—"), count) for reason, count in metrics.handovers_by_reason(period)
        ],
        **_volume(period),
        **_backlog(period),
    }
    return render(request, "analytics/dashboard.html", context)


def _change(now: float | None, before: float | None) -> int | None:
    return round(100 * (now - before) / before) if now is not None and before else None


def _tiles(period: Period, now: dict[str, int], before: dict[str, int]) -> list[dict[str, Any]]:
    response, response_before = metrics.first_response(period), metrics.first_response(period.before)
    solved, solved_before = metrics.first_resolution(period), metrics.first_resolution(period.before)
    share = metrics.solved_by_assistant(period)
    return [
        {
            "title": _("New conversations"),
            "value": now["created"],
            "change": _change(now["created"], before["created"]),
        },
        {
            "title": _("First response"),
            "seconds": response.median,
            "p90": response.p90,
            "count": response.count,
            "change": _change(response.median, response_before.median),
            "less_is_better": True,
            "hint": _(
                "From the hand-over, or from the start where no assistant was in front, to the first reply of a person."
            ),
        },
        {
            "title": _("First resolution"),
            "seconds": solved.median,
            "p90": solved.p90,
            "count": solved.count,
            "change": _change(solved.median, solved_before.median),
            "less_is_better": True,
            "hint": _("From the first message to the first time the conversation was solved."),
        },
        {
            "title": _("Solved by the assistant"),
            "percent": share.percent,
            "part": share.part,
            "whole": share.whole,
            "hint": _(
                "Of the conversations in which the assistant replied: solved, with no person asked for and none writing."
            ),
        },
    ]


def _volume(period: Period) -> dict[str, Any]:
    rows = metrics.conversations_by_day(period)
    names = {str(channel.id): channel.name for channel in Channel.objects.only("id", "name")}
    channels = sorted({channel for _day, channel, _count in rows}, key=lambda c: names.get(c, c))
    table = {day: dict.fromkeys(channels, 0) for day in period.days}
    for day, channel, count in rows:
        if day in table:
            table[day][channel] = count
    labels = [day_and_month(day) for day in table]
    stacks = [
        [(count, f"{label}, {names.get(channel, channel)}: {count}") for channel, count in row.items()]
        for label, row in zip(labels, table.values(), strict=True)
    ]
    return {
        "volume": charts.stacked_bars(labels, stacks),
        "volume_channels": [names.get(channel, channel) for channel in channels],
        "volume_table": [
            (label, list(row.values()), sum(row.values())) for label, row in zip(labels, table.values(), strict=True)
        ],
    }


def _backlog(period: Period) -> dict[str, Any]:
    rows = metrics.backlog_by_day(period)
    labels = [day_and_month(day) for day, _count in rows]
    return {
        "backlog_chart": charts.line(labels, [count for _day, count in rows]),
        "backlog_table": [(label, count) for label, (_day, count) in zip(labels, rows, strict=True)],
    }


@agent_required
def export(request: HttpRequest) -> HttpResponse:
    """The table behind the volume chart as CSV."""
    days, period = period_of(request)
    volume = _volume(period)
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="conversations-{days}d.csv"'
    response.write("\ufeff")  # Excel takes the file for Windows-1251 without it
    writer = csv.writer(response)
    writer.writerow([_("Day"), *(safe_cell(name) for name in volume["volume_channels"]), _("Total")])
    for label, row, total in volume["volume_table"]:
        writer.writerow([label, *row, total])
    return response
