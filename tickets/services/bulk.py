"""Changing many conversations at once: some in one short transaction, each by the same services as one by hand; what is refused
is counted, and undoing restores what nobody has changed since."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4, uuid5

from django.db import transaction
from django.db.models import Count, Max, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from omnisupport.lib.errors import AppError, Conflict, InvalidInput, NotFound
from omnisupport.lib.once import once, remembering
from omnisupport.lib.rows import update_rows
from tenants.accounts.models import User
from tenants.events.log import part_of, record
from tenants.models import Tenant
from tenants.names import current_schema
from tickets.models import BulkChange, BulkItem, CustomStatus, Incident, Priority, Status, Team, Ticket
from tickets.services.incidents import move_incident
from tickets.services.post import check_text, post_message
from tickets.services.snoozing import Waking, snooze, wake
from tickets.services.spam import move_spam
from tickets.services.tickets import (
    choose_status,
    lock_free_tickets,
    lock_ticket,
    move_priority,
    move_tags,
    move_team,
    set_assignee,
)
from tickets.services.unit_of_work import UnitOfWork
from tickets.variables import fill, unfilled, values_for

MOST = 20_000
CHUNK = 100
# So many conversations are locked and written at a time.
TOGETHER = 50
STALLED_AFTER = timedelta(minutes=1)
UNDO_WITHIN = timedelta(hours=24)

_ItemState, _State = BulkItem.State, BulkChange.State


# ---- Beginning -------------------------------------------------------------------------------------------------------


@transaction.atomic
def begin_bulk(
    ticket_ids: Sequence[int], *, changes: Mapping[str, Any], user: User | None, client_id: UUID | None = None
) -> BulkChange:
    """Freezes the conversations; a task does the work. The same `client_id` gives the same change. Raises InvalidInput:
    nothing to change, or with what makes no sense; too many."""
    known = BulkChange.objects.filter(client_id=client_id).first() if client_id else None
    if known is not None:
        return known
    wanted = _checked(changes)
    ids = list(dict.fromkeys(ticket_ids))
    if not ids:
        raise InvalidInput(_("Choose conversations first."), field="ids")
    if len(ids) > MOST:
        raise InvalidInput(_("At most %(n)s conversations can be changed at once.") % {"n": MOST}, field="ids")
    known_ids = set(Ticket.objects.filter(id__in=ids).values_list("id", flat=True))
    ids = [ticket_id for ticket_id in ids if ticket_id in known_ids]
    bulk = BulkChange.objects.create(client_id=client_id or uuid4(), user=user, changes=wanted, total=len(ids))
    BulkItem.objects.bulk_create([BulkItem(bulk=bulk, ticket_id=ticket_id) for ticket_id in ids], batch_size=2000)
    _tell(bulk)
    return bulk


def _checked(changes: Mapping[str, Any]) -> dict[str, Any]:
    """What can be known to make no sense before the first conversation is touched. Raises InvalidInput."""
    strange = set(changes) - set(_APPLY)
    if strange or not changes:
        raise InvalidInput(_("Choose what to change."), field=min(strange, default="changes"))
    for name, value in changes.items():
        if not _CHECKS[name](value):
            raise InvalidInput(_("This cannot be chosen."), field=name)
    if "answer" in changes:
        check_text(changes["answer"], has_more=False)
    return dict(changes)


def _is_person(value: Any) -> bool:
    return value is None or User.objects.filter(id=value, is_active=True).exclude(role="operator").exists()


def _is_state(value: Any) -> bool:
    named = {status.key for status in CustomStatus.objects.filter(is_active=True)}
    return value in Status.values or value in named


def _are_names(value: Any) -> bool:
    return (
        isinstance(value, list) and 0 < len(value) <= 20 and all(isinstance(one, str) and one.strip() for one in value)
    )


_CHECKS: dict[str, Callable[[Any], bool]] = {
    "assignee": _is_person,
    "team": lambda value: value is None or Team.objects.filter(id=value).exists(),
    "status": _is_state,
    "priority": lambda value: value in Priority.values,
    "add_tags": _are_names,
    "remove_tags": _are_names,
    "snooze": lambda value: value["until"] is None or datetime.fromisoformat(value["until"]) > timezone.now(),
    "spam": lambda value: value is True,
    "incident": lambda value: value is None or Incident.objects.filter(id=value, is_open=True).exists(),
    "answer": lambda value: isinstance(value, str),
}


# ---- Working ---------------------------------------------------------------------------------------------------------


@dataclass
class _Case:
    """One conversation, locked, and what is to be done with it."""

    bulk: BulkChange
    item: BulkItem
    ticket: Ticket
    tags: list[str]

    @property
    def user(self) -> User | None:
        return self.bulk.user

    def values(self, names: Sequence[str] | Mapping[str, Any]) -> dict[str, Any]:
        return {name: _VALUES[name](self) for name in names}


def run_bulk(bulk_id: int) -> bool:
    """The next chunk of a change or of its undoing. Returns whether there is more."""
    bulk = BulkChange.objects.select_related("user").filter(id=bulk_id).first()
    if bulk is None or not bulk.is_working:
        return False
    waiting = bulk.items.filter(state=_waiting_state(bulk))
    ids = list(waiting.order_by("id").values_list("id", flat=True)[:CHUNK])
    # What customers get is sent for one at a time.
    most = 1 if "answer" in bulk.changes else TOGETHER
    with part_of(bulk=str(bulk.id)):
        for start in range(0, len(ids), most):
            some = ids[start : start + most]
            held = _work_on_free(bulk, some) if most > 1 else some
            for item_id in held:
                _work_on_one(bulk, item_id)
    _count(bulk, is_over=len(ids) < CHUNK)
    return bulk.is_working


def _waiting_state(bulk: BulkChange) -> str:
    return _ItemState.DONE if bulk.state == _State.UNDOING else _ItemState.WAITING


@transaction.atomic
def _work_on_free(bulk: BulkChange, item_ids: Sequence[int]) -> list[int]:
    """Returns those whose conversations somebody else holds: nobody is waited for with so many locks in hand."""
    items = _claim(bulk, item_ids)
    free = lock_free_tickets([item.ticket_id for item in items])
    unit = UnitOfWork()
    done = [item for item in items if item.ticket_id in free]
    with remembering():
        for item in done:
            ticket = free[item.ticket_id]
            try:
                with unit.one_ticket():
                    _work_on(_Case(bulk, item, ticket, [tag.name for tag in ticket.tags.all()]))
            except AppError as error:
                _refuse(bulk, item, error)
    unit.write()
    update_rows(done, _WRITTEN)
    return [item.id for item in items if item.ticket_id not in free]


@transaction.atomic
def _work_on_one(bulk: BulkChange, item_id: int) -> None:
    for item in _claim(bulk, [item_id]):
        try:
            with transaction.atomic():
                ticket = lock_ticket(item.ticket_id)
                _work_on(_Case(bulk, item, ticket, list(ticket.tags.values_list("name", flat=True))))
        except AppError as error:
            _refuse(bulk, item, error)
        item.save(update_fields=_WRITTEN)


_WRITTEN = ("before", "after", "state", "reason")


def _claim(bulk: BulkChange, item_ids: Sequence[int]) -> list[BulkItem]:
    """Without those that another worker has, or had."""
    found = BulkItem.objects.select_for_update(skip_locked=True).filter(id__in=item_ids, state=_waiting_state(bulk))
    return list(found.order_by("id"))


def _work_on(case: _Case) -> None:
    if case.bulk.state == _State.UNDOING:
        _restore(case)
    else:
        _apply(case)


def _refuse(bulk: BulkChange, item: BulkItem, error: AppError) -> None:
    item.state = _ItemState.LEFT if bulk.state == _State.UNDOING else _ItemState.REFUSED
    item.reason = str(error)[:300]


# ---- Applying --------------------------------------------------------------------------------------------------------


def _apply(case: _Case) -> None:
    changes, item = case.bulk.changes, case.item
    names = _touched(changes)
    before = case.values(names)
    # In the order of _APPLY: what closes a conversation comes last.
    for name in (name for name in _APPLY if name in changes):
        _APPLY[name](case, changes[name])
    item.before, item.after, item.state = before, case.values(names), _ItemState.DONE


def _set_tags(case: _Case, *, add: Sequence[str] = (), remove: Sequence[str] = ()) -> None:
    unwanted = {name.strip().casefold() for name in remove}
    kept = [name for name in case.tags if name.casefold() not in unwanted]
    case.tags = move_tags(case.ticket, case.tags, [*kept, *add], case.user)


def _assign(case: _Case, value: str | None) -> None:
    person = once(("person", value), partial(_active_person, value)) if value else None
    if value and person is None:
        raise InvalidInput(_("There is no active person to assign the ticket to."), field="assignee")
    set_assignee(case.ticket, person, case.user)


def _active_person(value: str) -> User | None:
    return User.objects.filter(id=value, is_active=True).first()


def _give(case: _Case, value: int | None) -> None:
    team = once(("team", value), Team.objects.filter(id=value).first) if value else None
    if value and team is None:
        raise InvalidInput(_("There is no such team."), field="team")
    move_team(case.ticket, team, case.user)


def _snooze(case: _Case, value: Mapping[str, Any]) -> None:
    snooze(case.ticket, datetime.fromisoformat(value["until"]) if value["until"] else None, case.user)


def _answer(case: _Case, text: str) -> None:
    """The id of the message follows from the change and the conversation, so that a repeat finds it sent."""
    ticket = Ticket.objects.select_related("contact__company").get(id=case.ticket.id)
    if case.user is None:
        raise Conflict(_("Whoever wrote this is not here any more."))
    values = values_for(ticket, case.user, _workspace_name())
    if missing := unfilled(text, values):
        raise InvalidInput(_("%(name)s stands for nothing here.") % {"name": missing[0]}, field="answer")
    post_message(
        ticket_id=ticket.id,
        client_id=uuid5(case.bulk.client_id, str(ticket.id)),
        text=fill(text, values),
        user=case.user,
    )
    case.ticket.refresh_from_db()


def _workspace_name() -> str:
    return str(Tenant.objects.values_list("name", flat=True).get(schema_name=current_schema()))


_APPLY: dict[str, Callable[[_Case, Any], object]] = {
    "assignee": _assign,
    "team": _give,
    "priority": lambda case, value: move_priority(case.ticket, value, case.user),
    "add_tags": lambda case, value: _set_tags(case, add=value),
    "remove_tags": lambda case, value: _set_tags(case, remove=value),
    "incident": lambda case, value: move_incident(case.ticket, value, case.user),
    "answer": _answer,
    "snooze": _snooze,
    "status": lambda case, value: choose_status(case.ticket, value, case.user),
    "spam": lambda case, value: move_spam(case.ticket, value, case.user),
}


# ---- Undoing ---------------------------------------------------------------------------------------------------------


@transaction.atomic
def undo_bulk(bulk_id: int, *, user: User) -> BulkChange:
    """Begins it; a task does the work. Raises NotFound, Conflict (not finished, undone already, too late, or an answer)."""
    bulk = get_bulk(bulk_id, user)
    BulkChange.objects.select_for_update().get(id=bulk.id)
    bulk.refresh_from_db()
    if bulk.state != _State.DONE or bulk.created_at < timezone.now() - UNDO_WITHIN or not can_undo(bulk):
        raise Conflict(_("This cannot be undone any more."))
    bulk.state, bulk.touched_at = _State.UNDOING, timezone.now()
    bulk.save(update_fields=["state", "touched_at"])
    _tell(bulk)
    return bulk


def can_undo(bulk: BulkChange) -> bool:
    """What customers have got cannot be taken back."""
    return bulk.done > 0 and "answer" not in bulk.changes


def _restore(case: _Case) -> None:
    item = case.item
    now = case.values(item.after)
    kept = [name for name in item.after if now[name] != item.after[name]]
    # The stored names have lost their order.
    for name in (name for name in _RESTORE if name in item.before and name not in kept):
        if item.after[name] != item.before[name]:
            _RESTORE[name](case, item.before[name])
    item.state = _ItemState.LEFT if kept else _ItemState.UNDONE
    item.reason = ", ".join(kept)


def _restore_snooze(case: _Case, former: Mapping[str, Any]) -> None:
    if not former["on"]:
        wake(case.ticket, Waking.PERSON, case.user)
    elif former["until"] is None or datetime.fromisoformat(former["until"]) > timezone.now():
        _snooze(case, former)


def _restore_tags(case: _Case, former: list[str]) -> None:
    case.tags = move_tags(case.ticket, case.tags, former, case.user)


_RESTORE: dict[str, Callable[[_Case, Any], object]] = {
    "assignee": _APPLY["assignee"],
    "team": _APPLY["team"],
    "priority": _APPLY["priority"],
    "tags": _restore_tags,
    "incident": _APPLY["incident"],
    "spam": _APPLY["spam"],
    "status": _APPLY["status"],
    "snooze": _restore_snooze,
}
# By what is changed: what has to be kept in mind of a conversation. Closing it also ends its snooze.
_TOUCHED = {
    "add_tags": ("tags",), "remove_tags": ("tags",), "answer": (), "status": ("status", "snooze"),
    "spam": ("spam", "status", "snooze"),
}  # fmt: skip
_VALUES: dict[str, Callable[[_Case], Any]] = {
    "assignee": lambda case: str(case.ticket.assignee_id) if case.ticket.assignee_id else None,
    "team": lambda case: case.ticket.team_id,
    "priority": lambda case: case.ticket.priority,
    "tags": lambda case: sorted(case.tags),
    "incident": lambda case: case.ticket.incident_id,
    "spam": lambda case: case.ticket.is_spam,
    "status": lambda case: case.ticket.state_key,
    "snooze": lambda case: {
        "on": case.ticket.is_snoozed,
        "until": case.ticket.wakes_at.isoformat() if case.ticket.wakes_at else None,
    },
}


def _touched(changes: Mapping[str, Any]) -> list[str]:
    """In the order in which they are restored."""
    names = {part for name in changes for part in _TOUCHED.get(name, (name,))}
    return [name for name in _RESTORE if name in names]


# ---- How far it is ---------------------------------------------------------------------------------------------------


def _count(bulk: BulkChange, *, is_over: bool) -> None:
    states = {state: Count("id", filter=Q(state=state)) for state in ("done", "refused", "undone", "left")}
    counts = bulk.items.aggregate(**states)
    bulk.refused, bulk.undone, bulk.left = counts["refused"], counts["undone"], counts["left"]
    bulk.done = counts["done"] + counts["undone"] + counts["left"]
    bulk.touched_at = timezone.now()
    if is_over:
        bulk.state = _State.UNDONE if bulk.state == _State.UNDOING else _State.DONE
    with transaction.atomic():
        bulk.save(update_fields=["state", "done", "refused", "undone", "left", "touched_at"])
        _tell(bulk)


def _tell(bulk: BulkChange) -> None:
    payload = {"bulk_id": str(bulk.id), "user": str(bulk.user_id), "state": bulk.state, "progress": bulk.progress}
    if bulk.state == _State.DONE:
        payload |= _given(bulk)
    record("bulk.changed", actor_id=bulk.user_id, payload=payload)


def _given(bulk: BulkChange) -> dict[str, Any]:
    """How many conversations were given to whom, for one notice about all of them, and the newest of them."""
    done = bulk.items.filter(state=_ItemState.DONE)
    for name, given in (("assignee", done), ("team", done.filter(ticket__assignee=None))):
        if value := bulk.changes.get(name):
            items = given.exclude(**{f"before__{name}": value})
            found = items.aggregate(count=Count("id"), newest=Max("ticket_id"))
            return {name: value, "count": found["count"], "ticket_id": str(found["newest"])} if found["count"] else {}
    return {}


def stalled_bulks() -> list[int]:
    """Whose worker has given no sign of life for a while; they are taken up where they stand."""
    working = BulkChange.objects.filter(state__in=[_State.RUNNING, _State.UNDOING])
    return list(working.filter(touched_at__lt=timezone.now() - STALLED_AFTER).values_list("id", flat=True))


def get_bulk(bulk_id: int, user: User) -> BulkChange:
    """One's own. Raises NotFound."""
    bulk = BulkChange.objects.filter(id=bulk_id, user=user).first()
    if bulk is None:
        raise NotFound(_("There is no such change."))
    return bulk


def recent_bulk(user: User) -> BulkChange | None:
    """What one began a moment ago, so that a page loaded anew still shows it."""
    return BulkChange.objects.filter(user=user, touched_at__gt=timezone.now() - timedelta(minutes=10)).first()


def refused_items(bulk: BulkChange) -> QuerySet[BulkItem]:
    """What did not go as wished, with the reason."""
    found = bulk.items.filter(state__in=[_ItemState.REFUSED, _ItemState.LEFT])
    return found.select_related("ticket", "ticket__contact").order_by("id")[:200]
