"""One conversation over several channels: a code that the customer carries from one to the other."""

import base64
import hashlib
import hmac
import struct
import time

from django.db import transaction

from omnisupport.lib.crypto import derive_secret
from tenants.names import current_schema
from tickets.models import ContactAddress, Ticket
from tickets.services.merging import merge_contacts
from tickets.services.tickets import live_ticket

GOOD_FOR = 3600
_PREFIX = "c"


def make_code(address: ContactAddress) -> str:
    """At most 64 characters of A-Z, a-z, 0-9, _ and -, as start links of messengers want them; good for an hour, and
    in this workspace only."""
    plain = struct.pack(">QI", address.id, int(time.time()) + GOOD_FOR)
    return _PREFIX + base64.urlsafe_b64encode(plain + _mac(plain)).decode().rstrip("=")


def _mac(plain: bytes) -> bytes:
    secret = derive_secret(f"continue:{current_schema()}").encode()
    return hmac.digest(secret, plain, hashlib.sha256)[:16]


def read_code(code: str) -> int | None:
    """The id of the address it was made for; None for anything else, for a person can type what they like."""
    if not code.startswith(_PREFIX):
        return None
    try:
        raw = base64.urlsafe_b64decode(code[1:] + "=" * (-len(code[1:]) % 4))
        plain, mac = raw[:12], raw[12:]
        address_id, until = struct.unpack(">QI", plain)
    except (ValueError, struct.error):
        return None
    return int(address_id) if hmac.compare_digest(mac, _mac(plain)) and until > time.time() else None


@transaction.atomic
def carry_over(address: ContactAddress, code: str) -> bool:
    """Whoever came with this code goes on with the conversation it was given in. False: a code that says nothing, or nothing
    to go on with. The caller holds the lock on the new address."""
    origin_id = read_code(code)
    origin = ContactAddress.objects.filter(id=origin_id).exclude(id=address.id).first() if origin_id else None
    if origin is None:
        return False
    if origin.contact_id != address.contact_id:
        merge_contacts(kept_id=origin.contact_id, gone_id=address.contact_id, user=None)
        address.refresh_from_db(fields=["contact"])
    ticket = live_ticket(origin)
    if ticket is None or live_ticket(address) not in {None, ticket}:
        return False
    # Both, and before the ticket is locked: whoever writes from either locks the address first and then the ticket.
    for row in sorted((origin, address), key=lambda row: row.id):
        row.continues = ticket
        row.save(update_fields=["continues"])
    return True


def move_here(ticket: Ticket, address: ContactAddress) -> None:
    """The customer writes from `address` now, so replies go there. The caller holds the locks."""
    if ticket.address_id != address.id:
        ticket.address, ticket.channel_id = address, address.channel_id
        ticket.save(update_fields=["address", "channel"])
