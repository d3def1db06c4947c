"""What people choose from: macros, colleagues, states, fields, teams, channels."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.apps import apps
from django.db.models import Count, Q, QuerySet
from django.utils.translation import gettext as _

from omnisupport.lib.errors import NotFound
from tenants.accounts.models import Role, User
from tickets.models import (
    CustomField,
    CustomStatus,
    Macro,
    Status,
    Team,
    Ticket,
)  # fmt: skip
from tickets.queries.rows import TO_DO


def usable_macros(viewer: User) -> QuerySet[Macro]:
    """Everyone's, the viewer's own, and those of the viewer's teams."""
    of_teams = Q(visibility=Macro.Visibility.TEAM, team__members=viewer)
    own = Q(visibility=Macro.Visibility.PERSONAL, owner=viewer)
    usable = Macro.objects.filter(Q(visibility=Macro.Visibility.EVERYONE) | own | of_teams)
    return usable.select_related("team", "owner").distinct()


def managed_macros(viewer: User) -> QuerySet[Macro]:
    """What the viewer finds on the page of macros: admins also those of teams that they are not in."""
    if not viewer.is_admin:
        return usable_macros(viewer)
    own = Q(visibility=Macro.Visibility.PERSONAL, owner=viewer)
    return Macro.objects.filter(own | ~Q(visibility=Macro.Visibility.PERSONAL)).select_related("team", "owner")


def get_macro(macro_id: int, rows: QuerySet[Macro]) -> Macro:
    """One of `rows`. Raises NotFound."""
    macro = rows.filter(id=macro_id).first()
    if macro is None:
        raise NotFound(_("There is no such macro."))
    return macro


def assignable_people() -> list[User]:
    """The assistant first, then people by name."""
    people = User.objects.filter(is_active=True).exclude(role=Role.OPERATOR)
    return sorted(people, key=lambda user: (not user.is_assistant, user.name.casefold()))


def open_loads() -> dict[UUID, int]:
    """How many open conversations each has who has any."""
    held = Ticket.objects.filter(TO_DO, assignee__isnull=False).values_list("assignee_id").annotate(number=Count("*"))
    return dict(held.order_by())


def people_at_work() -> list[Any]:
    """The same, each with `load`: the open conversations that they have."""
    loads = open_loads()
    people = assignable_people()
    for person in people:
        person.load = loads.get(person.id, 0)  # type: ignore[attr-defined]
    return people


@dataclass(frozen=True)
class States:
    """What may be chosen under one status of the product: itself, and the workspace's own names for it."""

    title: str
    options: tuple[tuple[str, str], ...]


def states(ticket: Ticket | None = None) -> list[States]:
    """In the order of their position; the ticket's present one is among them although it may not be chosen any more."""
    named = list(CustomStatus.objects.filter(Q(is_active=True) | Q(id=ticket.custom_status_id if ticket else None)))
    return [
        States(str(label), ((value, str(label)), *((one.key, one.name) for one in named if one.category == value)))
        for value, label in Status.choices
    ]


def custom_fields() -> list[CustomField]:
    return list(CustomField.objects.all())


def get_field(target: str, key: str) -> CustomField:
    """Raises NotFound."""
    field = CustomField.objects.filter(target=target, key=key).first()
    if field is None:
        raise NotFound(_("There is no such field."))
    return field


def all_teams() -> list[Team]:
    return list(Team.objects.all())


def all_channels() -> list[Any]:
    """Channels live a floor above; here they are only names to filter by."""
    return list(apps.get_model("channels_app", "Channel").objects.only("id", "name", "kind").order_by("name"))
