"""The orders of the list. Each is one whole number for a row, the greatest first, then the greater id: the browser keeps rows
in place by it, and a page begins behind it, whatever changes meanwhile."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db.models import BooleanField, F, Func, OrderBy, Q, Value
from django.db.models.lookups import GreaterThan, LessThan
from django.utils.translation import gettext as _

from omnisupport.lib.errors import InvalidInput
from tickets.models import Sort, Ticket

# Above every order there is, and still a whole number in a browser.
FIRST = 2**53 - 1
# Of the order by priority: so many microseconds lie between two priorities, counted from this moment: 2020 to 2083.
_STEP, _EPOCH = 2 * 10**15, 1_577_836_800 * 10**6


@dataclass(frozen=True)
class Order:
    """`behind` are the rows after one with this number (and id), `before` those in front of it."""

    by: tuple[OrderBy, ...]
    back: tuple[OrderBy, ...]
    number: Callable[[Ticket], int]
    behind: Callable[[int, int], Q]
    before: Callable[[int, int], Q]


def microseconds(at: datetime) -> int:
    """A sortable number without the rounding of floats."""
    return int(at.replace(microsecond=0).timestamp()) * 1_000_000 + at.microsecond


def _moment(number: int) -> datetime:
    seconds, micros = divmod(number, 1_000_000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=micros)


def _row(*parts: F | Value) -> Func:
    return Func(*parts, function="ROW", output_field=BooleanField())


def _descending(fields: Sequence[str], number: Callable[[Ticket], int], read: Callable[[int], Sequence[Any]]) -> Order:
    """By these fields and the id, the greatest first; `read` gives their values back. Rows are compared as wholes: one range of
    the index."""
    names = (*fields, "id")

    def whole(order: int, ticket_id: int) -> tuple[Func, Func]:
        return _row(*map(F, names)), _row(*map(Value, (*read(order), ticket_id)))

    return Order(
        by=tuple(F(name).desc() for name in names),
        back=tuple(F(name).asc() for name in names),
        number=number,
        behind=lambda order, ticket_id: Q(LessThan(*whole(order, ticket_id))),
        before=lambda order, ticket_id: Q(GreaterThan(*whole(order, ticket_id))),
    )


def _by_moment(field: str) -> Order:
    return _descending((field,), lambda ticket: microseconds(getattr(ticket, field)), lambda order: (_moment(order),))


def _behind_waiting(number: int, ticket_id: int) -> Q:
    if not number:
        return Q(waiting_since=None, id__lt=ticket_id)
    at = _moment(FIRST - number)
    same = Q(waiting_since=at, id__lt=ticket_id)
    return Q(waiting_since__gt=at) | same | Q(waiting_since=None)


def _before_waiting(number: int, ticket_id: int) -> Q:
    if not number:
        return Q(waiting_since__isnull=False) | Q(id__gt=ticket_id)
    at = _moment(FIRST - number)
    return Q(waiting_since__lte=at) & (Q(waiting_since__lt=at) | Q(id__gt=ticket_id))


def _priority_of(number: int) -> tuple[int, datetime]:
    priority, rest = divmod(number, _STEP)
    return priority + 1, _moment(rest + _EPOCH)


ORDERS: dict[str, Order] = {
    Sort.ACTIVITY: _by_moment("last_activity_at"),
    Sort.CREATED: _by_moment("created_at"),
    Sort.WAITING: Order(
        by=(F("waiting_since").asc(nulls_last=True), F("id").desc()),
        back=(F("waiting_since").desc(nulls_first=True), F("id").asc()),
        number=lambda ticket: FIRST - microseconds(ticket.waiting_since) if ticket.waiting_since else 0,
        behind=_behind_waiting,
        before=_before_waiting,
    ),
    Sort.PRIORITY: _descending(
        ("priority", "last_activity_at"),
        lambda ticket: (ticket.priority - 1) * _STEP + microseconds(ticket.last_activity_at) - _EPOCH,
        _priority_of,
    ),
}


def make_cursor(number: int, ticket_id: int) -> str:
    return f"{number}-{ticket_id}"


def read_cursor(cursor: str) -> tuple[int, int]:
    """Raises InvalidInput for a cursor that was not made here."""
    number, _dash, ticket_id = cursor.partition("-")
    digits = f"{number}{ticket_id}"
    if (
        not (number and ticket_id and digits.isascii() and digits.isdecimal() and len(ticket_id) <= 18)
        or len(number) > 16
    ):
        raise no_such_page()
    if int(number) > FIRST:
        raise no_such_page()
    return int(number), int(ticket_id)


def no_such_page() -> InvalidInput:
    return InvalidInput(_("This page of the list does not exist. Begin at the first one."), field="after")
