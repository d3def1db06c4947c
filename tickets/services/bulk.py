"""Changing many conversations at once: some in one short transaction, each by the same services as one by hand; what is refused
is counted, and undoing restores what nobody has changed since."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import Count, Max, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from omnisupport.lib.errors import AppError, Conflict, InvalidInput, NotFound
from omnisupport.lib.once import remembering
from omnisupport.lib.rows import update_rows
from tenants.accounts.models import User
from tenants.events.log import part_of, record
from tickets.models import BulkChange, BulkItem, Ticket
from tickets.services.bulk_changes import Case, apply_changes, check_changes, restore
from tickets.services.tickets import lock_free_tickets, lock_ticket
from tickets.services.unit_of_work import UnitOfWork

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
    wanted = check_changes(changes)
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


# ---- Working ---------------------------------------------------------------------------------------------------------


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
                    _work_on(Case(bulk, item, ticket, [tag.name for tag in ticket.tags.all()]))
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
                _work_on(Case(bulk, item, ticket, list(ticket.tags.values_list("name", flat=True))))
        except AppError as error:
            _refuse(bulk, item, error)
        item.save(update_fields=_WRITTEN)


_WRITTEN = ("before", "after", "state", "reason")


def _claim(bulk: BulkChange, item_ids: Sequence[int]) -> list[BulkItem]:
    """Without those that another worker has, or had."""
    found = BulkItem.objects.select_for_update(skip_locked=True).filter(id__in=item_ids, state=_waiting_state(bulk))
    return list(found.order_by("id"))


def _work_on(case: Case) -> None:
    if case.bulk.state == _State.UNDOING:
        restore(case)
    else:
        apply_changes(case)


def _refuse(bulk: BulkChange, item: BulkItem, error: AppError) -> None:
    item.state = _ItemState.LEFT if bulk.state == _State.UNDOING else _ItemState.REFUSED
    item.reason = str(error)[:300]


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
