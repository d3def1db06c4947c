"""A task of a workspace that does what the smallest of ours do, one question to its schema, and notes how long it waited."""

import time

import django

from omnisupport.celery import app

django.setup()

from omnisupport.lib.redis import redis_client  # noqa: E402  # after Django is set up
from tenants.tasking import tenant_task  # noqa: E402
from tickets.models import Ticket  # noqa: E402

__all__ = ["STARTS", "app", "start"]
STARTS = "bench:starts"


@tenant_task(queue="default")
def start(called: float) -> None:
    waited = (time.time() - called) * 1000
    Ticket.objects.exists()
    redis_client().rpush(STARTS, f"{waited:.3f}")
