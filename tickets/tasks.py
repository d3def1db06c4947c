from datetime import timedelta

from tenants.sweeper import Sweep, register_sweep
from tenants.tasking import tenant_task
from tickets.services.tickets import close_solved

# A solved conversation can be reopened by the customer for a week; then the next message begins a new one.
CLOSE_AFTER = timedelta(days=7)


@tenant_task(queue="default", expires=60)
def close_solved_tickets() -> int:
    return close_solved(CLOSE_AFTER)


def register_sweeps() -> None:
    register_sweep(
        Sweep(
            name="close_solved",
            condition="SELECT 1 FROM {schema}.tickets_ticket WHERE status = 'solved'"
            " AND solved_at IS NOT NULL AND solved_at < now() - interval '7 days'",
            task="tickets.tasks.close_solved_tickets",
        )
    )
