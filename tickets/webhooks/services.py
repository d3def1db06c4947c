"""Webhooks out: endpoints, one row an event and endpoint, and sending with pauses until it is taken or given up.

Delivery is at least once under one id, in no promised order; `seq` gives the order to those who need it.
"""

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from omnisupport.lib.errors import AppError, Conflict, InvalidInput
from omnisupport.lib.http import check_url, pause_asked, post
from omnisupport.lib.once import once
from omnisupport.lib.signing import make_secret, signed_headers
from tenants.accounts.models import User
from tenants.events.log import record
from tenants.events.models import Event
from tickets.webhooks.models import WebhookDelivery, WebhookEndpoint
from tickets.webhooks.payloads import EVENT_TYPES, PING, event_body, event_key, ping_body

log = structlog.get_logger(__name__)

MOST_ENDPOINTS = 50
KEPT_RESPONSE = 2000
SLOW_MS = 3000
# An endpoint that has failed for so long is switched off, and a delivery that nobody took for so long is given up.
GIVE_UP_AFTER = timedelta(days=3)
LONGEST_PAUSE = timedelta(hours=24)
LONGEST_REST = timedelta(hours=1)
# A drainer holds an endpoint for BUDGET and one try more; what a killed one held is free again after CLAIM.
BUDGET = 30.0
CLAIM = timedelta(seconds=BUDGET + settings.WEBHOOK_TIMEOUT + 20)


# ---- Endpoints -------------------------------------------------------------------------------------------------------


def create_endpoint(
    *, url: str, events: Sequence[str], name: str = "", by: User | None = None
) -> tuple[WebhookEndpoint, str]:
    """The endpoint and its secret, shown this once. Raises InvalidInput, Conflict."""
    url, chosen = _checked(url, events)
    if WebhookEndpoint.objects.count() >= MOST_ENDPOINTS:
        raise Conflict(_("A workspace has at most %(limit)s webhooks.") % {"limit": MOST_ENDPOINTS})
    secret = make_secret()
    endpoint = WebhookEndpoint.objects.create(
        url=url, events=chosen, name=name.strip()[:120], secrets={"secret": secret}, created_by=by
    )
    return endpoint, secret


def change_endpoint(
    endpoint: WebhookEndpoint, *, url: str, events: Sequence[str], name: str, is_active: bool
) -> WebhookEndpoint:
    """Switched on again it begins anew: what waits is sent. Raises InvalidInput."""
    endpoint.url, endpoint.events = _checked(url, events)
    endpoint.name = name.strip()[:120]
    if (is_active and not endpoint.is_active) or endpoint.failures:
        endpoint.failures, endpoint.failing_since, endpoint.rest_until, endpoint.off_reason = 0, None, None, ""
    endpoint.is_active = is_active
    endpoint.save()
    return endpoint


def _checked(url: str, events: Sequence[str]) -> tuple[str, list[str]]:
    url = url.strip()
    try:
        check_url(url)
    except InvalidInput as error:
        raise InvalidInput(str(error), code=error.code, field="url") from None
    strange = [event for event in events if event not in EVENT_TYPES]
    if strange or not events:
        words = (
            _("Choose at least one event.")
            if not strange
            else _("There is no event “%(event)s”.") % {"event": strange[0]}
        )
        raise InvalidInput(words, field="events")
    return url, [event for event in EVENT_TYPES if event in events]


def renew_secret(endpoint: WebhookEndpoint) -> str:
    """The new secret, shown this once; the old one ends at once."""
    secret = make_secret()
    endpoint.secrets = {"secret": secret}
    endpoint.save(update_fields=["secrets"])
    return secret


# ---- Deliveries ------------------------------------------------------------------------------------------------------


def enqueue_event(event: Event) -> list[UUID]:
    """One delivery for each endpoint that wants the event; a repeat finds them there. Returns the endpoints to wake."""
    active = once(
        "webhooks", lambda: list(WebhookEndpoint.objects.filter(is_active=True).only("id", "events", "created_at"))
    )
    wanting = [one.id for one in active if event.type in one.events and one.created_at <= event.created_at]
    if not wanting:
        return []
    body = event_body(event)
    rows = [
        WebhookDelivery(
            endpoint_id=endpoint_id, event=event, event_key=event_key(event), event_type=event.type, seq=event.seq,
            body=body, due_at=timezone.now(),
        )
        for endpoint_id in wanting
    ]  # fmt: skip
    WebhookDelivery.objects.bulk_create(rows, ignore_conflicts=True)
    return wanting


def send_test(endpoint: WebhookEndpoint) -> WebhookDelivery:
    """A ping to show that address and signature are right; its outcome is in the list of deliveries."""
    key, now = f"ping_{uuid4().hex}", timezone.now()
    return WebhookDelivery.objects.create(
        endpoint=endpoint, event_key=key, event_type=PING, body=ping_body(key, now), due_at=now
    )


def send_again(delivery_ids: Sequence[int]) -> list[UUID]:
    """Deliveries go out once more under the same event id. Returns the endpoints to wake."""
    rows = WebhookDelivery.objects.filter(id__in=delivery_ids, endpoint__is_active=True)
    endpoints = list(rows.values_list("endpoint_id", flat=True).distinct())
    rows.update(state=WebhookDelivery.State.PENDING, attempts=0, due_at=timezone.now(), finished_at=None)
    # A person asks: the endpoint need not rest first.
    WebhookEndpoint.objects.filter(id__in=endpoints).update(rest_until=None)
    return endpoints


def due_endpoints(limit: int = 100) -> list[UUID]:
    """Endpoints with something to send now, those that work first."""
    due = WebhookDelivery.objects.filter(
        endpoint=OuterRef("id"), state=WebhookDelivery.State.PENDING, due_at__lte=timezone.now()
    )
    return list(_free().filter(Exists(due)).order_by("failures", "rest_until").values_list("id", flat=True)[:limit])


def _free() -> QuerySet[WebhookEndpoint]:
    now = timezone.now()
    return WebhookEndpoint.objects.filter(
        Q(claimed_until=None) | Q(claimed_until__lte=now), Q(rest_until=None) | Q(rest_until__lte=now), is_active=True
    )


def is_slow(endpoint_id: UUID) -> bool:
    """Not known to answer at once: it failed or dawdled the last time, or has never answered yet."""
    quick = WebhookEndpoint.objects.filter(
        id=endpoint_id, failures=0, last_success_at__isnull=False, last_ms__lt=SLOW_MS
    )
    return not quick.exists()


def drain_endpoint(endpoint_id: UUID) -> int:
    """Sends what is due to one endpoint, one after another, while it answers and BUDGET lasts. Returns the number of tries."""
    tried, end = 0, time.monotonic() + BUDGET
    while _free().filter(id=endpoint_id).update(claimed_until=timezone.now() + CLAIM):
        answers = True
        while answers and time.monotonic() < end and (delivery := _next_due(endpoint_id)) is not None:
            answers = _try(delivery)
            tried += 1
        WebhookEndpoint.objects.filter(id=endpoint_id).update(claimed_until=None)
        # Looked at again after letting go: an event that came meanwhile found the endpoint taken.
        if not answers or time.monotonic() >= end or _next_due(endpoint_id) is None:
            break
    return tried


def _next_due(endpoint_id: UUID) -> WebhookDelivery | None:
    rows = WebhookDelivery.objects.filter(
        endpoint_id=endpoint_id, state=WebhookDelivery.State.PENDING, due_at__lte=timezone.now()
    )
    return rows.select_related("endpoint").order_by("due_at", "id").first()


@dataclass(frozen=True)
class _Outcome:
    status: int | None
    response: str
    error: str
    ms: int
    pause: float | None = None

    @property
    def ok(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


def _try(delivery: WebhookDelivery) -> bool:
    """One request. Returns whether the endpoint took it."""
    outcome = _post(delivery)
    delivery.attempts += 1
    delivery.last_status, delivery.last_response = outcome.status, outcome.response
    delivery.last_error, delivery.duration_ms = outcome.error[:500], outcome.ms
    with transaction.atomic():
        if outcome.ok:
            _finish(delivery, WebhookDelivery.State.DELIVERED)
            _note_success(delivery.endpoint_id, outcome.ms)
        else:
            _put_off(delivery, outcome)
            _note_failure(delivery.endpoint_id, outcome)
    return outcome.ok


def _post(delivery: WebhookDelivery) -> _Outcome:
    endpoint, body, started = delivery.endpoint, delivery.body.encode(), time.monotonic()
    headers = {
        "Content-Type": "application/json",
        "X-Omni-Event": delivery.event_type,
        "Idempotency-Key": delivery.event_key,
        **signed_headers(str(endpoint.secrets.get("secret", "")), body),
    }
    try:
        answer = post(endpoint.url, body, headers=headers, timeout=settings.WEBHOOK_TIMEOUT, max_bytes=KEPT_RESPONSE)
    except AppError as fault:
        return _Outcome(None, "", str(fault), _since(started))
    error = "" if 200 <= answer.status < 300 else _("The address answers with %(status)s.") % {"status": answer.status}
    text = answer.body.decode("utf-8", "replace").replace("\x00", "")
    return _Outcome(answer.status, text, error, _since(started), pause_asked(answer.headers.get("retry-after", "")))


def _since(started: float) -> int:
    return int((time.monotonic() - started) * 1000)


def _finish(delivery: WebhookDelivery, state: str) -> None:
    delivery.state, delivery.finished_at, delivery.due_at = state, timezone.now(), None
    delivery.save()


def _put_off(delivery: WebhookDelivery, outcome: _Outcome) -> None:
    if delivery.event_type == PING or timezone.now() - delivery.created_at > GIVE_UP_AFTER:
        _finish(delivery, WebhookDelivery.State.FAILED)
        return
    delivery.due_at = _later(delivery.attempts, outcome.pause, timedelta(seconds=10), LONGEST_PAUSE)
    delivery.save()


def _later(failures: int, asked: float | None, first: timedelta, longest: timedelta) -> datetime:
    """Doubles with each failure, half of it by chance, so that thousands do not come back at once; `asked` is obeyed."""
    seconds = min(longest.total_seconds(), first.total_seconds() * 2 ** min(failures - 1, 20))
    seconds *= random.uniform(0.5, 1)  # noqa: S311  # spreads load, guards nothing
    return timezone.now() + timedelta(seconds=max(seconds, asked or 0))


def _note_success(endpoint_id: UUID, ms: int) -> None:
    WebhookEndpoint.objects.filter(id=endpoint_id).update(
        failures=0, failing_since=None, rest_until=None, last_error="", last_ms=ms, last_success_at=timezone.now()
    )


def _note_failure(endpoint_id: UUID, outcome: _Outcome) -> None:
    endpoint = WebhookEndpoint.objects.select_for_update().get(id=endpoint_id)
    now = timezone.now()
    endpoint.failures += 1
    endpoint.failing_since = endpoint.failing_since or now
    endpoint.rest_until = _later(endpoint.failures, outcome.pause, timedelta(seconds=2), LONGEST_REST)
    endpoint.last_error = outcome.error[:500]
    if outcome.status == 410:
        _switch_off(endpoint, _("The address says that it is gone for good (410)."))
    elif now - endpoint.failing_since > GIVE_UP_AFTER:
        _switch_off(endpoint, _("It has failed for three days: %(error)s") % {"error": outcome.error[:200]})
    endpoint.save()


def _switch_off(endpoint: WebhookEndpoint, reason: str) -> None:
    if not endpoint.is_active:
        return
    endpoint.is_active, endpoint.off_reason = False, reason[:300]
    record(
        "webhook.switched_off", payload={"endpoint_id": str(endpoint.id), "name": str(endpoint), "note": reason[:300]}
    )
    log.warning("webhook_switched_off", endpoint=str(endpoint.id))


def delete_old_deliveries(older_than: timedelta, batch: int = 1000) -> int:
    """Finished ones, and what waits for an endpoint that is off, in a small bite. Returns how many."""
    before = timezone.now() - older_than
    old = WebhookDelivery.objects.filter(
        Q(finished_at__lt=before) | Q(finished_at=None, created_at__lt=before, endpoint__is_active=False)
    )
    ids = list(old.order_by("id").values_list("id", flat=True)[:batch])
    return WebhookDelivery.objects.filter(id__in=ids).delete()[0] if ids else 0


def forget_contact(contact_id: str, ticket_ids: Sequence[int]) -> None:
    """The bodies of what was told of this person; the rows stay as proof that it was told."""
    about = Q(event__payload__contact_id=contact_id) | Q(event__ticket_id__in=ticket_ids)
    WebhookDelivery.objects.filter(about).update(body="{}", last_response="")
