"""Finds rows that a crash, a lost broker message or a stopped Redis left behind, in every workspace with one query.

An app registers what "left behind" means as an SQL condition over its own tables; the beat task asks it for all schemas at
once and wakes the app's task only where there is work.
"""

from dataclasses import dataclass

from celery import current_app, shared_task
from django.db import connection
from psycopg import sql

from tenants.db import active_schemas, tenant_context
from tenants.names import PUBLIC
from tenants.tasking import wake

_BATCH = 50


@dataclass(frozen=True)
class Sweep:
    """`condition` is a SELECT for EXISTS; `{schema}` stands before each table. `task` is the name of the task to wake."""

    name: str
    condition: str
    task: str


_sweeps: dict[str, Sweep] = {}


def register_sweeps(*sweeps: Sweep) -> None:
    _sweeps.update({sweep.name: sweep for sweep in sweeps})


def find_work() -> list[tuple[str, Sweep]]:
    """(schema, sweep) pairs that have rows waiting."""
    found: list[tuple[str, Sweep]] = []
    schemas = active_schemas()
    if not _sweeps:
        return found
    for start in range(0, len(schemas), _BATCH):
        batch = schemas[start : start + _BATCH]
        parts = [
            sql.SQL("SELECT {schema_name}, {name} WHERE EXISTS ({condition})").format(
                schema_name=sql.Literal(schema),
                name=sql.Literal(sweep.name),
                condition=sql.SQL(sweep.condition).format(schema=sql.Identifier(schema)),
            )
            for schema in batch
            for sweep in _sweeps.values()
        ]
        with tenant_context(PUBLIC), connection.cursor() as cursor:
            cursor.execute(sql.SQL(" UNION ALL ").join(parts).as_string(cursor.connection))
            found += [(schema, _sweeps[name]) for schema, name in cursor.fetchall()]
    return found


@shared_task(ignore_result=True, expires=10)
def sweep_workspaces() -> int:
    """Beat calls this every few seconds. Returns how many tasks were woken."""
    try:
        work = find_work()
        for schema, sweep in work:
            wake(current_app.tasks[sweep.task], schema=schema)
        return len(work)
    finally:
        connection.close()
