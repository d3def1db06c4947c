"""Moments out of PostgreSQL, read by the C of the standard library."""

from datetime import UTC, datetime

from django.db.backends.postgresql.psycopg_any import get_adapters_template
from psycopg.abc import Buffer
from psycopg.types.datetime import TimestamptzLoader


class UtcLoader(TimestamptzLoader):
    """psycopg reads a timestamptz in C, Django's subclass of its loader in Python with a regular expression: 7 µs, of which a
    page of a conversation has hundreds. This one takes 0.5 µs for the same datetime."""

    # Django puts a loader of its own in the place of one that is of another zone than the connection.
    timezone = UTC

    def load(self, data: Buffer) -> datetime:
        try:
            return datetime.fromisoformat(str(data, "ascii"))
        except ValueError:
            # Before Christ, beyond the year 9999 or infinite: said in the words of psycopg.
            return super().load(data)


def read_timestamps_fast() -> None:
    """For all connections that are made from now on."""
    get_adapters_template(True, UTC).register_loader("timestamptz", UtcLoader)
