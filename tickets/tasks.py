import time
from datetime import timedelta

from tenants.sweeper import Sweep
from tenants.tasking import tenant_task, wake
from tickets.services.attachments import delete_orphan_uploads
from tickets.services.bulk import run_bulk, stalled_bulks
from tickets.services.importing import run_import, unfinished_imports
from tickets.services.indexing import index_backlog
from tickets.services.leaving import return_work_of_leavers
from tickets.services.schedule import send_due_replies
from tickets.services.snoozing import wake_due
from tickets.services.tickets import close_solved

UNUSED_UPLOADS_AFTER = timedelta(hours=48)

BULK_TURN = timedelta(seconds=20)


@tenant_task(queue="sweeps", expires=60)
def close_solved_tickets() -> int:
    return close_solved()


@tenant_task(queue="sweeps", expires=60, merges=True)
def return_work_of_those_who_left() -> int:
    return return_work_of_leavers()


@tenant_task(queue="sweeps", expires=30)
def send_scheduled_replies() -> int:
    return send_due_replies()


@tenant_task(queue="sweeps", expires=30)
def wake_snoozed_tickets() -> int:
    return wake_due()


@tenant_task(queue="default")
def change_in_bulk(bulk_id: int) -> None:
    """For a while; the rest is another task, so that others have their turn."""
    until = time.monotonic() + BULK_TURN.total_seconds()
    while run_bulk(bulk_id):
        if time.monotonic() > until:
            wake(change_in_bulk, bulk_id)
            return


@tenant_task(queue="sweeps", expires=30)
def resume_bulk_changes() -> None:
    for bulk_id in stalled_bulks():
        wake(change_in_bulk, bulk_id)


@tenant_task(queue="default", expires=3000)
def clear_uploads() -> None:
    for _bite in range(50):
        if not delete_orphan_uploads(UNUSED_UPLOADS_AFTER):
            return


@tenant_task(queue="default", expires=60, merges=True)
def index_old_messages() -> None:
    """A bite of half a minute or so; the sweeper calls again while there is more."""
    for _bite in range(50):
        if not index_backlog(1000):
            return


@tenant_task(queue="default", expires=600)
def read_imports() -> None:
    """Of each a bite of half a minute or so; what is left calls again."""
    more = [run_import(import_id) for import_id in unfinished_imports()]
    if any(more):
        wake(read_imports)


SWEEPS = (
    Sweep(
        name="imports",
        condition="SELECT 1 FROM {schema}.tickets_contactimport WHERE state IN ('waiting', 'running')"
        " AND touched_at < now() - interval '2 minutes'",
        task="tickets.tasks.read_imports",
    ),
    Sweep(
        name="search_backlog",
        condition="SELECT 1 FROM {schema}.tickets_message WHERE id < coalesce("
        "(SELECT min(message_id) FROM {schema}.tickets_messagesearch), 9223372036854775807)",
        task="tickets.tasks.index_old_messages",
    ),
    Sweep(
        name="work_of_those_who_left",
        condition="SELECT 1 FROM {schema}.accounts_user u JOIN {schema}.tickets_ticket t ON t.assignee_id = u.id"
        " AND t.status IN ('open', 'waiting') WHERE NOT u.is_active AND u.role <> 'assistant'",
        task="tickets.tasks.return_work_of_those_who_left",
    ),
    Sweep(
        name="scheduled_replies",
        condition="SELECT 1 FROM {schema}.tickets_scheduledreply WHERE error = '' AND send_at <= now()",
        task="tickets.tasks.send_scheduled_replies",
    ),
    Sweep(
        name="bulk_changes",
        condition="SELECT 1 FROM {schema}.tickets_bulkchange WHERE state IN ('running', 'undoing')"
        " AND touched_at < now() - interval '1 minute'",  # services.bulk.STALLED_AFTER
        task="tickets.tasks.resume_bulk_changes",
    ),
    Sweep(
        name="snoozed",
        condition="SELECT 1 FROM {schema}.tickets_ticket WHERE is_snoozed AND wakes_at <= now()",
        task="tickets.tasks.wake_snoozed_tickets",
    ),
    Sweep(
        name="close_solved",
        condition="SELECT 1 FROM {schema}.tickets_ticket WHERE status = 'solved'"
        " AND solved_at < now() - make_interval(days => coalesce("
        "(SELECT reopen_days::int FROM {schema}.tickets_inboxsettings LIMIT 1), 7))",
        task="tickets.tasks.close_solved_tickets",
    ),
)
