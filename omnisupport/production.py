"""What ENVIRONMENT=production refuses to start with: one clear line for each. Run by every process before it serves."""

import secrets
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, BrokenBarrierError

import psycopg
from django.conf import settings
from psycopg.conninfo import make_conninfo

from omnisupport.lib.redis import redis_client

_SAFE_POLICY = "noeviction"
_CONNECTIONS = 16


class RefusedToStart(SystemExit):
    """Ends the process with the reasons as its message."""


def refuse_unsafe_production() -> None:
    """Raises RefusedToStart; does nothing outside production."""
    if not settings.PRODUCTION:
        return
    problems = [*_secrets(), *_stand_ins(), *_layers(), *_broker(), *_pooler()]
    if problems:
        raise RefusedToStart(
            "ENVIRONMENT=production refuses to start:\n" + "\n".join(f"  - {line}" for line in problems)
        )


def _secrets() -> list[str]:
    keys = {
        "SECRET_KEY": settings.SECRET_KEY,
        "JWT_SECRET_KEY": settings.JWT_SECRET_KEY,
        "FIELD_ENCRYPTION_KEY": settings.FIELD_ENCRYPTION_KEYS[0] if settings.FIELD_ENCRYPTION_KEYS else "",
    }
    found = []
    for name, value in keys.items():
        if not value or value == settings.INSECURE_DEFAULT:
            found.append(f"{name} is missing or the public default. Set a random value of 50 characters.")
        elif len(value) < 32:
            found.append(f"{name} is shorter than 32 characters.")
    if not found and len(set(keys.values())) < len(keys):
        found.append("SECRET_KEY, JWT_SECRET_KEY and FIELD_ENCRYPTION_KEY must differ from each other.")
    if settings.DEBUG:
        found.append("DEBUG is on.")
    return found


def _stand_ins() -> list[str]:
    return ["FAKE_PROVIDERS is on: customers would talk to stand-ins. Unset it."] if settings.FAKE_PROVIDERS else []


def _layers() -> list[str]:
    found = []
    if "InMemory" in settings.CHANNEL_LAYERS["default"]["BACKEND"]:
        found.append("The channel layer is in memory; it reaches one process only. Use Redis.")
    if "locmem" in settings.CACHES["default"]["BACKEND"]:
        found.append("The cache is in memory; limits and locks would hold in one process only. Use Redis.")
    if not settings.QDRANT_URL:
        found.append("QDRANT_URL is not set; the embedded index can be opened by one process only.")
    return found


def _broker() -> list[str]:
    try:
        policy = redis_client().config_get("maxmemory-policy").get("maxmemory-policy", "")
    except Exception as error:
        return [f"Redis at REDIS_URL does not answer ({type(error).__name__})."]
    if policy != _SAFE_POLICY:
        return [f"Redis has maxmemory-policy {policy}; a broker must not evict. Set it to {_SAFE_POLICY}."]
    return []


def _pooler() -> list[str]:
    """Behind a transaction-mode pooler a session setting comes back changed: then half of the reads hit another tenant."""
    database = settings.DATABASES["default"]
    names = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}
    conninfo = make_conninfo(
        **{key: database[name] for key, name in names.items() if database[name]}, connect_timeout=5
    )
    barrier = Barrier(_CONNECTIONS, timeout=20)

    def keeps_its_setting(_number: int) -> bool:
        mine = secrets.token_hex(8)
        with psycopg.connect(conninfo, autocommit=True, prepare_threshold=None) as connection:
            connection.execute("SELECT set_config('application_name', %s, false)", [mine])
            barrier.wait()
            rows = [connection.execute("SELECT current_setting('application_name')").fetchone() for _ in range(3)]
        return all(row is not None and row[0] == mine for row in rows)

    try:
        with ThreadPoolExecutor(_CONNECTIONS) as pool:
            kept = list(pool.map(keeps_its_setting, range(_CONNECTIONS)))
    except (psycopg.Error, BrokenBarrierError) as error:
        return [f"PostgreSQL at DATABASE_URL does not take {_CONNECTIONS} connections ({type(error).__name__})."]
    if not all(kept):
        return [
            "DATABASE_URL leads through a transaction-mode pooler, which mixes workspaces. Use session mode or none."
        ]
    return []
