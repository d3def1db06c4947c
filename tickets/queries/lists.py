"""Lists of conversations: a view, a search, the counts."""

import threading
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Q, QuerySet

from omnisupport.lib.masking import veil
from tenants.accounts.models import Role, User
from tickets.conditions import (
    make_query,
    stored_conditions,
)
from tickets.models import (
    Mention,
    Message,
    SavedView,
    Sort,
    Status,
    Ticket,
    TicketFollower,
)  # fmt: skip
from tickets.ordering import FIRST, ORDERS, Order, make_cursor, no_such_page, read_cursor
from tickets.queries.names import name_all, with_names
from tickets.queries.rows import PAGE, TO_DO
from tickets.rights import sees_all, visible_to
from tickets.search import Hit, best_hits, fragment_of, hits_in, newest_hits
from tickets.words import Piece, Query, read_query

LIVE = (Status.OPEN, Status.WAITING)
# What a row shows: of five tables a tenth of the columns.
_LISTED = (
    "number", "status", "priority", "created_at", "last_activity_at", "waiting_since", "subject",
    "is_snoozed", "wakes_at", "is_spam", "merged_into",
    "contact__name", "contact__email", "contact__phone", "channel", "assignee", "custom_status",
    "last_message__author", "last_message__text", "last_message__content", "last_message__delivery",
)  # fmt: skip

_VIEWS: dict[str, Callable[[UUID], Q]] = {
    "mine": lambda viewer: TO_DO & Q(assignee_id=viewer),
    "unassigned": lambda _viewer: TO_DO & Q(assignee=None),
    "open": lambda _viewer: TO_DO,
    "assistant": lambda _viewer: TO_DO & Q(assignee__role=Role.ASSISTANT),
    "waiting": lambda _viewer: Q(status=Status.WAITING, is_snoozed=False),
    "snoozed": lambda _viewer: Q(status__in=LIVE, is_snoozed=True),
    "solved": lambda _viewer: Q(status=Status.SOLVED),
    "closed": lambda _viewer: Q(status=Status.CLOSED, is_spam=False, merged_into=None),
    "spam": lambda _viewer: Q(is_spam=True),
    "mentions": lambda viewer: Q(id__in=Mention.objects.filter(user_id=viewer).values("ticket_id")),
    "following": lambda viewer: Q(
        id__in=TicketFollower.objects.filter(user_id=viewer).values("ticket_id"),
        status__in=[Status.OPEN, Status.WAITING],
    ),
}
# Each walks over its own part of one index, and groups nothing: two thirds of the time of one walk that does.
_COUNTS_SQL = """
SELECT
  (SELECT count(*) FROM {tickets} WHERE status = 'open' AND NOT is_snoozed AND assignee_id = %s) AS mine,
  (SELECT count(*) FROM {tickets} WHERE status = 'open' AND NOT is_snoozed AND assignee_id IS NULL) AS unassigned,
  (SELECT count(*) FROM {tickets} WHERE status = 'open' AND NOT is_snoozed) AS open,
  (SELECT count(*) FROM {tickets} WHERE status = 'open' AND NOT is_snoozed AND assignee_id IN (
    SELECT id FROM accounts_user WHERE role = %s)) AS assistant,
  (SELECT count(*) FROM {tickets} WHERE status = 'waiting' AND NOT is_snoozed) AS waiting,
  (SELECT count(*) FROM {tickets} WHERE status IN ('open', 'waiting') AND is_snoozed) AS snoozed
"""
_COUNTED = ("mine", "unassigned", "open", "assistant", "waiting", "snoozed")


@dataclass(frozen=True)
class Selection:
    """What the list shows. A search text looks through every state, so that what was solved is found too."""

    viewer: User
    view: str = "mine"
    channel_id: UUID | None = None
    team_id: int | None = None
    text: str = ""
    # Another order than the view's own; one of Sort.
    sort: str = ""
    # Of a view that somebody made: itself.
    saved: SavedView | None = None
    # Of a search only.
    status: str = ""
    assignee_id: UUID | None = None
    best_first: bool = False

    @property
    def viewer_id(self) -> UUID:
        return self.viewer.id

    @property
    def order(self) -> Order:
        return ORDERS[self.sort or self.own_sort]

    @property
    def own_sort(self) -> str:
        return self.saved.sort if self.saved else Sort.ACTIVITY

    @property
    def where(self) -> dict[str, Any]:
        """The filters that narrow a view and a search alike, by field of the ticket."""
        asked = {
            "channel_id": self.channel_id, "team_id": self.team_id, "status": self.status, "assignee_id": self.assignee_id,
        }  # fmt: skip
        return {name: value for name, value in asked.items() if value}


@dataclass(frozen=True)
class Row:
    """`message` is what the row shows: the last one, or the one that answers a search, with its words in `fragment`.
    Rows lie by `order`, then by the ticket's id, the greatest first."""

    ticket: Ticket
    order: int
    message: Message | None
    fragment: tuple[Piece, ...] = ()

    @property
    def message_id(self) -> int | None:
        return self.message.pk if self.message else None


@dataclass(frozen=True)
class Page:
    rows: Sequence[Row]
    # Behind which row the next page begins and before which the previous one ends; empty where there is none.
    cursor: str = ""
    previous: str = ""

    @property
    def tickets(self) -> list[Ticket]:
        return [row.ticket for row in self.rows]


def view_names() -> tuple[str, ...]:
    return tuple(_VIEWS)


def list_tickets(selection: Selection, cursor: str = "", before: str = "") -> Page:
    """In the order of the selection, from the beginning, behind `cursor`, or what ends `before` one. Raises InvalidInput for a
    cursor that was not made here."""
    if selection.text:
        return _search(selection, cursor)
    order, found = selection.order, _selected(selection)
    if before:
        tickets = list(found.filter(order.before(*read_cursor(before))).order_by(*order.back)[: PAGE + 1])
        rows = _rows(reversed(tickets[:PAGE]), order)
        return Page(rows, _cursor_of(rows[-1:]), _cursor_of(rows[:1]) if len(tickets) > PAGE else "")
    if cursor:
        found = found.filter(order.behind(*read_cursor(cursor)))
    tickets = list(found.order_by(*order.by)[: PAGE + 1])
    rows = _rows(tickets[:PAGE], order)
    return Page(rows, _cursor_of(rows[-1:]) if len(tickets) > PAGE else "", _cursor_of(rows[:1]) if cursor else "")


def list_around(selection: Selection, ticket: Ticket) -> Page | None:
    """The page with this conversation in its middle; None where the list does not show it."""
    order, found = selection.order, _selected(selection)
    number = order.number(ticket)
    after = list(found.filter(order.behind(number, ticket.id + 1)).order_by(*order.by)[: PAGE // 2 + 1])
    if not after or after[0].id != ticket.id:
        return None
    before = list(found.filter(order.before(number, ticket.id)).order_by(*order.back)[: PAGE // 2 + 1])
    rows = _rows([*reversed(before[: PAGE // 2]), *after[: PAGE // 2]], order)
    following = _cursor_of(rows[-1:]) if len(after) > PAGE // 2 else ""
    return Page(rows, following, _cursor_of(rows[:1]) if len(before) > PAGE // 2 else "")


def whole_rows(page: Page) -> list[Row]:
    """The rows of a page, each ticket with all its columns and tags: one of the list has a tenth of them."""
    whole = Ticket.objects.select_related("custom_status").prefetch_related("tags")
    found = whole.in_bulk([ticket.id for ticket in page.tickets])
    return [replace(row, ticket=found[row.ticket.id]) for row in page.rows if row.ticket.id in found]


@dataclass(frozen=True)
class Found:
    """The first rows of a view that is being made; `count` goes to PREVIEWED at most."""

    count: int
    rows: Sequence["Row"]

    @property
    def shown_count(self) -> str:
        return f"{PREVIEWED}+" if self.count > PREVIEWED else str(self.count)


PREVIEWED = 1000


def preview(selection: Selection) -> Found:
    order, found = selection.order, _selected(selection)
    count = found.order_by()[: PREVIEWED + 1].count()
    return Found(count, _rows(found.order_by(*order.by)[:8], order))


def _cursor_of(rows: Sequence["Row"]) -> str:
    return make_cursor(rows[0].order, rows[0].ticket.id) if rows else ""


def ids_in(selection: Selection, most: int) -> list[int]:
    """All conversations of a list, in its order; one more than `most` where there are more."""
    if not selection.text:
        ids = _selected(selection).order_by(*selection.order.by).values_list("id", flat=True)
        return list(ids[: most + 1])
    found: dict[int, None] = {}
    cursor = ""
    while len(found) <= most:
        page = list_tickets(selection, cursor)
        found |= dict.fromkeys(ticket.id for ticket in page.tickets)
        cursor = page.cursor
        if not cursor:
            break
    return list(found)[: most + 1]


def seen_ids(ids: Collection[int], viewer: User) -> list[int]:
    """Those that the viewer may see, in their order."""
    seen = set(Ticket.objects.filter(visible_to(viewer), id__in=ids).values_list("id", flat=True))
    return [ticket_id for ticket_id in ids if ticket_id in seen]


def pick_rows(selection: Selection, ids: Collection[int]) -> list[Row]:
    """Those of `ids` that the list shows now; the others have left it."""
    if selection.text:
        named, query = _numbered(selection), read_query(selection.text)
        hits = hits_in(query, _where(selection, named), ids, best=selection.best_first)
        return [*(row for row in named if row.ticket.id in ids), *_hit_rows(hits, query, selection.viewer)]
    return _rows(_selected(selection).filter(id__in=ids).order_by(*selection.order.by), selection.order)


def count_views(viewer: User) -> dict[str, int]:
    with connection.cursor() as cursor:
        cursor.execute(*_counts_sql(viewer))
        return dict(zip(_COUNTED, cursor.fetchone(), strict=True))


def count_unseen_mentions(viewer: User) -> int:
    """Conversations in which a note waits for this person."""
    unseen = Mention.objects.filter(visible_to(viewer, "ticket__"), user=viewer, seen_at=None)
    return unseen.values("ticket_id").distinct().count()


def _counts_sql(viewer: User) -> tuple[str, tuple[Any, ...]]:
    own = (viewer.id, Role.ASSISTANT)
    if sees_all(viewer):
        return _COUNTS_SQL.format(tickets="tickets_ticket"), own
    seen = Ticket.objects.filter(visible_to(viewer), status__in=LIVE).values("status", "is_snoozed", "assignee_id")
    sql, params = seen.query.sql_with_params()
    return f"WITH seen AS ({sql}){_COUNTS_SQL.format(tickets='seen')}", (*params, *own)


def _selected(selection: Selection) -> QuerySet[Ticket]:
    return _listed().filter(visible_to(selection.viewer), view_query(selection), **selection.where)


def view_query(selection: Selection) -> Q:
    """What a view shows, the filters beside it left out."""
    if selection.saved is not None:
        return make_query(stored_conditions(selection.saved.conditions), selection.viewer_id)
    if selection.view in _VIEWS:
        return _VIEWS[selection.view](selection.viewer_id)
    return _VIEWS["open"](selection.viewer_id) & _place_query(selection.view)


def _place_query(view: str) -> Q:
    """`t<id>` is a team's view, `c<uuid>` a channel's: what is open there."""
    return Q(team_id=int(view[1:])) if view.startswith("t") else Q(channel_id=view[1:])


# Building it takes as long as a quarter of its answer. Each thread has its own, for a queryset is changed by its compiling.
_of_thread = threading.local()


def _listed() -> QuerySet[Ticket]:
    if not hasattr(_of_thread, "listed"):
        tickets = Ticket.objects.select_related("contact", "last_message").only(*_LISTED)
        _of_thread.listed = with_names(tickets)
    listed: QuerySet[Ticket] = _of_thread.listed.all()
    return listed


def _rows(tickets: Iterable[Ticket], order: Order) -> list[Row]:
    return [Row(ticket, order.number(ticket), ticket.last_message) for ticket in name_all(tickets)]


# ---- Search ----------------------------------------------------------------------------------------------------------


def _search(selection: Selection, cursor: str) -> Page:
    """A number that is asked for is the first row. Raises InvalidInput for a cursor that was not made here."""
    named, query = _numbered(selection), read_query(selection.text)
    where = _where(selection, named)
    if selection.best_first:
        hits, following = best_hits(query, where), None
    else:
        hits, following = newest_hits(query, where, _read_message_cursor(cursor) if cursor else None)
    return Page([*([] if cursor else named), *_hit_rows(hits, query, selection.viewer)], str(following or ""))


def _where(selection: Selection, named: Sequence[Row]) -> Q:
    where = visible_to(selection.viewer, "ticket__")
    where &= Q(**{f"ticket__{name}": value for name, value in selection.where.items()})
    return where & ~Q(ticket_id__in=[row.ticket.id for row in named]) if named else where


def _numbered(selection: Selection) -> list[Row]:
    """The conversation whose number is written, above all others."""
    number = selection.text.removeprefix("#").removeprefix("№").strip()
    if not (number.isdecimal() and len(number) <= 18):
        return []
    # What was merged is found where it goes on.
    asked = Ticket.objects.filter(number=int(number))
    one = Q(id__in=asked.filter(merged_into=None)) | Q(id__in=asked.values("merged_into"))
    found = _listed().filter(visible_to(selection.viewer), one, **selection.where)
    return [Row(ticket, FIRST, ticket.last_message) for ticket in name_all(found)]


def _hit_rows(hits: Sequence[Hit], query: Query, viewer: User) -> list[Row]:
    messages = Message.objects.in_bulk([hit.message_id for hit in hits])
    listed = _listed().filter(id__in={message.ticket_id for message in messages.values()})
    tickets = {ticket.id: ticket for ticket in name_all(listed)}
    # Before the words are cut: of half a number nobody could tell that it is one.
    shown: Callable[[str], str] = str if viewer.sees_contact_details else veil
    rows = []
    for hit in hits:
        message = messages.get(hit.message_id)
        if message is not None and message.ticket_id in tickets:
            message.ticket = tickets[message.ticket_id]
            rows.append(Row(message.ticket, hit.order, message, fragment_of(message, query, shown)))
    return rows


def _read_message_cursor(cursor: str) -> int:
    if not (cursor.isascii() and cursor.isdecimal() and len(cursor) <= 18):
        raise no_such_page()
    return int(cursor)
