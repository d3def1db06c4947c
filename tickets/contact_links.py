"""Addresses of a contact's pages in the company's own system, signed for five minutes.

`<url>?…&exp=<seconds since 1970>&sig=<hex HMAC-SHA256 of the secret over the whole address before "&sig=">`.
"""

import hashlib
import hmac
import re
import time
from urllib.parse import quote

from tenants.accounts.models import User
from tickets.models import Contact, ContactLink

GOOD_FOR = 300
VARIABLES = ("contact_id", "external_id", "email", "phone", "name")
_VARIABLE = re.compile(r"\{(\w+)\}")


def strange_variables(url: str) -> list[str]:
    return sorted(set(_VARIABLE.findall(url)) - set(VARIABLES))


def links_for(contact: Contact, viewer: User) -> list[ContactLink]:
    """Those that have all they need; to whom contact details are masked, none that would give them away."""
    values = _values(contact)
    hidden = set() if viewer.sees_contact_details else {"email", "phone", "name"}
    active = ContactLink.objects.filter(is_active=True)
    needed = ((link, set(_VARIABLE.findall(link.url))) for link in active)
    return [link for link, names in needed if not names & hidden and all(values.get(name) for name in names)]


def signed_url(link: ContactLink, contact: Contact) -> str:
    values = _values(contact)
    url = _VARIABLE.sub(lambda match: quote(values.get(match[1], ""), safe=""), link.url)
    url = f"{url}{'&' if '?' in url else '?'}exp={int(time.time()) + GOOD_FOR}"
    secret = str(link.secrets.get("secret", ""))
    return f"{url}&sig={hmac.new(secret.encode(), url.encode(), hashlib.sha256).hexdigest()}"


def _values(contact: Contact) -> dict[str, str]:
    return {
        "contact_id": str(contact.id), "external_id": str(contact.attributes.get("external_id", "")),
        "email": contact.email, "phone": contact.phone, "name": contact.name,
    }  # fmt: skip
