"""`/metrics`: Django's own and ours. Never public: a bearer token, or a caller from this machine when none is set."""

import hmac
import ipaddress

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotFound
from prometheus_client import CONTENT_TYPE_LATEST, Gauge, generate_latest

from channels_app.kinds import kinds
from omnisupport.health import HEARTBEAT_KEY, ledger_state, oldest_unsent_seconds
from omnisupport.lib.redis import redis_client

_QUEUES = ("sweeps", "inbound", "outbound", "webhooks", "assistant", "ingestion", "default")
queue_length = Gauge("omni_queue_length", "Messages waiting in a Celery queue", ["queue"])
oldest_unsent = Gauge("omni_oldest_unsent_seconds", "Age of the oldest message that should have left already")
oldest_inbound = Gauge("omni_oldest_inbound_seconds", "Age of the oldest row of the inbound ledger not processed yet")
failed_inbound = Gauge("omni_inbound_failed", "Rows of the inbound ledger that failed and wait for a person", ["kind"])
heartbeat = Gauge("omni_worker_heartbeat_timestamp", "When a worker last ran the heartbeat task")
agent_sockets = Gauge("omni_sockets", "Websockets of this process")


def _may_read(request: HttpRequest) -> bool:
    if settings.METRICS_TOKEN:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return hmac.compare_digest(given.encode(), settings.METRICS_TOKEN.encode())
    # Behind a proxy every caller looks local, so without a token nothing is shown there.
    forwarded = request.headers.get("X-Forwarded-For")
    try:
        return not forwarded and ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False


def metrics(request: HttpRequest) -> HttpResponse:
    if not _may_read(request):
        return HttpResponseNotFound("Not found", content_type="text/plain")
    from tenants.sockets import hub

    client = redis_client()
    for queue in _QUEUES:
        queue_length.labels(queue).set(client.llen(queue))
    stamp = client.get(HEARTBEAT_KEY)
    heartbeat.set(float(stamp) if stamp else 0)
    oldest_unsent.set(oldest_unsent_seconds())
    oldest, failed = ledger_state()
    oldest_inbound.set(oldest)
    # Every kind there is, so that none that has healed stays behind; a folder that is gone counts as "other".
    for kind in (*kinds(), "other"):
        failed_inbound.labels(kind).set(failed.pop(kind, 0) if kind != "other" else sum(failed.values()))
    agent_sockets.set(hub.sockets)
    return HttpResponse(generate_latest(), content_type=CONTENT_TYPE_LATEST)
