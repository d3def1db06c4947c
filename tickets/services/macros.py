"""Prepared answers: made and changed, sent with their actions, or run on their own."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from omnisupport.lib.errors import Forbidden, InvalidInput
from tenants.accounts.models import User
from tenants.events.log import record
from tickets.models import CustomStatus, Macro, Message, Priority, Status, Team, Ticket
from tickets.queries import usable_macros
from tickets.services.post import post_message
from tickets.services.tickets import change_ticket, lock_ticket
from tickets.variables import unfilled

ME, NOBODY = "me", "nobody"
_MOST_TAGS = 20
# Tag.name
_LONGEST_TAG = 40


def save_macro(macro: Macro | None, *, changes: Mapping[str, Any], user: User) -> Macro:
    """Makes a macro, or changes one. Agents write their own; what teams and everyone use is the admins'. Raises InvalidInput,
    Forbidden."""
    changed = macro or Macro(owner=user)
    _check_owner(changed, user)
    for name in ("name", "text_ru", "text_en", "visibility", "team", "position"):
        if name in changes:
            setattr(changed, name, changes[name])
    if "actions" in changes:
        changed.actions = check_actions(changes["actions"])
    _check_owner(changed, user)
    if changed.visibility != Macro.Visibility.TEAM:
        changed.team = None
    elif changed.team is None:
        raise InvalidInput(_("Choose the team."), field="team")
    if not changed.name.strip():
        raise InvalidInput(_("Give it a name."), field="name")
    if not (changed.text_ru.strip() or changed.text_en.strip() or changed.actions):
        raise InvalidInput(_("Write a text, or choose what is to be done."), field="text_ru")
    with transaction.atomic():
        changed.save()
        _note(changed, "changed" if macro else "made", user)
    return changed


@transaction.atomic
def delete_macro(macro: Macro, user: User) -> None:
    _check_owner(macro, user)
    _note(macro, "deleted", user)
    macro.delete()


def _check_owner(macro: Macro, user: User) -> None:
    if may_change(macro, user):
        return
    raise Forbidden(_("Only administrators change what others use."))


def may_change(macro: Macro, user: User) -> bool:
    """Personal ones are their owner's alone, also before admins."""
    if macro.visibility == Macro.Visibility.PERSONAL:
        return macro.owner_id == user.id
    return user.is_admin


def _note(macro: Macro, what: str, user: User) -> None:
    record("macro.changed", actor_id=user.id, payload={"macro_id": str(macro.pk), "name": macro.name, "what": what})


@transaction.atomic
def post_with_macros(
    *,
    ticket_id: int,
    client_id: UUID,
    user: User,
    macro_ids: Sequence[int],
    actions: Mapping[str, Any],
    values: Mapping[str, str],
    text: str,
    **message: Any,
) -> Message:
    """post_message, and in the same transaction what the macros in it do, as far as the agent has kept it. A repeated request
    does nothing twice. Raises InvalidInput where a name in the text still stands for nothing."""
    lock_ticket(ticket_id)
    is_repeated = Message.objects.filter(client_id=client_id).exists()
    used = usable_macros(user).filter(id__in=macro_ids)
    if not is_repeated:
        _check_filled(text, used, values)
    posted = post_message(ticket_id=ticket_id, client_id=client_id, user=user, text=text, **message)
    if is_repeated:
        return posted
    wanted = dict(check_actions(actions))
    if message.get("status"):
        # «Send and solve» was said later than the macro.
        wanted.pop("status", None)
    _run(ticket_id, wanted, user)
    _count(used)
    return posted


def _check_filled(text: str, used: Iterable[Macro], values: Mapping[str, str]) -> None:
    for macro in used:
        for token in unfilled(f"{macro.text_ru}\n{macro.text_en}", values):
            if token in text:
                raise InvalidInput(_("Fill in %(name)s before you send this.") % {"name": token}, field="text")


@transaction.atomic
def run_macro(macro: Macro, ticket_id: int, user: User) -> None:
    """What it does, without its text."""
    _run(ticket_id, check_actions(macro.actions), user)
    _count([macro])


def _count(used: Iterable[Macro]) -> None:
    Macro.objects.filter(id__in=[macro.pk for macro in used]).update(uses=F("uses") + 1)


def _run(ticket_id: int, actions: Mapping[str, Any], user: User) -> None:
    changes = {name: actions[name] for name in ("status", "priority", "team") if name in actions}
    if "assignee" in actions:
        changes["assignee"] = {ME: user.id, NOBODY: None}.get(actions["assignee"], actions["assignee"])
    if actions.get("tags") or actions.get("untag"):
        ticket = Ticket.objects.get(id=ticket_id)
        gone = {name.casefold() for name in actions.get("untag", [])}
        kept = [name for name in ticket.tags.values_list("name", flat=True) if name.casefold() not in gone]
        changes["tags"] = kept + list(actions.get("tags", []))
    change_ticket(ticket_id, changes=changes, actor=user)


# ---- Actions ---------------------------------------------------------------------------------------------------------


def check_actions(raw: Any) -> dict[str, Any]:
    """As they are stored (Macro.actions), without what does nothing. Raises InvalidInput."""
    if not isinstance(raw, Mapping) or set(raw) - {"status", "priority", "assignee", "team", "tags", "untag"}:
        raise _no_action()
    wanted = {name: value for name, value in raw.items() if value not in (None, "", [])}
    try:
        checked = {name: _CHECKS[name](value) for name, value in wanted.items()}
    except (TypeError, ValueError):
        raise _no_action() from None
    return checked


def _no_action() -> InvalidInput:
    return InvalidInput(_("One of the actions cannot be done any more. Choose again."), field="actions")


def _status(value: Any) -> str:
    custom = CustomStatus.objects.filter(is_active=True).values_list("id", flat=True)
    if value in Status.values or value in {f"s{status_id}" for status_id in custom}:
        return str(value)
    raise ValueError(value)


def _assignee(value: Any) -> str:
    if value in {ME, NOBODY}:
        return str(value)
    return str(User.objects.exclude(role="operator").filter(id=UUID(str(value)), is_active=True).get().id)


def _tags(value: Any) -> list[str]:
    names = [name.strip() for name in value if isinstance(name, str) and name.strip()]
    if len(names) > _MOST_TAGS or any(len(name) > _LONGEST_TAG for name in names):
        raise ValueError(value)
    return names


_CHECKS: dict[str, Any] = {
    "status": _status,
    "priority": lambda value: Priority(int(value)).value,
    "assignee": lambda value: _existing(_assignee, value),
    "team": lambda value: _existing(lambda key: Team.objects.get(id=int(key)).pk, value),
    "tags": _tags,
    "untag": _tags,
}


def _existing(read: Any, value: Any) -> Any:
    try:
        return read(value)
    except (User.DoesNotExist, Team.DoesNotExist):
        raise ValueError(value) from None


@dataclass(frozen=True)
class Wordings:
    """The names that actions are told with, read once for any number of macros."""

    statuses: Mapping[str, str]
    people: Mapping[str, str]
    teams: Mapping[int, str]

    @classmethod
    def read(cls) -> "Wordings":
        custom = {f"s{status.pk}": status.name for status in CustomStatus.objects.all()}
        return cls(
            statuses={**{value: str(label) for value, label in Status.choices}, **custom},
            people={str(user.id): str(user) for user in User.objects.all()},
            teams={team.pk: team.name for team in Team.objects.all()},
        )

    def tell(self, actions: Mapping[str, Any]) -> list[tuple[str, str]]:
        """Each action with its words; what is gone by now is left out."""
        told = [(name, self._words(name, value)) for name, value in actions.items()]
        return [(name, words) for name, words in told if words]

    def _words(self, name: str, value: Any) -> str:
        match name:
            case "status" if value in self.statuses:
                return _("state: %(name)s") % {"name": self.statuses[value]}
            case "priority":
                return _("priority: %(name)s") % {"name": Priority(value).label}
            case "assignee":
                return self._assignee(value)
            case "team" if value in self.teams:
                return _("team: %(name)s") % {"name": self.teams[value]}
            case "tags":
                return ngettext("tag: %(names)s", "tags: %(names)s", len(value)) % {"names": ", ".join(value)}
            case "untag":
                return _("without: %(names)s") % {"names": ", ".join(value)}
        return ""

    def _assignee(self, value: str) -> str:
        if value == ME:
            return _("assign to me")
        if value == NOBODY:
            return _("assign to nobody")
        return _("assign to %(name)s") % {"name": self.people[value]} if value in self.people else ""
