"""Callbacks of Viber → typed events. Bots have no groups: one person is one address."""

import re
from datetime import UTC, datetime
from typing import Any

from django.utils.translation import gettext as _

from channels_app.base import (
    AddressBlocked,
    ButtonPressed,
    ConversationStarted,
    InboundResult,
    Incoming,
    IncomingFile,
    MessageReceived,
    Profile,
    Receipt,
    Unparsable,
)
from channels_app.parts import load_object, read
from channels_app.viber.payloads import Card, Event, Message, Place, User
from omnisupport.lib.phones import phone_number

_STATES = {"delivered": "delivered", "seen": "read", "failed": "failed"}
_FILES = {"picture": "photo", "video": "video", "file": "document", "sticker": "sticker"}
_NAMES = {"picture": "photo.jpg", "video": "video.mp4", "sticker": "sticker.png"}
# Whatever else has a `media` is a file too: animations, and what comes next.
_NO_FILES = {"text", "url", "location", "contact", ""}
# A pressed button comes as a text, the one that we gave it: an unlikely beginning with the value, then the words on it.
# Whoever types such a text has pressed the button as well.
_PRESSED = re.compile(r"⟦([^⟦⟧]+)⟧\s*(.*)", re.DOTALL)


def action_body(value: str, text: str) -> str:
    """What Viber shall send us when the button is pressed."""
    return f"⟦{re.sub('[⟦⟧]', '', value)[:100]}⟧ {text[:100]}"


def read_event(body: bytes) -> Event:
    """Raises Unparsable."""
    try:
        event = read(Event, load_object(body))
    except ValueError as error:
        raise Unparsable(f"This is not a callback of Viber: {error}") from None
    if event is None or not event.event:
        raise Unparsable("This is not a callback of Viber: it names no event.")
    return event


def event_key(event: Event) -> str:
    """Several devices of one person report the same delivery; without a token there is no key."""
    if not event.message_token:
        return ""
    person = f"|{event.user_id}" if event.event in _STATES else ""
    return f"{event.event}|{event.message_token}{person}"


def parse_event(body: bytes) -> list[InboundResult]:
    """Raises Unparsable for what is no callback at all, or does not say whose it is."""
    event = read_event(body)
    match event.event:
        case "message":
            return [_message(event)]
        case "conversation_started":
            return [_started(event)]
        case "subscribed":
            return [AddressBlocked(_address(event), "")]
        case "unsubscribed":
            return [AddressBlocked(_address(event), _("The customer has unsubscribed from the bot."))]
        case "delivered" | "seen" | "failed":
            state = _STATES[event.event]
            error = event.desc[:500] if state == "failed" else ""
            return [Receipt(_address(event), event.message_token, state, error)] if event.message_token else []
    return []


def _address(event: Event) -> str:
    if not event.person.id:
        raise Unparsable("A callback of Viber without its person.")
    return event.person.id[:255]


def _profile(user: User, phone: str = "") -> Profile:
    details = {"country": user.country} if user.country else {}
    return Profile(name=user.name, phone=phone, language=user.language[:2], details=details)


def _time(milliseconds: int) -> datetime | None:
    return datetime.fromtimestamp(milliseconds / 1000, UTC) if 0 < milliseconds < 2**32 * 1000 else None


def _external_id(event: Event) -> str:
    return event.message_token or f"{event.event}:{event.timestamp}"


def _started(event: Event) -> InboundResult:
    """Somebody looks at the chat. He is no subscriber yet: only the welcome in our answer reaches him before he writes."""
    payload = event.context.strip()[:255]
    incoming = Incoming(_external_id(event), f"/start {payload}".strip(), sent_at=_time(event.timestamp))
    return ConversationStarted(_address(event), _profile(event.person), incoming, payload)


def _message(event: Event) -> InboundResult:
    message = event.content
    pressed = _PRESSED.fullmatch(message.text.strip()) if message.type == "text" else None
    if pressed:
        value, words = pressed[1].strip(), pressed[2].strip()
        incoming = Incoming(_external_id(event), words or value, {"button": value}, sent_at=_time(event.timestamp))
        return ButtonPressed(_address(event), _profile(event.person), incoming)
    text, content, files, phone = _content(message)
    incoming = Incoming(_external_id(event), text, content, files, sent_at=_time(event.timestamp))
    return MessageReceived(_address(event), _profile(event.person, phone), incoming)


def _content(message: Message) -> tuple[str, dict[str, Any], tuple[IncomingFile, ...], str]:
    """(text, content, files, the customer's own phone). What we cannot show becomes a line that says so."""
    text, kind = message.text.strip(), message.type
    if kind == "text" and text:
        return text, {}, (), ""
    if kind == "url" and message.media:
        return "\n".join(filter(None, [text, message.media])), {}, (), ""
    if kind == "sticker" and (message.media or message.sticker_id):
        return text, {"sticker": f"№{message.sticker_id}"} if message.sticker_id else {}, _files(message), ""
    if kind not in _NO_FILES and message.media:
        return text, {}, _files(message), ""
    place = read(Place, message.location)
    if kind == "location" and place is not None:
        spot = {"latitude": place.lat, "longitude": place.lon, "title": "", "address": place.address}
        return text, {"location": spot}, (), ""
    card = read(Card, message.contact)
    if kind == "contact" and card is not None and (card.name or card.phone_number):
        phone = phone_number(card.phone_number)
        # With a text, the one of our button, the card is the answer to it and the customer's own; any other may be anybody's.
        return "", {"contact": {"name": card.name, "phone": phone}}, (), phone if text else ""
    kind = kind[:40] or "message"
    line = _("[The customer sent something that cannot be shown here: %(kind)s]") % {"kind": kind}
    return f"{text}\n{line}".strip(), {"unsupported": kind}, (), ""


def _files(message: Message) -> tuple[IncomingFile, ...]:
    if not message.media:
        return ()
    name = message.file_name or _NAMES.get(message.type, "file")
    kind = _FILES.get(message.type, "document")
    return (IncomingFile(kind, name, size=max(0, message.size), remote={"url": message.media}),)
