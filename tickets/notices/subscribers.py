from tenants.events.log import subscribe
from tenants.events.models import Event
from tenants.tasking import wake
from tickets.models import BulkChange
from tickets.notices.audience import EVENT_TYPES
from tickets.notices.models import Way
from tickets.notices.services import follow_messages, take_back_bulk, ways_of, write_notices
from tickets.notices.tasks import push_event


@subscribe(*EVENT_TYPES)
def tell_people(event: Event) -> None:
    notices = write_notices(event)
    if any(Way.DESKTOP in ways_of(notice.user, notice.kind) for notice in notices):
        wake(push_event, event.pk)


@subscribe("bulk.changed")
def forget_what_was_given_back(event: Event) -> None:
    if event.payload["state"] == BulkChange.State.UNDONE:
        take_back_bulk(event.payload["bulk_id"])


@subscribe("ticket.merged", "ticket.unmerged", "ticket.split")
def lead_to_what_goes_on(event: Event) -> None:
    # Each of the two conversations has such an event; the one that messages came to names the other by its id.
    if event.ticket_id is not None and "from" in event.payload:
        follow_messages([event.ticket_id, int(event.payload["from"])])
