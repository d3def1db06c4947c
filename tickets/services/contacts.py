"""Changing what is known of a contact."""

from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from omnisupport.lib.errors import Forbidden, InvalidInput, NotFound
from omnisupport.lib.phones import phone_number
from tenants.accounts.models import User
from tenants.events.log import record
from tickets.models import Contact, FieldTarget
from tickets.services.companies import join_by_domain
from tickets.services.fields import merge_values
from tickets.services.indexing import index_contact

_CHANGEABLE = {"name", "email", "phone", "language", "attributes", "notes"}
_MASKED = {"email", "phone"}


@transaction.atomic
def update_contact(contact_id: UUID, *, changes: dict[str, Any], actor: User | None) -> Contact:
    """`attributes` are laid over what is there; null takes a key out. Raises NotFound; InvalidInput for a field that people
    may not change, or that does not take the value."""
    contact = Contact.objects.select_for_update().filter(id=contact_id).first()
    if contact is None:
        raise NotFound(_("There is no such contact."))
    strange = set(changes) - _CHANGEABLE
    if strange:
        raise InvalidInput(_("“%(field)s” cannot be changed.") % {"field": sorted(strange)[0]})
    if actor and not actor.sees_contact_details:
        _refuse_masked(contact, changes)
    changed = apply_changes(contact, changes)
    if changed:
        record(
            "contact.changed",
            actor_id=actor.id if actor else None,
            payload={"contact_id": str(contact.id), "fields": changed},
        )
    return contact


def _refuse_masked(contact: Contact, changes: dict[str, Any]) -> None:
    """Raises Forbidden when a value would change that its reader sees only masked."""
    for name in _MASKED & set(changes):
        if getattr(contact, name) and changes[name] != getattr(contact, name):
            raise Forbidden(_("What is masked for you is not yours to change."))


def apply_changes(contact: Contact, changes: dict[str, Any]) -> list[str]:
    """Writes what differs, in the caller's transaction, and says which fields did; the caller writes the log. Raises
    InvalidInput."""
    if "phone" in changes:
        changes = {**changes, "phone": phone_number(changes["phone"])}
    if "attributes" in changes:
        merged = merge_values(FieldTarget.CONTACT, contact.attributes, changes["attributes"])
        changes = {**changes, "attributes": merged}
    changed = {name: value for name, value in changes.items() if getattr(contact, name) != value}
    if changed:
        for name, value in changed.items():
            setattr(contact, name, value)
        contact.save(update_fields=list(changed))
        index_contact(contact.id)
        if "email" in changed:
            join_by_domain(contact)
    return sorted(changed)


def reveal_detail(contact: Contact, what: str, *, actor: User, ticket_id: int | None = None) -> str:
    """The e-mail address, the phone, or the address with this id; who saw it is written to the log. Raises NotFound."""
    if what in {"email", "phone"}:
        value = str(getattr(contact, what))
    else:
        place = contact.addresses.filter(id=int(what)).first() if what.isdecimal() and len(what) <= 18 else None
        value = place.address if place else ""
    if not value:
        raise NotFound(_("There is nothing to show."))
    note_revealed(
        contact.id, what if what in {"email", "phone"} else f"address {what}", actor=actor, ticket_id=ticket_id
    )
    return value


def note_revealed(contact_id: UUID, what: str, *, actor: User, ticket_id: int | None) -> None:
    payload = {"contact_id": str(contact_id), "what": what}
    record("contact.revealed", ticket_id=ticket_id, actor_id=actor.id, payload=payload)
