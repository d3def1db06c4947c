"""What can be changed of many conversations at once: what makes sense, how it is done to one of them, how it is restored."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from uuid import uuid5

from django.utils import timezone
from django.utils.translation import gettext as _

from omnisupport.lib.errors import Conflict, InvalidInput
from omnisupport.lib.once import once
from tenants.accounts.models import User
from tenants.models import Tenant
from tenants.names import current_schema
from tickets.models import BulkChange, BulkItem, CustomStatus, Incident, Priority, Status, Team, Ticket
from tickets.services.incidents import move_incident
from tickets.services.post import check_text, post_message
from tickets.services.snoozing import Waking, snooze, wake
from tickets.services.spam import move_spam
from tickets.services.tickets import choose_status, move_priority, move_tags, move_team, set_assignee
from tickets.variables import fill, unfilled, values_for


@dataclass
class Case:
    """One conversation, locked, and what is to be done with it."""

    bulk: BulkChange
    item: BulkItem
    ticket: Ticket
    tags: list[str]

    @property
    def user(self) -> User | None:
        return self.bulk.user


@dataclass(frozen=True)
class Change:
    """`touches`: the parts of a conversation that are kept in mind, so that they can be restored."""

    makes_sense: Callable[[Any], bool]
    apply: Callable[[Case, Any], object]
    touches: tuple[str, ...]


@dataclass(frozen=True)
class Part:
    """`value` is what JSON can hold; `restore` gets it back."""

    value: Callable[[Case], Any]
    restore: Callable[[Case, Any], object]


def check_changes(changes: Mapping[str, Any]) -> dict[str, Any]:
    """What can be known to make no sense before the first conversation is touched. Raises InvalidInput."""
    strange = set(changes) - set(CHANGES)
    if strange or not changes:
        raise InvalidInput(_("Choose what to change."), field=min(strange, default="changes"))
    for name, value in changes.items():
        if not CHANGES[name].makes_sense(value):
            raise InvalidInput(_("This cannot be chosen."), field=name)
    if "answer" in changes:
        check_text(changes["answer"], has_more=False)
    return dict(changes)


def apply_changes(case: Case) -> None:
    """Makes the changes, and notes in the item how the conversation was and is. Raises AppError: this one is refused."""
    changes, item = case.bulk.changes, case.item
    touches = {part for name in changes for part in CHANGES[name].touches}
    touched = [name for name in PARTS if name in touches]
    before = _values(case, touched)
    for name in (name for name in CHANGES if name in changes):
        CHANGES[name].apply(case, changes[name])
    item.before, item.after, item.state = before, _values(case, touched), BulkItem.State.DONE


def restore(case: Case) -> None:
    """Gives back what nobody has changed since. Raises AppError."""
    item = case.item
    now = _values(case, item.after)
    kept = [name for name in item.after if now[name] != item.after[name]]
    for name in (name for name in PARTS if name in item.before and name not in kept):
        if item.after[name] != item.before[name]:
            PARTS[name].restore(case, item.before[name])
    item.state = BulkItem.State.LEFT if kept else BulkItem.State.UNDONE
    item.reason = ", ".join(kept)


def _values(case: Case, parts: Iterable[str]) -> dict[str, Any]:
    return {name: PARTS[name].value(case) for name in parts}


# ---- What makes sense ------------------------------------------------------------------------------------------------


def _is_person(value: Any) -> bool:
    return value is None or User.objects.filter(id=value, is_active=True).exclude(role="operator").exists()


def _is_team(value: Any) -> bool:
    return value is None or Team.objects.filter(id=value).exists()


def _is_open_incident(value: Any) -> bool:
    return value is None or Incident.objects.filter(id=value, is_open=True).exists()


def _is_state(value: Any) -> bool:
    return value in Status.values or value in {status.key for status in CustomStatus.objects.filter(is_active=True)}


def _are_names(value: Any) -> bool:
    return (
        isinstance(value, list) and 0 < len(value) <= 20 and all(isinstance(one, str) and one.strip() for one in value)
    )


def _is_snooze(value: Any) -> bool:
    return value["until"] is None or datetime.fromisoformat(value["until"]) > timezone.now()


# ---- Applying --------------------------------------------------------------------------------------------------------


def _assign(case: Case, value: str | None) -> None:
    person = once(("person", value), partial(_active_person, value)) if value else None
    if value and person is None:
        raise InvalidInput(_("There is no active person to assign the ticket to."), field="assignee")
    set_assignee(case.ticket, person, case.user)


def _active_person(value: str) -> User | None:
    return User.objects.filter(id=value, is_active=True).first()


def _give(case: Case, value: int | None) -> None:
    team = once(("team", value), Team.objects.filter(id=value).first) if value else None
    if value and team is None:
        raise InvalidInput(_("There is no such team."), field="team")
    move_team(case.ticket, team, case.user)


def _prioritise(case: Case, value: int) -> None:
    move_priority(case.ticket, value, case.user)


def _set_tags(case: Case, names: list[str]) -> None:
    case.tags = move_tags(case.ticket, case.tags, names, case.user)


def _add_tags(case: Case, names: Sequence[str]) -> None:
    _set_tags(case, [*case.tags, *names])


def _remove_tags(case: Case, names: Sequence[str]) -> None:
    unwanted = {name.strip().casefold() for name in names}
    _set_tags(case, [name for name in case.tags if name.casefold() not in unwanted])


def _link(case: Case, value: int | None) -> None:
    move_incident(case.ticket, value, case.user)


def _answer(case: Case, text: str) -> None:
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


def _snooze(case: Case, value: Mapping[str, Any]) -> None:
    snooze(case.ticket, datetime.fromisoformat(value["until"]) if value["until"] else None, case.user)


def _choose_status(case: Case, key: str) -> None:
    choose_status(case.ticket, key, case.user)


def _mark_spam(case: Case, value: bool) -> None:
    move_spam(case.ticket, value, case.user)


# In the order in which they are made: what closes a conversation comes last, and also ends its snooze.
CHANGES = {
    "assignee": Change(_is_person, _assign, ("assignee",)),
    "team": Change(_is_team, _give, ("team",)),
    "priority": Change(lambda value: value in Priority.values, _prioritise, ("priority",)),
    "add_tags": Change(_are_names, _add_tags, ("tags",)),
    "remove_tags": Change(_are_names, _remove_tags, ("tags",)),
    "incident": Change(_is_open_incident, _link, ("incident",)),
    "answer": Change(lambda value: isinstance(value, str), _answer, ()),
    "snooze": Change(_is_snooze, _snooze, ("snooze",)),
    "status": Change(_is_state, _choose_status, ("status", "snooze")),
    "spam": Change(lambda value: value is True, _mark_spam, ("spam", "status", "snooze")),
}


# ---- Restoring -------------------------------------------------------------------------------------------------------


def _snoozed(case: Case) -> dict[str, Any]:
    wakes_at = case.ticket.wakes_at
    return {"on": case.ticket.is_snoozed, "until": wakes_at.isoformat() if wakes_at else None}


def _restore_snooze(case: Case, former: Mapping[str, Any]) -> None:
    if not former["on"]:
        wake(case.ticket, Waking.PERSON, case.user)
    elif former["until"] is None or datetime.fromisoformat(former["until"]) > timezone.now():
        _snooze(case, former)


# In the order in which they are restored: the stored names have lost theirs.
PARTS = {
    "assignee": Part(lambda case: str(case.ticket.assignee_id) if case.ticket.assignee_id else None, _assign),
    "team": Part(lambda case: case.ticket.team_id, _give),
    "priority": Part(lambda case: case.ticket.priority, _prioritise),
    "tags": Part(lambda case: sorted(case.tags), _set_tags),
    "incident": Part(lambda case: case.ticket.incident_id, _link),
    "spam": Part(lambda case: case.ticket.is_spam, _mark_spam),
    "status": Part(lambda case: case.ticket.state_key, _choose_status),
    "snooze": Part(_snoozed, _restore_snooze),
}
