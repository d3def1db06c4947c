"""Making and changing tickets. Every function runs in one transaction, locks the ticket and writes to the event log."""

from collections.abc import Collection, Mapping
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from omnisupport.lib.errors import Conflict, InvalidInput, NotFound
from omnisupport.lib.once import once
from tenants.accounts.models import User
from tenants.events.log import record
from tickets.models import (
    ContactAddress,
    CustomField,
    CustomStatus,
    FieldTarget,
    InboxSettings,
    Priority,
    Status,
    Tag,
    Team,
    Ticket,
    TicketNumber,
)  # fmt: skip
from tickets.services.fields import merge_values, refuse_unfilled
from tickets.services.unit_of_work import save_fields, save_tags, write_decided


def lock_ticket(ticket_id: int) -> Ticket:
    """The ticket, locked until the end of the transaction. Raises NotFound."""
    ticket = _lockable().filter(id=ticket_id).first()
    if ticket is None:
        raise NotFound(_("There is no such ticket."))
    return ticket


def lock_free_tickets(ticket_ids: Collection[int]) -> dict[int, Ticket]:
    """Those that nobody else holds at this moment, with their tags: who holds many locks must wait for none."""
    return _lockable(skip_locked=True).prefetch_related("tags").in_bulk(ticket_ids)


def _lockable(*, skip_locked: bool = False) -> QuerySet[Ticket]:
    tickets = Ticket.objects.select_for_update(of=("self",), skip_locked=skip_locked)
    return tickets.select_related("assignee", "custom_status")


def live_ticket(address: ContactAddress, *, lock: bool = False) -> Ticket | None:
    """The conversation that a message from there belongs to: the address's own, else the one it carries on."""
    live = Ticket.objects.select_related("assignee", "custom_status").exclude(status=Status.CLOSED)
    if lock:
        live = live.select_for_update(of=("self",))
    # One that was split off comes after the one it came from.
    own = live.filter(address=address).order_by("thread", "-id").first()
    return own or (live.filter(id=address.continues_id).first() if address.continues_id else None)


def next_number() -> int:
    updated = TicketNumber.objects.filter(id=1).update(last=F("last") + 1)
    if not updated:
        TicketNumber.objects.get_or_create(id=1)
        TicketNumber.objects.filter(id=1).update(last=F("last") + 1)
    return TicketNumber.objects.values_list("last", flat=True).get(id=1)


def open_ticket(address: ContactAddress, *, assignee_id: UUID | None, subject: str = "", thread: str = "") -> Ticket:
    """Makes the live ticket of an address (and thread). The caller holds the lock on the address."""
    assignee = User.objects.filter(id=assignee_id, is_active=True).first() if assignee_id else None
    now = timezone.now()
    ticket = Ticket.objects.create(
        number=next_number(),
        contact_id=address.contact_id,
        address=address,
        channel_id=address.channel_id,
        subject=subject[:255],
        thread=thread,
        assignee=assignee,
        human_wait_from=None if assignee and assignee.is_assistant else now,
    )
    record("ticket.created", ticket_id=ticket.id, payload={"number": str(ticket.number), "assignee": _id(assignee)})
    return ticket


def _id(user: User | None) -> str | None:
    return str(user.id) if user else None


@transaction.atomic
def assign_ticket(ticket_id: int, *, assignee_id: UUID | None, actor: User | None) -> Ticket:
    """Gives the ticket to a person, the assistant, or nobody (None)."""
    ticket = lock_ticket(ticket_id)
    assignee = None
    if assignee_id is not None:
        assignee = User.objects.filter(id=assignee_id, is_active=True).exclude(role="operator").first()
        if assignee is None:
            raise InvalidInput(_("There is no active person to assign the ticket to."), field="assignee")
    set_assignee(ticket, assignee, actor)
    return ticket


def set_assignee(ticket: Ticket, assignee: User | None, actor: User | None, *, why: str = "") -> None:
    """The same for a caller that holds the lock already; `why` it was taken from somebody (leaving.py)."""
    if ticket.assignee_id == (assignee.id if assignee else None):
        return
    before = ticket.assignee
    ticket.assignee = assignee
    if before is not None and before.is_assistant and not (assignee and assignee.is_assistant):
        ticket.human_wait_from = ticket.human_wait_from or timezone.now()
    save_fields(ticket, ["assignee", "human_wait_from"])
    record(
        "ticket.assigned",
        ticket_id=ticket.id,
        actor_id=actor.id if actor else None,
        payload={"from": _id(before), "to": _id(assignee), "name": str(assignee or "")}
        | ({"why": why, "whose": str(before or "")} if why else {}),
    )


@transaction.atomic
def set_status(ticket_id: int, *, status: str, actor: User | None) -> Ticket:
    """`status` is one of Status, or the key of a CustomStatus. Raises InvalidInput for an unknown one and while a field that
    solving needs is empty, Conflict when the address already has a newer live ticket."""
    ticket = lock_ticket(ticket_id)
    choose_status(ticket, status, actor)
    return ticket


def choose_status(ticket: Ticket, status: str, actor: User | None) -> None:
    """The same for a caller that holds the lock already."""
    before = ticket.status
    move_status(ticket, status, actor)
    if ticket.status in _OVER and before not in _OVER:
        refuse_unfilled(ticket)


def move_status(ticket: Ticket, status: str, actor: User | None) -> None:
    """Whatever its fields say: for what the product does by itself. A plain status drops the workspace's own name for the one
    before. The caller holds the lock."""
    status, custom = _read_status(status, ticket.custom_status_id)
    before, custom_before = ticket.status, ticket.custom_status
    if before == status and custom_before == custom:
        return
    _check_reopening(ticket, status)
    ticket.status, ticket.custom_status = status, custom
    _note_solving(ticket, before)
    save_fields(ticket, _MOVED)
    names = {"from_name": custom_before, "to_name": custom}
    record(
        "ticket.status_changed",
        ticket_id=ticket.id,
        actor_id=actor.id if actor else None,
        payload={"from": before, "to": status} | {name: one.name for name, one in names.items() if one},
    )


def _read_status(status: str, present_id: int | None) -> tuple[str, CustomStatus | None]:
    """The status of the product, and the workspace's own name for it. What cannot be chosen any more may stay."""
    if status in Status.values:
        return status, None
    number = status.removeprefix("s")
    if number.isdecimal() and number.isascii() and len(number) <= 9:
        custom = once(("status", number), CustomStatus.objects.filter(id=int(number)).first)
        if custom is not None and (custom.is_active or custom.pk == present_id):
            return custom.category, custom
    raise InvalidInput(_("Unknown status “%(status)s”.") % {"status": status[:60]}, field="status")


def _check_reopening(ticket: Ticket, status: str) -> None:
    if ticket.status != Status.CLOSED or status == Status.CLOSED:
        return
    if ticket.merged_into_id:
        raise Conflict(_("This conversation was merged into another. Part it first."))
    if has_newer(ticket):
        raise Conflict(_("The customer already has a newer conversation here; this one stays closed."))


_MOVED = (
    "status", "custom_status", "solved_at", "first_solved_at", "waiting_since", "reopened_count", "is_snoozed", "wakes_at",
)  # fmt: skip
_OVER = {Status.SOLVED, Status.CLOSED}


def _note_solving(ticket: Ticket, before: str) -> None:
    now = timezone.now()
    if ticket.status in _OVER:
        ticket.solved_at = ticket.solved_at or now
        ticket.first_solved_at = ticket.first_solved_at or now
        ticket.waiting_since = None
        # What is done needs no reminder.
        ticket.is_snoozed, ticket.wakes_at = False, None
    elif before in _OVER:
        ticket.solved_at = None
        ticket.reopened_count += 1


def has_newer(ticket: Ticket) -> bool:
    """Whether the customer has another live conversation in the same place."""
    write_decided()
    same = Ticket.objects.filter(address_id=ticket.address_id, thread=ticket.thread).exclude(id=ticket.id)
    return same.exclude(status=Status.CLOSED).exists()


def time_to_reopen() -> timedelta:
    """How long after it was solved a customer's message still reopens a conversation."""
    days = InboxSettings.objects.values_list("reopen_days", flat=True).first()
    return timedelta(days=InboxSettings._meta.get_field("reopen_days").default if days is None else days)


def close_if_over(ticket: Ticket) -> bool:
    """Closes a solved ticket that no message reopens any more and that the sweep has not come to. The caller holds the lock."""
    if ticket.status != Status.SOLVED or ticket.solved_at is None:
        return False
    if ticket.solved_at + time_to_reopen() > timezone.now():
        return False
    move_status(ticket, Status.CLOSED, None)
    return True


def close_solved() -> int:
    """Closes what has been solved for so long that nothing reopens it, a few hundred at a time. Returns how many."""
    due = Ticket.objects.filter(status=Status.SOLVED, solved_at__lt=timezone.now() - time_to_reopen())
    ids = list(due.order_by("id").values_list("id", flat=True)[:500])
    for ticket_id in ids:
        set_status(ticket_id, status=Status.CLOSED, actor=None)
    return len(ids)


@transaction.atomic
def set_ticket_attributes(ticket_id: int, *, changes: Mapping[str, Any], actor: User | None) -> Ticket:
    """Values of the conversation's custom fields by key. Raises InvalidInput with `field`, the key."""
    ticket = lock_ticket(ticket_id)
    before = ticket.attributes
    ticket.attributes = merge_values(FieldTarget.TICKET, before, changes, strict=True)
    changed = [key for key in changes if before.get(key) != ticket.attributes.get(key)]
    if changed:
        ticket.save(update_fields=["attributes"])
        labels = dict(CustomField.objects.filter(target=FieldTarget.TICKET).values_list("key", "label"))
        record(
            "ticket.attributes_changed",
            ticket_id=ticket.id,
            actor_id=actor.id if actor else None,
            payload={
                "changed": [
                    {"key": key, "label": labels[key], "from": before.get(key), "to": ticket.attributes.get(key)}
                    for key in changed
                ]
            },
        )
    return ticket


@transaction.atomic
def change_ticket(ticket_id: int, *, changes: Mapping[str, Any], actor: User | None) -> None:
    """Any of assignee, team, priority, tags, attributes, status, custom_status (an id) at once: all, or none when one is
    refused."""
    if "assignee" in changes:
        assign_ticket(ticket_id, assignee_id=changes["assignee"], actor=actor)
    if "team" in changes:
        set_team(ticket_id, team_id=changes["team"], actor=actor)
    if "priority" in changes:
        set_priority(ticket_id, priority=int(changes["priority"]), actor=actor)
    if "tags" in changes:
        set_tags(ticket_id, names=changes["tags"], actor=actor)
    if "attributes" in changes:
        set_ticket_attributes(ticket_id, changes=changes["attributes"], actor=actor)
    if "status" in changes:
        set_status(ticket_id, status=changes["status"], actor=actor)
    if "custom_status" in changes:
        _set_custom_status(ticket_id, changes["custom_status"], changes.get("status", ""), actor)


def _set_custom_status(ticket_id: int, custom_id: int | None, status: str, actor: User | None) -> None:
    if custom_id is None:
        ticket = lock_ticket(ticket_id)
        move_status(ticket, ticket.status, actor)
        return
    if status and not CustomStatus.objects.filter(id=custom_id, category=status).exists():
        raise InvalidInput(_("This name stands for another status."), field="custom_status")
    set_status(ticket_id, status=f"s{custom_id}", actor=actor)


@transaction.atomic
def set_priority(ticket_id: int, *, priority: int, actor: User | None) -> Ticket:
    if priority not in Priority.values:
        raise InvalidInput(_("Unknown priority."), field="priority")
    ticket = lock_ticket(ticket_id)
    move_priority(ticket, priority, actor)
    return ticket


def move_priority(ticket: Ticket, priority: int, actor: User | None) -> None:
    """The same for a caller that holds the lock already."""
    before, ticket.priority = ticket.priority, priority
    if before != priority:
        save_fields(ticket, ["priority"])
        record(
            "ticket.priority_changed",
            ticket_id=ticket.id,
            actor_id=actor.id if actor else None,
            payload={"from": before, "to": priority},
        )


@transaction.atomic
def set_team(ticket_id: int, *, team_id: int | None, actor: User | None) -> Ticket:
    ticket = lock_ticket(ticket_id)
    team = Team.objects.filter(id=team_id).first() if team_id is not None else None
    if team_id is not None and team is None:
        raise InvalidInput(_("There is no such team."), field="team")
    move_team(ticket, team, actor)
    return ticket


def move_team(ticket: Ticket, team: Team | None, actor: User | None) -> None:
    """The same for a caller that holds the lock already."""
    before, ticket.team = ticket.team_id, team
    if before != ticket.team_id:
        save_fields(ticket, ["team"])
        record(
            "ticket.assigned",
            ticket_id=ticket.id,
            actor_id=actor.id if actor else None,
            payload={"team_from": before, "team": ticket.team_id, "name": str(team or "")},
        )


def _tag(name: str) -> Tag:
    return Tag.objects.filter(name__iexact=name).first() or Tag.objects.get_or_create(name=name)[0]


@transaction.atomic
def set_tags(ticket_id: int, *, names: list[str], actor: User | None) -> Ticket:
    """Replaces the ticket's tags; unknown names become new tags."""
    ticket = lock_ticket(ticket_id)
    move_tags(ticket, list(ticket.tags.values_list("name", flat=True)), names, actor)
    return ticket


def move_tags(ticket: Ticket, before: list[str], names: list[str], actor: User | None) -> list[str]:
    """The same for a caller that holds the lock already and knows the tags that there are. Returns those that there are now."""
    wanted = {name.strip()[:40].casefold(): name.strip()[:40] for name in reversed(names) if name.strip()}
    if set(wanted) == {name.casefold() for name in before}:
        return before
    tags = [once(("tag", folded), partial(_tag, name)) for folded, name in wanted.items()]
    save_tags(ticket, tags)
    record(
        "ticket.tags_changed",
        ticket_id=ticket.id,
        actor_id=actor.id if actor else None,
        payload={"from": sorted(before), "to": sorted(tag.name for tag in tags)},
    )
    return [tag.name for tag in tags]
