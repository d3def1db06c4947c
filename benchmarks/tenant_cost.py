"""What workspaces add to an ordinary request: statements, and CPU beside the same view without any tenant code."""

import os
from collections.abc import Iterator
from pathlib import Path

from benchmarks.harness import Result, burst, free_port, http_request, median, process, uvicorn_command, wait_for_port

ROUNDS = 7


def run(folder: Path) -> list[Result]:
    from tenants.provisioning import create_workspace

    create_workspace(slug="cost", name="Cost", owner_email="o@cost.example", owner_password="a long password")

    def requests() -> Iterator[bytes]:
        request = http_request("GET", "/bench/", "cost.localhost")
        while True:
            yield request

    plain_port, ours_port = free_port(), free_port()
    with (
        process(
            uvicorn_command("benchmarks.plain:application", plain_port), log=folder / "plain.log", BENCH_TENANTS=""
        ) as plain,
        process(
            uvicorn_command("benchmarks.plain:application", ours_port), log=folder / "tenants.log", BENCH_TENANTS="1"
        ) as ours,
    ):
        for port in (plain_port, ours_port):
            wait_for_port(port)
        rounds = [
            (burst(plain_port, requests, pid=plain.pid), burst(ours_port, requests, pid=ours.pid))
            for _ in range(ROUNDS)
        ][1:]
    cpu = median([b.cpu_ms / a.cpu_ms for a, b in rounds])
    failed = sum(b.failed for pair in rounds for b in pair)
    details = {
        "plain_ms": round(median([a.cpu_ms for a, _ in rounds]), 2),
        "ours_ms": round(median([b.cpu_ms for _, b in rounds]), 2),
        "failed": failed,
    }
    os.environ.pop("BENCH_TENANTS", None)
    return [
        Result("CPU of a request with tenants against without", cpu, "×", 1.25, details=details),
        Result("statements that tenants add to a request", _extra_statements(), "", 1),
    ]


def _extra_statements() -> float:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from tenants.accounts.models import User
    from tenants.db import tenant_context

    User.objects.filter(role="owner").first()  # the connection is open, as a pooled one is
    with CaptureQueriesContext(connection) as queries, tenant_context("t_cost"):
        User.objects.filter(role="owner").first()
        User.objects.filter(role="agent").first()
    return len(queries) - 2
