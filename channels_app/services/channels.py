"""Connecting channels to their providers and keeping their health."""

from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from pydantic import ValidationError

from channels_app.base import TransportError
from channels_app.models import Channel
from channels_app.registry import adapter_class, adapter_for
from omnisupport.lib.errors import Conflict, InvalidInput
from tenants.events.log import record


def check_settings(kind: str, config: dict[str, Any], secrets: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Both, typed by the adapter's models. Raises InvalidInput naming the field."""
    adapter = adapter_class(kind)
    try:
        return adapter.Config(**config).model_dump(mode="json"), adapter.Secrets(**secrets).model_dump(mode="json")
    except ValidationError as error:
        first = error.errors()[0]
        field = str(first["loc"][0]) if first["loc"] else ""
        raise InvalidInput(
            _("“%(field)s”: %(reason)s") % {"field": field, "reason": first["msg"]}, field=field
        ) from None


def create_channel(
    *, kind: str, name: str, config: dict[str, Any], secrets: dict[str, Any], first_assignee_id: UUID | None = None
) -> Channel:
    """Stores a channel; `connect_channel` makes it work."""
    config, secrets = check_settings(kind, config, secrets)
    return Channel.objects.create(
        kind=kind, name=name, config=config, secrets=secrets, first_assignee_id=first_assignee_id
    )


def change_channel(
    channel: Channel, *, name: str, config: dict[str, Any], secrets: dict[str, Any], first_assignee_id: UUID | None
) -> Channel:
    """Both dictionaries are laid over what is stored. Raises InvalidInput naming the field."""
    checked, kept = check_settings(channel.kind, {**channel.config, **config}, {**channel.secrets, **secrets})
    channel.config, channel.secrets = {**channel.config, **checked}, kept
    channel.name, channel.first_assignee_id, channel.is_active = name, first_assignee_id, True
    channel.save(update_fields=["config", "secrets", "name", "first_assignee", "is_active"])
    return channel


def connect_channel(channel_id: UUID) -> Channel:
    """Asks the provider who we are and to call us. The outcome is on the channel; raises Conflict for a bot in use here."""
    channel = Channel.objects.get(id=channel_id)
    try:
        connected = adapter_for(channel).connect()
    except TransportError as error:
        mark_broken(channel, error.reason)
        return channel
    channel.config = {**channel.config, **connected.config}
    channel.external_id = connected.external_id
    channel.name = channel.name or connected.title
    try:
        with transaction.atomic():
            channel.save(update_fields=["config", "external_id", "name"])
    except IntegrityError:
        raise Conflict(
            _("“%(title)s” is connected to another channel of this workspace.") % {"title": connected.title}
        ) from None
    mark_healthy(channel, connected.note)
    return channel


def disconnect_channel(channel_id: UUID) -> None:
    """Takes the webhook back and switches the channel off; its conversations stay."""
    channel = Channel.objects.get(id=channel_id)
    try:
        adapter_for(channel).disconnect()
    except TransportError as error:
        mark_broken(channel, error.reason)
    channel.is_active = False
    channel.external_id = ""
    channel.save(update_fields=["is_active", "external_id"])


def mark_broken(channel: Channel, reason: str) -> None:
    _set_health(channel, Channel.Health.BROKEN, reason)


def mark_healthy(channel: Channel, note: str = "") -> None:
    if channel.health != Channel.Health.OK or note:
        _set_health(channel, Channel.Health.OK, note)


def _set_health(channel: Channel, state: str, note: str) -> None:
    changed = channel.health != state
    channel.health, channel.health_note, channel.health_at = state, note[:500], timezone.now()
    with transaction.atomic():
        channel.save(update_fields=["health", "health_note", "health_at"])
        if changed:
            record(
                "channel.health_changed", payload={"channel_id": str(channel.id), "state": state, "note": note[:500]}
            )
