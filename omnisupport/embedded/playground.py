"""`FAKE_PROVIDERS=1 make run`: one more process plays messengers and models, and the run is pointed at it.

All that is known of it here is how to start it and the DATA_DIR/standins.json that it writes once it listens:
{pid, page (its address), hosts ([host:port]), environment ({name: value}), channels ([{kind, name, config, secrets}])}.
"""

import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from omnisupport.embedded.environment import ROOT
from omnisupport.embedded.processes import Child, StartError, spawn, stop_all

_READY_WITHIN = 30


def is_wanted(env: Mapping[str, str]) -> bool:
    """Raises StartError in production."""
    if env.get("FAKE_PROVIDERS", "").strip().lower() not in {"1", "true", "yes", "on"}:
        return False
    if env.get("ENVIRONMENT") == "production":
        raise StartError("FAKE_PROVIDERS does not go with ENVIRONMENT=production: customers would talk to stand-ins.")
    return True


def start_playground(env: Mapping[str, str], data_dir: Path) -> tuple[Child, dict[str, str]]:
    """The process, and the variables that lead the others to it. They win over what the operator gave: no real key is used."""
    child = spawn("standins", [sys.executable, "-m", "tests.standins"], data_dir=data_dir, env=env, cwd=ROOT)
    try:
        told = _wait_for(child, data_dir)
    except BaseException:
        stop_all([child], grace=1)
        raise
    hosts = ",".join(filter(None, [env.get("OUTBOUND_ALLOWED_HOSTS", ""), *told["hosts"]]))
    return child, {**told["environment"], "OUTBOUND_ALLOWED_HOSTS": hosts}


def _wait_for(child: Child, data_dir: Path) -> dict[str, Any]:
    deadline = time.monotonic() + _READY_WITHIN
    while time.monotonic() < deadline:
        told = _read(data_dir)
        # What an earlier run left there says nothing.
        if told.get("pid") == child.process.pid:
            return told
        if not child.running:
            raise StartError(child.describe_end())
        time.sleep(0.05)
    raise StartError(f"The stand-ins do not listen after {_READY_WITHIN} s. Log: {child.log}")


def _read(data_dir: Path) -> dict[str, Any]:
    path = data_dir / "standins.json"
    told: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return told


def playground_page(env: Mapping[str, str], data_dir: Path) -> str:
    """Its address; empty without it."""
    return str(_read(data_dir).get("page", "")) if is_wanted(env) else ""
