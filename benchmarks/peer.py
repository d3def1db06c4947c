"""The same list from django-helpdesk, on the same PostgreSQL with as many tickets and messages, in turns with ours."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.harness import ROOT, Result, median

REQUIREMENTS = ("django-helpdesk==2.6.1", "Django==5.2.19", "psycopg[binary]==3.3.9")
ROUNDS = 12


def compare(client: Any, tickets: int) -> list[Result]:
    """`client` is signed in to a workspace with that many tickets. Nothing, with a word why, where it cannot be installed."""
    python = _install(ROOT / "var" / "bench-peer")
    if python is None:
        print("   skipped: django-helpdesk cannot be installed here, so nothing is compared with it", flush=True)
        return []
    command, pipe = [str(python), "-m", "benchmarks.peer_site", str(tickets)], subprocess.PIPE
    environment = {**os.environ, "DATABASE_URL": _database("helpdesk")}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdin=pipe, stdout=pipe, text=True) as peer:
        assert peer.stdin is not None and peer.stdout is not None
        if not (ready := peer.stdout.readline()):
            raise RuntimeError("django-helpdesk did not start")
        theirs, ours = [], []
        for _round in range(ROUNDS):
            peer.stdin.write("\n")
            peer.stdin.flush()
            theirs.append(json.loads(peer.stdout.readline()))
            ours.append(_ask(client))
        peer.stdin.close()
    from tickets.queries import PAGE

    about = json.loads(ready)
    each = [(0.0, used / PAGE) for _ms, used in ours], [(0.0, used / about["rows"]) for _ms, used in theirs]
    return [_result("list data against django-helpdesk's", 0, 8, ours, theirs, {"their queries": about["queries"]}),
            _result("CPU of one row of it against theirs", 1, 3.5, *each, {})]  # fmt: skip


def _ask(client: Any) -> tuple[float, float]:
    """The rows alone, as a script fetches them: in HTML, and as many as they have in JSON."""
    from omnisupport.lib.stack import with_room
    from tickets.queries import PAGE

    started, used = time.perf_counter(), time.process_time()
    answer = with_room(client.get, "/inbox/?view=open", headers={"HX-Request": "true", "HX-Target": "rows-more"})
    assert answer.content.count(b'class="ticket"') == PAGE
    return (time.perf_counter() - started) * 1000, (time.process_time() - used) * 1000


def _result(name: str, place: int, limit: float, ours: Any, theirs: Any, about: dict[str, Any]) -> Result:
    mine, other = (median([pair[place] for pair in pairs]) for pairs in (ours, theirs))
    details = {"ms": round(mine, 2), "theirs": round(other, 2), **about}
    return Result(name, other / mine, "×", limit, at_least=True, details=details)


def _install(folder: Path) -> Path | None:
    python = folder / "bin" / "python"
    if not (folder / "ready").exists():
        steps = (
            [sys.executable, "-m", "venv", str(folder)],
            [str(python), "-m", "pip", "install", "-q", *REQUIREMENTS],
        )
        if any(subprocess.run(step, check=False, capture_output=True).returncode for step in steps):
            return None
        (folder / "ready").touch()
    return python


def _database(name: str) -> str:
    """A new one beside ours."""
    import psycopg

    ours = os.environ["DATABASE_URL"]
    with psycopg.connect(ours, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return f"{ours.rsplit('/', 1)[0]}/{name}"
