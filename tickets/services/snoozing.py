"""Out of sight for a while: until a time, or until the customer writes, which brings a conversation back in any case."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from omnisupport.lib.errors import Conflict, InvalidInput
from tenants.accounts.models import User
from tenants.events.log import record
from tickets.models import Status, Ticket
from tickets.moments import read_moment
from tickets.services.hours import working_hours
from tickets.services.tickets import lock_ticket, move_status
from tickets.services.unit_of_work import save_fields

LATEST = timedelta(days=366)
# Where a workspace has told no hours.
_BEGIN, _END = time(9), time(18)
_IN_A_WHILE = timedelta(hours=3)


class Waking(models.TextChoices):
    """Why a conversation is back."""

    TIME = "time"
    CUSTOMER = "customer"
    PERSON = "person"


@transaction.atomic
def snooze_ticket(ticket_id: int, *, until: datetime | None, actor: User | None) -> Ticket:
    """`until` None: until the customer writes. Raises InvalidInput (past, too far), Conflict (solved already), NotFound."""
    ticket = lock_ticket(ticket_id)
    snooze(ticket, until, actor)
    return ticket


def snooze(ticket: Ticket, until: datetime | None, actor: User | None) -> None:
    """The same for a caller that holds the lock already."""
    now = timezone.now()
    if until is not None and not now < until < now + LATEST:
        raise InvalidInput(_("Choose a time in the future, at most a year ahead."), field="until")
    if ticket.status in {Status.SOLVED, Status.CLOSED}:
        raise Conflict(_("This conversation is solved. Reopen it before you snooze it."))
    if (ticket.is_snoozed, ticket.wakes_at) != (True, until):
        ticket.is_snoozed, ticket.wakes_at = True, until
        save_fields(ticket, ["is_snoozed", "wakes_at"])
        record(
            "ticket.snoozed",
            ticket_id=ticket.id,
            actor_id=actor.id if actor else None,
            payload={"until": until.isoformat() if until else None},
        )


@transaction.atomic
def wake_ticket(ticket_id: int, *, actor: User) -> Ticket:
    ticket = lock_ticket(ticket_id)
    wake(ticket, Waking.PERSON, actor)
    return ticket


def wake(ticket: Ticket, why: Waking, actor: User | None = None) -> None:
    """The same for a caller that holds the lock already; nothing happens to one that is awake."""
    if not ticket.is_snoozed:
        return
    ticket.is_snoozed, ticket.wakes_at = False, None
    save_fields(ticket, ["is_snoozed", "wakes_at"])
    record("ticket.woken", ticket_id=ticket.id, actor_id=actor.id if actor else None, payload={"why": why})


def wake_due() -> int:
    """Those whose time has come stand on top of the list again, open, whatever they waited for. Returns how many."""
    due = Ticket.objects.filter(is_snoozed=True, wakes_at__lte=timezone.now())
    ids = list(due.order_by("wakes_at", "id").values_list("id", flat=True)[:200])
    for ticket_id in ids:
        _wake_by_time(ticket_id)
    return len(ids)


@transaction.atomic
def _wake_by_time(ticket_id: int) -> None:
    ticket = lock_ticket(ticket_id)
    if not ticket.is_snoozed or ticket.wakes_at is None or ticket.wakes_at > timezone.now():
        return
    wake(ticket, Waking.TIME)
    ticket.last_activity_at = timezone.now()
    ticket.save(update_fields=["last_activity_at"])
    if ticket.status == Status.WAITING:
        move_status(ticket, Status.OPEN, None)


# ---- When ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Preset:
    title: str
    at: datetime


def understand(text: str) -> datetime:
    """What people write for a moment, in the present time zone. Raises InvalidInput."""
    at = read_moment(text, timezone.localtime(), opening_on)
    if at is None:
        raise InvalidInput(
            _("“%(text)s” is not understood as a time ahead. Write like “tomorrow at 10” or “in 3 hours”.")
            % {"text": text[:60]},
            field="text",
        )
    return at


def opening_on(day: date) -> datetime:
    """When that day begins for the workspace; also of a day on which nobody works."""
    hours = working_hours()
    span = hours.span(day) if hours else None
    return span[0].astimezone(timezone.get_current_timezone()) if span else _local(day, _BEGIN)


def presets() -> list[Preset]:
    """Later today, the next working day, the next working week."""
    now = timezone.localtime()
    hours = working_hours()
    today = hours.span(now.date()) if hours else (_local(now.date(), _BEGIN), _local(now.date(), _END))
    later = _on_the_half_hour(now + _IN_A_WHILE)
    found = [Preset(_("Later today"), later)] if today and later <= today[1] and later.date() == now.date() else []
    tomorrow = _first_working_day(now.date() + timedelta(days=1))
    monday = _first_working_day(now.date() + timedelta(days=7 - now.weekday()))
    is_next = tomorrow.date() == now.date() + timedelta(days=1)
    found.append(Preset(_("Tomorrow morning") if is_next else _("Next working day"), tomorrow))
    if monday.date() != tomorrow.date():
        found.append(Preset(_("Next week"), monday))
    return found


def _first_working_day(day: date) -> datetime:
    hours = working_hours()
    if hours is None:
        return _local(day, _BEGIN)
    opening = hours.next_opening(_local(day, time()) - timedelta(seconds=1))
    return opening.astimezone(timezone.get_current_timezone()) if opening else _local(day, _BEGIN)


def _on_the_half_hour(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0) + timedelta(minutes=30 * -(-at.minute // 30))


def _local(day: date, at: time) -> datetime:
    return datetime.combine(day, at, timezone.get_current_timezone())
