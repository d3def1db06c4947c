"""The hub: many sockets of one process hang on one Redis subscription per group; each frame is encoded once.

Redis pub/sub may lose frames; nothing here is a ledger. Frames carry sequence numbers, and whoever sees a gap asks `since`.
After a lost Redis connection every socket is told to resync.
"""

import asyncio
import contextlib
from collections import deque
from typing import Any

import orjson
import redis.asyncio
import structlog
from redis.exceptions import RedisError

from omnisupport.lib.redis import async_redis, redis_client

log = structlog.get_logger(__name__)

_PREFIX = "rt:"
QUEUE_LIMIT = 256
RESYNC = '{"type":"resync"}'


def publish(group: str, frame: dict[str, Any]) -> None:
    """From synchronous code, after commit. Loses the frame silently when Redis is away: clients resync."""
    try:
        redis_client().publish(_PREFIX + group, orjson.dumps(frame))
    except RedisError as error:
        log.warning("frame_lost", group=group, error=str(error))


class Socket:
    """One connected client: a bounded queue and the coroutine that drains it."""

    __slots__ = ("_closed", "_queue", "_send", "_waiter", "groups")

    def __init__(self, send: Any) -> None:
        self._send = send
        self._queue: deque[str] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._closed = False
        self.groups: set[str] = set()

    def offer(self, text: str) -> None:
        """Queues a frame; a reader that is too slow gets one `resync` instead of everything it missed."""
        if self._closed:
            return
        if len(self._queue) >= QUEUE_LIMIT:
            self._queue.clear()
            text = RESYNC
        self._queue.append(text)
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def close(self) -> None:
        self._closed = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def drain(self) -> None:
        """Runs until `close`; one task per socket."""
        while not self._closed:
            if not self._queue:
                self._waiter = asyncio.get_running_loop().create_future()
                await self._waiter
                self._waiter = None
                continue
            await self._send({"type": "websocket.send", "text": self._queue.popleft()})


class Hub:
    """One per process (and event loop)."""

    def __init__(self) -> None:
        self._groups: dict[str, set[Socket]] = {}
        self._redis: redis.asyncio.Redis | None = None
        self._pubsub: Any = None
        self._reader: asyncio.Task[None] | None = None

    @property
    def sockets(self) -> int:
        return len({socket for members in self._groups.values() for socket in members})

    async def join(self, socket: Socket, group: str) -> None:
        members = self._groups.setdefault(group, set())
        members.add(socket)
        socket.groups.add(group)
        if len(members) == 1:
            await self._subscribe(group)
        self._ensure_reader()

    async def leave(self, socket: Socket, group: str) -> None:
        socket.groups.discard(group)
        members = self._groups.get(group)
        if members is None:
            return
        members.discard(socket)
        if not members:
            del self._groups[group]
            with contextlib.suppress(RedisError):
                if self._pubsub is not None:
                    await self._pubsub.unsubscribe(_PREFIX + group)

    async def leave_all(self, socket: Socket) -> None:
        for group in list(socket.groups):
            await self.leave(socket, group)
        socket.close()

    async def publish(self, group: str, frame: dict[str, Any]) -> None:
        """From the event loop (typing)."""
        with contextlib.suppress(RedisError):
            await self._client().publish(_PREFIX + group, orjson.dumps(frame))

    async def close(self) -> None:
        if self._reader is not None:
            self._reader.cancel()
        if self._redis is not None:
            await self._redis.aclose()

    def _client(self) -> redis.asyncio.Redis:
        if self._redis is None:
            self._redis = async_redis()
        return self._redis

    async def _subscribe(self, group: str) -> None:
        if self._pubsub is None:
            self._pubsub = self._client().pubsub(ignore_subscribe_messages=True)
        with contextlib.suppress(RedisError):
            await self._pubsub.subscribe(_PREFIX + group)

    def _ensure_reader(self) -> None:
        if self._reader is None or self._reader.done():
            self._reader = asyncio.create_task(self._read())

    async def _read(self) -> None:
        """Hands frames to sockets; survives a Redis restart and then tells everybody to resync."""
        broken = False
        while True:
            try:
                if broken:
                    await self._pubsub.aclose()
                    self._pubsub = self._client().pubsub(ignore_subscribe_messages=True)
                    if self._groups:
                        await self._pubsub.subscribe(*(_PREFIX + group for group in self._groups))
                    self._tell_all(RESYNC)
                    broken = False
                message = await self._pubsub.get_message(timeout=5)
                if message is not None:
                    self._deliver(message["channel"].decode()[len(_PREFIX) :], message["data"].decode())
            except (TimeoutError, RedisError, OSError) as error:
                if not broken:
                    log.warning("hub_lost_redis", error=str(error))
                broken = True
                await asyncio.sleep(0.5)
            except RuntimeError:
                # redis-py: "pubsub connection not set" while the last group is gone; wait for the next join.
                await asyncio.sleep(0.2)

    def _deliver(self, group: str, text: str) -> None:
        for socket in self._groups.get(group, ()):
            socket.offer(text)

    def _tell_all(self, text: str) -> None:
        for members in self._groups.values():
            for socket in members:
                socket.offer(text)
