"""One event to 1,000 agent sockets of one process, beside a Node `ws` + Redis server in the same run; idle memory."""

import asyncio
import json
import os
import shutil
import time
from pathlib import Path
from typing import Any

import psutil

from benchmarks.harness import Result, free_port, median, process, uvicorn_command, wait_for_port

SOCKETS = 1000
EVENTS = 12
ROUNDS = 3


class RawClient:
    """A websocket client thin enough for a thousand of them in one process: handshake, then unmasked text frames."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def connect(cls, port: int, host: str, path: str, **headers: str) -> "RawClient":
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        lines = [
            f"GET {path} HTTP/1.1", f"Host: {host}", "Upgrade: websocket", "Connection: Upgrade",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13",
            *(f"{k.replace('_', '-')}: {v}" for k, v in headers.items()),
        ]  # fmt: skip
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n")
        head = await reader.readuntil(b"\r\n\r\n")
        if b" 101 " not in head.split(b"\r\n")[0]:
            raise ConnectionError(head.decode(errors="replace"))
        return cls(reader, writer)

    async def frame(self) -> bytes:
        head = await self.reader.readexactly(2)
        length = head[1] & 0x7F
        if length == 126:
            length = int.from_bytes(await self.reader.readexactly(2))
        elif length == 127:
            length = int.from_bytes(await self.reader.readexactly(8))
        return await self.reader.readexactly(length)


async def _listen(client: RawClient, arrivals: dict[int, list[float]]) -> None:
    while True:
        text = await client.frame()
        now = time.perf_counter()
        if b'"n":' in text:
            number = int(text.split(b'"n":')[1].split(b"}")[0].split(b",")[0])
            arrivals.setdefault(number, []).append(now)


async def _measure(
    port: int, host: str, path: str, channel: str, headers: dict[str, str], pid: int
) -> tuple[list[float], float]:
    """(milliseconds from publish to each socket, KiB per idle socket)."""
    import redis.asyncio

    before = psutil.Process(pid).memory_info().rss
    clients: list[RawClient] = []
    for start in range(0, SOCKETS, 50):
        clients += await asyncio.gather(
            *(RawClient.connect(port, host, path, **headers) for _ in range(min(50, SOCKETS - start)))
        )
    await asyncio.sleep(1)
    per_socket = (psutil.Process(pid).memory_info().rss - before) / 1024 / SOCKETS
    arrivals: dict[int, list[float]] = {}
    tasks = [asyncio.create_task(_listen(client, arrivals)) for client in clients]
    publisher = redis.asyncio.Redis.from_url(os.environ["REDIS_URL"])
    sent: dict[int, float] = {}
    for number in range(EVENTS):
        frame = {
            "type": "event",
            "seq": str(number),
            "event": "message.received",
            "ticket": "45",
            "data": {"n": number},
        }
        sent[number] = time.perf_counter()
        await publisher.publish(channel, json.dumps(frame, separators=(",", ":")))
        await asyncio.sleep(0.35)
    await asyncio.sleep(1)
    await publisher.aclose()
    for task in tasks:
        task.cancel()
    for client in clients:
        client.writer.close()
    lost = SOCKETS * EVENTS - sum(len(times) for times in arrivals.values())
    if lost:
        raise AssertionError(f"{lost} frames were not delivered")
    return [
        (arrived - sent[number]) * 1000 for number, times in arrivals.items() if number > 1 for arrived in times
    ], per_socket


def p95(values: list[float]) -> float:
    return sorted(values)[int(len(values) * 0.95)]


def run(folder: Path) -> list[Result]:
    from tenants.accounts.models import User
    from tenants.db import tenant_context
    from tenants.names import group_name
    from tenants.provisioning import create_workspace
    from tests.cast import HostClient

    create_workspace(slug="fan", name="Fan", owner_email="o@fan.example", owner_password="a long password")
    with tenant_context("t_fan"):
        client = HostClient(HTTP_HOST="fan.localhost")
        client.force_login(User.objects.get())
        cookie = f"session={client.cookies['session'].value}"
        group = group_name("agents")
    node_port, ours_port = free_port(), free_port()
    pairs: list[tuple[float, float]] = []
    memory: list[float] = []
    for _ in range(ROUNDS):
        with process(
            [shutil.which("node") or "node", "benchmarks/fanout_server.mjs", str(node_port)], log=folder / "node.log"
        ) as node:
            wait_for_port(node_port)
            theirs, _kib = asyncio.run(_measure(node_port, "fan.localhost", "/", "bench-fanout", {}, node.pid))
        with process(
            uvicorn_command("omnisupport.asgi:application", ours_port), log=folder / "hub.log", PORT=str(ours_port)
        ) as web:
            wait_for_port(ours_port)
            headers: dict[str, Any] = {"Cookie": cookie, "Origin": f"http://fan.localhost:{ours_port}"}
            host = f"fan.localhost:{ours_port}"
            asyncio.run(_warm(ours_port, host, headers))
            ours, kib = asyncio.run(_measure(ours_port, host, "/ws/agent/", f"rt:{group}", headers, web.pid))
        pairs.append((p95(theirs), p95(ours)))
        memory.append(kib)
    ratio = median([ours / theirs for theirs, ours in pairs])
    details = {
        "node_p95_ms": round(median([a for a, _ in pairs]), 1),
        "ours_p95_ms": round(median([b for _, b in pairs]), 1),
    }
    return [
        Result("fan-out to 1,000 sockets, p95 against Node ws", ratio, "×", 1.25, details=details),
        Result("idle socket", median(memory), "KiB", 30),
    ]


async def _warm(port: int, host: str, headers: dict[str, str]) -> None:
    """First connections load caches and open the pool; they are not what an idle socket costs."""
    clients = await asyncio.gather(*(RawClient.connect(port, host, "/ws/agent/", **headers) for _ in range(50)))
    await asyncio.sleep(0.5)
    for client in clients:
        client.writer.close()
    await asyncio.sleep(0.5)
