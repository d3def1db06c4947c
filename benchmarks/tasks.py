"""What a Celery task costs: from the call in our code to its first line in a worker, and what PostgreSQL spends on it."""

import sys
import time
from pathlib import Path

import psutil

from benchmarks.harness import Result, process

TASKS = 600
PER_SECOND = 50
LOAD = 3000


def run(folder: Path) -> list[Result]:
    from tenants.db import tenant_context
    from tenants.provisioning import create_workspace

    create_workspace(slug="tasks", name="Tasks", owner_email="o@tasks.example", owner_password="a long password")
    worker = [
        sys.executable, "-m", "celery", "-A", "benchmarks.timed_task", "worker", "-P", "threads", "-c", "4",
        "-l", "ERROR", "-Q", "default", "--without-gossip", "--without-mingle",
    ]  # fmt: skip
    with process(worker, log=folder / "worker.log"), tenant_context("t_tasks"):
        _until_one_ran()
        waits = _waits()
        cpu = _postgres_cpu_of(LOAD)
    waits.sort()
    return [
        Result("task: enqueue to start, p95", waits[int(len(waits) * 0.95)], "ms", 15,
               details={"median_ms": round(waits[len(waits) // 2], 1), "tasks": len(waits)}),
        Result("task: PostgreSQL's CPU for each", cpu, "ms", 1.5, details={"tasks": LOAD}),
    ]  # fmt: skip


def _until_one_ran() -> None:
    from benchmarks.timed_task import start
    from tenants.tasking import wake

    while not wake(start, time.time()):
        time.sleep(1)
    if not _started(1):
        raise TimeoutError("no worker ran a task")


def _waits() -> list[float]:
    """Milliseconds, at a rate far below what a worker can do."""
    _send(TASKS, pause=1 / PER_SECOND)
    # The first second warms connections.
    return _started(TASKS)[PER_SECOND:]


def _postgres_cpu_of(count: int) -> float:
    """Milliseconds a task, all of them at once; what PostgreSQL does by itself meanwhile is counted too."""
    before = _postgres_cpu()
    _send(count, pause=0)
    _started(count)
    return (_postgres_cpu() - before) * 1000 / count


def _send(count: int, pause: float) -> None:
    from benchmarks.timed_task import start
    from tenants.tasking import wake

    begun = time.perf_counter()
    for number in range(count):
        time.sleep(max(0.0, begun + number * pause - time.perf_counter()))
        wake(start, time.time())


def _started(count: int) -> list[float]:
    from benchmarks.timed_task import STARTS
    from omnisupport.lib.redis import redis_client

    deadline = time.monotonic() + 300
    while redis_client().llen(STARTS) < count and time.monotonic() < deadline:
        time.sleep(0.1)
    found = redis_client().lrange(STARTS, 0, -1)
    redis_client().delete(STARTS)
    return [float(text) for text in found]


def _postgres_cpu() -> float:
    """Seconds of the server, those of backends that have ended included."""
    total = 0.0
    for child in psutil.Process().children(recursive=True):
        if child.name() == "postgres":
            times = child.cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
    return total
