from tickets.models.contacts import (
    Contact,
    ContactAddress,
    ContactMerge,
)
from tickets.models.message import (
    Attachment,
    Author,
    Delivery,
    Message,
    MessageKind,
    MessageSearch,
    ScheduledReply,
)
from tickets.models.ticket import (
    AssistantMode,
    HandoffReason,
    Priority,
    Status,
    Tag,
    Team,
    Ticket,
    TicketNumber,
)
from tickets.working_hours import WorkingHours

__all__ = [
    "AssistantMode",
    "Attachment",
    "Author",
    "Contact",
    "ContactAddress",
    "ContactMerge",
    "Delivery",
    "HandoffReason",
    "Message",
    "MessageKind",
    "MessageSearch",
    "Priority",
    "ScheduledReply",
    "Status",
    "Tag",
    "Team",
    "Ticket",
    "TicketNumber",
    "WorkingHours",
]
