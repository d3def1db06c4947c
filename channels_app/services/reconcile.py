"""Once a day: what the provider holds is compared with what we have, and what is missing goes the usual way in."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from channels_app.base import Adapter, ButtonPressed, ConversationStarted, MessageReceived, TransportError, Unparsable
from channels_app.kinds import adapter_class
from channels_app.models import Channel, InboundEvent
from channels_app.registry import adapter_for
from tenants.events.log import record
from tickets.models import Message
from tickets.services.addresses import addresses_named

EVERY = timedelta(days=1)
# Clocks differ, and what was on its way at the last comparison is looked at again.
OVERLAP = timedelta(hours=1)
FURTHEST = timedelta(days=7)


def can_be_asked(kind: str) -> bool:
    return adapter_class(kind).list_received is not Adapter.list_received


def claim_reconciliations() -> list[UUID]:
    """Connected channels whose provider can be asked and was not for a day; whoever calls next does not get them again."""
    now = timezone.now()
    due = Channel.objects.filter(is_active=True).exclude(external_id="").exclude(reconciled_at__gt=now - EVERY)
    claimed = [row for row in due.values_list("id", "kind") if due.filter(id=row[0]).update(reconciled_at=now)]
    # Those that cannot be asked are noted too, so that the sweeper finds rest.
    return [id for id, kind in claimed if can_be_asked(kind)]


def reconcile_channel(channel_id: UUID) -> int:
    """Stores what the provider holds and we lack. Returns how many; the result with its time is on the channel."""
    channel = Channel.objects.get(id=channel_id)
    now = timezone.now()
    since = _since(channel, now)
    result = {"since": since.isoformat(), "checked": 0, "missing": 0, "error": ""}
    try:
        bodies = adapter_for(channel).list_received(since)
    except TransportError as error:
        # `until` stays where it was: the next time asks for this stretch as well.
        result |= {"until": channel.reconciliation.get("until"), "error": error.reason[:500]}
        bodies = []
    else:
        if bodies is None:
            return 0
        result["until"] = now.isoformat()
    missing = _missing(channel, bodies)
    result |= {"checked": len(bodies), "missing": len(missing)}
    with transaction.atomic():
        InboundEvent.objects.bulk_create(missing, ignore_conflicts=True)
        Channel.objects.filter(id=channel_id).update(reconciled_at=now, reconciliation=result)
        if missing:
            record("channel.gap_filled", payload={"channel_id": str(channel_id), "missing": len(missing)})
    return len(missing)


def _since(channel: Channel, now: datetime) -> datetime:
    last = channel.reconciliation.get("until")
    start = datetime.fromisoformat(last) - OVERLAP if last else max(channel.created_at, now - EVERY - OVERLAP)
    return max(start, now - FURTHEST)


def _missing(channel: Channel, bodies: Sequence[bytes]) -> list[InboundEvent]:
    adapter = adapter_for(channel)
    keyed = {adapter.event_key({}, body)[:200]: body for body in bodies}
    kept = InboundEvent.objects.filter(channel=channel, event_key__in=list(keyed))
    for known in kept.values_list("event_key", flat=True):
        del keyed[known]
    return [
        InboundEvent(channel=channel, event_key=key, body=adapter.redact(body))
        for key, body in keyed.items()
        if not _is_known(channel, adapter, body)
    ]


def _is_known(channel: Channel, adapter: Adapter, body: bytes) -> bool:
    """Whether its messages are in conversations already: a webhook may have brought them under another key."""
    try:
        results = adapter.parse({}, body)
    except Unparsable:
        return False
    except Exception:
        return False  # the ledger keeps it with its reason, as it does on the usual way
    said = [r for r in results if isinstance(r, MessageReceived | ButtonPressed | ConversationStarted)]
    return all(
        Message.objects.filter(
            address__in=addresses_named(channel.id, result.address), external_id=result.incoming.external_id
        ).exists()
        for result in said
    )
