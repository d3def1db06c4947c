from datetime import timedelta

from tenants.events.dispatch import dispatch_new_events, redispatch_stuck_events
from tenants.sweeper import Sweep
from tenants.tasking import tenant_task

STUCK_AFTER = timedelta(seconds=15)


@tenant_task(queue="default", expires=60, merges=True)
def dispatch_events() -> None:
    dispatch_new_events()


@tenant_task(queue="sweeps", expires=60, merges=True)
def sweep_events() -> None:
    dispatch_new_events()
    redispatch_stuck_events(STUCK_AFTER)


SWEEPS = (
    Sweep(
        name="events",
        condition=(
            "SELECT 1 FROM {schema}.events_event WHERE dispatched_at IS NULL"
            " AND attempts < 5"  # dispatch.MAX_ATTEMPTS
            " AND created_at < now() - CASE WHEN seq IS NULL THEN interval '2 s' ELSE interval '15 s' END"
        ),
        task="tenants.events.tasks.sweep_events",
    ),
)
