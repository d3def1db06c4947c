"""Agents' screens: what their sockets say, healed by `since` after each gap, as static/src/inbox/feed.ts does it."""

import asyncio
import contextlib
import json
import random
import threading
import time
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from tests.cast import Workspace
from tests.faults.house import p95
from tests.servers import LiveServer, until

# Seconds; doubled with each attempt, in no step with others (widget/src/app/socket.ts).
_FIRST_PAUSE, _LAST_PAUSE = 0.5, 30.0


class Screen:
    """`drawn` are the numbers of the events it has shown, in order; up to `fetched` it has loaded everything anew."""

    def __init__(self, dial: Callable[[], Any], newest: Callable[[], int]) -> None:
        self._dial, self._newest = dial, newest
        self.drawn: list[int] = []
        self.last = self.fetched = 0
        self.greeted = False
        self._held: set[int] = set()
        self._awaited = (0, 0.0)
        self.lost_at: float | None = None
        self.away: list[float] = []

    async def live(self) -> None:
        attempt = 0
        while True:
            with contextlib.suppress(Exception):
                async with self._dial() as socket:
                    attempt = 0
                    await self._listen(socket)
            self.lost_at = self.lost_at or time.monotonic()
            pause = min(_LAST_PAUSE, _FIRST_PAUSE * 2**attempt) * random.uniform(0.5, 1)
            attempt += 1
            await asyncio.sleep(pause)

    async def _listen(self, socket: Any) -> None:
        async for text in socket:
            frame = json.loads(text)
            match frame["type"]:
                case "hello":
                    await self._greet(socket, int(frame["seq"]))
                case "resync":
                    await self._load_anew()
                case "event":
                    await self._take(socket, int(frame["seq"]))

    async def _greet(self, socket: Any, newest: int) -> None:
        if self.lost_at is not None:
            self.away.append(time.monotonic() - self.lost_at)
            self.lost_at = None
        self._awaited = (0, 0.0)
        if not self.greeted:
            self.last = self.fetched = newest
            self.greeted = True
        elif newest > self.last:
            await self._ask(socket, newest)

    async def _load_anew(self) -> None:
        self.last = self.fetched = await asyncio.to_thread(self._newest)
        self._held = {seq for seq in self._held if seq > self.last}
        self._draw()

    async def _take(self, socket: Any, seq: int) -> None:
        if seq <= self.last:
            return
        self._held.add(seq)
        self._draw()
        if self._held:
            await self._ask(socket, min(self._held) - 1)

    def _draw(self) -> None:
        while self.last + 1 in self._held:
            self.last += 1
            self._held.remove(self.last)
            self.drawn.append(self.last)

    async def _ask(self, socket: Any, seq: int) -> None:
        """Once for one gap; again when the answer does not come."""
        if self.last < self._awaited[0] and time.monotonic() < self._awaited[1]:
            return
        self._awaited = (seq, time.monotonic() + 5)
        await socket.send(json.dumps({"type": "since", "seq": str(self.last)}))


@contextlib.asynccontextmanager
async def through_a_balancer(servers: Sequence[LiveServer], dial: Callable[[LiveServer], Any]) -> AsyncIterator[Any]:
    """One of the servers, at random; what refuses the connection is passed over at once, as docs/deploy/Caddyfile has it."""
    for server in random.sample(servers, len(servers)):
        try:
            socket = await dial(server)
        except OSError:
            continue
        try:
            yield socket
        finally:
            await socket.close()
        return
    raise ConnectionRefusedError


class Screens:
    """Many agents' screens of a workspace in one thread; each connects to any of `servers`."""

    def __init__(self, shop: Workspace, servers: Sequence[LiveServer], count: int) -> None:
        from tests.test_agent_socket import dial, session_cookie

        cookie = session_cookie(shop, shop.agent)
        self._shop = shop
        self.all = [
            Screen(lambda: through_a_balancer(servers, lambda server: dial(server, shop, Cookie=cookie)), self._newest)
            for _number in range(count)
        ]
        self._loop = asyncio.new_event_loop()
        self._tasks: list[asyncio.Task[None]] = []
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Screens":
        self._thread.start()
        until(lambda: all(screen.greeted for screen in self.all), 90, "every screen is connected")
        return self

    def __exit__(self, *_exc: object) -> None:
        self._loop.call_soon_threadsafe(lambda: [task.cancel() for task in self._tasks])
        self._thread.join(20)

    def _run(self) -> None:
        self._tasks = [self._loop.create_task(screen.live()) for screen in self.all]
        self._loop.run_until_complete(asyncio.gather(*self._tasks, return_exceptions=True))
        self._loop.close()

    def _newest(self) -> int:
        from django.db import connection

        from tenants.sockets import newest_seq

        try:
            with self._shop.enter():
                return newest_seq()
        finally:
            connection.close()

    def until_level(self, seconds: float) -> float:
        """Waits until every screen shows the newest event. Returns seconds; too late is seen by `missing`."""
        begun = time.monotonic()
        newest = self._newest()
        with contextlib.suppress(AssertionError):
            until(lambda: all(screen.last >= newest for screen in self.all), seconds)
        return round(time.monotonic() - begun, 1)

    def missing(self) -> int:
        """Events that a screen neither drew nor loaded, over all screens."""
        from tenants.events.models import Event

        seqs = set(Event.objects.filter(seq__isnull=False).values_list("seq", flat=True))
        return sum(len({seq for seq in seqs if seq > screen.fetched} - set(screen.drawn)) for screen in self.all)

    def doubled(self) -> int:
        return sum(len(screen.drawn) - len(set(screen.drawn)) for screen in self.all)

    def away_p95(self) -> float:
        """Seconds from a lost connection to the next greeting."""
        return p95(pause for screen in self.all for pause in screen.away)

    def forget_pauses(self) -> None:
        for screen in self.all:
            screen.away.clear()
