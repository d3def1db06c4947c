"""Entering a workspace. The tenant is an argument, never remembered, and always left in `finally`."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

from asgiref.sync import sync_to_async
from django.db import connection

from tenants.models import Tenant
from tenants.names import PUBLIC

P = ParamSpec("P")
R = TypeVar("R")


@contextmanager
def tenant_context(schema: str) -> Iterator[None]:
    previous = connection.tenant  # type: ignore[attr-defined]  # set by the django-tenants backend
    connection.set_schema(schema)  # type: ignore[attr-defined]
    try:
        yield
    finally:
        connection.set_tenant(previous)  # type: ignore[attr-defined]


async def in_tenant(schema: str, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Runs `function` in a worker thread inside the workspace and gives the connection back to the pool."""

    def run() -> R:
        try:
            with tenant_context(schema):
                return function(*args, **kwargs)
        finally:
            connection.close()

    return await sync_to_async(run, thread_sensitive=False)()


def active_schemas() -> list[str]:
    with tenant_context(PUBLIC):
        tenants = Tenant.objects.filter(is_active=True).exclude(schema_name=PUBLIC)
        return list(tenants.order_by("id").values_list("schema_name", flat=True))


@contextmanager
def try_lock(*parts: object) -> Iterator[bool]:
    """A lock of this workspace over several transactions; False at once when somebody has it. It ends with the connection."""
    key = ":".join(map(str, parts))
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtext(current_schema()), hashtext(%s))", [key])
        row = cursor.fetchone()
    held = row is not None and bool(row[0])
    try:
        yield held
    finally:
        if held:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(hashtext(current_schema()), hashtext(%s))", [key])
