"""Entry points of the worker. A customer's address that hangs holds a thread for ten seconds: so only a few threads of a
worker are lent to webhooks, and of these only a quarter to addresses that are not known to answer."""

import threading
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.utils.translation import gettext as _

from tenants.accounts.notices import mail_admins
from tenants.hosts import page_link
from tenants.sweeper import Sweep
from tenants.tasking import tenant_task, wake
from tickets.webhooks import services

_threads = threading.BoundedSemaphore(settings.WEBHOOK_THREADS)
_threads_for_slow = threading.BoundedSemaphore(max(1, settings.WEBHOOK_THREADS // 4))
# Seconds that a wake-up waits for a thread where the address answers; the sweeper brings back what found none.
_PATIENCE = 0.5


@tenant_task(queue="webhooks", expires=30, merges=True)
def drain_endpoint(endpoint_id: str) -> int:
    endpoint = UUID(endpoint_id)
    slow = services.is_slow(endpoint)
    if slow and not _threads_for_slow.acquire(blocking=False):
        return 0
    try:
        if not _threads.acquire(timeout=_PATIENCE):
            return 0
        try:
            return services.drain_endpoint(endpoint)
        finally:
            _threads.release()
    finally:
        if slow:
            _threads_for_slow.release()


@tenant_task(queue="webhooks", expires=20)
def sweep_webhooks() -> None:
    for endpoint_id in services.due_endpoints():
        wake(drain_endpoint, str(endpoint_id))


@tenant_task(queue="default", expires=3000)
def clear_deliveries() -> None:
    for _bite in range(50):
        if not services.delete_old_deliveries(timedelta(days=settings.WEBHOOK_RETENTION_DAYS)):
            return


@tenant_task(queue="default", autoretry_for=(OSError,), retry_backoff=30, max_retries=5)
def mail_switched_off(event_id: int, name: str, reason: str) -> None:
    def letter() -> tuple[str, str]:
        subject = _("The webhook “%(name)s” was switched off") % {"name": name}
        text = _("Events are no longer sent to it. %(reason)s\n\nRepair it, then switch it on again: %(link)s")
        return subject, text % {"reason": reason, "link": page_link("/admin/webhooks/webhookendpoint/")}

    mail_admins(letter, once=f"event:{event_id}")


SWEEPS = (
    Sweep(
        name="webhooks",
        condition="SELECT 1 FROM {schema}.webhooks_webhookdelivery d JOIN {schema}.webhooks_webhookendpoint e"
        " ON e.id = d.endpoint_id WHERE d.state = 'pending' AND d.due_at < now() - interval '2 s' AND e.is_active"
        " AND coalesce(e.claimed_until, now()) <= now() AND coalesce(e.rest_until, now()) <= now()",
        task="tickets.webhooks.tasks.sweep_webhooks",
    ),
)
