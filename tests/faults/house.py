"""One installation to break: web processes, workers and beat of a workspace, Redis that can be stopped, frozen and emptied."""

import asyncio
import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import redis

from omnisupport.embedded.redis import start_redis, wait_for_redis
from tests import engines
from tests.cast import Workspace
from tests.faults.ledger import Ledger
from tests.servers import (
    LiveServer,
    Process,
    beat_process,
    free_port,
    until,
    wait_for_port,
    web_process,
    worker_process,
)

FULL = os.environ.get("FAULTS_SCALE") == "full"


def scaled(default: int, full: int) -> int:
    return full if FULL else default


class House:
    """Processes end with the story. `off` names what tests/faults/sabotage.py switches off in a process."""

    def __init__(self, workspace: Workspace, folder: Path, **environment: str) -> None:
        self.workspace, self.folder = workspace, folder
        self.environment = {"FAULTS_MARKS": str(folder), "LOG_LEVEL": "WARNING", **environment}
        self.ledger = Ledger(folder / "ledger.jsonl")
        self.processes: list[Process] = []
        self.redis = RedisControl()

    def web(self, *, off: str = "", port: int = 0) -> LiveServer:
        port = port or free_port()
        process = self._start(web_process(port, self._room(), **self.environment), off)
        wait_for_port(process, port)
        return LiveServer(port, process)

    def worker(self, *, off: str = "", pool: str = "threads", wait: bool = True) -> Process:
        room = self._room()
        process = worker_process(room, **self.environment)
        process.command[process.command.index("-P") + 1] = pool
        process.command += ["-n", f"{room.name}@%h"]
        self._start(process, off)
        if wait:
            self.until_workers(1 + sum(other.log.name == "worker.log" and other.popen.poll() is None
                                       for other in self.processes[:-1]))  # fmt: skip
        return process

    def beat(self) -> Process:
        """Without it there is no sweeper."""
        return self._start(beat_process(self._room(), **self.environment), "")

    def until_workers(self, count: int) -> None:
        from omnisupport.celery import app

        until(lambda: len(app.control.ping(timeout=0.3) or []) >= count, 40, f"{count} workers answer")

    def stop(self) -> None:
        self.redis.mend()
        for process in self.processes:
            process.signal(signal.SIGCONT)
            process.signal(signal.SIGTERM)
        for process in self.processes:
            process.signal(signal.SIGKILL)
            process.popen.wait(10)

    def _room(self) -> Path:
        return self.folder / f"p{len(self.processes)}"

    def _start(self, process: Process, off: str) -> Process:
        if off:
            process.command[2:2] = ["tests.faults.sabotage", off]
        self.processes.append(process.start())
        return process


class RedisControl:
    """The Redis of this test session."""

    def __init__(self) -> None:
        self._engines = engines._STARTED[-1]
        self.client = redis.Redis.from_url(self._engines.redis_url, socket_timeout=5)

    @property
    def _child(self) -> Any:
        return next(child for child in self._engines.children if child.name == "redis")

    def shut_down(self) -> None:
        with contextlib.suppress(redis.RedisError):
            self.client.shutdown(nosave=True)
        self._child.process.wait(10)

    def start(self) -> None:
        child = start_redis(self._engines.data_dir, self._engines.redis_url)
        wait_for_redis(child, self._engines.redis_url)
        self._engines.children.remove(self._child)
        self._engines.children.append(child)

    def freeze(self) -> None:
        """Takes connections and bytes, answers nothing: a network that swallows packets."""
        self._child.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._child.process.send_signal(signal.SIGCONT)

    def mend(self) -> None:
        """As it was before the story."""
        if not self._child.running:
            self.start()
        self.thaw()
        self.client.config_set("maxmemory", 0)
        self.client.config_set("maxmemory-policy", "noeviction")
        self.client.flushall()


class Load:
    """Runs `step(number)` in a thread at a rate until it is stopped; the fault happens meanwhile."""

    def __init__(self, step: Callable[[int], None], per_second: float) -> None:
        self._step, self._pause = step, 1 / per_second
        self._over = threading.Event()
        self.done = 0
        self.fault: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Load":
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._over.set()
        self._thread.join(60)
        if self.fault is not None:
            raise self.fault

    def _run(self) -> None:
        from django.db import connection

        begun = time.monotonic()
        try:
            while not self._over.is_set():
                self._step(self.done)
                self.done += 1
                self._over.wait(max(0.0, begun + self.done * self._pause - time.monotonic()))
        except BaseException as error:
            self.fault = error
        finally:
            connection.close()


class Watcher:
    """An agent's screen: what the socket says, healed by `since` after each gap, as the inbox does it."""

    def __init__(self, dial: Callable[[], Any]) -> None:
        self._dial = dial
        self.seqs: list[int] = []
        self.begins_at = 0
        self.doubled = 0
        self.resyncs = 0
        self.connects: list[float] = []
        self.last = 0
        self._loop = asyncio.new_event_loop()
        self._task: asyncio.Task[None] | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.ready = threading.Event()

    def __enter__(self) -> "Watcher":
        self._thread.start()
        assert self.ready.wait(15), "the socket did not open"
        return self

    def __exit__(self, *_exc: object) -> None:
        if self._task is not None:
            self._loop.call_soon_threadsafe(self._task.cancel)
        self._thread.join(10)

    def _run(self) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            self._task = self._loop.create_task(self._live())
            self._loop.run_until_complete(self._task)
        self._loop.close()

    async def _live(self) -> None:
        while True:
            with contextlib.suppress(OSError, TimeoutError, Exception):
                await self._listen()
            await asyncio.sleep(0.3)

    async def _listen(self) -> None:
        import json

        async with self._dial() as socket:
            self.connects.append(time.monotonic())
            async for text in socket:
                frame = json.loads(text)
                if frame["type"] == "hello":
                    if not self.ready.is_set():
                        self.last = self.begins_at = int(frame["seq"])
                        self.ready.set()
                    elif int(frame["seq"]) > self.last:
                        await self._ask(socket)
                elif frame["type"] == "resync":
                    self.resyncs += 1
                    await self._ask(socket)
                elif frame["type"] == "event":
                    await self._take(socket, int(frame["seq"]))

    async def _ask(self, socket: Any) -> None:
        await socket.send(f'{{"type":"since","seq":"{self.last}"}}')

    async def _take(self, socket: Any, seq: int) -> None:
        if seq <= self.last:
            return  # what came live and again after `since` is drawn once
        if seq > self.last + 1:
            return await self._ask(socket)
        self.last = seq
        self.seqs.append(seq)


def held_by_workers() -> list[int]:
    from tickets.models import Delivery, Message

    return list(Message.objects.filter(delivery=Delivery.SENDING).values_list("id", flat=True))


def unsettled() -> int:
    """Messages to customers that are still to leave."""
    from tickets.models import Delivery, Message

    return Message.objects.filter(delivery__in=[Delivery.QUEUED, Delivery.SENDING]).count()


def waiting_rows() -> int:
    from channels_app.models import InboundEvent

    return InboundEvent.objects.filter(state=InboundEvent.State.RECEIVED).count()


@contextlib.contextmanager
def timed() -> Iterator[list[float]]:
    """Seconds that the block took, in the list."""
    taken: list[float] = []
    begun = time.monotonic()
    yield taken
    taken.append(round(time.monotonic() - begun, 1))
