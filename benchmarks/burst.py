"""Ten thousand messages in ten seconds to one workspace: how soon each is acknowledged, when all are in their conversations,
and how long a customer of another workspace waits meanwhile."""

import json
import sys
import threading
import time
from pathlib import Path
from typing import Any

from benchmarks.callers import CALLERS
from benchmarks.harness import Result, flood, free_port, http_request, process, uvicorn_command, wait_for_port

MESSAGES, SECONDS = 10_000, 10
CHATS = 500
CALM = 20.0
PATIENCE = 600.0
_ACK_P99, _DRAINED, _NEIGHBOUR = 1.0, 300.0, 2.0


def run(folder: Path) -> list[Result]:
    crowd, calm = _channel("crowd"), _channel("calm")
    port = free_port()
    worker = [
        sys.executable, "-m", "celery", "-A", "omnisupport", "worker", "-P", "threads", "-c", "8", "-l", "ERROR",
        "-Q", "sweeps,inbound,outbound,webhooks,assistant,ingestion,default", "--without-gossip", "--without-mingle",
    ]  # fmt: skip
    beat = [sys.executable, "-m", "celery", "-A", "omnisupport", "beat", "-l", "ERROR", "--pidfile=",
            "-s", str(folder / "beat")]  # fmt: skip
    reachable = {"PORT": str(port), "PUBLIC_URL_REACHABLE": "true"}
    with (
        process(uvicorn_command("omnisupport.asgi:application", port), log=folder / "web.log", **reachable),
        process(worker, log=folder / "worker.log"),
        process(beat, log=folder / "beat.log"),
    ):
        wait_for_port(port, 120)
        return _story(port, crowd, calm)


def _channel(slug: str) -> Any:
    from channels_app.models import Channel
    from tenants.db import tenant_context
    from tenants.provisioning import create_workspace

    create_workspace(slug=slug, name=slug, owner_email=f"o@{slug}.example", owner_password="a long password")
    with tenant_context(f"t_{slug}"):
        return Channel.objects.create(kind="telegram", name="bot", external_id=slug, **CALLERS["telegram"].fields)


def _story(port: int, crowd: Any, calm: Any) -> list[Result]:
    flooded = [_update(crowd, "crowd", number, 700_000 + number % CHATS) for number in range(1, MESSAGES + 1)]
    over = threading.Event()
    neighbour = threading.Thread(target=_write_now_and_then, args=(port, calm, over))
    neighbour.start()
    _wait_until(lambda: _count("calm") > 0)
    time.sleep(CALM)
    calm_until = _count("calm")
    found = flood([port], flooded, per_second=MESSAGES / SECONDS)
    begun = time.monotonic()
    _wait_until(lambda: _count("crowd") == len(found.latencies))
    drained = time.monotonic() - begun
    over.set()
    neighbour.join()
    waits = _waits()
    before, during = _p95(waits[5:calm_until]), _p95(waits[calm_until:])
    found.latencies.sort()
    p99 = found.latencies[int(len(found.latencies) * 0.99)] / 1000
    sent = {"sent_in_s": round(found.seconds, 1), "refused": len(found.refused)}
    lost = len(found.latencies) - _count("crowd")
    others = {"calm_ms": round(before * 1000), "burst_ms": round(during * 1000), "messages": len(waits) - calm_until}
    return [
        Result("burst: webhook acknowledged, p99", p99, "s", _ACK_P99, details=sent),
        Result("burst: all messages in their conversations", drained, "s", _DRAINED, details={"lost": lost}),
        Result("burst: another workspace's p95 against calm", during / before, "×", _NEIGHBOUR, details=others),
    ]


def _update(channel: Any, slug: str, number: int, chat: int) -> bytes:
    message = {"message_id": number, "date": 1790008407, "text": "Где мой заказ?",
               "from": {"id": chat, "first_name": "Марина"}, "chat": {"id": chat, "type": "private"}}  # fmt: skip
    body = json.dumps({"update_id": number, "message": message}, ensure_ascii=False).encode()
    proof = CALLERS["telegram"].headers(channel, body)
    return http_request(
        "POST", f"/hooks/telegram/{channel.id}/", f"{slug}.localhost", body, Content_Type="application/json", **proof
    )


def _write_now_and_then(port: int, channel: Any, over: threading.Event) -> None:
    number = 0
    while not over.wait(0.2):
        number += 1
        flood([port], [_update(channel, "calm", number, 800_000 + number % 5)], connections=1)


def _count(slug: str) -> int:
    from tenants.db import tenant_context
    from tickets.models import Message

    with tenant_context(f"t_{slug}"):
        return Message.objects.count()


def _wait_until(condition: Any) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and not condition():
        time.sleep(0.2)


def _waits() -> list[float]:
    """Seconds from the acknowledged call to the message in its conversation, in order of arrival."""
    from channels_app.models import InboundEvent
    from tenants.db import tenant_context
    from tickets.models import Message

    with tenant_context("t_calm"):
        made = dict(Message.objects.values_list("external_id", "created_at"))
        rows = InboundEvent.objects.order_by("id").values_list("event_key", "received_at")
        return [(made[key] - at).total_seconds() for key, at in rows if key in made]


def _p95(values: list[float]) -> float:
    ordered = sorted(values)
    return ordered[int(len(ordered) * 0.95)] if ordered else float("nan")
