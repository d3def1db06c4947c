"""Moments come out of the database as they went in."""

from datetime import UTC, datetime

import pytest
from django.db import connection
from django.db.utils import DataError

from omnisupport.lib.timestamps import UtcLoader

pytestmark = pytest.mark.django_db


def read(moment: str) -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::timestamptz", [moment])
        return cursor.fetchone()[0]


@pytest.mark.parametrize(
    "moment",
    [
        datetime(2026, 11, 29, 3, 15, 36, tzinfo=UTC),
        datetime(2026, 11, 29, 3, 15, 36, 120000, tzinfo=UTC),
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
    ],
)
def test_a_moment_is_read_in_utc_to_the_microsecond(moment: datetime) -> None:
    found = read(moment.isoformat())
    assert found == moment and found.tzinfo is UTC


def test_a_moment_of_another_zone_is_the_same_moment() -> None:
    assert read("2026-11-29 06:15:36+03") == datetime(2026, 11, 29, 3, 15, 36, tzinfo=UTC)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL TIME ZONE 'Asia/Kolkata'")
    assert read("2026-11-29 06:15:36+03") == datetime(2026, 11, 29, 3, 15, 36, tzinfo=UTC)


@pytest.mark.parametrize("moment", ["infinity", "0044-03-15 BC", "20000-01-01"])
def test_a_moment_that_no_datetime_holds_is_an_error(moment: str) -> None:
    with pytest.raises(DataError):
        read(moment)


def test_connections_read_with_it() -> None:
    connection.ensure_connection()
    oid = connection.connection.adapters.types["timestamptz"].oid
    assert connection.connection.adapters.get_loader(oid, 0) is UtcLoader
