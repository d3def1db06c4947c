"""Tasks that only tests run."""

from django.db import connection

from tenants.tasking import tenant_task


@tenant_task(ignore_result=False)
def where_am_i() -> str:
    return str(connection.schema_name)  # type: ignore[attr-defined]
