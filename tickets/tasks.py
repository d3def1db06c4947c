from datetime import timedelta

from tenants.sweeper import Sweep, register_sweep
from tenants.tasking import tenant_task
from tickets.services.attachments import delete_orphan_uploads
from tickets.services.schedule import send_due_replies
from tickets.services.tickets import close_solved

# A solved conversation can be reopened by the customer for a week; then the next message begins a new one.
CLOSE_AFTER = timedelta(days=7)
UNUSED_UPLOADS_AFTER = timedelta(hours=48)


@tenant_task(queue="default", expires=60)
def close_solved_tickets() -> int:
    return close_solved(CLOSE_AFTER)


@tenant_task(queue="default", expires=30)
def send_scheduled_replies() -> int:
    return send_due_replies()


@tenant_task(queue="default", expires=3000)
def clear_uploads() -> None:
    for _bite in range(50):
        if not delete_orphan_uploads(UNUSED_UPLOADS_AFTER):
            return


def register_sweeps() -> None:
    register_sweep(
        Sweep(
            name="scheduled_replies",
            condition="SELECT 1 FROM {schema}.tickets_scheduledreply WHERE error = '' AND send_at <= now()",
            task="tickets.tasks.send_scheduled_replies",
        )
    )
    register_sweep(
        Sweep(
            name="close_solved",
            condition="SELECT 1 FROM {schema}.tickets_ticket WHERE status = 'solved'"
            " AND solved_at IS NOT NULL AND solved_at < now() - interval '7 days'",
            task="tickets.tasks.close_solved_tickets",
        )
    )
