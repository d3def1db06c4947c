"""Writing to the event log, and who listens to it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from tenants.events.models import Event
from tenants.names import current_schema

Handler = Callable[[Event], None]


@dataclass(frozen=True)
class Subscriber:
    types: frozenset[str]
    handle: Handler
    # Called under the dispatcher's lock, so in the order of seq; must be quick (realtime frames).
    in_order: bool = False

    def wants(self, type: str) -> bool:
        return type in self.types or "*" in self.types


_subscribers: list[Subscriber] = []
_gathered: ContextVar[list[Event] | None] = ContextVar("gathered events", default=None)
_part_of: ContextVar[dict[str, str] | None] = ContextVar("part of", default=None)


def subscribe(*types: str, in_order: bool = False) -> Callable[[Handler], Handler]:
    """Registers a handler for event types (`"*"` for all). Handlers are idempotent: a crash makes them run again."""

    def decorate(handle: Handler) -> Handler:
        _subscribers.append(Subscriber(frozenset(types), handle, in_order))
        return handle

    return decorate


def subscribers_in_order() -> list[Subscriber]:
    return [s for s in _subscribers if s.in_order]


def subscribers_of(type: str) -> list[Subscriber]:
    """Those for whom the order does not matter."""
    return [s for s in _subscribers if not s.in_order and s.wants(type)]


def record(
    type: str, *, ticket_id: int | None = None, actor_id: UUID | None = None, payload: dict[str, Any] | None = None
) -> Event:
    """Writes the event in the caller's transaction and wakes the dispatcher after its commit."""
    current_schema()
    event = Event(
        type=type, ticket_id=ticket_id, actor_id=actor_id, payload={**(payload or {}), **(_part_of.get() or {})}
    )
    gathered = _gathered.get()
    if gathered is not None:
        gathered.append(event)
        return event
    event.save(force_insert=True)
    _wake_after_commit()
    return event


@contextmanager
def part_of(**whole: str) -> Iterator[None]:
    """What is recorded inside says what it is a part of: `bulk="12"`."""
    token = _part_of.set(whole)
    try:
        yield
    finally:
        _part_of.reset(token)


@contextmanager
def gather_events() -> Iterator[list[Event]]:
    """What is recorded inside is only put into the list: whoever gathers it writes it by `write_events`, in the transaction of
    the changes."""
    events: list[Event] = []
    token = _gathered.set(events)
    try:
        yield events
    finally:
        _gathered.reset(token)


def write_events(events: Sequence[Event]) -> None:
    """In one statement."""
    if events:
        Event.objects.bulk_create(events)
        _wake_after_commit()


def _wake_after_commit() -> None:
    if not any(entry[1] is wake_dispatcher for entry in connection.run_on_commit):
        transaction.on_commit(wake_dispatcher, robust=True)


def wake_dispatcher() -> None:
    from tenants.events.tasks import dispatch_events  # the task imports this module
    from tenants.tasking import wake

    wake(dispatch_events)
