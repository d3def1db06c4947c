"""One cause that many conversations are about."""

from functools import partial

from django.db import transaction
from django.utils.translation import gettext as _

from omnisupport.lib.errors import Conflict, InvalidInput, NotFound
from omnisupport.lib.once import once
from tenants.accounts.models import User
from tenants.events.log import record
from tickets.models import Incident, Ticket
from tickets.services.tickets import lock_ticket
from tickets.services.unit_of_work import save_fields


@transaction.atomic
def open_incident(title: str, *, user: User | None) -> Incident:
    title = " ".join(title.replace("\x00", "").split())[:200]
    if not title:
        raise InvalidInput(_("Say in a few words what has happened."), field="title")
    incident = Incident.objects.create(title=title, created_by=user)
    _note(incident, user)
    return incident


def _note(incident: Incident, user: User | None) -> None:
    payload = {"incident_id": str(incident.id), "is_open": incident.is_open, "title": incident.title}
    record("incident.changed", actor_id=user.id if user else None, payload=payload)


def get_incident(incident_id: int) -> Incident:
    """Raises NotFound."""
    incident = Incident.objects.filter(id=incident_id).first()
    if incident is None:
        raise NotFound(_("There is no such incident."))
    return incident


@transaction.atomic
def link_incident(ticket_id: int, *, incident_id: int | None, actor: User | None) -> Ticket:
    """None takes it out. Raises NotFound, Conflict (the incident is closed)."""
    ticket = lock_ticket(ticket_id)
    move_incident(ticket, incident_id, actor)
    return ticket


def move_incident(ticket: Ticket, incident_id: int | None, actor: User | None) -> None:
    """The same for a caller that holds the lock already."""
    incident = once(("incident", incident_id), partial(get_incident, incident_id)) if incident_id is not None else None
    if ticket.incident_id == incident_id:
        return
    if incident is not None and not incident.is_open:
        raise Conflict(_("This incident is closed."))
    before, ticket.incident = ticket.incident_id, incident
    save_fields(ticket, ["incident"])
    record(
        "ticket.incident_changed",
        ticket_id=ticket.id,
        actor_id=actor.id if actor else None,
        payload={"from": before, "to": incident_id, "title": incident.title if incident else ""},
    )


@transaction.atomic
def set_incident_open(incident_id: int, *, is_open: bool, user: User | None) -> Incident:
    """Its conversations stay as they are."""
    incident = Incident.objects.select_for_update().filter(id=incident_id).first()
    if incident is None:
        raise NotFound(_("There is no such incident."))
    if incident.is_open != is_open:
        incident.is_open = is_open
        incident.save(update_fields=["is_open"])
        _note(incident, user)
    return incident
