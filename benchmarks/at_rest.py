"""Memory of the whole embedded run at rest: the supervisor, PostgreSQL, Redis, web, worker and beat, with the demo data."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from benchmarks.harness import ROOT, Result, free_port, wait_for_port

OWN_HOUSE = True
REST_SECONDS = 45


def run(_folder: Path | None) -> list[Result]:
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="omni-rest-") as name:
        Path(name).chmod(0o755)
        environment = {**os.environ, "DATA_DIR": f"{name}/data", "PORT": str(port)}
        for inherited in ("DATABASE_URL", "REDIS_URL"):
            environment.pop(inherited, None)
        with (Path(name) / "run.log").open("wb") as log:
            child = subprocess.Popen(
                [sys.executable, "-m", "omnisupport.embedded"], cwd=ROOT, env=environment, stdout=log, stderr=log
            )
        try:
            started = time.monotonic()
            wait_for_port(port, 180, "/readyz")
            ready = time.monotonic() - started
            time.sleep(REST_SECONDS)
            # PSS counts memory that processes share (PostgreSQL's buffers, libraries) once.
            tree = [psutil.Process(child.pid), *psutil.Process(child.pid).children(recursive=True)]
            parts: dict[str, float] = {}
            for process in tree:
                label = process.name()
                if "uvicorn" in process.cmdline():
                    label = "web"
                elif "worker" in process.cmdline():
                    label = "worker"
                elif "beat" in process.cmdline():
                    label = "beat"
                parts[label] = parts.get(label, 0) + process.memory_full_info().pss / 2**20
        finally:
            child.send_signal(signal.SIGINT)
            child.wait(30)
    details = {name: round(size) for name, size in sorted(parts.items())} | {"answering_after_s": round(ready, 1)}
    return [Result("embedded run at rest", sum(parts.values()), "MB", 900, details=details)]
