"""Who may see which conversations: the one place that says so.

Whoever sees everything costs nothing: the condition is empty. What a person may not see does not exist for them.
"""

from django.db.models import Q, QuerySet

from tenants.accounts.models import Access, User
from tickets.models import Team, Ticket, TicketFollower


def sees_all(user: User) -> bool:
    return user.is_admin or user.is_assistant or user.access == Access.ALL


def visible_to(user: User, ticket: str = "") -> Q:
    """Of tickets; or of few rows that have one, by the way to it (`ticket__`): quicker than to look for all that are seen."""
    if sees_all(user):
        return Q()
    mine = _q(ticket, assignee=user)
    if user.access == Access.OWN:
        return mine
    teams = Team.members.through.objects.filter(user_id=user.id).values("team_id")
    followed = TicketFollower.objects.filter(user_id=user.id).values("ticket_id")
    nobodys = _q(ticket, id__isnull=False, assignee=None, team=None)
    return mine | _q(ticket, team_id__in=teams) | nobodys | _q(ticket, id__in=followed)


def _q(path: str, **conditions: object) -> Q:
    return Q(**{f"{path}{name}": value for name, value in conditions.items()})


def may_see(user: User, ticket_id: int) -> bool:
    return sees_all(user) or _visible(user).filter(id=ticket_id).exists()


def about_visible(user: User, field: str = "ticket_id") -> Q:
    """Of rows that belong to a ticket, by the field that holds its id."""
    return Q() if sees_all(user) else Q(**{f"{field}__in": _visible(user).values("id")})


def contacts_visible_to(user: User) -> Q:
    """Of contacts: those of the conversations that the person sees."""
    return Q() if sees_all(user) else Q(id__in=_visible(user).values("contact_id"))


def _visible(user: User) -> QuerySet[Ticket]:
    return Ticket.objects.filter(visible_to(user))
