"""Writing many rows of one table in one statement: what bulk_update does, without a condition for each row and column."""

from collections.abc import Sequence
from typing import Any

from django.db import connection, models
from psycopg import sql

_UPDATE = sql.SQL(
    "UPDATE {table} AS row SET {changes} FROM (VALUES {rows}) AS fresh ({columns}) WHERE row.{key} = fresh.{key}"
)


def update_rows(rows: Sequence[models.Model], names: Sequence[str]) -> None:
    """The fields `names` of each row, in the caller's transaction."""
    if not rows:
        return
    meta = type(rows[0])._meta
    fields: list[Any] = [meta.pk, *(meta.get_field(name) for name in names)]
    key, *others = columns = [sql.Identifier(field.column) for field in fields]
    comma = sql.SQL(", ")
    # The types of the first row are those of all.
    first = comma.join(sql.SQL(f"%s::{field.rel_db_type(connection)}") for field in fields)
    further = comma.join(sql.Placeholder() * len(fields))
    statement = _UPDATE.format(
        table=sql.Identifier(meta.db_table),
        changes=comma.join(sql.SQL("{0} = fresh.{0}").format(column) for column in others),
        rows=comma.join(sql.SQL("({})").format(row) for row in [first, *[further] * (len(rows) - 1)]),
        columns=comma.join(columns),
        key=key,
    )
    with connection.cursor() as cursor:
        values = [field.get_db_prep_save(getattr(row, field.attname), connection) for row in rows for field in fields]
        cursor.execute(statement.as_string(cursor.connection), values)
