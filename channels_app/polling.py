"""Long polling for channels that cannot be called: mailboxes, and on a laptop without a public address messengers too.

Runs in the websocket process; polled updates go the same way as called ones (ledger first). One poller per channel, kept by
a short lock in Redis, however many processes there are.
"""

import asyncio
import contextlib
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from redis.exceptions import RedisError

from channels_app.base import Adapter, TransportError
from channels_app.ingress import Ingress
from channels_app.kinds import adapter_class, kinds
from channels_app.models import Channel
from channels_app.registry import adapter_for
from channels_app.services.channels import mark_broken, mark_healthy
from omnisupport.lib.redis import async_redis
from tenants.db import active_schemas, in_tenant
from tenants.names import PUBLIC, tenant_key

log = structlog.get_logger(__name__)

LOOK_EVERY = 5.0
LOCK_SECONDS = 45


class Poller:
    def __init__(self, ingress: Ingress) -> None:
        self._ingress = ingress
        self._tasks: dict[tuple[str, UUID], asyncio.Task[None]] = {}
        # Channels that polling found broken, which it may call healthy again: what else is wrong with one it does not know.
        self._broken: set[UUID] = set()
        self._main: asyncio.Task[None] | None = None

    def start(self) -> None:
        if _pollable():
            self._main = asyncio.create_task(self._look())

    async def stop(self) -> None:
        tasks = [task for task in (self._main, *self._tasks.values()) if task is not None]
        for task in tasks:
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _look(self) -> None:
        """Starts a task for every channel that polls, ends those that stopped."""
        while True:
            try:
                wanted = await self._wanted()
            except Exception as error:
                # A database that is away for a moment must not end polling for good.
                log.warning("poller_cannot_look", error=str(error))
            else:
                for key in set(self._tasks) - wanted:
                    self._tasks.pop(key).cancel()
                for key in wanted:
                    if key not in self._tasks or self._tasks[key].done():
                        self._tasks[key] = asyncio.create_task(self._poll(*key))
            await asyncio.sleep(LOOK_EVERY)

    async def _wanted(self) -> set[tuple[str, UUID]]:
        pollable = _pollable()
        found: set[tuple[str, UUID]] = set()
        for schema in await in_tenant(PUBLIC, active_schemas):
            ids = await in_tenant(schema, _channels_of, pollable)
            found |= {(schema, id) for id in ids}
        return found

    async def _poll(self, schema: str, channel_id: UUID) -> None:
        """Polls one channel for as long as it holds the lock."""
        redis = async_redis()
        lock = tenant_key("poll", channel_id, schema=schema)
        held = False
        try:
            held = bool(await redis.set(lock, "1", nx=True, ex=LOCK_SECONDS))
            # Loaded anew each time: the token may have been changed, the channel switched off or connected to another bot.
            while held and (loaded := await in_tenant(schema, _load, channel_id)) is not None:
                await redis.set(lock, "1", ex=LOCK_SECONDS)
                await self._once(schema, *loaded)
        except (RedisError, OSError) as error:
            log.warning("poller_lost_redis", error=str(error))
        except TransportError as error:
            self._broken.add(channel_id)
            await in_tenant(schema, _note_broken, channel_id, error.reason)
            await asyncio.sleep(error.retry_after or 10)
        finally:
            with contextlib.suppress(RedisError, OSError):
                if held:
                    await redis.delete(lock)
                await redis.aclose()

    async def _once(self, schema: str, adapter: Adapter, state: dict[str, Any]) -> None:
        updates, after = await adapter.poll(state)
        for body in updates:
            await self._ingress.store(schema, adapter, {}, body)
        # Stored after the ledger: a crash in between repeats updates, and the ledger knows them.
        healed = adapter.channel.id in self._broken
        self._broken.discard(adapter.channel.id)
        if healed or after != state:
            await in_tenant(schema, _keep_state, adapter.channel.id, state, after, healed)


def _pollable() -> list[str]:
    adapters = {kind: adapter_class(kind) for kind in kinds()}
    called = settings.PUBLIC_URL_REACHABLE
    return [kind for kind, adapter in adapters.items() if adapter.always_polls or (adapter.can_poll and not called)]


def _channels_of(pollable: list[str]) -> list[UUID]:
    rows = Channel.objects.filter(kind__in=pollable, is_active=True).exclude(external_id="")
    return [channel.id for channel in rows if adapter_for(channel).wants_poll()]


def _load(channel_id: UUID) -> tuple[Adapter, dict[str, Any]] | None:
    channel = Channel.objects.filter(id=channel_id, is_active=True).first()
    return (adapter_for(channel), dict(channel.poll_state)) if channel else None


def _keep_state(channel_id: UUID, before: dict[str, Any], after: dict[str, Any], healed: bool) -> None:
    channel = Channel.objects.filter(id=channel_id).first()
    if channel is None:
        return
    if healed:
        mark_healthy(channel)
    if after != before:
        # Unless the channel was connected to another bot meanwhile, where this position means nothing.
        Channel.objects.filter(id=channel_id, poll_state=before).update(poll_state=after)


def _note_broken(channel_id: UUID, reason: str) -> None:
    channel = Channel.objects.filter(id=channel_id).first()
    if channel is not None:
        mark_broken(channel, reason)
