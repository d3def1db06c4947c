"""The webhook ingress, one for all kinds: host → tenant → channel, verify on the raw bytes, one INSERT, 200.

No Django request cycle and no parsing: what the provider handed us is in the ledger before we answer. It runs in the
websocket process; the worker is woken at most a few hundred times a second, however many updates come.
"""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

import psycopg
import structlog
from psycopg import sql
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from channels_app.base import Adapter
from channels_app.kinds import adapter_class
from channels_app.registry import channel_info
from omnisupport.lib.errors import AppError, NotAuthenticated, NotFound
from tenants.db import in_tenant
from tenants.hosts import TenantInfo, cached_tenant, find_tenant, host_name
from tenants.lease import conninfo
from tenants.names import PUBLIC
from tenants.tasking import wake

log = structlog.get_logger(__name__)

_CHANNEL_TTL = 30.0
# However wrong the calls are, the database is not asked more often about one channel.
_RECENT = 1.0
# Seconds. Publishing costs as much as taking in a few updates: in a flood drainers are at work anyway.
_PAUSE, _PAUSE_IN_FLOOD = 0.02, 0.1
_FLOOD = 10
_insert_sql: dict[str, str] = {}


def _insert_for(schema: str) -> str:
    """Schema-qualified, so the pooled connection needs no SET and its prepared statements cannot meet another tenant."""
    statement = _insert_sql.get(schema)
    if statement is None:
        statement = _insert_sql[schema] = (
            sql.SQL(
                "INSERT INTO {}.channels_app_inboundevent"
                " (channel_id, event_key, body, headers, state, attempts, error, received_at)"
                " VALUES (%s, %s, %s, %s, 'received', 0, '', now()) ON CONFLICT DO NOTHING"
            )
            .format(sql.Identifier(schema))
            .as_string(None)
        )
    return statement


class Waker:
    """Collects channels with new rows and wakes their drainer from a thread, so that publishing never blocks the loop."""

    def __init__(self) -> None:
        self._dirty: Counter[tuple[str, UUID]] = Counter()
        self._event = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def add(self, schema: str, channel_id: UUID) -> None:
        self._dirty[schema, channel_id] += 1
        self._event.set()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        while True:
            await self._event.wait()
            self._event.clear()
            batch, self._dirty = self._dirty, Counter()
            await asyncio.to_thread(self._send, batch)
            # The first update of a lull is woken for at once.
            await asyncio.sleep(_PAUSE_IN_FLOOD if max(batch.values()) > _FLOOD else _PAUSE)

    @staticmethod
    def _send(batch: Iterable[tuple[str, UUID]]) -> None:
        from channels_app.tasks import drain_inbound

        for schema, channel_id in batch:
            wake(drain_inbound, str(channel_id), schema=schema)


class Ingress:
    """An ASGI application for `/hooks/<kind>/<channel uuid>/`."""

    def __init__(self) -> None:
        self._pool: AsyncConnectionPool | None = None
        self._pool_lock = asyncio.Lock()
        # When it was loaded, and what.
        self._channels: dict[tuple[str, str], tuple[float, Adapter | None]] = {}
        self._waker = Waker()

    async def __call__(self, scope: Mapping[str, Any], receive: Any, send: Any) -> None:
        headers = {k.decode("latin-1"): v.decode("latin-1") for k, v in scope["headers"]}
        try:
            status, body = await self._answer(scope, headers, receive)
        except AppError as error:
            status, body = error.status, json.dumps({"error": {"code": error.code, "message": str(error)}}).encode()
        except (psycopg.Error, PoolTimeout) as error:
            log.warning("ingress_database_away", error=str(error))
            status, body = 503, b"try again"
        # Some answers are read by the provider.
        kind = b"application/json" if body.startswith(b"{") else b"text/plain"
        response = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
        if status == 503:
            response.append((b"retry-after", b"5"))
        await send({"type": "http.response.start", "status": status, "headers": response})
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, scope: Mapping[str, Any], headers: dict[str, str], receive: Any) -> tuple[int, bytes]:
        parts = scope["path"].strip("/").split("/")
        tenant = await self._tenant(host_name(headers.get("host", "")))
        if tenant is None or len(parts) != 3:
            return 404, b"not found"
        adapter = await self._adapter(tenant, parts[1], parts[2])
        if adapter is None:
            return 404, b"not found"
        if scope["method"] != "POST":
            query = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
            proof = adapter.answer_check(query) if scope["method"] == "GET" else None
            return (405, b"POST only") if proof is None else (200, proof)
        body = await _read(receive, adapter.max_body)
        if body is None:
            return 413, b"too large"
        adapter = await self._verified(adapter, tenant, headers, body)
        reply = adapter.reply(headers, body)
        if reply is not None:
            # Questions are rare, and the answer to one may have been learnt a moment ago.
            newest = await self._adapter(tenant, parts[1], parts[2], max_age=0) or adapter
            return 200, newest.reply(headers, body) or reply
        await self.store(tenant.schema_name, adapter, headers, body)
        return 200, adapter.acknowledge(body)

    async def store(self, schema: str, adapter: Adapter, headers: Mapping[str, str], body: bytes) -> None:
        """One committed INSERT; a row that is there already is a success. Also the way in for polled updates."""
        kept = {name: value for name, value in headers.items() if name in adapter.kept_headers}
        values = (adapter.channel.id, _event_key(adapter, headers, body), adapter.redact(body), json.dumps(kept))
        pool = await self._open_pool()
        async with pool.connection(timeout=5) as connection:
            await connection.execute(_insert_for(schema), values)
        self._waker.add(schema, adapter.channel.id)

    async def _open_pool(self) -> AsyncConnectionPool:
        if self._pool is None:
            async with self._pool_lock:
                if self._pool is None:
                    pool = AsyncConnectionPool(
                        conninfo(), min_size=1, max_size=8, open=False, kwargs={"autocommit": True},
                        max_lifetime=1800, max_idle=60,
                    )  # fmt: skip
                    await pool.open()
                    self._pool = pool
        return self._pool

    async def close(self) -> None:
        if self._pool is not None:
            await self._pool.close()

    async def _tenant(self, host: str) -> TenantInfo | None:
        known, tenant = cached_tenant(host)
        if not known:
            tenant = await in_tenant(PUBLIC, find_tenant, host)
        return None if tenant is None or tenant.is_public else tenant

    async def _verified(self, adapter: Adapter, tenant: TenantInfo, headers: Mapping[str, str], body: bytes) -> Adapter:
        """The adapter that these bytes were signed for. Raises NotAuthenticated.

        A token may have been changed a moment ago, and some providers try the address before connecting ends.
        """
        try:
            adapter.verify(headers, body)
        except NotAuthenticated:
            fresh = await self._adapter(tenant, adapter.channel.kind, str(adapter.channel.id), max_age=_RECENT)
            if fresh is None or fresh is adapter:
                raise
            fresh.verify(headers, body)
            return fresh
        return adapter

    async def _adapter(
        self, tenant: TenantInfo, kind: str, channel_id: str, max_age: float = _CHANNEL_TTL
    ) -> Adapter | None:
        key = (tenant.schema_name, channel_id)
        hit = self._channels.get(key)
        # One that was not there may be connected at any moment.
        if hit is None or hit[0] < time.monotonic() - (max_age if hit[1] is not None else _RECENT):
            adapter = await in_tenant(tenant.schema_name, _load_adapter, channel_id, tenant)
            if len(self._channels) > 5000:
                self._channels.clear()
            hit = self._channels[key] = (time.monotonic(), adapter)
        adapter = hit[1]
        return adapter if adapter is not None and adapter.channel.kind == kind else None


def _event_key(adapter: Adapter, headers: Mapping[str, str], body: bytes) -> str:
    """A strange body is stored all the same, under the hash of its bytes: its key is the worker's least trouble."""
    try:
        key = adapter.event_key(headers, body)[:200]
        key.encode()
    except Exception:
        log.warning("event_without_key", kind=adapter.channel.kind, channel=str(adapter.channel.id))
        key = ""
    return key if key and "\x00" not in key else Adapter.event_key(adapter, headers, body)


def _load_adapter(channel_id: str, tenant: TenantInfo) -> Adapter | None:
    from channels_app.models import Channel

    try:
        channel = Channel.objects.filter(id=UUID(channel_id), is_active=True).first()
        if channel is None:
            return None
        kind = adapter_class(channel.kind)
    except (ValueError, NotFound):
        return None
    return kind(channel_info(channel, tenant)) if kind.has_webhook else None


async def _read(receive: Any, cap: int) -> bytes | None:
    """The whole body, or None when it is over the cap."""
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > cap:
            return None
        chunks.append(chunk)
        if not message.get("more_body"):
            return b"".join(chunks)
