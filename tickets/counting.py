"""How many conversations a view has: counted to a hundred, and not again while nothing has happened.

A count stays in the cache with the sequence of the event log that it was made at. The same sequence, the same count; behind
a newer one it is good for some seconds more, and then the whole workspace counts once, whoever asks.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import structlog
from django.core.cache import cache
from django.db.models import Q
from redis.exceptions import RedisError

from tickets.models import Status, Ticket

log = structlog.get_logger(__name__)

MOST = 100
# Behind the log: so long it may be shown. In step with it: what depends on the clock moves on all the same.
_LATE, _GOOD = 5, 60


@dataclass(frozen=True)
class Asked:
    """`version` changes with what the view asks; `viewer_id` is set where the answer is another for each person."""

    name: str
    query: Q
    version: str = ""
    viewer_id: UUID | None = None

    @property
    def key(self) -> str:
        return f"view-count:{self.name}:{self.version}:{self.viewer_id or ''}"


def bounded_counts(asked: Sequence[Asked], seq: int) -> tuple[dict[str, int], bool]:
    """Of open and waiting conversations, by name, at most MOST each; and whether some are behind `seq`, the newest event.
    While the cache does not answer there are none: the list matters more than its numbers."""
    try:
        return _counts(asked, seq) if asked else ({}, False)
    except RedisError as error:
        log.warning("view_counts_unavailable", error=str(error))
        return {one.name: 0 for one in asked}, True


def _counts(asked: Sequence[Asked], seq: int) -> tuple[dict[str, int], bool]:
    known = cache.get_many([one.key for one in asked])
    now = time.time()
    counts: dict[str, int] = {}
    due: list[Asked] = []
    late = False
    for one in asked:
        made_at, at, count = known.get(one.key, (None, 0.0, 0))
        age = now - at
        if age > _GOOD or (made_at != seq and age > _LATE):
            due.append(one)
        late = late or made_at != seq
        counts[one.name] = count
    # One counts for all; whoever has an older number meanwhile shows that.
    if due and (any(one.key not in known for one in due) or cache.add("view-counting", 1, _LATE)):
        fresh = {one.name: _count(one.query) for one in due}
        cache.set_many({one.key: (seq, now, fresh[one.name]) for one in due}, 3600)
        counts |= fresh
        late = late and len(due) < len(asked)
    return counts, late


def _count(query: Q) -> int:
    live = Ticket.objects.filter(query, status__in=[Status.OPEN, Status.WAITING])
    return live.order_by()[:MOST].count()
