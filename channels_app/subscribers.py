"""What wakes the channels: posted messages to deliver, files to fetch, button presses to answer, somebody who writes."""

from importlib import import_module
from importlib.util import find_spec
from typing import Any
from uuid import UUID

from django.dispatch import receiver
from django.utils import timezone

from channels_app.base import Adapter
from channels_app.kinds import adapter_class, kinds
from channels_app.models import Channel, InboundEvent
from channels_app.tasks import (
    answer_callback,
    change_message,
    deliver_chat,
    fetch_attachment,
    mail_broken,
    mail_gap,
    mark_read,
    send_typing,
    show_draft,
)
from tenants.events.log import subscribe
from tenants.events.models import Event
from tenants.tasking import wake
from tickets.models import Attachment, Author, ContactAddress, Delivery, Message, MessageKind, Ticket
from tickets.signals import agent_typing, answer_draft
from tickets.told import message_of

# What is due later than so many seconds is left to the sweeper.
SOON = 60

# A kind may listen too: its `subscribers.py` is found by name like its adapter.
for _kind in kinds():
    if find_spec(f"channels_app.{_kind}.subscribers"):
        import_module(f"channels_app.{_kind}.subscribers")


@subscribe("message.posted", "message.delivery_changed")
def deliver(event: Event) -> None:
    """Also after a change of state: a finished message frees the next of its chat."""
    if event.type == "message.delivery_changed" and event.payload.get("state") in {"delivered", "read"}:
        return
    message = message_of(event)
    row = message.address_id if message else None
    waiting = Message.objects.filter(address_id=row, delivery=Delivery.QUEUED).order_by("id")
    if row is None or not (times := list(waiting.values_list("due_at", flat=True)[:50])):
        return
    now = timezone.now()
    rest = min((time - now).total_seconds() if time else 0 for time in times)
    if rest <= 0:
        wake(deliver_chat, row)
    elif rest < SOON:
        wake(deliver_chat, row, countdown=rest + 0.05, expires=rest + 60)


@subscribe("message.change_requested")
def change(event: Event) -> None:
    wake(change_message, int(event.payload["change_id"]))


@subscribe("message.received", "message.edited", "message.posted")
def fetch_files(event: Event) -> None:
    message = message_of(event)
    for attachment in message.attachments.all() if message else ():
        if attachment.state == Attachment.State.PENDING:
            wake(fetch_attachment, str(attachment.id))


@subscribe("message.received")
def answer_button(event: Event) -> None:
    message = message_of(event)
    callback_id = message.content.get("callback_id") if message else None
    if message and callback_id:
        wake(answer_callback, str(message.address.channel_id), callback_id)


@subscribe("message.received")
def show_that_the_assistant_writes(event: Event) -> None:
    message = message_of(event)
    assignee = message.ticket.assignee if message else None
    if message and assignee is not None and assignee.is_assistant:
        _show_typing(message.address)


@subscribe("message.posted")
def show_that_it_was_read(event: Event) -> None:
    """Whoever answers has read what stood before."""
    message = message_of(event)
    if message is None or message.kind != MessageKind.PUBLIC or message.author not in {Author.AGENT, Author.ASSISTANT}:
        return
    address = message.address
    if adapter_class(address.channel.kind).mark_read is Adapter.mark_read:
        return
    # Once for each turn: a second answer in a row has nothing new to mark.
    last = Message.objects.filter(address=address, kind=MessageKind.PUBLIC, id__lt=message.id).order_by("-id").first()
    if last is not None and last.author == Author.CONTACT and last.external_id:
        wake(mark_read, str(address.channel_id), address.address, address.details, last.external_id)


@subscribe("channel.health_changed")
def tell_of_a_break(event: Event) -> None:
    """Once for each break; whoever is still setting a channel up sees its state on the page."""
    if event.payload["state"] == Channel.Health.BROKEN and event.payload.get("from") == Channel.Health.OK:
        wake(mail_broken, event.pk, event.payload["channel_id"], event.payload.get("note", ""))


@subscribe("channel.gap_filled")
def tell_of_a_gap(event: Event) -> None:
    wake(mail_gap, event.pk, event.payload["channel_id"], event.payload["missing"])


@receiver(agent_typing)
def show_that_an_agent_writes(sender: Any, ticket: Ticket, on: bool, **_kwargs: Any) -> None:
    if on:
        _show_typing(ticket.address)


@receiver(answer_draft)
def show_what_the_assistant_writes(
    sender: Any, ticket: Ticket, answer_id: UUID, text: str, question_id: int, **_kwargs: Any
) -> None:
    if adapter_class(ticket.address.channel.kind).show_draft is not Adapter.show_draft:
        # Of the size that every provider takes, and never zero.
        wake(show_draft, ticket.address_id, answer_id.int % (2**31 - 1) + 1, text, question_id)


def _show_typing(address: ContactAddress) -> None:
    # Kinds that cannot show it, or have their own live window, cost no task.
    if adapter_class(address.channel.kind).send_typing is not Adapter.send_typing:
        wake(send_typing, str(address.channel_id), address.address, address.details)


@subscribe("contact.erased")
def forget_raw(event: Event) -> None:
    """What the provider handed us of this person's messages; the key stays, so that a repeat is still known."""
    InboundEvent.objects.filter(id__in=event.payload["ledger"]).update(body=b"", headers={}, error="")
