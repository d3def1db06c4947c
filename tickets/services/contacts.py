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
    if "phone" in changes:
        changes = {**changes, "phone": phone_number(changes["phone"])}
    if "attributes" in changes:
        merged = merge_values(FieldTarget.CONTACT, contact.attributes, changes["attributes"])
        changes = {**changes, "attributes": merged}
    changed = {name: value for name, value in changes.items() if getattr(contact, name) != value}
    if (
        actor
        and not actor.sees_contact_details
        and any(getattr(contact, name) for name in {"email", "phone"} & set(changed))
    ):
        raise Forbidden(_("What is masked for you is not yours to change."))
    if changed:
        for name, value in changed.items():
            setattr(contact, name, value)
        contact.save(update_fields=list(changed))
        index_contact(contact.id)
        if "email" in changed:
            join_by_domain(contact)
        record(
            "contact.changed",
            actor_id=actor.id if actor else None,
            payload={"contact_id": str(contact.id), "fields": sorted(changed)},
        )
    return contact


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
