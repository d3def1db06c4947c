"""A bulk change of 5,000 conversations and its undoing in the real worker, while an agent opens one conversation after another.

Seconds are from the click to the change being done. CPU is that of the worker, PostgreSQL left out, until everybody has been
told: notices, webhooks and screens follow from the event log.
"""

import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

import httpx

from benchmarks.big_inbox import Desk, open_desk
from benchmarks.fanout import p95
from benchmarks.harness import Result, free_port, median, process, tree_cpu_seconds, uvicorn_command, wait_for_port

# Of a workspace of this size 15 % are not closed.
TICKETS = int(os.environ.get("BULK_TICKETS", "34000"))
CHANGED = min(5000, TICKETS * 15 // 100)
PATIENCE = 1800.0
WORKER = [
    sys.executable, "-m", "celery", "-A", "omnisupport", "worker", "-P", "threads", "-c", "8", "-l", "ERROR",
    "-Q", "sweeps,inbound,outbound,webhooks,assistant,ingestion,default", "--without-gossip", "--without-mingle",
]  # fmt: skip


def run(folder: Path) -> list[Result]:
    desk = open_desk("live", TICKETS)
    port = free_port()
    with (
        process(uvicorn_command("omnisupport.asgi:application", port), log=folder / "web.log", PORT=str(port)),
        process(WORKER, log=folder / "worker.log") as worker,
    ):
        wait_for_port(port, 120)
        time.sleep(4)  # the worker connects to its broker
        return _story(desk, port, worker.pid)


class Reader(threading.Thread):
    """Opens one conversation after another as the browser does; `times` are the milliseconds of each."""

    def __init__(self, browser: httpx.Client) -> None:
        super().__init__(daemon=True)
        self.browser, self.times, self.stop = browser, list[float](), threading.Event()

    def run(self) -> None:
        number = TICKETS
        while not self.stop.wait(0.5):
            number -= 1
            started = time.perf_counter()
            self.browser.get(f"/inbox/{number}/?view=open", headers={"HX-Target": "conversation"}).raise_for_status()
            self.times.append((time.perf_counter() - started) * 1000)


def _story(desk: Desk, port: int, worker: int) -> list[Result]:
    browser = httpx.Client(
        base_url=f"http://127.0.0.1:{port}", headers={"Host": desk.host, "HX-Request": "true"}, timeout=20,
        cookies={"session": desk.client().cookies["session"].value, "csrftoken": "c" * 32},
    )  # fmt: skip
    browser.headers["X-CSRFToken"] = "c" * 32
    reader = Reader(browser)
    reader.start()
    form = {
        "ids": ",".join(map(str, _chosen(desk))),
        "assignee": str(desk.viewer.id),
        "status": "solved",
        "add_tags": "опт",
    }
    results = []
    for name, path, state in (
        (f"bulk change of {CHANGED}", "/inbox/bulk/?view=open", "done"),
        (f"undoing it for {CHANGED}", "/inbox/bulk/{id}/undo/", "undone"),
    ):
        cpu, before = tree_cpu_seconds(worker), len(reader.times)
        started = time.perf_counter()
        browser.post(path.format(id=_bulk(desk).id if state == "undone" else ""), data=form).raise_for_status()
        bulk = until(lambda: _bulk(desk), lambda bulk, state=state: bulk.state == state)
        seconds = time.perf_counter() - started
        opened = reader.times[before:]
        until(lambda: _untold(desk), lambda untold: untold == 0)
        told = time.perf_counter() - started
        details = {
            "changed": bulk.done, "refused": bulk.refused, "undone": bulk.undone, "left": bulk.left,
            "all_told_s": round(told, 1), "worker_cpu_s": round(tree_cpu_seconds(worker) - cpu, 1),
        }  # fmt: skip
        results.append(Result(name, seconds, "s", 60, details=details))
        about = {"median": round(median(opened)), "least": round(min(opened)), "times": len(opened)}
        results.append(Result("   a conversation opened meanwhile, p95", p95(opened), "ms", 400, details=about))
    reader.stop.set()
    reader.join()
    return results


def _chosen(desk: Desk) -> list[int]:
    from tenants.db import tenant_context
    from tickets.models import Status, Ticket

    with tenant_context(desk.schema):
        live = Ticket.objects.exclude(status=Status.CLOSED).order_by("-id")
        return list(live.values_list("id", flat=True)[:CHANGED])


def _bulk(desk: Desk) -> Any:
    from tenants.db import tenant_context
    from tickets.models import BulkChange

    with tenant_context(desk.schema):
        return BulkChange.objects.get()


def _untold(desk: Desk) -> int:
    from tenants.db import tenant_context
    from tenants.events.models import Event

    bulk = _bulk(desk)
    with tenant_context(desk.schema):
        return Event.objects.filter(dispatched_at=None, attempts=0, created_at__gte=bulk.created_at).count()


def until(look: Any, is_met: Any) -> Any:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        found = look()
        if is_met(found):
            return found
        time.sleep(0.2)
    raise TimeoutError
