"""What every benchmark shares: engines, servers, a small HTTP load generator, medians and ratios over alternating rounds.

Both sides of a comparison run in the same minute and take turns, because absolute figures of a shared machine mean little.
"""

import asyncio
import contextlib
import importlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parent.parent


@dataclass
class Result:
    """One line of the report. `goal` is met when `value` compares to `limit` as `better` says."""

    name: str
    value: float
    unit: str
    limit: float
    at_least: bool = False
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def met(self) -> bool:
        return self.value >= self.limit if self.at_least else self.value <= self.limit

    def __str__(self) -> str:
        sign = "≥" if self.at_least else "≤"
        mark = "met   " if self.met else "MISSED"
        extra = "  ".join(f"{key}={value}" for key, value in self.details.items())
        return f"{mark}  {self.name}: {self.value:.3g} {self.unit} (goal {sign} {self.limit:g})  {extra}"


@dataclass
class Burst:
    """One round of load: latencies in milliseconds, requests per second, CPU-milliseconds per request of the server."""

    rps: float
    latencies: list[float]
    cpu_ms: float
    failed: int

    def percentile(self, q: float) -> float:
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(len(ordered) * q))] if ordered else float("nan")


def median(values: list[float]) -> float:
    return statistics.median(values)


def tree_cpu_seconds(pid: int) -> float:
    """User and system time of a process and its children."""
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        times = [p.cpu_times() for p in (process, *process.children(recursive=True))]
        return sum(t.user + t.system for t in times)
    return 0.0


async def _exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> int:
    """The status of the answer, read to its end."""
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    if length:
        await reader.readexactly(length)
    return int(head[9:12])


async def _connection(
    port: int, requests: Iterator[bytes], deadline: float, latencies: list[float], failures: list[int]
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for request in requests:
            started = time.perf_counter()
            if started > deadline:
                return
            status = await _exchange(reader, writer, request)
            if 200 <= status < 400:
                latencies.append((time.perf_counter() - started) * 1000)
            else:
                failures.append(status)
    finally:
        writer.close()


def burst(
    port: int, make_requests: Callable[[], Iterator[bytes]], *, pid: int, seconds: float = 1.5, connections: int = 8
) -> Burst:
    """Keeps `connections` busy for `seconds`; `make_requests` gives each of them an endless stream of raw requests."""
    latencies: list[float] = []
    failures: list[int] = []
    cpu = tree_cpu_seconds(pid)
    started = time.perf_counter()

    async def run() -> None:
        deadline = time.perf_counter() + seconds
        await asyncio.gather(
            *(_connection(port, make_requests(), deadline, latencies, failures) for _ in range(connections))
        )

    asyncio.run(run())
    elapsed = time.perf_counter() - started
    used = tree_cpu_seconds(pid) - cpu
    done = max(1, len(latencies))
    return Burst(len(latencies) / elapsed, latencies, used * 1000 / done, len(failures))


@dataclass
class Flood:
    """`latencies` in milliseconds; `refused` are the places of the requests that got no 2xx; `begun` when each was sent, in
    seconds since 1970; `seconds` for all."""

    latencies: list[float] = field(default_factory=list)
    refused: list[int] = field(default_factory=list)
    begun: dict[int, float] = field(default_factory=dict)
    seconds: float = 0.0


def flood(ports: Sequence[int], requests: Sequence[bytes], *, per_second: float = 0, connections: int = 40) -> Flood:
    """Sends each request once, in turn to the ports; with a rate, none before its time. Telegram opens 40 connections."""
    found, places = Flood(), iter(range(len(requests)))
    started = time.perf_counter()

    async def keep_sending(port: int) -> None:
        stream = None
        for place in places:
            if per_second:
                await asyncio.sleep(max(0.0, started + place / per_second - time.perf_counter()))
            begun, status = time.perf_counter(), 0
            found.begun[place] = time.time()
            with contextlib.suppress(OSError, EOFError):
                stream = stream or await asyncio.open_connection("127.0.0.1", port)
                status = await _exchange(*stream, requests[place])
            if status == 0 and stream is not None:
                stream[1].close()
                stream = None
            if 200 <= status < 300:
                found.latencies.append((time.perf_counter() - begun) * 1000)
            else:
                found.refused.append(place)
        if stream is not None:
            stream[1].close()

    async def run() -> None:
        await asyncio.gather(*(keep_sending(ports[number % len(ports)]) for number in range(connections)))

    asyncio.run(run())
    found.seconds = time.perf_counter() - started
    return found


def http_request(method: str, path: str, host: str, body: bytes = b"", **headers: str) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@contextlib.contextmanager
def process(command: list[str], *, log: Path, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as out:
        child = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **environment}, stdout=out, stderr=out)
    try:
        yield child
    finally:
        child.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(10)
        if child.poll() is None:
            child.kill()


def wait_for_port(port: int, seconds: float = 30, path: str = "/healthz") -> None:
    import httpx

    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.HTTPError):
            httpx.get(f"http://127.0.0.1:{port}{path}", timeout=2)
            return
        time.sleep(0.1)
    raise TimeoutError(f"nothing answers on port {port}")


def free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def house() -> Iterator[Path]:
    """Durable PostgreSQL and Redis in a temporary folder, Django set up on them, the database prepared."""
    from omnisupport.embedded import start_engines

    with tempfile.TemporaryDirectory(prefix="omni-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        engines = start_engines(folder)
        os.environ.update(
            {
                "DATABASE_URL": engines.database_url,
                "REDIS_URL": engines.redis_url,
                "DATA_DIR": str(folder),
                "DJANGO_SETTINGS_MODULE": "omnisupport.settings",
                "SECRET_KEY": "s" * 50,
                "JWT_SECRET_KEY": "j" * 50,
                "FIELD_ENCRYPTION_KEY": "f" * 50,
                "LOG_LEVEL": "ERROR",
            }
        )
        import django

        django.setup()
        from tenants.provisioning import prepare_database

        try:
            prepare_database()
            yield folder
        finally:
            from django.db import connection

            connection.close()
            engines.stop()


def run_by_name(name: str) -> list[Result]:
    """One benchmark in a house of its own. Not in `__main__`, which a spawned process does not import."""
    with house() as folder:
        found: list[Result] = importlib.import_module(f"benchmarks.{name}").run(folder)
        return found


def uvicorn_command(application: str, port: int) -> list[str]:
    return [
        sys.executable, "-m", "uvicorn", application, "--host", "127.0.0.1", "--port", str(port), "--loop", "uvloop",
        "--http", "httptools", "--ws", "websockets-sansio", "--ws-per-message-deflate", "false", "--no-access-log",
        "--log-level", "error",
    ]  # fmt: skip
