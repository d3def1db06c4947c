"""Two contacts that are one person: merging, and parting them again within a day."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from omnisupport.lib.errors import Conflict, InvalidInput, NotFound
from omnisupport.lib.phones import phone_number
from tenants.accounts.models import User
from tenants.events.log import record
from tickets.models import Contact, ContactAddress, ContactMerge, Ticket, with_email
from tickets.services.indexing import index_contact

UNDO_WITHIN = timedelta(hours=24)
_FIELDS = ("name", "email", "phone", "language")


def same_person_suggestions(contact: Contact, visible: Q | None = None, most: int = 10) -> list[Contact]:
    """Others with the same phone or e-mail, the oldest first."""
    same = Q()
    if contact.phone:
        same |= Q(phone__in={contact.phone, phone_number(contact.phone)})
    if contact.email:
        same |= with_email(contact.email)
    if not same:
        return []
    found = Contact.objects.filter(visible or Q(), same, merged_into=None).exclude(id=contact.id)
    # With an order and a limit PostgreSQL would rather walk through all contacts by age until some fit.
    return sorted(found.order_by(), key=lambda other: other.created_at)[:most]


@transaction.atomic
def merge_contacts(*, kept_id: UUID, gone_id: UUID, user: User | None) -> ContactMerge:
    """All addresses and conversations of `gone` belong to `kept` from now on; empty fields are filled. Raises NotFound,
    InvalidInput (the same one twice)."""
    if kept_id == gone_id:
        raise InvalidInput(_("This is one and the same contact."))
    # In one order, so that two merges the other way round do not wait for each other.
    locked = {c.id: c for c in Contact.objects.select_for_update().filter(id__in=[kept_id, gone_id]).order_by("id")}
    kept, gone = locked.get(kept_id), locked.get(gone_id)
    if kept is None or gone is None or kept.merged_into_id or gone.merged_into_id:
        raise NotFound(_("There is no such contact."))
    addresses, tickets = ContactAddress.objects.filter(contact=gone), Ticket.objects.filter(contact=gone)
    ContactMerge.objects.filter(gone=gone).delete()
    merge = ContactMerge.objects.create(
        kept=kept,
        gone=gone,
        filled=_fill(kept, gone),
        address_ids=list(addresses.values_list("id", flat=True)),
        ticket_ids=list(tickets.values_list("id", flat=True)),
        user=user,
    )
    addresses.update(contact=kept)
    tickets.update(contact=kept)
    gone.merged_into = kept
    gone.save(update_fields=["merged_into"])
    index_contact(kept.id)
    _note(merge, "merged", user)
    return merge


def _fill(kept: Contact, gone: Contact) -> dict[str, Any]:
    filled: dict[str, Any] = {
        name: getattr(gone, name) for name in _FIELDS if getattr(gone, name) and not getattr(kept, name)
    }
    for name, value in filled.items():
        setattr(kept, name, value)
    added = {name: value for name, value in gone.attributes.items() if name not in kept.attributes}
    kept.attributes = {**kept.attributes, **added}
    kept.is_blocked = kept.is_blocked or gone.is_blocked
    kept.save(update_fields=[*_FIELDS, "attributes", "is_blocked"])
    return {**filled, "attributes": added} if added else filled


def _note(merge: ContactMerge, what: str, user: User | None) -> None:
    # On every conversation of either, so that open screens of both see it.
    payload = {"contact_id": str(merge.kept_id), what: str(merge.gone)}
    for ticket_id in Ticket.objects.filter(contact_id__in=[merge.kept_id, merge.gone_id]).values_list("id", flat=True):
        record("contact.changed", ticket_id=ticket_id, actor_id=user.id if user else None, payload=payload)


def undoable_merges(contact: Contact) -> QuerySet[ContactMerge]:
    recent = timezone.now() - UNDO_WITHIN
    return ContactMerge.objects.filter(kept=contact, created_at__gt=recent).prefetch_related("gone", "user")


@transaction.atomic
def undo_merge(merge_id: int, user: User, *, kept_id: UUID | None = None) -> ContactMerge:
    """Gives back what came from the other contact, as far as nobody has changed it since. `kept_id`: whose merge it must be.
    Raises NotFound, Conflict (too late)."""
    merges = ContactMerge.objects.filter(kept_id=kept_id) if kept_id else ContactMerge.objects.all()
    merge = merges.select_for_update().select_related("kept", "gone").filter(id=merge_id).first()
    if merge is None:
        raise NotFound(_("There is no such merge."))
    if merge.created_at < timezone.now() - UNDO_WITHIN:
        raise Conflict(_("Contacts can be parted for 24 hours after they were merged."))
    ContactAddress.objects.filter(id__in=merge.address_ids, contact=merge.kept).update(contact=merge.gone)
    # A conversation goes with the address it has now.
    mine = Ticket.objects.filter(contact=merge.kept)
    mine.filter(Q(id__in=merge.ticket_ids) | Q(address_id__in=merge.address_ids)).update(contact=merge.gone)
    _empty(merge.kept, merge.filled)
    merge.gone.merged_into = None
    merge.gone.save(update_fields=["merged_into"])
    for contact in (merge.kept, merge.gone):
        index_contact(contact.id)
    _note(merge, "parted", user)
    merge.delete()
    return merge


def _empty(kept: Contact, filled: dict[str, Any]) -> None:
    for name in _FIELDS:
        if name in filled and getattr(kept, name) == filled[name]:
            setattr(kept, name, "")
    added = filled.get("attributes", {})
    kept.attributes = {name: value for name, value in kept.attributes.items() if added.get(name, ...) != value}
    kept.save(update_fields=[*_FIELDS, "attributes"])
