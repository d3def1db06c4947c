from celery import shared_task
from django.db import connection

from tenants.provisioning import keep_spares


@shared_task(ignore_result=True, expires=60)
def refill_spares() -> int:
    try:
        return keep_spares()
    finally:
        connection.close()
