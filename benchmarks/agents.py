"""A hundred agents at one web process while 20 events a second happen; a third of the lines is cut again and again.

The log is the measure: each agent must have taken every event once and in order, as the page's own client does
(static/src/inbox/feed.ts).
"""

import asyncio
import json
import random
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from benchmarks.harness import Result, free_port, process, uvicorn_command, wait_for_port

AGENTS = 100
RATE = 20
SECONDS = 20
CUTS = 100


@dataclass
class Agent:
    """What one screen has taken: the sequence it stands at, and what came twice in spite of that."""

    seq: int = 0
    taken: list[int] = field(default_factory=list)
    held: dict[int, dict[str, Any]] = field(default_factory=dict)
    resyncs: int = 0
    socket: ClientConnection | None = None

    def take(self, frame: dict[str, Any]) -> None:
        number = int(frame["seq"])
        if number > self.seq:
            self.held[number] = frame
        while self.seq + 1 in self.held:
            self.seq += 1
            self.taken.append(self.seq)
            del self.held[self.seq]

    async def live(self, port: int, host: str, cookie: str) -> None:
        """Comes back whenever the line is cut, and asks for what it missed."""
        while True:
            try:
                async with connect(
                    f"ws://{host}/ws/agent/", host="127.0.0.1", port=port, origin=f"http://{host}",  # type: ignore[arg-type]
                    additional_headers={"Cookie": cookie}, subprotocols=["omni.v1"], compression=None,  # type: ignore[list-item]
                ) as self.socket:  # fmt: skip
                    await self._listen(self.socket)
            except (ConnectionClosed, OSError, TimeoutError):
                await asyncio.sleep(random.uniform(0.05, 0.5))

    async def _listen(self, socket: ClientConnection) -> None:
        async for text in socket:
            frame = json.loads(text)
            if frame["type"] == "event":
                self.take(frame)
                if not self.held:
                    continue
            elif frame["type"] == "resync":
                self.resyncs += 1
            elif frame["type"] != "hello":
                continue
            await socket.send(json.dumps({"type": "since", "seq": str(self.seq)}))


def run(folder: Path) -> list[Result]:
    from tenants.accounts.models import User
    from tenants.db import tenant_context
    from tenants.provisioning import create_workspace
    from tests.cast import HostClient

    create_workspace(slug="live", name="Live", owner_email="o@live.example", owner_password="a long password")
    with tenant_context("t_live"):
        browser = HostClient(HTTP_HOST="live.localhost")
        browser.force_login(User.objects.get())
        cookie = f"session={browser.cookies['session'].value}"
    port = free_port()
    with process(uvicorn_command("omnisupport.asgi:application", port), log=folder / "web.log", PORT=str(port)):
        wait_for_port(port)
        agents, newest, seconds = asyncio.run(_story(port, f"live.localhost:{port}", cookie))
    expected = list(range(1, newest + 1))
    missed = sum(len(set(expected) - set(agent.taken)) for agent in agents)
    doubled = sum(len(agent.taken) - len(set(agent.taken)) for agent in agents)
    disordered = sum(agent.taken != sorted(agent.taken) for agent in agents)
    about = {
        "agents": AGENTS, "events": newest, "events_s": round(newest / seconds, 1), "cuts": CUTS,
        "resyncs": sum(agent.resyncs for agent in agents), "out of order": disordered,
    }  # fmt: skip
    return [Result("events missed", missed, "", 0, details=about), Result("events doubled", doubled, "", 0)]


async def _story(port: int, host: str, cookie: str) -> tuple[list[Agent], int, float]:
    agents = [Agent() for _ in range(AGENTS)]
    lives = [asyncio.create_task(agent.live(port, host, cookie)) for agent in agents]
    while not all(agent.socket for agent in agents):
        await asyncio.sleep(0.1)
    started = time.perf_counter()
    maker = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.agents", stdout=asyncio.subprocess.PIPE
    )
    for number in range(CUTS):
        await asyncio.sleep(max(0.0, started + number * SECONDS / CUTS - time.perf_counter()))
        if socket := agents[random.randrange(AGENTS // 3)].socket:
            # As a lost line: no goodbye.
            socket.transport.abort()
    out, _nothing = await maker.communicate()
    newest, seconds = int(out.split()[-1]), time.perf_counter() - started
    for _wait in range(300):
        if all(agent.seq >= newest for agent in agents):
            break
        await asyncio.sleep(0.1)
    for life in lives:
        life.cancel()
    return agents, newest, seconds


def make_events() -> None:
    """In a process of its own, at its rate; prints the newest sequence."""
    import django

    django.setup()
    from django.db import transaction

    from tenants.db import tenant_context
    from tenants.events.dispatch import dispatch_new_events
    from tenants.events.log import record
    from tenants.sockets import newest_seq

    with tenant_context("t_live"):
        started = time.perf_counter()
        for number in range(RATE * SECONDS):
            time.sleep(max(0.0, started + number / RATE - time.perf_counter()))
            with transaction.atomic():
                record("contact.changed", payload={"contact_id": str(number)})
            dispatch_new_events()
        print(newest_seq())


if __name__ == "__main__":
    make_events()
