"""What an event of the log tells of."""

from tenants.events.models import Event
from tickets.models import Message


def message_of(event: Event) -> Message | None:
    """The message of a `message.*` or `attachment.*` event, with its ticket, assignee, address, channel, author and files; None
    when it is gone. Read once for all subscribers that are called with the same event, so it is as old as the first of them."""
    if "message" not in event.__dict__:
        told = Message.objects.select_related("ticket__assignee", "address__channel", "user")
        # An order, as `first` has one, costs Django as much as the rest of so wide a query.
        found = told.prefetch_related("attachments").filter(id=event.payload["message_id"]).order_by()[:1]
        event.__dict__["message"] = next(iter(found), None)
    message: Message | None = event.__dict__["message"]
    return message
