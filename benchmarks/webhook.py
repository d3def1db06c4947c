"""Telegram webhook, 200 after the ledger row is committed, beside the bare floor doing the same INSERT."""

import itertools
import json
import os
from collections.abc import Iterator
from pathlib import Path

from benchmarks.harness import (
    Burst,
    Result,
    burst,
    free_port,
    http_request,
    median,
    process,
    uvicorn_command,
    wait_for_port,
)

ROUNDS = 8


def _floor_table() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS public.bench_floor")
        cursor.execute(
            "CREATE TABLE public.bench_floor (LIKE t_bench.channels_app_inboundevent INCLUDING DEFAULTS INCLUDING IDENTITY"
            " INCLUDING INDEXES INCLUDING CONSTRAINTS)"
        )


def run(folder: Path) -> list[Result]:
    from channels_app.models import Channel
    from channels_app.registry import adapter_for
    from omnisupport.lib.crypto import derive_secret
    from tenants.db import tenant_context
    from tenants.provisioning import create_workspace

    create_workspace(slug="bench", name="Bench", owner_email="o@bench.example", owner_password="a long password")
    with tenant_context("t_bench"):
        channel = Channel.objects.create(kind="telegram", name="bot", external_id="1", secrets={"token": "1:x"})
        adapter_for(channel)
    _floor_table()
    fixture = Path("channels_app/telegram/fixtures/message_text.json").read_bytes()
    secret = derive_secret(f"telegram:{channel.id}")
    numbers = itertools.count(1)

    def ours() -> Iterator[bytes]:
        update = json.loads(fixture)
        while True:
            update["update_id"] = next(numbers)
            body = json.dumps(update, ensure_ascii=False).encode()
            yield http_request(
                "POST", f"/hooks/telegram/{channel.id}/", "bench.localhost", body, X_Telegram_Bot_Api_Secret_Token=secret,
                Content_Type="application/json",
            )  # fmt: skip

    def bare() -> Iterator[bytes]:
        while True:
            yield http_request("POST", "/", "bench.localhost", fixture, Content_Type="application/json")

    ports = free_port(), free_port()
    with (
        process(uvicorn_command("benchmarks.floor:application", ports[0]), log=folder / "floor.log") as floor,
        process(
            uvicorn_command("omnisupport.asgi:application", ports[1]), log=folder / "ours.log", PORT=str(ports[1])
        ) as web,
    ):
        for port in ports:
            wait_for_port(port)
        rounds: list[tuple[Burst, Burst]] = []
        for _ in range(ROUNDS):
            rounds.append((burst(ports[0], bare, pid=floor.pid), burst(ports[1], ours, pid=web.pid)))
    kept = rounds[1:]
    ratio = median([mine.rps / theirs.rps for theirs, mine in kept])
    details = {
        "floor_rps": round(median([b.rps for b, _ in kept])),
        "ours_rps": round(median([b.rps for _, b in kept])),
        "floor_p95_ms": round(median([b.percentile(0.95) for b, _ in kept]), 1),
        "ours_p95_ms": round(median([b.percentile(0.95) for _, b in kept]), 1),
        "cpu_ms": f"{median([b.cpu_ms for b, _ in kept]):.2f}/{median([b.cpu_ms for _, b in kept]):.2f}",
        "failed": sum(b.failed for pair in kept for b in pair),
    }
    os.environ.pop("PORT", None)
    return [Result("webhook against the bare floor", ratio, "× requests/s", 0.6, at_least=True, details=details)]
