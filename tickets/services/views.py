"""Making and changing the views of the list that people keep."""

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from omnisupport.lib.errors import Forbidden, InvalidInput
from tenants.accounts.models import User
from tenants.events.log import record
from tickets import queries
from tickets.conditions import read_conditions
from tickets.models import SavedView, Sort, Team, Visibility

_MOST = 100


def may_change(view: SavedView, user: User) -> bool:
    return view.owner_id == user.id or user.is_admin


@transaction.atomic
def save_view(
    view: SavedView | None,
    *,
    user: User,
    name: str,
    conditions: Any,
    visibility: str = Visibility.PERSONAL,
    team_id: int | None = None,
    sort: str = Sort.ACTIVITY,
) -> SavedView:
    """A new one, or `view` changed. Agents share with their own teams, admins with everyone. Raises InvalidInput with `field`,
    Forbidden."""
    if view is not None and not may_change(view, user):
        raise Forbidden(_("Only its owner and admins may change this view."))
    if view is None and SavedView.objects.filter(owner=user).count() >= _MOST:
        raise InvalidInput(_("%(n)d views are enough: delete one first.") % {"n": _MOST}, field="name")
    values = {
        "name": _checked_name(name),
        "visibility": visibility,
        "team": _checked_team(visibility, team_id, user),
        "conditions": read_conditions(conditions, queries.condition_fields(user)).to_json(),
        "sort": sort,
    }
    if sort not in Sort.values:
        raise InvalidInput(_("Unknown order."), field="sort")
    what = "created" if view is None else "changed"
    view = view or SavedView(owner=user)
    for field, value in values.items():
        setattr(view, field, value)
    view.save()
    _note(view, what, user)
    return view


def _checked_name(name: str) -> str:
    name = " ".join(name.replace("\x00", "").split())
    if not name or len(name) > 60:
        raise InvalidInput(_("Give the view a name of at most 60 characters."), field="name")
    return name


def _checked_team(visibility: str, team_id: int | None, user: User) -> Team | None:
    if visibility not in Visibility.values:
        raise InvalidInput(_("A view is for you, for a team or for everyone."), field="visibility")
    if visibility == Visibility.EVERYONE and not user.is_admin:
        raise Forbidden(_("Views for everyone are made by admins. Share it with your team."), field="visibility")
    if visibility != Visibility.TEAM:
        return None
    teams = Team.objects.all() if user.is_admin else Team.objects.filter(members=user)
    team = teams.filter(id=team_id).first() if team_id else None
    if team is None:
        raise InvalidInput(_("Choose one of your teams."), field="team")
    return team


@transaction.atomic
def delete_view(view: SavedView, user: User) -> None:
    """Raises Forbidden."""
    if not may_change(view, user):
        raise Forbidden(_("Only its owner and admins may change this view."))
    _note(view, "deleted", user)
    view.delete()


def _note(view: SavedView, what: str, user: User) -> None:
    # Everybody hears of it: of a personal view no more than that it is there.
    shared = {} if view.visibility == Visibility.PERSONAL else {"name": view.name, "visibility": view.visibility}
    record("view.changed", actor_id=user.id, payload={"view_id": str(view.pk), "what": what} | shared)
