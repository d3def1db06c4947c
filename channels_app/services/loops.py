"""Against machines that answer each other for ever: what we say without a person is rationed where a channel `has_loops`.

Two automatic replies at most: one from each side. The second letter of an answering machine that does not say what it is finds
our ration used up, and the conversation goes to people, without a word to the customer.
"""

from datetime import timedelta
from uuid import uuid5

from django.utils import timezone

from channels_app.kinds import adapter_class
from channels_app.models import Channel
from tickets.models import Author, Delivery, HandoffReason, Message
from tickets.services.post import hand_to_human

# One automatic message in this time, to a conversation and, over all conversations, to an address.
PER_CONVERSATION = timedelta(hours=24)
PER_ADDRESS = timedelta(hours=1)
_DID_NOT_LEAVE = [Delivery.NONE, Delivery.CANCELLED, Delivery.FAILED]


def is_used_up(kind: str, message: Message) -> bool:
    """Whether another automatic message stands before this one, in its conversation or at its address."""
    if not adapter_class(kind).has_loops:
        return False
    now = timezone.now()
    said = Message.objects.filter(author__in=[Author.ASSISTANT, Author.SYSTEM], id__lt=message.pk).exclude(
        delivery__in=_DID_NOT_LEAVE
    )
    here = said.filter(ticket_id=message.ticket_id, created_at__gt=now - PER_CONVERSATION)
    there = said.filter(address_id=message.address_id, created_at__gt=now - PER_ADDRESS)
    return here.exists() or there.exists()


def leave_to_people(channel: Channel, message: Message, quiet: bool) -> None:
    """A letter that no machine may answer takes its conversation from the assistant."""
    assignee = message.ticket.assignee
    if assignee is None or not assignee.is_assistant or message.content.get("automatic"):
        return
    if quiet or is_used_up(channel.kind, message):
        key = uuid5(message.client_id, "left to people")
        hand_to_human(ticket_id=message.ticket_id, reason=HandoffReason.LIMIT, text="", client_id=key)
