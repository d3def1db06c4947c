"""`/healthz` (alive), `/readyz` (every dependency and the oldest unsent message), `/hostz` (is this host ours), and the
worker's heartbeat."""

import time
from collections.abc import Callable
from typing import Any

import httpx
from celery import shared_task
from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from psycopg import sql

from omnisupport.lib.redis import redis_client
from tenants.db import active_schemas, tenant_context
from tenants.hosts import find_tenant, host_name
from tenants.names import PUBLIC

HEARTBEAT_KEY = "omni:worker-heartbeat"
HEARTBEAT_STALE = 30
OLDEST_UNSENT_LIMIT = 600


@shared_task(ignore_result=True, expires=10)
def beat_heart() -> None:
    """A real task from beat through the broker to a worker: what it proves is the whole way."""
    redis_client().set(HEARTBEAT_KEY, str(time.time()), ex=300)


def healthz(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok", content_type="text/plain")


def hostz(request: HttpRequest) -> HttpResponse:
    """200 for `?domain=` of the platform or of a workspace, else 404: a front asks before it fetches a certificate."""
    with tenant_context(PUBLIC):
        known = find_tenant(host_name(request.GET.get("domain", "")[:253].replace("\x00", ""))) is not None
    return HttpResponse("ours" if known else "not ours", status=200 if known else 404, content_type="text/plain")


def readyz(request: HttpRequest) -> JsonResponse:
    checks = {
        "database": _check(_database),
        "redis": _check(_redis),
        "qdrant": _check(_qdrant),
        "worker": _check(_worker),
        "delivery": _check(_delivery),
    }
    ready = all(check["ok"] for check in checks.values())
    return JsonResponse({"ready": ready, "checks": checks}, status=200 if ready else 503)


def _check(probe: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    started = time.perf_counter()
    try:
        result = {"ok": True, **probe()}
    except Exception as error:
        # Names of hosts and queries stay in the log; the caller may be anybody.
        result = {"ok": False, "error": type(error).__name__}
    return {**result, "ms": round((time.perf_counter() - started) * 1000, 1)}


def _database() -> dict[str, Any]:
    with tenant_context(PUBLIC), connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return {}


def _redis() -> dict[str, Any]:
    redis_client().ping()
    return {}


def _qdrant() -> dict[str, Any]:
    if not settings.QDRANT_URL:
        return {"embedded": True}  # lives in the worker, whose heartbeat is checked
    headers = {"api-key": settings.QDRANT_API_KEY} if settings.QDRANT_API_KEY else {}
    httpx.get(f"{settings.QDRANT_URL}/readyz", headers=headers, timeout=2).raise_for_status()
    return {}


def _worker() -> dict[str, Any]:
    stamp = redis_client().get(HEARTBEAT_KEY)
    age = time.time() - float(stamp) if stamp else None
    return {"ok": age is not None and age < HEARTBEAT_STALE, "age_s": round(age, 1) if age is not None else None}


def oldest_unsent_seconds() -> float:
    """Age of the oldest message that should have left already, over all workspaces."""
    rows = _in_all_workspaces(
        "SELECT extract(epoch FROM now() - min(coalesce(due_at, created_at))) FROM {schema}.tickets_message"
        " WHERE delivery IN ('queued','sending')"
    )
    return max([0.0, *(float(row[0]) for row in rows if row[0] is not None)])


def ledger_state() -> tuple[float, dict[str, int]]:
    """Age in seconds of the oldest row not processed yet, and how many failed of each kind, over all workspaces."""
    # Two questions, each with a small index of its own.
    waiting = _in_all_workspaces(
        "SELECT extract(epoch FROM now() - min(received_at)) FROM {schema}.channels_app_inboundevent WHERE state = 'received'"
    )
    failures = _in_all_workspaces(
        "SELECT c.kind, count(*) FROM {schema}.channels_app_inboundevent e"
        " JOIN {schema}.channels_app_channel c ON c.id = e.channel_id WHERE e.state = 'failed' GROUP BY 1"
    )
    failed: dict[str, int] = {}
    for kind, count in failures:
        failed[kind] = failed.get(kind, 0) + count
    return max([0.0, *(float(row[0]) for row in waiting if row[0] is not None)]), failed


def _in_all_workspaces(query: str) -> list[tuple[Any, ...]]:
    """Rows of a query with `{schema}` before each table, asked once for all."""
    parts = [sql.SQL("(") + sql.SQL(query).format(schema=sql.Identifier(s)) + sql.SQL(")") for s in active_schemas()]
    if not parts:
        return []
    with tenant_context(PUBLIC), connection.cursor() as cursor:
        cursor.execute(sql.SQL(" UNION ALL ").join(parts).as_string(cursor.connection))
        return list(cursor.fetchall())


def _delivery() -> dict[str, Any]:
    age = oldest_unsent_seconds()
    return {"ok": age < OLDEST_UNSENT_LIMIT, "oldest_unsent_s": round(age, 1)}
