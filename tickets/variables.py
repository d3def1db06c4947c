"""Names in prepared texts, `{{contact.name}}`, and what stands for them. Nothing is evaluated: a name is looked up once, and
what it stands for stays text, with whatever braces it has."""

import re
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from tenants.accounts.models import User
from tickets.models import Ticket

_TOKEN = re.compile(r"\{\{\s*([a-z]+\.[\w-]{1,60})\s*\}\}")
# Also of other shapes: {{x}} is shown as a name that stands for nothing, too.
_BRACES = re.compile(r"\{\{[^{}]{0,80}\}\}")

KNOWN = {
    "contact.name": _("the customer’s name"),
    "contact.first_name": _("the first word of the customer’s name"),
    "contact.email": _("the customer’s e-mail address"),
    "contact.phone": _("the customer’s phone"),
    "contact.company": _("the customer’s company"),
    "agent.name": _("your name"),
    "agent.first_name": _("the first word of your name"),
    "ticket.number": _("the number of the conversation"),
    "ticket.subject": _("the subject of the conversation"),
    "workspace.name": _("the name of the company"),
}


def values_for(ticket: Ticket, user: User, workspace: str) -> dict[str, str]:
    """By name. Custom fields stand under their key; those of the product win."""
    contact = ticket.contact
    of_fields = {f"contact.{key}": value for key, value in contact.attributes.items()}
    of_fields |= {f"ticket.{key}": value for key, value in ticket.attributes.items()}
    values: dict[str, Any] = {
        **of_fields,
        "contact.name": contact.name,
        "contact.first_name": _first(contact.name),
        "contact.email": contact.email if user.sees_contact_details else "",
        "contact.phone": contact.phone if user.sees_contact_details else "",
        "contact.company": contact.company.name if contact.company else "",
        "agent.name": user.name,
        "agent.first_name": _first(user.name),
        "ticket.number": ticket.number,
        "ticket.subject": ticket.subject,
        "workspace.name": workspace,
    }
    return {name: str(value).strip() for name, value in values.items() if isinstance(value, str | int | float)}


def _first(name: str) -> str:
    return name.split()[0] if name.split() else ""


def fill(text: str, values: Mapping[str, str]) -> str:
    """In one pass: braces inside a value are not read again."""
    return _TOKEN.sub(lambda found: values.get(found[1]) or found[0], text)


def unfilled(text: str, values: Mapping[str, str]) -> list[str]:
    """The names in the text that stand for nothing here, as they are written."""
    found = dict.fromkeys(_BRACES.findall(text))
    return [token for token in found if not ((match := _TOKEN.fullmatch(token)) and values.get(match[1]))]
