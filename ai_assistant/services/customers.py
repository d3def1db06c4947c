"""Who the customer of a conversation is, as far as it is proven."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tickets.models import ContactAddress, Message, Ticket


@dataclass(frozen=True)
class Customer:
    """`facts`: what the server may tell a tool of them; none where nothing is proven."""

    is_verified: bool = False
    facts: dict[str, Any] = field(default_factory=dict)


def customer_of(ticket: Ticket, messages: Sequence[Message]) -> Customer:
    """Verified where a channel vouches for whoever wrote every message of this turn."""
    rows = ContactAddress.objects.filter(id__in={message.address_id for message in messages}).select_related("channel")
    addresses = list(rows)
    if len(addresses) != 1 or not addresses[0].is_verified or addresses[0].contact_id != ticket.contact_id:
        return Customer()
    address = addresses[0]
    facts: dict[str, Any] = {
        "customer.channel": address.channel.kind,
        "customer.address": address.address,
        "customer.contact": str(address.contact_id),
    }
    # A link that somebody else opened may have joined a stranger's card to this one; where a customer has no address but
    # verified ones, nobody was joined by a visitor's word.
    if all(row.is_verified for row in ticket.contact.addresses.all()):
        facts.update({f"customer.attributes.{name}": value for name, value in ticket.contact.attributes.items()})
    return Customer(True, facts)
