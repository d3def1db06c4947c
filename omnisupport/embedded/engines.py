"""Both embedded servers of one data folder, for the run, for tests and for benchmarks."""

import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from omnisupport.embedded.environment import ensure_secrets, lock_data_dir, write_secrets
from omnisupport.embedded.postgres import start_postgres
from omnisupport.embedded.processes import Child, stop_all, stop_leftovers
from omnisupport.embedded.redis import start_redis


@dataclass
class Engines:
    """The servers that were asked for; a URL is empty for the others."""

    data_dir: Path
    lock: int
    database_url: str = ""
    redis_url: str = ""
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
    step: Callable[[str], AbstractContextManager[None]] = nullcontext,
) -> Engines:
    """Locks the folder for this process, ends what a killed run left there and starts the servers asked for.

    `durable=False` is for tests: PostgreSQL does not wait for the disk. `step(title)` wraps each start, to show progress.
    Raises StartError with a sentence for the operator. Must be called from the main thread.
    """
    data_dir = data_dir.resolve()
    engines = Engines(data_dir, lock_data_dir(data_dir))
    try:
        stop_leftovers(data_dir)
        known = ensure_secrets(data_dir)
        if postgres:
            with step("Starting PostgreSQL"):
                engines.database_url, child = start_postgres(data_dir, known.get("DATABASE_URL"), durable=durable)
                engines.children.append(child)
        if redis:
            with step("Starting Redis"):
                engines.redis_url, child = start_redis(data_dir, known.get("REDIS_URL"))
                engines.children.append(child)
        urls = {"DATABASE_URL": engines.database_url, "REDIS_URL": engines.redis_url}
        write_secrets(data_dir, known | {name: url for name, url in urls.items() if url})
    except BaseException:
        engines.stop()
        raise
    return engines
