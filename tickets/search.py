"""Messages that answer a search, newest or best first, and which words of theirs do."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib.postgres.search import SearchQueryField, SearchVectorField
from django.db.models import F, FloatField, Func, Lookup, Q, QuerySet, Value
from django.db.models.functions import Cast

from tickets.models import Message, MessageSearch
from tickets.words import Piece, Query, found_words, make_fragment

# Messages of a page; several of one ticket are shown as one.
PAGE = 40
# The best are chosen among so many newest: ranking reads every row that it ranks.
_RANKED = 1000
# Of one conversation.
_IN_ONE = 200
# Messages that are walked over before several words are asked of the index.
_LATEST = 4000


@SearchVectorField.register_lookup
class Meets(Lookup[Any]):
    """`words__meets="'возврат' & 'ден'"`: a tsquery written out (tickets/words.py), not to be parsed again."""

    lookup_name = "meets"

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[str | int, ...]]:
        left, left_params = self.process_lhs(compiler, connection)
        right, right_params = self.process_rhs(compiler, connection)
        return f"{left} @@ {right}::tsquery", (*left_params, *right_params)


@dataclass(frozen=True)
class Hit:
    """A ticket and its message that answers the query. `order` sorts a list of hits, the greatest first."""

    ticket_id: int
    message_id: int
    order: int


@dataclass(frozen=True)
class Answering:
    """A message of one conversation, and those of its words that answer."""

    message_id: int
    words: tuple[str, ...]


def newest_hits(query: Query, where: Q, before: int | None = None) -> tuple[list[Hit], int | None]:
    """One hit for each ticket, and the message that the next page lies before, if there is one. A ticket stands where its
    newest hit is. `where` is about MessageSearch."""
    found = _found(query, where)
    rows = _newest(found if before is None else found.filter(message_id__lt=before), query, before)
    following = rows[PAGE - 1][1] if len(rows) > PAGE else None
    newest: dict[int, int] = {}
    for ticket_id, message_id in rows[:PAGE]:
        newest.setdefault(ticket_id, message_id)
    if before is not None and newest:
        shown = found.filter(ticket_id__in=list(newest), message_id__gte=before).values_list("ticket_id", flat=True)
        for ticket_id in set(shown):
            del newest[ticket_id]
    return [Hit(ticket_id, message_id, message_id) for ticket_id, message_id in newest.items()], following


def _newest(
    found: QuerySet[MessageSearch], query: Query, before: int | None = None, *, limit: int = 0
) -> list[tuple[int, int]]:
    """Of one word the planner knows how common it is, and whether to walk back over the messages or to ask the index. Of
    several it knows nothing: two common ones that never meet would be looked for in every message there is. So first in the
    latest messages; where those do not fill a page, the rest is few enough to be sorted."""
    limit = limit or PAGE + 1
    found_ids = found.values_list("ticket_id", "message_id")
    if len(query.terms) == 1:
        return list(found_ids.order_by("-message_id")[:limit])
    newest = Value(before) if before else MessageSearch.objects.order_by("-message_id").values("message_id")[:1]
    latest = found_ids.alias(newest=newest).filter(message_id__gt=F("newest") - _LATEST * max(1, limit // 200))
    rows = list(latest.order_by("-message_id")[:limit])
    # Ordered by a sum, which no index has.
    return rows if len(rows) == limit else list(found_ids.order_by((F("message_id") + 0).desc())[:limit])


def best_hits(query: Query, where: Q) -> list[Hit]:
    """One page: the best among the newest, one for each ticket."""
    newest = [message_id for _ticket_id, message_id in _newest(_found(query, where), query, limit=_RANKED)]
    ranked = _ranked(MessageSearch.objects.filter(message_id__in=newest), query)
    return _best_of_each(ranked[:PAGE])


def hits_in(query: Query, where: Q, ticket_ids: Collection[int], *, best: bool = False) -> list[Hit]:
    """The hits of these tickets, as one of the two above would give them."""
    found = _found(query, where).filter(ticket_id__in=list(ticket_ids))
    if best:
        return _best_of_each(_ranked(found, query)[:_RANKED])
    rows = found.order_by("ticket_id", "-message_id").distinct("ticket_id").values_list("ticket_id", "message_id")
    return [Hit(ticket_id, message_id, message_id) for ticket_id, message_id in rows]


def found_in(ticket_id: int, query: Query) -> list[Answering]:
    """The newest messages of one conversation that answer by their own words, oldest first."""
    newest = _found(query, Q(ticket_id=ticket_id)).order_by("-message_id")
    rows = newest.values_list("message_id", "message__text")[:_IN_ONE]
    words = [(message_id, found_words(text, query)) for message_id, text in rows]
    return [Answering(message_id, met) for message_id, met in reversed(words) if met]


def fragment_of(message: Message, query: Query, shown: Callable[[str], str] = str) -> tuple[Piece, ...]:
    """Of the message, else of what its ticket is found by, as `shown` has it. The ticket and its contact are loaded."""
    ticket, contact = message.ticket, message.ticket.contact
    person = " · ".join(filter(None, [contact.name, contact.email, contact.phone]))
    return make_fragment(map(shown, [message.text, ticket.subject, person]), query)


def _found(query: Query, where: Q) -> QuerySet[MessageSearch]:
    if not query.terms:
        return MessageSearch.objects.none()
    return MessageSearch.objects.filter(where, words__meets=query.tsquery)


def _ranked(found: QuerySet[MessageSearch], query: Query) -> Any:
    """(ticket, message, rank), the best first."""
    asked = Cast(Value(query.tsquery), SearchQueryField())
    rank: Any = Func(F("words"), asked, function="ts_rank", output_field=FloatField())
    return (
        found.annotate(rank=rank)
        .values_list("ticket_id", "message_id", "rank")
        .order_by(F("rank").desc(), "-message_id")
    )


def _best_of_each(rows: Iterable[tuple[int, int, float]]) -> list[Hit]:
    best: dict[int, Hit] = {}
    for ticket_id, message_id, rank in rows:
        # Whole numbers, for browsers sort by them.
        best.setdefault(ticket_id, Hit(ticket_id, message_id, round(rank * 10**9)))
    return list(best.values())
