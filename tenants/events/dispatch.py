"""The dispatcher: gives committed events their sequence and hands them to subscribers."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

import structlog
from django.db import connection
from django.db.models import F
from django.utils import timezone

from omnisupport.lib.once import remembering
from tenants.events.log import subscribers_in_order, subscribers_of
from tenants.events.models import Event

log = structlog.get_logger(__name__)

MAX_ATTEMPTS = 5
# Events whose end is written with one statement; after a crash so many are handed out a second time.
_NOTED_TOGETHER = 25

_SEQUENCE_SQL = """
UPDATE events_event AS e SET seq = base.top + fresh.place
FROM (SELECT id, row_number() OVER (ORDER BY id) AS place FROM events_event WHERE seq IS NULL) AS fresh,
     (SELECT coalesce(max(seq), 0) AS top FROM events_event) AS base
WHERE e.id = fresh.id RETURNING e.*
"""


@contextmanager
def _dispatch_lock() -> Iterator[None]:
    """A session lock, so that frames leave after the commit of their numbers and still in order."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(hashtext(current_schema()), hashtext('events'))")
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(hashtext(current_schema()), hashtext('events'))")


def dispatch_new_events() -> int:
    """Numbers what was committed since the last time and runs its subscribers. Returns how many events it took."""
    with _dispatch_lock():
        events = sorted(Event.objects.raw(_SEQUENCE_SQL), key=lambda event: event.seq or 0)
        # One listener after the other: agents' screens need nothing read for theirs.
        for subscriber in subscribers_in_order():
            for event in events:
                if subscriber.wants(event.type):
                    _call(subscriber.handle, event)
    _run_subscribers(events)
    return len(events)


def redispatch_stuck_events(older_than: timedelta) -> int:
    """Runs the subscribers again for events whose dispatcher died between numbering and the end."""
    stuck = Event.objects.filter(
        seq__isnull=False,
        dispatched_at__isnull=True,
        attempts__lt=MAX_ATTEMPTS,
        created_at__lt=timezone.now() - older_than,
    )
    events = list(stuck.order_by("seq")[:500])
    _run_subscribers(events)
    return len(events)


def _run_subscribers(events: Sequence[Event]) -> None:
    for start in range(0, len(events), _NOTED_TOGETHER):
        done: list[int] = []
        failed: list[int] = []
        with remembering():
            for event in events[start : start + _NOTED_TOGETHER]:
                results = [_call(s.handle, event) for s in subscribers_of(event.type)]
                (done if all(results) else failed).append(event.pk)
        Event.objects.filter(id__in=done).update(dispatched_at=timezone.now())
        if failed:
            Event.objects.filter(id__in=failed).update(attempts=F("attempts") + 1)


def _call(handle: object, event: Event) -> bool:
    try:
        handle(event)  # type: ignore[operator]
    except Exception:
        # One subscriber's fault must not stop the others; the event stays undispatched and is tried again.
        log.exception("subscriber_failed", type=event.type, event_id=event.pk, handler=getattr(handle, "__name__", ""))
        return False
    return True
