"""Making and changing people."""

from collections.abc import Callable
from uuid import UUID

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils.translation import gettext as _

from omnisupport.lib.errors import InvalidInput, NotFound
from omnisupport.lib.text import can_be_stored
from tenants.accounts.models import User
from tenants.events.log import record


def check_person(*, email: str, name: str, password: str | None) -> None:
    """What forms and the API check by themselves, for whoever makes a person without them. Raises InvalidInput."""
    person = User(email=email, name=name)
    checks: dict[str, Callable[[], object]] = {
        "email": lambda: validate_email(email),
        "name": lambda: User._meta.get_field("name").clean(name, person),
        "password": lambda: validate_password(password, person) if password is not None else None,
    }
    for field, check in checks.items():
        try:
            check()
        except ValidationError as error:
            raise InvalidInput(" ".join(error.messages), field=field) from None
    if len(email) > 254 or not can_be_stored(name + (password or "")):
        raise InvalidInput(_("One of the values cannot be stored. Check dates, numbers and special characters."))


def update_person(user: User, *, name: str, language: str, timezone: str, undo_seconds: int, is_compact: bool) -> None:
    """What a person may change of themselves; an empty time zone is the workspace's."""
    user.name, user.language, user.timezone = name, language, timezone
    user.undo_seconds, user.is_compact = undo_seconds, is_compact
    user.save(update_fields=["name", "language", "timezone", "undo_seconds", "is_compact"])


def set_compact(user: User, is_compact: bool) -> None:
    user.is_compact = is_compact
    user.save(update_fields=["is_compact"])


def set_keys(user: User, keys: dict[str, str]) -> None:
    """The caller has checked them."""
    user.keys = keys
    user.save(update_fields=["keys"])


def set_rights(user: User, *, access: str, sees_contact_details: bool, actor: User) -> None:
    """Which conversations an agent may see, and whether phones and e-mail addresses in them."""
    before = (user.access, user.sees_contact_details)
    user.access, user.sees_contact_details = access, sees_contact_details
    with transaction.atomic():
        user.save(update_fields=["access", "sees_contact_details"])
        note_rights(user, before, actor)


def note_rights(user: User, before: tuple[str, bool], actor: User) -> None:
    """Into the log, where they have changed."""
    if before == (user.access, user.sees_contact_details):
        return
    payload = {"user_id": str(user.id), "access": user.access, "sees_contact_details": user.sees_contact_details}
    record("user.rights_changed", actor_id=actor.id, payload=payload)


@transaction.atomic
def set_away(user: User, away: bool) -> None:
    """By hand: until they come back by hand."""
    if user.is_away == away:
        return
    user.is_away = away
    user.save(update_fields=["is_away"])
    record("person.changed", actor_id=user.id, payload={"user": str(user.id), "away": away})


@transaction.atomic
def set_capacity(user_id: UUID, capacity: int | None, *, actor: User) -> None:
    """None: any number. Raises NotFound."""
    person = User.objects.people().filter(id=user_id).first()
    if person is None:
        raise NotFound(_("There is no such person."))
    before, person.capacity = person.capacity, capacity
    if before != capacity:
        person.save(update_fields=["capacity"])
        payload = {"user": str(person.id), "capacity": {"from": before, "to": capacity}}
        record("person.changed", actor_id=actor.id, payload=payload)
