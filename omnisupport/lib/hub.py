"""The hub: many sockets of one process hang on one Redis subscription per group; each frame is encoded once.

Redis pub/sub may lose frames; nothing here is a ledger. Frames carry sequence numbers, and whoever sees a gap asks `since`.
After a lost Redis connection every socket is told to resync.
"""

import asyncio
import contextlib
import types
from collections import deque
from collections.abc import Generator
from typing import Any

import orjson
import redis.asyncio
import structlog
from redis.exceptions import RedisError

from omnisupport.lib.redis import async_redis, redis_client

log = structlog.get_logger(__name__)

PREFIX = "rt:"
QUEUE_LIMIT = 256
RESYNC = '{"type":"resync"}'


def publish(group: str, frame: dict[str, Any]) -> None:
    """From synchronous code, after commit. Loses the frame silently when Redis is away: clients resync."""
    try:
        redis_client().publish(PREFIX + group, orjson.dumps(frame))
    except RedisError as error:
        log.warning("frame_lost", group=group, error=str(error))


class Socket:
    """One connected client. A frame is written at once where the connection takes it; only a slow reader gets a queue.

    There is no task per socket: waking a thousand tasks costs more than writing a thousand frames.
    """

    __slots__ = ("_backlog", "_closed", "_queue", "_send", "groups")

    def __init__(self, send: Any) -> None:
        self._send = send
        self._queue: deque[str] = deque()
        self._backlog: asyncio.Task[None] | None = None
        self._closed = False
        self.groups: set[str] = set()

    def offer(self, text: str) -> None:
        """Sends a frame; a reader that is too slow gets one `resync` instead of everything it missed."""
        if self._closed:
            return
        if self._backlog is None:
            self._write(text)
            return
        if len(self._queue) >= QUEUE_LIMIT:
            self._queue.clear()
            text = RESYNC
        self._queue.append(text)

    def close(self) -> None:
        self._closed = True
        if self._backlog is not None:
            self._backlog.cancel()

    def _write(self, text: str) -> None:
        sending = self._send({"type": "websocket.send", "text": text})
        try:
            waits_for = sending.send(None)
        except StopIteration:
            return  # written without waiting: the ordinary case
        except Exception:
            # The connection is gone; its reader notices and closes us.
            self._closed = True
            return
        self._backlog = asyncio.create_task(self._catch_up(sending, waits_for))

    async def _catch_up(self, sending: Any, waits_for: Any) -> None:
        try:
            await _resume(sending, waits_for)
            while self._queue and not self._closed:
                await self._send({"type": "websocket.send", "text": self._queue.popleft()})
        except Exception:
            self._closed = True
        finally:
            self._backlog = None


@types.coroutine
def _resume(coroutine: Any, waits_for: Any) -> Generator[Any, Any, None]:
    """Goes on with a coroutine that has been started by hand and waits for a future."""
    try:
        while True:
            try:
                value = yield waits_for
            except BaseException as error:
                waits_for = coroutine.throw(error)
            else:
                waits_for = coroutine.send(value)
    except StopIteration:
        return


class Hub:
    """One per process (and event loop)."""

    def __init__(self) -> None:
        self._groups: dict[str, set[Socket]] = {}
        self._redis: redis.asyncio.Redis | None = None
        self._pubsub: Any = None
        self._reader: asyncio.Task[None] | None = None
        self._broken = False
        # redis-py connects on the first command: two of them at once would read each other's greeting.
        self._commands = asyncio.Lock()

    @property
    def sockets(self) -> int:
        return len({socket for members in self._groups.values() for socket in members})

    async def join(self, socket: Socket, group: str) -> None:
        members = self._groups.setdefault(group, set())
        members.add(socket)
        socket.groups.add(group)
        if len(members) == 1:
            await self._command("subscribe", group)
            if self._reader is None or self._reader.done():
                self._reader = asyncio.create_task(self._read())

    async def leave(self, socket: Socket, group: str) -> None:
        socket.groups.discard(group)
        members = self._groups.get(group)
        if members is None:
            return
        members.discard(socket)
        if not members:
            del self._groups[group]
            await self._command("unsubscribe", group)

    async def leave_all(self, socket: Socket) -> None:
        for group in list(socket.groups):
            await self.leave(socket, group)
        socket.close()

    async def publish(self, group: str, frame: dict[str, Any]) -> None:
        """From the event loop (typing)."""
        with contextlib.suppress(RedisError, OSError):
            await self._client().publish(PREFIX + group, orjson.dumps(frame))

    async def close(self) -> None:
        if self._reader is not None:
            self._reader.cancel()
        if self._redis is not None:
            await self._redis.aclose()

    def _client(self) -> redis.asyncio.Redis:
        if self._redis is None:
            self._redis = async_redis()
        return self._redis

    async def _command(self, name: str, group: str) -> None:
        """What fails here is made good by the reader, which subscribes to every group anew."""
        async with self._commands:
            # Somebody may have come or gone while we waited.
            if (name == "subscribe") != (group in self._groups):
                return
            if self._pubsub is None:
                self._pubsub = self._client().pubsub(ignore_subscribe_messages=True)
            try:
                await getattr(self._pubsub, name)(PREFIX + group)
            except (RedisError, OSError):
                self._broken = True

    async def _read(self) -> None:
        """Hands frames to sockets; survives a Redis restart and then tells everybody to resync."""
        while True:
            try:
                if self._broken:
                    await self._reconnect()
                if not self._pubsub.subscribed:
                    await asyncio.sleep(0.1)
                    continue
                message = await self._pubsub.get_message(timeout=5)
                if message is not None:
                    self._deliver(message["channel"].decode()[len(PREFIX) :], message["data"].decode())
            except (RedisError, OSError, TimeoutError) as error:
                if not self._broken:
                    log.warning("hub_lost_redis", error=str(error))
                self._broken = True
                await asyncio.sleep(0.5)

    async def _reconnect(self) -> None:
        async with self._commands:
            await self._pubsub.aclose()
            self._pubsub = self._client().pubsub(ignore_subscribe_messages=True)
            if self._groups:
                await self._pubsub.subscribe(*(PREFIX + group for group in self._groups))
            self._broken = False
        self._tell_all(RESYNC)

    def _deliver(self, group: str, text: str) -> None:
        # A copy: a socket that closes while we write leaves the set.
        for socket in tuple(self._groups.get(group, ())):
            socket.offer(text)

    def _tell_all(self, text: str) -> None:
        for members in self._groups.values():
            for socket in tuple(members):
                socket.offer(text)
