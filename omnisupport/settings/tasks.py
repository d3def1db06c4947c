"""Celery: the broker, workers, what is done by the clock."""

from typing import Any

from celery.schedules import crontab

from omnisupport.settings.machine import DATA_DIR
from omnisupport.settings.stores import REDIS_URL

CELERY_BROKER_URL = REDIS_URL
CELERY_BROKER_TRANSPORT = "omnisupport.broker:Transport"
CELERY_RESULT_BACKEND = REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_RESULT_EXPIRES = 120
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 8
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
# A Redis that is full refuses to note which message a worker has taken: that must not end the worker.
CELERY_BROKER_CHANNEL_ERROR_RETRY = True
# A web request must not hang when Redis is away: the row is the truth and the sweeper finds it.
CELERY_TASK_PUBLISH_RETRY = False
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 300,
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 1,
    # For those who only publish; workers wait longer (omnisupport/celery.py).
    "socket_timeout": 1,
    "socket_connect_timeout": 1,
    "socket_keepalive": True,
    "health_check_interval": 10,
}
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TIMEZONE = "UTC"
CELERY_TASK_CREATE_MISSING_QUEUES = True
CELERY_INCLUDE = ["tenants.sweeper", "omnisupport.health"]


def _hourly(minute: int, task: str) -> dict[str, Any]:
    """By the clock, so that restarts of beat put nothing off."""
    return {"task": "tenants.tasks.for_each_workspace", "args": [task], "schedule": crontab(minute=str(minute))}


CELERY_BEAT_SCHEDULE: dict[str, dict[str, Any]] = {
    "sweep-workspaces": {
        "task": "tenants.sweeper.sweep_workspaces",
        "schedule": 3.0,
        "options": {"queue": "sweeps"},
    },
    "refill-spares": {"task": "tenants.tasks.refill_spares", "schedule": 60.0},
    "clear-ledgers": _hourly(7, "channels_app.tasks.clear_ledger"),
    "clear-uploads": _hourly(17, "tickets.tasks.clear_uploads"),
    "clear-notices": _hourly(57, "tickets.notices.tasks.clear_notices"),
    "clear-webhooks": _hourly(27, "tickets.webhooks.tasks.clear_deliveries"),
    "clear-missed-searches": _hourly(37, "knowledge.help_centre.tasks.clear_missed_searches"),
    "clear-assistant": _hourly(47, "ai_assistant.tasks.clear_assistant"),
    "worker-heartbeat": {"task": "omnisupport.health.beat_heart", "schedule": 5.0},
}
CELERY_BEAT_SCHEDULE_FILENAME = str(DATA_DIR / "beat-schedule")
