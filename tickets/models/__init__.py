from tickets.models.contacts import (
    Company,
    Contact,
    ContactAddress,
    ContactMerge,
)
from tickets.models.merge import TicketMerge
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
    CustomStatus,
    HandoffReason,
    Incident,
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
    "Company",
    "Contact",
    "ContactAddress",
    "ContactMerge",
    "CustomStatus",
    "Delivery",
    "HandoffReason",
    "Incident",
    "Message",
    "MessageKind",
    "MessageSearch",
    "Priority",
    "ScheduledReply",
    "Status",
    "Tag",
    "Team",
    "Ticket",
    "TicketMerge",
    "TicketNumber",
    "WorkingHours",
]
