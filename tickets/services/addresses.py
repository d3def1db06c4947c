"""Where a customer can be found in a channel, and who that is."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from omnisupport.lib.phones import phone_number
from omnisupport.lib.text import Storable
from tenants.events.log import record
from tickets.models import Contact, ContactAddress, Status
from tickets.services.companies import join_by_domain
from tickets.services.indexing import index_contact


@dataclass(frozen=True)
class Profile(Storable):
    """What the channel tells of the person; empty means unknown and never overwrites.

    `alias` is a second id of the same person in the channel: whichever of the two comes, it is the same address.
    """

    name: str = ""
    email: str = ""
    phone: str = ""
    language: str = ""
    details: dict[str, Any] = field(default_factory=dict)
    alias: str = ""


def addresses_named(channel_id: UUID, *names: str) -> QuerySet[ContactAddress]:
    """The addresses of a channel that are known by one of these, as address or as alias."""
    known = [name for name in names if name]
    return ContactAddress.objects.filter(Q(address__in=known) | Q(alias__in=known), channel_id=channel_id)


def lock_address(channel_id: UUID, address: str, profile: Profile) -> ContactAddress:
    """The address, made with its contact when it is new, locked until the end of the transaction."""
    # The one by its own name first, should number and id have come to us as two people before.
    named = addresses_named(channel_id, address, profile.alias).order_by("id")
    found = named.select_for_update(of=("self",)).select_related("contact")
    row = found.first()
    if row is None:
        contact = Contact.objects.create(
            name=profile.name[:200],
            email=profile.email,
            phone=phone_number(profile.phone)[:32],
            language=profile.language[:8],
        )
        # Two first messages at once: the constraint lets one address live; the loser's contact is taken back.
        _row, made = ContactAddress.objects.get_or_create(
            channel_id=channel_id, address=address, defaults={"contact": contact, "details": profile.details}
        )
        if made:
            join_by_domain(contact)
        else:
            contact.delete()
        row = found[0]
    _learn(row, profile, address)
    return row


def _learn(row: ContactAddress, profile: Profile, address: str) -> None:
    contact, changed = row.contact, []
    for name, value in (("name", profile.name[:200]), ("email", profile.email), ("phone", phone_number(profile.phone)[:32]),
                        ("language", profile.language[:8])):  # fmt: skip
        if value and not getattr(contact, name):
            setattr(contact, name, value)
            changed.append(name)
    if changed:
        contact.save(update_fields=changed)
        index_contact(contact.id)
        join_by_domain(contact)
    details, alias = {**row.details, **profile.details}, row.alias or _other_name(row, profile, address)
    if (details, alias) != (row.details, row.alias):
        row.details, row.alias = details, alias
        row.save(update_fields=["details", "alias"])


def _other_name(row: ContactAddress, profile: Profile, address: str) -> str:
    """The name that the row does not have yet, unless another row has it."""
    if not profile.alias:
        return ""
    other = next((name for name in (profile.alias, address) if name != row.address), "")
    return "" if addresses_named(row.channel_id, other).exclude(id=row.id).exists() else other


@transaction.atomic
def change_address(*, channel_id: UUID, address: str, new_address: str) -> bool:
    """The person goes on under another address. False: nobody had the old one, or somebody has the new one already."""
    row = addresses_named(channel_id, address).select_for_update(of=("self",)).first()
    if row is None or addresses_named(channel_id, new_address).exclude(id=row.id).exists():
        return False
    if row.alias == address:
        row.alias = new_address
    else:
        row.address = new_address
    row.save(update_fields=["address", "alias"])
    index_contact(row.contact_id)
    record("contact.changed", payload={"contact_id": str(row.contact_id)})
    return True


@transaction.atomic
def set_reachable(*, channel_id: UUID, address: str, reason: str) -> None:
    """`reason` empty: reachable again; else why nothing can be sent there (blocked the bot, deactivated)."""
    row = addresses_named(channel_id, address).first()
    if row is None or row.unreachable_reason == reason[:255]:
        return
    row.unreachable_reason = reason[:255]
    row.save(update_fields=["unreachable_reason"])
    _tell_of(row, {"unreachable": row.unreachable_reason})


@transaction.atomic
def close_window(*, channel_id: UUID, address: str, at: datetime | None = None) -> None:
    """The provider takes no free text there any more, until the customer writes again."""
    row = addresses_named(channel_id, address).select_for_update(of=("self",)).first()
    if row is None:
        return
    at = max(at or timezone.now(), closed_at(row))
    row.details = {**row.details, "window_closed_at": at.isoformat()}
    row.save(update_fields=["details"])
    _tell_of(row, {"window_closed": True})


def closed_at(row: ContactAddress) -> datetime:
    """When the provider last said so; long ago where it never did."""
    said = row.details.get("window_closed_at")
    return datetime.fromisoformat(said) if said else datetime.min.replace(tzinfo=UTC)


def _tell_of(row: ContactAddress, what: dict[str, Any]) -> None:
    ticket = row.tickets.exclude(status=Status.CLOSED).first()
    record(
        "contact.changed",
        ticket_id=ticket.id if ticket else None,
        payload={"contact_id": str(row.contact_id), **what},
    )
