"""One installation to break: web processes, workers and beat of a workspace, Redis that can be stopped, frozen and emptied."""

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import psutil
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


def p95(values: Iterable[float]) -> float:
    ordered = sorted(values)
    return round(ordered[int(len(ordered) * 0.95)], 2) if ordered else 0.0


class House:
    """Processes end with the story. `off` names what tests/faults/sabotage.py switches off in a process."""

    def __init__(self, workspace: Workspace, folder: Path, **environment: str) -> None:
        self.workspace, self.folder = workspace, folder
        # Providers call: pollers would only be in the way.
        self.environment = {
            "FAULTS_MARKS": str(folder), "LOG_LEVEL": "WARNING", "PUBLIC_URL_REACHABLE": "true", **environment,
        }  # fmt: skip
        self.ledger = Ledger(folder / "ledger.jsonl")
        self.processes: list[Process] = []
        self.redis = RedisControl()
        self._neighbours = Neighbours()

    def holds(self, value: float, limit: float) -> bool:
        """Whether a limit of time was kept. Where others use the machine, times say nothing of us and are reported only."""
        return value <= limit or self._neighbours.share() > 0.15

    def web(self, *, off: str = "", port: int = 0) -> LiveServer:
        port = port or free_port()
        process = self._start(web_process(port, self._room(), **self.environment), off)
        wait_for_port(process, port, 90)
        return LiveServer(port, process)

    def worker(self, *, off: str = "", pool: str = "threads", threads: int = 4, wait: bool = True) -> Process:
        room = self._room()
        process = worker_process(room, **self.environment)
        process.command[process.command.index("-P") + 1] = pool
        process.command[process.command.index("-c") + 1] = str(threads)
        process.command += ["-n", f"{room.name}@%h"]
        self._start(process, off)
        if wait:
            self.until_workers(len(self.workers))
        return process

    @property
    def workers(self) -> list[Process]:
        """Those that run."""
        return [
            process for process in self.processes if process.log.name == "worker.log" and process.popen.poll() is None
        ]

    def stop_workers(self) -> None:
        for worker in self.workers:
            worker.stop()

    def beat(self) -> Process:
        """Without it there is no sweeper."""
        return self._start(beat_process(self._room(), **self.environment), "")

    def open(self, *, webs: int = 0, workers: int = 1, off: str = "", threads: int = 4) -> list[LiveServer]:
        """Beat, workers and web processes, started at the same time; returns when all of them answer."""
        self.beat()
        for _worker in range(workers):
            self.worker(off=off, threads=threads, wait=False)
        servers = []
        for _web in range(webs):
            port = free_port()
            servers.append(LiveServer(port, self._start(web_process(port, self._room(), **self.environment), off)))
        for server in servers:
            wait_for_port(server.process, server.port, 90)
        self.until_workers(workers)
        return servers

    def until_workers(self, count: int) -> None:
        from omnisupport.celery import app

        def answer() -> bool:
            # This process has connections of its own, which a Redis that went away in an earlier story has cut.
            with contextlib.suppress(redis.RedisError, OSError):
                return len(app.control.ping(timeout=0.3) or []) >= count
            return False

        until(answer, 90, f"{count} workers answer")

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


class Neighbours:
    """How much of the machine somebody else has used since the story began."""

    def __init__(self) -> None:
        self._begun, self._others = time.monotonic(), self._used()

    def share(self) -> float:
        seconds = (time.monotonic() - self._begun) * (os.cpu_count() or 1)
        return (self._used() - self._others) / max(seconds, 0.001)

    @staticmethod
    def _used() -> float:
        """CPU-seconds of everybody but this process, its children and those that it has seen end."""
        times = psutil.cpu_times()
        ours = 0.0
        me = psutil.Process()
        for process in (me, *me.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                used = process.cpu_times()
                ours += used.user + used.system + used.children_user + used.children_system
        return float(times.user + times.system + times.nice - ours)


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
