from tickets.models.contacts import (
    Company,
    Contact,
    ContactAddress,
    ContactMerge,
)
from tickets.models.draft import Draft
from tickets.models.fields import CustomField, FieldTarget, FieldType
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
    InboxSettings,
    Incident,
    Priority,
    Status,
    Tag,
    Team,
    Ticket,
    TicketNumber,
)
from tickets.models.views import SavedView, Sort, Visibility
from tickets.working_hours import WorkingHours

__all__ = [
    "AssistantMode",
    "Attachment",
    "Author",
    "Company",
    "Contact",
    "ContactAddress",
    "ContactMerge",
    "CustomField",
    "CustomStatus",
    "Delivery",
    "Draft",
    "FieldTarget",
    "FieldType",
    "HandoffReason",
    "InboxSettings",
    "Incident",
    "Macro",
    "Message",
    "MessageKind",
    "MessageSearch",
    "Priority",
    "SavedView",
    "ScheduledReply",
    "Sort",
    "Status",
    "Tag",
    "Team",
    "Ticket",
    "TicketNumber",
    "Visibility",
    "WorkingHours",
]
