"""What the event log wakes in the channels: delivery of posted messages, fetching of files, answers to button presses."""

from importlib import import_module
from importlib.util import find_spec

from channels_app.registry import kinds
from channels_app.tasks import answer_callback, deliver_chat, fetch_attachment
from tenants.events.log import subscribe
from tenants.events.models import Event
from tenants.tasking import wake
from tickets.models import Attachment, Delivery, Message

# A kind may listen too: its `subscribers.py` is found by name like its adapter.
for _kind in kinds():
    if find_spec(f"channels_app.{_kind}.subscribers"):
        import_module(f"channels_app.{_kind}.subscribers")


@subscribe("message.posted", "message.delivery_changed")
def deliver(event: Event) -> None:
    """Also after a change of state: a finished message frees the next of its chat."""
    if event.type == "message.delivery_changed" and event.payload.get("state") in {"delivered", "read"}:
        return
    row = Message.objects.filter(id=event.payload["message_id"]).values_list("address_id", flat=True).first()
    if row is not None and Message.objects.filter(address_id=row, delivery=Delivery.QUEUED).exists():
        wake(deliver_chat, row)


@subscribe("message.received")
def fetch_files(event: Event) -> None:
    pending = Attachment.objects.filter(message_id=event.payload["message_id"], state=Attachment.State.PENDING)
    for attachment_id in pending.values_list("id", flat=True):
        wake(fetch_attachment, str(attachment_id))


@subscribe("message.received")
def answer_button(event: Event) -> None:
    message = Message.objects.select_related("address").filter(id=event.payload["message_id"]).first()
    callback_id = message.content.get("callback_id") if message else None
    if message and callback_id:
        wake(answer_callback, str(message.address.channel_id), callback_id)
