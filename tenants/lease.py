"""A process's sign of life in PostgreSQL: an advisory lock, held by a connection of its own for as long as the process lives.

What a dead worker had in its hands is known at once, whatever killed it, without waiting for a time-out and without anybody's
clock.
"""

import secrets
import threading
import time

import psycopg
from django.db import connection
from psycopg.conninfo import make_conninfo

# The first half of the lock's key; the second is the holder's number.
LEASES = 0x6F6D6E69
# How long a broken connection may go unnoticed (seconds).
CHECK_EVERY = 5.0

# The numbers of the holders that live.
LIVING = (
    "SELECT objid::bigint FROM pg_locks WHERE locktype = 'advisory' AND granted"  # noqa: S608  # nothing foreign in it
    f" AND classid = {LEASES} AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


class Lease:
    """One per process. `number` is an int4 that nobody else has."""

    def __init__(self) -> None:
        self.number = 0
        self._connection: psycopg.Connection | None = None
        self._checked = 0.0
        self._lock = threading.Lock()

    def hold(self) -> int:
        """The process's number, under a lock that is alive. Raises psycopg.Error when the database is away."""
        with self._lock:
            if self._connection is None or not self._is_alive():
                self._connection = self._take()
            self._checked = time.monotonic()
            return self.number

    def _is_alive(self) -> bool:
        if time.monotonic() - self._checked < CHECK_EVERY:
            return True
        assert self._connection is not None
        try:
            self._connection.execute("SELECT 1")
        except psycopg.Error:
            self._connection.close()
            return False
        return True

    def _take(self) -> psycopg.Connection:
        taken = psycopg.connect(conninfo(), autocommit=True, connect_timeout=5, application_name="lease")
        self.number = secrets.randbelow(2**31 - 1) + 1
        taken.execute("SELECT pg_advisory_lock(%s, %s)", [LEASES, self.number])
        return taken

    def release(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()
            self._connection = None


lease = Lease()


def conninfo() -> str:
    """Of the default database, for connections outside Django's pool."""
    database = connection.settings_dict
    names = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}
    return make_conninfo(**{name: database[key] for name, key in names.items() if database[key]})


def living_holders() -> set[int]:
    with connection.cursor() as cursor:
        cursor.execute(LIVING)
        return {int(number) for (number,) in cursor.fetchall()}
