from tickets.models.contacts import (
    Company,
    Contact,
    ContactAddress,
    ContactMerge,
)
from tickets.models.draft import Draft
from tickets.models.macro import Macro
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
    "Draft",
    "HandoffReason",
    "Incident",
    "Macro",
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
