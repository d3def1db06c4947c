"""Message templates: the copy of the provider's list, and sending one."""

import re
from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from channels_app.kinds import adapter_class
from channels_app.models import Channel, MessageTemplate
from channels_app.registry import adapter_for
from omnisupport.lib.errors import InvalidInput, NotFound
from tenants.accounts.models import User
from tickets.models import ContactAddress, Message, Ticket
from tickets.services.addresses import closed_at
from tickets.services.post import post_message

SYNC_EVERY = timedelta(hours=6)
_VARIABLE = re.compile(r"\{\{\s*([\w.]+)\s*\}\}")


def sync_templates(channel_id: UUID) -> int:
    """Makes our copy equal to the provider's list. Returns how many there are; raises TransportError."""
    channel = Channel.objects.get(id=channel_id)
    found = {template.external_id: template for template in adapter_for(channel).fetch_templates()}
    now = timezone.now()
    with transaction.atomic():
        for external_id, template in found.items():
            fields = {
                "name": template.name,
                "language": template.language,
                "status": template.status,
                "category": template.category,
                "header": template.header,
                "body": template.body,
                "footer": template.footer,
                "variables": list(template.variables),
                "synced_at": now,
            }
            MessageTemplate.objects.update_or_create(channel=channel, external_id=external_id, defaults=fields)
        channel.templates.exclude(external_id__in=found).delete()
        Channel.objects.filter(id=channel_id).update(templates_synced_at=now)
    return len(found)


def are_old(channel: Channel) -> bool:
    if not adapter_class(channel.kind).has_templates:
        return False
    return channel.templates_synced_at is None or channel.templates_synced_at < timezone.now() - SYNC_EVERY


def note_changed_templates(channel_id: UUID) -> None:
    """Our copy is old: the next check of the channel brings a new one."""
    Channel.objects.filter(id=channel_id).update(templates_synced_at=None)


def send_template(
    *, ticket_id: int, template_id: int, variables: Mapping[str, str], client_id: UUID, user: User
) -> Message:
    """Posts an approved template with its variables filled in. Raises NotFound, InvalidInput naming the variable."""
    ticket = Ticket.objects.get(id=ticket_id)
    template = MessageTemplate.objects.filter(id=template_id, channel_id=ticket.channel_id).first()
    if template is None:
        raise NotFound(_("There is no such template any more."))
    given = {name: " ".join(str(variables.get(name, "")).split()) for name in template.variables}
    for name, value in given.items():
        if not value:
            raise InvalidInput(_("Fill in “%(name)s”.") % {"name": name}, field=name)
    parts = [
        _VARIABLE.sub(lambda match: given.get(match[1], match[0]), part)
        for part in (template.header, template.body, template.footer)
    ]
    return post_message(
        ticket_id=ticket_id,
        client_id=client_id,
        text="\n\n".join(part for part in parts if part),
        user=user,
        content={"template": {"name": template.name, "language": template.language, "variables": given}},
    )


def has_window_passed(kind: str, address: ContactAddress) -> bool:
    """True when only a template may be sent: the customer has not written for too long."""
    window = adapter_class(kind).window
    if window is None:
        return False
    return address.last_inbound_at is None or address.last_inbound_at + window < timezone.now()


def is_window_closed(kind: str, address: ContactAddress) -> bool:
    """The same for whoever is about to write: also True once the provider has said so, whatever we have counted."""
    heard = address.last_inbound_at
    return has_window_passed(kind, address) or (heard is not None and heard < closed_at(address))
