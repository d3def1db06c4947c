"""Both embedded servers of one data folder, for the run, for tests and for benchmarks."""

import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from omnisupport.embedded.environment import ensure_secrets, lock_data_dir, write_secrets
from omnisupport.embedded.postgres import plan_url as plan_postgres_url
from omnisupport.embedded.postgres import start_postgres, wait_for_postgres
from omnisupport.embedded.processes import Child, stop_all, stop_leftovers
from omnisupport.embedded.redis import plan_url as plan_redis_url
from omnisupport.embedded.redis import start_redis, wait_for_redis


@dataclass
class Engines:
    """The servers that were asked for; a URL is empty for the others."""

    data_dir: Path
    lock: int
    database_url: str = field(default="", repr=False)
    redis_url: str = field(default="", repr=False)
    children: list[Child] = field(default_factory=list)

    def stop(self) -> None:
        stop_all(self.children, grace=6)
        os.close(self.lock)


def start_engines(
    data_dir: Path,
    *,
    postgres: bool = True,
    redis: bool = True,
    durable: bool = True,
    step: Callable[[str], AbstractContextManager[object]] = nullcontext,
) -> Engines:
    """Locks the folder for this process, ends what a killed run left there and starts the servers asked for.

    `durable=False` is for tests: PostgreSQL does not wait for the disk. `step(title)` wraps each start.
    Raises StartError with a sentence for the operator. Must be called from the main thread.
    """
    data_dir = data_dir.resolve()
    engines = Engines(data_dir, lock_data_dir(data_dir))
    try:
        stop_leftovers(data_dir)
        known = ensure_secrets(data_dir)
        if postgres:
            engines.database_url = known["DATABASE_URL"] = plan_postgres_url(known.get("DATABASE_URL"))
        if redis:
            engines.redis_url = known["REDIS_URL"] = plan_redis_url(known.get("REDIS_URL"))
        # Before the servers: a cluster whose password was lost in a crash could never be opened again.
        write_secrets(data_dir, known)
        if postgres:
            with step("Starting PostgreSQL"):
                engines.children.append(start_postgres(data_dir, engines.database_url, durable=durable))
                wait_for_postgres(engines.children[-1], engines.database_url)
        if redis:
            with step("Starting Redis"):
                engines.children.append(start_redis(data_dir, engines.redis_url))
                wait_for_redis(engines.children[-1], engines.redis_url)
    except BaseException:
        engines.stop()
        raise
    return engines
