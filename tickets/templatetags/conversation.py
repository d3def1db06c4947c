"""How conversations are put into words and signs."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import uuid4

from django import template
from django.utils import timezone
from django.utils.translation import gettext as _

from omnisupport.lib import dates
from omnisupport.lib.markup import PLAIN, translate
from omnisupport.lib.masking import veil
from tenants.accounts.models import User
from tickets import ordering
from tickets.inbox.keys import keys_of
from tickets.models import Attachment, Author, ContactAddress, Delivery, HandoffReason, Message, MessageKind, Ticket
from tickets.services.attachments import INLINE_TYPES
from tickets.services.changes import WITHIN

register = template.Library()


@register.filter
def handoff_reason(code: str) -> str:
    return HandoffReason.words(code)


@register.filter
def moment(value: datetime) -> str:
    """A time that is to come."""
    return dates.moment(value)


_TICKS: dict[str, str] = {
    Delivery.QUEUED: "clock",
    Delivery.SENDING: "clock",
    Delivery.SENT: "check",
    Delivery.DELIVERED: "check-check",
    Delivery.READ: "check-check",
    Delivery.FAILED: "circle-alert",
    Delivery.UNCERTAIN: "question",
}


@register.filter
def microseconds(value: datetime | None) -> str:
    """As `data-order` has it; empty for none."""
    return str(ordering.microseconds(value)) if value else ""


@register.filter
def delivery_words(delivery: str) -> str:
    """As `get_delivery_display` has it, which hashes all choices for each message."""
    return str(Delivery(delivery).label)


@register.filter
def choose_words(number: int) -> str:
    return _("Choose №%(number)s") % {"number": number}


@register.filter
def tick(delivery: str) -> str:
    """The icon of a delivery state."""
    return _TICKS.get(delivery, "clock")


@register.filter
def preview(message: Message) -> str:
    """The first words of a message, or what it is when it has none."""
    if message.text:
        words = message.text[:200]
        # Marks are of our own writing only.
        if message.author != Author.CONTACT:
            words = translate(words, PLAIN)
        return " ".join(words.split())
    content = message.content
    if content.get("location"):
        return _("Place on the map")
    if content.get("contact"):
        return _("Contact card")
    if content.get("sticker"):
        return f"{_('Sticker')} {content['sticker']}"
    if content.get("unsupported"):
        return _("Something that cannot be shown here")
    return _("File")


@register.filter
def speaker(message: Message, ticket: Ticket) -> str:
    """Whose words these are."""
    if message.author == Author.CONTACT:
        # Of two people whose conversations were merged each has their own name.
        return str(message.address.contact)
    if message.author == Author.SYSTEM:
        return _("Automatic message")
    return str(message.user or Author(message.author).label)


@register.simple_tag
def may_change(message: Message, viewer: User) -> bool:
    """Whether its author may still change or delete it, as far as the message tells (tickets/services/changes.py)."""
    settled = message.kind == MessageKind.NOTE or message.delivery in {Delivery.SENT, Delivery.DELIVERED, Delivery.READ}
    own = message.user_id == viewer.id and message.author == Author.AGENT and message.deleted_at is None
    return own and settled and not message.open_changes and timezone.now() - message.created_at < WITHIN  # type: ignore[attr-defined]


@register.filter
def change_ends(message: Message) -> datetime:
    return message.created_at + WITHIN


@register.filter
def shown_as(attachment: Attachment) -> str:
    """image, audio, video or file: only what browsers show without running anything is drawn in the page."""
    return attachment.mime.split("/")[0] if attachment.mime in INLINE_TYPES else "file"


@register.filter
def is_album(attachments: Collection[Attachment]) -> bool:
    """Several pictures and nothing else: they are shown side by side."""
    return len(attachments) > 1 and all(file.state == "ready" and shown_as(file) == "image" for file in attachments)


@register.filter
def map_link(location: Mapping[str, Any]) -> str:
    """Empty where the coordinates are no numbers."""
    try:
        lat, lon = float(location["latitude"]), float(location["longitude"])
    except (KeyError, TypeError, ValueError):
        return ""
    return f"https://www.openstreetmap.org/?mlat={lat:.6f}&mlon={lon:.6f}#map=16/{lat:.5f}/{lon:.5f}"


@register.filter
def safe_link(url: str) -> str:
    """A link to a page, never to a script."""
    return url if url.startswith(("https://", "http://", "/")) else ""


@register.filter
def plain_value(value: Any) -> str:
    """What an input holds: a number without the separators of a language."""
    return "" if value is None else str(value)


@register.filter
def attempt_outcome(outcome: str) -> str:
    words = {
        "sent": _("sent"),
        "failed": _("not sent"),
        "retry": _("not sent yet, tried again later"),
        "lost": _("cut short, tried again"),
        "uncertain": _("perhaps sent: the answer was lost"),
    }
    return words.get(outcome, outcome)


@register.filter
def address_name(address: ContactAddress) -> str:
    """The name people know an address by; else the address as the channel has it."""
    username = str(address.details.get("username") or "")
    return f"@{username}" if username else f"{address.channel.name} · {address.address}"


@register.filter
def can_be_veiled(thing: ContactAddress | Message) -> bool:
    """Whether there is a phone or an e-mail address in it."""
    words = f"{thing.text} {thing.content or ''}" if isinstance(thing, Message) else thing.address
    return veil(words) != words


@register.filter
def plain_text(message: Message) -> str:
    """Its words without the marks that agents write."""
    return message.text if message.author == Author.CONTACT else translate(message.text, PLAIN)


@register.simple_tag
def fresh_id() -> str:
    """For a form that may be sent twice and has to work once."""
    return str(uuid4())


@register.simple_tag(takes_context=True)
def key_of(context: Mapping[str, Any], does: str) -> str:
    """The key of a command as the reader has it, for the hint of its button: “Ctrl+Enter”."""
    person = context["request"].user
    key = next(key for group in keys_of(person.keys) for key in group.keys if key.does == does)
    return " ".join("+".join(caps) for caps in key.shown)
