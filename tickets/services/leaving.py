"""Work of people who left, or are ill: it goes back to where others take it."""

from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from omnisupport.lib.errors import NotFound
from tenants.accounts.models import Role, User
from tickets.models import Status, Ticket
from tickets.services.tickets import lock_ticket, set_assignee

# Why nobody has it any more, as the timeline says it.
LEFT, RETURNED = "left", "returned"
_HELD = Q(status__in=[Status.OPEN, Status.WAITING])


def return_work(user_id: UUID, *, actor: User | None) -> int:
    """Gives what somebody holds to nobody; teams stay. One transaction each: an hour's work is not lost by the last one.
    Returns how many. Raises NotFound."""
    person = User.objects.people().filter(id=user_id).first()
    if person is None:
        raise NotFound(_("There is no such person."))
    held = Ticket.objects.filter(_HELD, assignee=person).order_by("id").values_list("id", flat=True)
    why = RETURNED if person.is_active else LEFT
    return sum(_return(ticket_id, person, why, actor) for ticket_id in list(held))


@transaction.atomic
def _return(ticket_id: int, person: User, why: str, actor: User | None) -> bool:
    ticket = lock_ticket(ticket_id)
    if ticket.assignee_id != person.id or ticket.status not in {Status.OPEN, Status.WAITING}:
        return False
    set_assignee(ticket, None, actor, why=why)
    return True


def return_work_of_leavers() -> int:
    """Of everybody who has been switched off, by whatever way. Returns how many."""
    held = Ticket.objects.filter(_HELD, assignee__is_active=False).exclude(assignee__role=Role.ASSISTANT)
    people = User.objects.filter(id__in=held.values("assignee_id"))
    return sum(return_work(person.id, actor=None) for person in people)
