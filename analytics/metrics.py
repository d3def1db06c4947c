"""What each number means, once: the dashboard, the tables and exports all read these functions.

Neither spam nor conversations that were merged into another are counted, nor what the viewer may not see.
Periods are half-open [start, end) in the workspace's time zone. Durations are wall-clock seconds, reported as median and p90.

- conversations: tickets created in the period.
- first response: first public reply of a person minus the start of the human wait (the hand-over, or the creation where no
  assistant was in front); tickets whose first reply fell into the period.
- first resolution: first time solved minus creation; tickets first solved in the period.
- solved by the assistant: of the tickets created in the period in which the assistant replied, those that are solved now and
  in which no person wrote and none was asked for. The denominator stands beside the share.
- hand-overs: tickets handed to people in the period, by reason.
- backlog: tickets open or waiting at the end of a day: created before it, and not solved by then.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection

from tenants.accounts.models import User
from tickets.models import Ticket
from tickets.rights import sees_all, visible_to

# Spam is nobody's question; what was merged counts with the conversation that it went on in.
_COUNTED = "WITH counted AS (SELECT * FROM tickets_ticket WHERE NOT is_spam AND merged_into_id IS NULL{seen}) "


@dataclass(frozen=True)
class Period:
    """`start` inclusive, `end` exclusive, both aware; `zone` names the time zone of its days; `viewer`, if any, whose
    conversations are counted."""

    start: datetime
    end: datetime
    zone: str
    viewer: User | None = None

    @property
    def before(self) -> "Period":
        return replace(self, start=self.start - (self.end - self.start), end=self.start)

    @property
    def days(self) -> list[date]:
        first = self.start.astimezone(ZoneInfo(self.zone)).date()
        return [first + timedelta(days=n) for n in range((self.end - self.start).days)]


@dataclass(frozen=True)
class Duration:
    """Seconds; None where nothing was measured."""

    median: float | None
    p90: float | None
    count: int


@dataclass(frozen=True)
class Share:
    part: int
    whole: int

    @property
    def percent(self) -> int | None:
        return round(100 * self.part / self.whole) if self.whole else None


def _rows(sql: str, parameters: list[Any], viewer: User | None) -> list[tuple[Any, ...]]:
    condition, seen = _seen(viewer)
    with connection.cursor() as cursor:
        cursor.execute(_COUNTED.format(seen=condition) + sql, [*seen, *parameters])
        return list(cursor.fetchall())


def _seen(viewer: User | None) -> tuple[str, tuple[Any, ...]]:
    if viewer is None or sees_all(viewer):
        return "", ()
    sql, params = Ticket.objects.filter(visible_to(viewer)).values("id").query.sql_with_params()
    return f" AND id IN ({sql})", params


def conversations_by_day(period: Period) -> list[tuple[date, str, int]]:
    """(day, channel id, tickets created)."""
    return [
        (day, str(channel), count)
        for day, channel, count in _rows(
            """SELECT (created_at AT TIME ZONE %s)::date AS day, channel_id, count(*) FROM counted
               WHERE created_at >= %s AND created_at < %s GROUP BY 1, 2 ORDER BY 1""",
            [period.zone, period.start, period.end],
            period.viewer,
        )
    ]


def _duration(expression: str, moment: str, period: Period) -> Duration:
    # Both arguments are constants of this module, never input.
    query = (
        f"SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY s), percentile_cont(0.9) WITHIN GROUP (ORDER BY s), count(*)"  # noqa: S608
        f" FROM (SELECT extract(epoch FROM {expression}) AS s FROM counted"
        f" WHERE {moment} >= %s AND {moment} < %s) AS t WHERE s >= 0"
    )
    median, p90, count = _rows(query, [period.start, period.end], period.viewer)[0]
    return Duration(None if median is None else float(median), None if p90 is None else float(p90), int(count))


def first_response(period: Period) -> Duration:
    return _duration("first_reply_at - coalesce(human_wait_from, created_at)", "first_reply_at", period)


def first_resolution(period: Period) -> Duration:
    return _duration("first_solved_at - created_at", "first_solved_at", period)


def solved_by_assistant(period: Period) -> Share:
    part, whole = _rows(
        """SELECT count(*) FILTER (WHERE status IN ('solved', 'closed') AND NOT human_replied AND handed_over_at IS NULL),
                  count(*)
           FROM counted WHERE created_at >= %s AND created_at < %s AND assistant_replied""",
        [period.start, period.end],
        period.viewer,
    )[0]
    return Share(int(part), int(whole))


def handovers_by_reason(period: Period) -> list[tuple[str, int]]:
    return [
        (reason, count)
        for reason, count in _rows(
            """SELECT handoff_reason, count(*) FROM counted
               WHERE handed_over_at >= %s AND handed_over_at < %s GROUP BY 1 ORDER BY 2 DESC, 1""",
            [period.start, period.end],
            period.viewer,
        )
    ]


def counts(period: Period) -> dict[str, int]:
    """Created, solved (first time) and handed over within the period."""
    created, solved, handed = _rows(
        """SELECT count(*) FILTER (WHERE created_at >= %(a)s AND created_at < %(b)s),
                  count(*) FILTER (WHERE first_solved_at >= %(a)s AND first_solved_at < %(b)s),
                  count(*) FILTER (WHERE handed_over_at >= %(a)s AND handed_over_at < %(b)s)
           FROM counted""".replace("%(a)s", "%s").replace("%(b)s", "%s"),
        [period.start, period.end] * 3,
        period.viewer,
    )[0]
    return {"created": int(created), "solved": int(solved), "handed_over": int(handed)}


def backlog_now(viewer: User | None = None) -> dict[str, int]:
    """Tickets not solved, by how long the customer has waited: `<4h`, `<1d`, `<3d`, `older`, and `answered`."""
    rows = _rows(
        """SELECT CASE WHEN waiting_since IS NULL THEN 'answered'
                       WHEN waiting_since > now() - interval '4 hours' THEN '<4h'
                       WHEN waiting_since > now() - interval '1 day' THEN '<1d'
                       WHEN waiting_since > now() - interval '3 days' THEN '<3d' ELSE 'older' END, count(*)
           FROM counted WHERE status IN ('open', 'waiting') GROUP BY 1""",
        [],
        viewer,
    )
    return {key: int(dict(rows).get(key, 0)) for key in ("<4h", "<1d", "<3d", "older", "answered")}


def backlog_by_day(period: Period) -> list[tuple[date, int]]:
    """(day, open at its end). Uses the present solved_at, so a reopened ticket counts as never solved."""
    rows = _rows(
        """SELECT day::date, (SELECT count(*) FROM counted WHERE created_at < (day + interval '1 day') AT TIME ZONE %s
                   AND (solved_at IS NULL OR solved_at >= (day + interval '1 day') AT TIME ZONE %s)
                   AND (status <> 'closed' OR solved_at IS NOT NULL))
           FROM generate_series(%s::date::timestamp, %s::date::timestamp, interval '1 day') AS day""",
        [period.zone, period.zone, period.days[0].isoformat(), period.days[-1].isoformat()],
        period.viewer,
    )
    return [(day, int(count)) for day, count in rows]
