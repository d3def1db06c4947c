"""What visitors see at once: their conversation's messages as they change."""

from typing import Any

from django.dispatch import receiver

from channels_app.models import Channel
from channels_app.widget.serializers import is_visible, public_message
from omnisupport.lib.hub import publish
from tenants.events.log import subscribe
from tenants.events.models import Event
from tickets.realtime import visitor_group
from tickets.signals import agent_typing
from tickets.told import message_of


@subscribe(
    "message.received", "message.posted", "message.edited", "message.deleted", "message.delivery_changed",
    "attachment.changed", in_order=True,
)  # fmt: skip
def show_visitor(event: Event) -> None:
    told = message_of(event)
    if told is None or told.address.channel.kind != "widget" or not is_visible(told):
        return
    address = told.address.address
    frame = {"type": "message", "seq": str(event.seq), "message": public_message(told, address)}
    publish(visitor_group(told.address.channel_id, address), frame)


@receiver(agent_typing)
def show_typing(sender: Any, ticket: Any, user: Any, on: bool, **_kwargs: Any) -> None:
    if Channel.objects.filter(id=ticket.channel_id, kind="widget").exists():
        frame = {"type": "typing", "who": user.get_short_name(), "on": on, "author": "agent"}
        publish(visitor_group(ticket.channel_id, ticket.address.address), frame)
