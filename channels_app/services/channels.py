"""Connecting channels to their providers and keeping their health."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import F, Q, Value
from django.db.models.functions import Concat, Left
from django.utils import timezone
from django.utils.translation import gettext as _
from pydantic import BaseModel, ValidationError

from channels_app.base import Connected, TransportError
from channels_app.kinds import adapter_class
from channels_app.models import Channel, InboundEvent
from channels_app.registry import adapter_for, generated_secret
from channels_app.services.templates import are_old, sync_templates
from omnisupport.lib.complaints import first_complaint
from omnisupport.lib.errors import Conflict, InvalidInput
from omnisupport.lib.signing import make_secret
from tenants.claims import claim_identity, release_identity
from tenants.events.log import record
from tickets.models import AssistantMode, Message
from tickets.services.hours import assistant_answers, working_hours

CHECK_EVERY = timedelta(minutes=5)
HEARD_EVERY = timedelta(minutes=1)


def check_settings(kind: str, config: dict[str, Any], secrets: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Both, typed by the adapter's models. Raises InvalidInput naming the field."""
    adapter = adapter_class(kind)
    return _checked(adapter.Config, config), _checked(adapter.Secrets, secrets)


def _checked(model: type[BaseModel], values: dict[str, Any]) -> dict[str, Any]:
    try:
        return model(**values).model_dump(mode="json")
    except ValidationError as error:
        field, reason = first_complaint(error)
        known = model.model_fields.get(field)
        title = _(known.title) if known and known.title else field
        raise InvalidInput(_("“%(field)s”: %(reason)s") % {"field": title, "reason": reason}, field=field) from None


def create_channel(
    *,
    kind: str,
    name: str,
    config: dict[str, Any],
    secrets: dict[str, Any],
    first_assignee_id: UUID | None = None,
    assistant_mode: str = "",
) -> Channel:
    """Stores a channel; `connect_channel` makes it work."""
    config, secrets = check_settings(kind, config, secrets)
    return Channel.objects.create(
        kind=kind, name=name, config=config, secrets=secrets, first_assignee_id=first_assignee_id,
        assistant_mode=_checked_mode(assistant_mode or AssistantMode.ANSWER),
    )  # fmt: skip


def change_channel(
    channel: Channel,
    *,
    name: str,
    config: dict[str, Any],
    secrets: dict[str, Any],
    first_assignee_id: UUID | None,
    assistant_mode: str = "",
) -> Channel:
    """Both dictionaries are laid over what is stored; so is the mode. Raises InvalidInput naming the field."""
    mode = _checked_mode(assistant_mode or channel.assistant_mode)
    stored = {} if _leads_elsewhere(channel, config) else channel.secrets
    checked, kept = check_settings(channel.kind, {**channel.config, **config}, {**stored, **secrets})
    channel.config, channel.secrets = {**channel.config, **checked}, kept
    channel.name, channel.first_assignee_id, channel.is_active = name, first_assignee_id, True
    channel.assistant_mode = mode
    channel.save(update_fields=["config", "secrets", "name", "first_assignee", "is_active", "assistant_mode"])
    return channel


def _checked_mode(mode: str) -> str:
    if mode not in AssistantMode.values:
        raise InvalidInput(_("The assistant has no such mode."), field="assistant_mode")
    if mode == AssistantMode.OUTSIDE_HOURS and working_hours() is None:
        raise InvalidInput(_("Set the working hours first (Assistant → Working hours)."), field="assistant_mode")
    return mode


def assignee_of_new(channel: Channel) -> UUID | None:
    """Who gets a conversation that begins there now: the assistant only where and while it answers."""
    person = channel.first_assignee_id
    if person is None or channel.assistant_mode in {AssistantMode.ANSWER, AssistantMode.ASK_FIRST}:
        return person
    is_assistant = bool(channel.first_assignee and channel.first_assignee.is_assistant)
    return None if is_assistant and not assistant_answers(channel.assistant_mode) else person


def renew_secret(channel_id: UUID) -> str:
    """Makes the channel's own secret anew and returns it, the only time that it is shown; the old one ends at once.

    Raises Conflict where the provider gives all secrets.
    """
    channel = Channel.objects.get(id=channel_id)
    name = generated_secret(channel.kind)
    if not name:
        raise Conflict(_("The secrets of this channel come from its provider."))
    secret = make_secret()
    channel.secrets = {**channel.secrets, name: secret}
    channel.save(update_fields=["secrets"])
    return secret


def _leads_elsewhere(channel: Channel, config: dict[str, Any]) -> bool:
    """Whether secrets would go to another address (a field marked `secrets_go_there`): only given anew may they follow."""
    for name, info in adapter_class(channel.kind).Config.model_fields.items():
        marked = isinstance(info.json_schema_extra, dict) and info.json_schema_extra.get("secrets_go_there")
        before = channel.config.get(name) or info.get_default(call_default_factory=True)
        if marked and str(config.get(name) or before).rstrip("/") != str(before).rstrip("/"):
            return True
    return False


def connect_channel(channel_id: UUID) -> Channel:
    """Asks the provider who we are and to call us. The outcome is on the channel; raises Conflict for a bot in use, here or in
    another workspace."""
    channel = Channel.objects.get(id=channel_id)
    adapter = adapter_for(channel)
    try:
        _keep_identity(channel, adapter.connect())
        note = adapter.start_receiving()
    except TransportError as error:
        mark_broken(channel, error.reason)
    except Conflict as error:
        mark_broken(channel, str(error))
        raise
    else:
        mark_healthy(channel, note)
    return channel


def accept_consent(channel_id: UUID, code: str) -> Channel:
    """An admin has signed in at the provider: keeps what that gave, and connects. Raises as `connect_channel`."""
    channel = Channel.objects.get(id=channel_id)
    try:
        given = adapter_for(channel).accept_consent(code)
    except TransportError as error:
        mark_broken(channel, error.reason)
        return channel
    channel.secrets = {**channel.secrets, **given}
    channel.save(update_fields=["secrets"])
    return connect_channel(channel_id)


def _keep_identity(channel: Channel, connected: Connected) -> None:
    """Before the provider is asked for anything: a bot that another channel has must go on bringing its messages there."""
    before = channel.external_id
    if before != connected.external_id:
        # Positions in the stream of another bot mean nothing here.
        channel.poll_state = {}
    # The last one is kept over a disconnection too, which empties `external_id`.
    last = before or str(channel.config.get("identity", ""))
    channel.config = {**channel.config, **connected.config, "identity": connected.external_id}
    channel.external_id = connected.external_id
    channel.name = channel.name or connected.title
    channel.is_active = True
    try:
        with transaction.atomic():
            if before and before != connected.external_id:
                release_identity(channel.kind, before, channel.id)
            if connected.external_id:
                claim_identity(channel.kind, connected.external_id, channel.id)
            if last and last != connected.external_id and adapter_class(channel.kind).numbers_anew:
                _set_ids_apart(channel, last)
            channel.save(update_fields=["config", "external_id", "name", "poll_state", "is_active"])
    except IntegrityError:
        raise Conflict(
            _("“%(title)s” is connected to another channel of this workspace.") % {"title": connected.title}
        ) from None


def _set_ids_apart(channel: Channel, last: str) -> None:
    """What the last bot numbered gets its name in front: the new one begins anew, and none of its messages may be taken for
    one that is known."""
    before = Value(f"{last}:")
    events = InboundEvent.objects.filter(channel=channel)
    events.update(event_key=Left(Concat(before, F("event_key")), 200))
    messages = Message.objects.filter(address__channel=channel).exclude(external_id="")
    messages.update(external_id=Left(Concat(before, F("external_id")), 255))


def check_channel(channel_id: UUID) -> None:
    """Asks the provider whether all is well, and keeps the answer with its time."""
    channel = Channel.objects.get(id=channel_id)
    try:
        adapter = adapter_for(channel)
        note = adapter.check_health()
        _keep_renewed(channel, adapter.renewed_secrets())
        if are_old(channel):
            sync_templates(channel.id)
    except TransportError as error:
        mark_broken(channel, error.reason)
    else:
        _set_health(channel, Channel.Health.OK, note)


def _keep_renewed(channel: Channel, renewed: Mapping[str, Any]) -> None:
    """Unless an admin has saved other ones meanwhile."""
    if not renewed:
        return
    with transaction.atomic():
        row = Channel.objects.select_for_update().get(id=channel.id)
        if row.secrets == channel.secrets:
            row.secrets = {**row.secrets, **renewed}
            row.save(update_fields=["secrets"])


def claim_checks() -> list[UUID]:
    """Connected channels that nobody has asked about for CHECK_EVERY; whoever calls next does not get them again."""
    now = timezone.now()
    stale = Channel.objects.filter(is_active=True).exclude(external_id="").exclude(health_at__gt=now - CHECK_EVERY)
    return [id for id in stale.values_list("id", flat=True) if stale.filter(id=id).update(health_at=now)]


def disconnect_channel(channel_id: UUID) -> None:
    """Takes the webhook back and switches the channel off; its conversations stay."""
    channel = Channel.objects.get(id=channel_id)
    try:
        adapter_for(channel).disconnect()
    except TransportError as error:
        mark_broken(channel, error.reason)
    with transaction.atomic():
        release_identity(channel.kind, channel.external_id, channel.id)
        channel.is_active = False
        channel.external_id = ""
        channel.save(update_fields=["is_active", "external_id"])


def note_heard(channel: Channel) -> None:
    """A customer wrote, for kinds without a ledger. Seldom: a row that every visitor writes makes them wait for each other."""
    now = timezone.now()
    long_ago = now - HEARD_EVERY
    if channel.last_inbound_at is None or channel.last_inbound_at < long_ago:
        silent = Q(last_inbound_at=None) | Q(last_inbound_at__lt=long_ago)
        Channel.objects.filter(silent, id=channel.id).update(last_inbound_at=now)


def find_broken_channels() -> list[Channel]:
    return list(Channel.objects.filter(is_active=True, health=Channel.Health.BROKEN).only("name", "health_note"))


def name_of(channel_id: UUID) -> str:
    return Channel.objects.values_list("name", flat=True).get(id=channel_id)


def mark_broken(channel: Channel, reason: str) -> None:
    _set_health(channel, Channel.Health.BROKEN, reason)


def mark_healthy(channel: Channel, note: str = "") -> None:
    if channel.health != Channel.Health.OK or note:
        _set_health(channel, Channel.Health.OK, note)


def _set_health(channel: Channel, state: str, note: str) -> None:
    before, now = channel.health, timezone.now()
    channel.health, channel.health_note, channel.health_at = state, note[:500], now
    row = Channel.objects.filter(id=channel.id)
    with transaction.atomic():
        # Of several workers that see the same break one tells of it.
        changed = row.exclude(health=state).update(health=state, health_note=note[:500], health_at=now)
        if not changed:
            row.update(health_note=note[:500], health_at=now)
            return
        payload = {"channel_id": str(channel.id), "from": before, "state": state, "note": note[:500]}
        record("channel.health_changed", payload=payload)
