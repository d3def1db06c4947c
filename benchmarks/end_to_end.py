"""A visitor's message, from its POST to the screens of 100 agents, at 20 messages a second, all processes on this machine."""

import asyncio
import itertools
import json
import sys
import time
import uuid
from pathlib import Path

import httpx

from benchmarks.fanout import RawClient, p95
from benchmarks.harness import Result, free_port, process, uvicorn_command, wait_for_port

AGENTS = 100
RATE = 20
SECONDS = 15
VISITORS = 20


def run(folder: Path) -> list[Result]:
    from channels_app.models import Channel
    from tenants.accounts.models import User
    from tenants.db import tenant_context
    from tenants.provisioning import create_workspace
    from tests.cast import HostClient

    create_workspace(slug="live", name="Live", owner_email="o@live.example", owner_password="a long password")
    with tenant_context("t_live"):
        channel = Channel.objects.create(kind="widget", name="Site", config={})
        browser = HostClient(HTTP_HOST="live.localhost")
        browser.force_login(User.objects.get())
        cookie = f"session={browser.cookies['session'].value}"
    port = free_port()
    worker = [
        sys.executable, "-m", "celery", "-A", "omnisupport", "worker", "-P", "threads", "-c", "8", "-l", "ERROR",
        "-Q", "sweeps,inbound,outbound,webhooks,assistant,ingestion,default", "--without-gossip", "--without-mingle",
    ]  # fmt: skip
    with (
        process(uvicorn_command("omnisupport.asgi:application", port), log=folder / "web.log", PORT=str(port)),
        process(worker, log=folder / "worker.log"),
    ):
        wait_for_port(port)
        time.sleep(4)  # the worker connects to its broker
        times, missing = asyncio.run(_story(port, str(channel.id), cookie))
    return [
        Result(
            "visitor's message on 100 agents' sockets, p95", p95(times), "ms", 150,
            details={"median_ms": round(sorted(times)[len(times) // 2], 1), "deliveries": len(times), "missing": missing},
        )
    ]  # fmt: skip


async def _story(port: int, channel: str, cookie: str) -> tuple[list[float], int]:
    host = f"live.localhost:{port}"
    sockets = await asyncio.gather(
        *(RawClient.connect(port, host, "/ws/agent/", Cookie=cookie, Origin=f"http://{host}") for _ in range(AGENTS))
    )
    seen: list[tuple[str, float]] = []
    listeners = [asyncio.create_task(_listen(socket, seen)) for socket in sockets]
    sent: dict[str, float] = {}
    async with httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{port}/widget/{channel}", headers={"Host": host}, timeout=20
    ) as client:
        tokens = [(await client.post("/session/", json={})).json()["token"] for _ in range(VISITORS)]
        turns = itertools.cycle(tokens)
        posts = []
        started = time.perf_counter()
        for number in range(RATE * SECONDS):
            await asyncio.sleep(max(0.0, started + number / RATE - time.perf_counter()))
            posts.append(asyncio.create_task(_post(client, next(turns), sent)))
        await asyncio.gather(*posts)
    await asyncio.sleep(2)
    for task in listeners:
        task.cancel()
    times = [(at - sent[message]) * 1000 for message, at in seen if message in sent]
    # The first second warms caches and pools.
    early = {message for message, at in sent.items() if at < started + 1}
    kept = [(at - sent[m]) * 1000 for m, at in seen if m in sent and m not in early]
    return kept, AGENTS * len(sent) - len(times)


async def _post(client: httpx.AsyncClient, token: str, sent: dict[str, float]) -> None:
    started = time.perf_counter()
    body = {"client_id": str(uuid.uuid4()), "text": "Где мой заказ?"}
    answer = await client.post("/messages/", json=body, headers={"Authorization": f"Visitor {token}"})
    answer.raise_for_status()
    sent[str(answer.json()["id"])] = started


async def _listen(socket: RawClient, seen: list[tuple[str, float]]) -> None:
    while True:
        text = await socket.frame()
        now = time.perf_counter()
        if b'"message.received"' in text:
            seen.append((str(json.loads(text)["data"]["message_id"]), now))
