"""Telegram's webhook, 200 after the ledger row is committed, beside the bare floor doing the same INSERT."""

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.callers import CALLERS
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

HOST = "bench.localhost"
ROUNDS = 8


def run(folder: Path) -> list[Result]:
    return measure(folder, ["telegram"], ROUNDS)


def measure(folder: Path, kinds: Sequence[str], rounds: int) -> list[Result]:
    """One goal for each kind."""
    channels = _channels(kinds)
    ports = free_port(), free_port()
    results = []
    with (
        process(uvicorn_command("benchmarks.floor:application", ports[0]), log=folder / "floor.log") as floor,
        process(
            uvicorn_command("omnisupport.asgi:application", ports[1]), log=folder / "ours.log", PORT=str(ports[1]),
            PUBLIC_URL_REACHABLE="true",
        ) as web,
    ):  # fmt: skip
        for port in ports:
            wait_for_port(port)
        for channel in channels:
            caller = CALLERS[channel.kind]
            stream, bare = caller.requests(channel, HOST), _bare(caller.template(channel))
            pairs = [
                (burst(ports[0], bare, pid=floor.pid), burst(ports[1], lambda: stream, pid=web.pid))  # noqa: B023
                for _round in range(rounds)
            ]
            # The first round warms caches and pools.
            results.append(_result(channel.kind, pairs[1:]))
    os.environ.pop("PORT", None)
    return results


def _channels(kinds: Sequence[str]) -> list[Any]:
    from channels_app.models import Channel
    from tenants.db import tenant_context
    from tenants.provisioning import create_workspace

    create_workspace(slug="bench", name="Bench", owner_email="o@bench.example", owner_password="a long password")
    _floor_table()
    with tenant_context("t_bench"):
        return [
            Channel.objects.create(kind=kind, name=kind, external_id=f"bench-{kind}", **CALLERS[kind].fields)
            for kind in kinds
        ]


def _floor_table() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS public.bench_floor")
        cursor.execute(
            "CREATE TABLE public.bench_floor (LIKE t_bench.channels_app_inboundevent INCLUDING DEFAULTS INCLUDING IDENTITY"
            " INCLUDING INDEXES INCLUDING CONSTRAINTS)"
        )


def _bare(body: bytes) -> Callable[[], Iterator[bytes]]:
    def requests() -> Iterator[bytes]:
        while True:
            yield http_request("POST", "/", HOST, body, Content_Type="application/json")

    return requests


def _result(kind: str, kept: list[tuple[Burst, Burst]]) -> Result:
    ratio = median([mine.rps / theirs.rps for theirs, mine in kept])
    details = {
        "floor_rps": round(median([b.rps for b, _ in kept])),
        "ours_rps": round(median([b.rps for _, b in kept])),
        "floor_p95_ms": round(median([b.percentile(0.95) for b, _ in kept]), 1),
        "ours_p95_ms": round(median([b.percentile(0.95) for _, b in kept]), 1),
        "cpu_ms": f"{median([b.cpu_ms for b, _ in kept]):.2f}/{median([b.cpu_ms for _, b in kept]):.2f}",
        "failed": sum(b.failed for pair in kept for b in pair),
    }
    return Result(
        f"webhook of {kind} against the bare floor", ratio, "× requests/s", 0.6, at_least=True, details=details
    )
