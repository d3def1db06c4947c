"""The real processes for tests that need them: uvicorn and a Celery worker against the test database and Redis.

`web.url(workspace)` gives the address of a workspace; tests that use it want committed data (`live_shop`).
"""

import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

ROOT = Path(__file__).resolve().parent.parent


def free_port() -> int:
    """Below the ports that the system gives to outgoing connections: one of those could take it before its server does."""
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def test_environment(**changes: str) -> dict[str, str]:
    """The environment of this test session with the test database's own name."""
    from django.conf import settings
    from django.db import connection

    base, _slash, _name = settings.DATABASE_URL.rpartition("/")
    name = connection.settings_dict["NAME"]
    return {**os.environ, "DATABASE_URL": f"{base}/{name}", "PYTHONUNBUFFERED": "1", **changes}


test_environment.__test__ = False  # type: ignore[attr-defined]


@dataclass
class Process:
    """A child with its log; `kill` is kill -9 to the whole group."""

    command: list[str]
    log: Path
    env: dict[str, str]
    popen: Any = field(default=None)

    def start(self) -> "Process":
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as out:
            self.popen = subprocess.Popen(
                self.command,
                cwd=ROOT,
                env=self.env,
                stdout=out,
                stderr=out,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        return self

    def signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.popen.pid, number)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        self.popen.wait(10)

    def stop(self) -> None:
        self.signal(signal.SIGTERM)
        try:
            self.popen.wait(15)
        except subprocess.TimeoutExpired:
            self.kill()

    def tail(self) -> str:
        return self.log.read_text(errors="replace")[-3000:]


@dataclass
class LiveServer:
    port: int
    process: Process

    def url(self, workspace: Any, path: str = "/") -> str:
        return f"http://{workspace.host}:{self.port}{path}"

    def client(self, workspace: Any, **headers: str) -> httpx.Client:
        """Connects to the loopback address whatever the resolver says of *.localhost."""
        return httpx.Client(
            base_url=f"http://127.0.0.1:{self.port}",
            headers={"Host": f"{workspace.host}:{self.port}", **headers},
            timeout=20,
        )


def web_process(port: int, folder: Path, **environment: str) -> Process:
    command = [
        sys.executable, "-m", "uvicorn", "omnisupport.asgi:application", "--host", "127.0.0.1", "--port", str(port),
        "--ws", "websockets-sansio", "--ws-per-message-deflate", "false", "--no-access-log",
    ]  # fmt: skip
    return Process(command, folder / "web.log", test_environment(PORT=str(port), PUBLIC_PORT=str(port), **environment))


def worker_process(folder: Path, **environment: str) -> Process:
    command = [
        sys.executable, "-m", "celery", "-A", "omnisupport", "worker", "-P", "threads", "-c", "4", "-l", "WARNING",
        "-Q", "sweeps,inbound,outbound,webhooks,assistant,ingestion,default", "--without-gossip", "--without-mingle",
    ]  # fmt: skip
    return Process(command, folder / "worker.log", test_environment(QDRANT_PATH=str(folder / "qdrant"), **environment))


def beat_process(folder: Path, **environment: str) -> Process:
    schedule = str(folder / "beat")
    command = [
        sys.executable,
        "-m",
        "celery",
        "-A",
        "omnisupport",
        "beat",
        "-l",
        "WARNING",
        "--pidfile=",
        "-s",
        schedule,
    ]
    return Process(command, folder / "beat.log", test_environment(**environment))


def wait_for_port(process: Process, port: int, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=2).status_code == 200:
                return
        if process.popen.poll() is not None:
            break
        time.sleep(0.1)
    raise AssertionError(f"The web process did not start:\n{process.tail()}")


@pytest.fixture(scope="session")
def web(_prepared: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """One web process for the session, on a port of its own. It polls no messenger: a story that sets one up has its own
    process for that, and this one, which knows nothing of its stand-in, would call the channel broken."""
    port = free_port()
    process = web_process(port, tmp_path_factory.mktemp("web"), PUBLIC_URL_REACHABLE="true").start()
    try:
        wait_for_port(process, port)
        yield LiveServer(port, process)
    finally:
        process.stop()


@pytest.fixture
def live_worker(_prepared: Any, tmp_path: Path) -> Iterator[Process]:
    """A worker of its own for one test."""
    process = worker_process(tmp_path).start()
    try:
        yield process
    finally:
        process.stop()


def until(condition: Any, seconds: float = 20, what: str = "") -> Any:
    """Waits for a truthy answer and returns it; the test fails with `what` when it never comes."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        answer = condition()
        if answer:
            return answer
        time.sleep(0.05)
    raise AssertionError(f"This did not happen within {seconds} s: {what or condition}")
