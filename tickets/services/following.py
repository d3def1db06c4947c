"""Who is told of a conversation that is not theirs: by their own wish, or because a colleague's note has called them."""

from collections.abc import Sequence
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from omnisupport.lib.errors import InvalidInput
from tenants.accounts.models import Role, User
from tenants.events.log import record
from tickets.models import Mention, Message, Team, TicketFollower
from tickets.services.tickets import lock_ticket

MOST_MENTIONS = 30


@transaction.atomic
def set_following(ticket_id: int, *, user: User, follows: bool) -> None:
    lock_ticket(ticket_id)
    if follows:
        _follower, changed = TicketFollower.objects.get_or_create(ticket_id=ticket_id, user=user)
    else:
        changed = bool(TicketFollower.objects.filter(ticket_id=ticket_id, user=user).delete()[0])
    if changed:
        payload = {"user": str(user.id), "follows": follows}
        record("ticket.followed", ticket_id=ticket_id, actor_id=user.id, payload=payload)


def add_mentions(message: Message, keys: Sequence[str], author: User | None) -> None:
    """Calls those of `keys` (`u:<user>`, `t:<team>`) whose name stands in the note; people who are called by name follow the
    conversation from then on. The caller is in a transaction. Raises InvalidInput for somebody who is not there."""
    users, teams = _called(keys)
    text = message.text.casefold()
    users = [user for user in users if f"@{user}".casefold() in text]
    teams = [team for team in teams if f"@{team}".casefold() in text]
    if not users and not teams:
        return
    rows = {user.id: Mention(message=message, ticket_id=message.ticket_id, user=user) for user in users}
    for team in teams:
        for member in team.members.filter(is_active=True):
            rows.setdefault(member.id, Mention(message=message, ticket_id=message.ticket_id, user=member, team=team))
    if author is not None:
        rows.pop(author.id, None)
    Mention.objects.bulk_create(rows.values())
    named = [{"user": str(user.id), "name": str(user)} for user in users]
    message.content["mentions"] = [*named, *({"team": str(team.id), "name": str(team)} for team in teams)]
    message.save(update_fields=["content"])
    followers = [TicketFollower(ticket_id=message.ticket_id, user=user) for user in users if user != author]
    TicketFollower.objects.bulk_create(followers, ignore_conflicts=True)
    record(
        "ticket.mentioned",
        ticket_id=message.ticket_id,
        actor_id=author.id if author else None,
        payload={"message_id": str(message.id), "names": [entry["name"] for entry in message.content["mentions"]]},
    )


def _called(keys: Sequence[str]) -> tuple[list[User], list[Team]]:
    user_ids, team_ids = set(), set()
    try:
        for key in keys[:MOST_MENTIONS]:
            kind, _colon, value = key.partition(":")
            if kind == "u":
                user_ids.add(UUID(value))
            elif kind == "t" and value.isascii() and value.isdecimal() and len(value) <= 18:
                team_ids.add(int(value))
            else:
                raise ValueError(key)
    except ValueError:
        raise InvalidInput(_("A note can mention people and teams of the workspace only."), field="mentions") from None
    people = User.objects.filter(is_active=True).exclude(role__in=[Role.ASSISTANT, Role.OPERATOR])
    users, teams = list(people.filter(id__in=user_ids)), list(Team.objects.filter(id__in=team_ids))
    if len(users) + len(teams) != len(user_ids) + len(team_ids):
        raise InvalidInput(_("A note can mention people and teams of the workspace only."), field="mentions")
    return users, teams


def note_mentions_seen(ticket_id: int, user: User) -> int:
    """The person has the conversation before their eyes. Returns how many were new."""
    return Mention.objects.filter(ticket_id=ticket_id, user=user, seen_at=None).update(seen_at=timezone.now())
