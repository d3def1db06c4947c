from celery import current_app, shared_task
from django.db import connection

from tenants.db import active_schemas
from tenants.provisioning import keep_spares
from tenants.tasking import wake


@shared_task(ignore_result=True, expires=60)
def refill_spares() -> int:
    try:
        return keep_spares()
    finally:
        connection.close()


@shared_task(ignore_result=True, expires=600)
def for_each_workspace(task: str) -> int:
    """What beat calls for housekeeping: wakes the task of a workspace in each of them."""
    try:
        schemas = active_schemas()
    finally:
        connection.close()
    for schema in schemas:
        wake(current_app.tasks[task], schema=schema)
    return len(schemas)
