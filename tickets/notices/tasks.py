from tenants.sweeper import Sweep
from tenants.tasking import tenant_task
from tickets.notices.letters import mail_unseen
from tickets.notices.push import push_to_absent
from tickets.notices.services import delete_old


@tenant_task(queue="webhooks", expires=600)
def push_event(event_id: int) -> int:
    """Queue of what leaves for foreign addresses: one that hangs must not hold up the rest."""
    return push_to_absent(event_id)


@tenant_task(queue="default", expires=60, merges=True)
def mail_notices() -> int:
    return mail_unseen()


@tenant_task(queue="default", expires=3000)
def clear_notices() -> None:
    for _bite in range(50):
        if not delete_old():
            return


SWEEPS = (
    Sweep(
        name="notices_to_mail",
        condition="SELECT 1 FROM {schema}.notices_notice WHERE mail_at <= now() AND seen_at IS NULL",
        task="tickets.notices.tasks.mail_notices",
    ),
)
