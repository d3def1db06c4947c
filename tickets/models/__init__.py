from tickets.models.bulk import BulkChange, BulkItem
from tickets.models.change import MessageChange
from tickets.models.contacts import (
    Company,
    Contact,
    ContactAddress,
    ContactImport,
    ContactLink,
    ContactMerge,
    with_email,
)
from tickets.models.draft import Draft
from tickets.models.fields import CustomField, FieldTarget, FieldType
from tickets.models.macro import Macro
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
    InboxSettings,
    Incident,
    Priority,
    Status,
    Tag,
    Team,
    Ticket,
    TicketNumber,
)
from tickets.models.together import (
    Mention,
    ReadMark,
    TicketFollower,
)
from tickets.models.views import SavedView, Sort, Visibility
from tickets.working_hours import WorkingHours

__all__ = [
    "AssistantMode",
    "Attachment",
    "Author",
    "BulkChange",
    "BulkItem",
    "Company",
    "Contact",
    "ContactAddress",
    "ContactImport",
    "ContactLink",
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
    "Mention",
    "Message",
    "MessageChange",
    "MessageKind",
    "MessageSearch",
    "Priority",
    "ReadMark",
    "SavedView",
    "ScheduledReply",
    "Sort",
    "Status",
    "Tag",
    "Team",
    "Ticket",
    "TicketFollower",
    "TicketMerge",
    "TicketNumber",
    "Visibility",
    "WorkingHours",
    "with_email",
]
