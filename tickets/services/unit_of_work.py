"""Changes of many locked tickets, decided one by one and written together: some statements for all of them, not for each.

Without a unit of work everything is written at once. The services that hold a ticket's lock (`move_status` and the like) write
through `save_fields` and `save_tags`, so that they are the same for one ticket and for many.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from omnisupport.lib.rows import update_rows
from tenants.events.log import gather_events, write_events
from tenants.events.models import Event
from tickets.models import Tag, Ticket

_unit: ContextVar["UnitOfWork | None"] = ContextVar("unit of work", default=None)


@dataclass
class _Decided:
    """Of one ticket."""

    fields: dict[Ticket, set[str]] = field(default_factory=dict)
    tags: dict[Ticket, Sequence[Tag]] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)


class UnitOfWork:
    """The caller holds the locks of all its tickets, in one transaction."""

    def __init__(self) -> None:
        self.present = _Decided()
        self._done: list[_Decided] = []

    @contextmanager
    def one_ticket(self) -> Iterator[None]:
        """What is decided inside counts when it ends well; of a refusal nothing is left."""
        self.present = _Decided()
        token = _unit.set(self)
        try:
            with gather_events() as self.present.events:
                yield
            self._done.append(self.present)
        finally:
            _unit.reset(token)

    def write(self) -> None:
        """Everything but the ticket that is being decided."""
        done, self._done = self._done, []
        alike: dict[frozenset[str], list[Ticket]] = {}
        for decided in done:
            for ticket, names in decided.fields.items():
                alike.setdefault(frozenset(names), []).append(ticket)
        for alike_names, tickets in alike.items():
            update_rows(tickets, sorted(alike_names))
        _write_tags({ticket.id: tags for decided in done for ticket, tags in decided.tags.items()})
        write_events([event for decided in done for event in decided.events])


def _write_tags(wanted: dict[int, Sequence[Tag]]) -> None:
    if not wanted:
        return
    links = Ticket.tags.through.objects
    pairs = {(ticket_id, tag.pk) for ticket_id, tags in wanted.items() for tag in tags}
    there = {
        (ticket_id, tag_id): key
        for key, ticket_id, tag_id in links.filter(ticket_id__in=wanted).values_list("id", "ticket_id", "tag_id")
    }
    links.filter(id__in=[key for pair, key in there.items() if pair not in pairs]).delete()
    links.bulk_create([links.model(ticket_id=ticket, tag_id=tag) for ticket, tag in sorted(pairs - there.keys())])


def save_fields(ticket: Ticket, names: Sequence[str]) -> None:
    unit = _unit.get()
    if unit is None:
        ticket.save(update_fields=names)
    else:
        unit.present.fields.setdefault(ticket, set()).update(names)


def save_tags(ticket: Ticket, tags: Sequence[Tag]) -> None:
    unit = _unit.get()
    if unit is None:
        ticket.tags.set(tags)
    else:
        unit.present.tags[ticket] = tags


def write_decided() -> None:
    """Before a rule looks at other tickets in the database."""
    unit = _unit.get()
    if unit is not None:
        unit.write()
