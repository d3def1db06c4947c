"""Incidents and their conversations."""

from collections.abc import Sequence

from django.db.models import Count, OuterRef, Subquery
from django.db.models.functions import Coalesce

from tenants.accounts.models import User
from tickets.models import (
    Incident,
    Status,
    Ticket,
)  # fmt: skip
from tickets.rights import visible_to

# Most of an incident that a page shows; all of them are answered.
_SHOWN_OF_INCIDENT = 200


def list_incidents(viewer: User) -> list[Incident]:
    """Open ones first, with how many conversations of each the viewer may see (`size`)."""
    seen = Ticket.objects.filter(visible_to(viewer), incident=OuterRef("pk"), merged_into=None).order_by()
    size = Subquery(seen.values("incident").annotate(n=Count("id")).values("n"))
    return list(Incident.objects.annotate(size=Coalesce(size, 0)).order_by("-is_open", "-id")[:200])


def conversations_of(incident: Incident, viewer: User) -> list[Ticket]:
    found = Ticket.objects.filter(visible_to(viewer), incident=incident, merged_into=None)
    related = ("contact", "assignee", "custom_status")
    return list(found.select_related(*related).order_by("-last_activity_at", "-id")[:_SHOWN_OF_INCIDENT])


def ids_of_incident(
    incident: Incident, viewer: User, states: Sequence[str] = (Status.OPEN, Status.WAITING, Status.SOLVED)
) -> list[int]:
    """Those in one of the states: all that can still be answered."""
    found = Ticket.objects.filter(visible_to(viewer), incident=incident, status__in=states)
    return list(found.order_by("id").values_list("id", flat=True))


def open_incidents() -> list[Incident]:
    return list(Incident.objects.filter(is_open=True)[:100])
