"""What one message carries, whatever its type: words, files, places, cards, choices. What we cannot show says so."""

import json
import mimetypes
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from channels_app.base import IncomingFile
from channels_app.parts import items, mapping, number, read, words
from channels_app.whatsapp.payloads import Media, Place, Referral, name

_FILES = {
    "image": "photo", "video": "video", "document": "document", "audio": "audio", "voice": "voice", "sticker": "sticker",
}  # fmt: skip
_EXTENSIONS = {
    "audio/ogg": ".ogg",
    "image/jpeg": ".jpg",
    "image/webp": ".webp",
    "audio/mpeg": ".mp3",
    "video/mp4": ".mp4",
}
_KINDS = {
    "poll_creation": gettext_noop("a poll"),
    "gif": gettext_noop("an animation"),
    "view_once": gettext_noop("a picture to be seen once"),
    "event": gettext_noop("an event"),
}


@dataclass
class Content:
    text: str = ""
    extra: dict[str, Any] = field(default_factory=dict)
    files: tuple[IncomingFile, ...] = ()
    pressed: bool = False


def content_of(message: Mapping[str, Any]) -> Content:
    """Of a message of any type; never empty."""
    kind = type_of(message)
    reader = _READERS.get(kind)
    content = (reader(message) if reader else None) or _missing(kind, message)
    context = mapping(message.get("context"))
    if context.get("frequently_forwarded") is True:
        content.extra["forwarded_from"] = _("many chats")
    elif context.get("forwarded") is True:
        content.extra["forwarded_from"] = _("another chat")
    referral = read(Referral, message.get("referral"))
    if referral is not None:
        title = referral.headline or referral.body or referral.source_url
        content.extra["referral"] = {"kind": referral.source_type, "title": title[:200], "url": referral.source_url}
    return content


def type_of(message: Mapping[str, Any]) -> str:
    """As the message says; else by what it has."""
    return words(message.get("type")) or next((kind for kind in _READERS if kind in message), "message")


def _missing(kind: str, message: Mapping[str, Any]) -> Content:
    given = words(mapping(message.get("unsupported")).get("type")) or kind
    shown = _(_KINDS[given]) if given in _KINDS else given
    text = _("[The customer sent something that cannot be shown here: %(kind)s]") % {"kind": shown}
    return Content(text, {"unsupported": given})


def _text(message: Mapping[str, Any]) -> Content | None:
    body = words(mapping(message.get("text")).get("body"))
    return Content(body) if body.strip() else None


def _file(message: Mapping[str, Any]) -> Content | None:
    kind = type_of(message)
    media = read(Media, message.get(kind))
    if media is None or not (media.id or media.url):
        return None
    raw = mapping(message.get(kind))
    shown = "voice" if raw.get("voice") is True else _FILES[kind]
    file = IncomingFile(
        kind=shown,
        name=media.filename or _file_name(shown, media.mime_type),
        mime=media.mime_type,
        size=max(0, number(raw.get("file_size"))),
        # The same picture comes under a new id when its words are edited; its hash names it for good.
        remote={"id": media.id, "url": media.url, "sha256": media.sha256, "key": media.sha256 or media.id},
    )
    return Content(media.caption, files=(file,))


def _file_name(kind: str, mime: str) -> str:
    plain = mime.partition(";")[0].strip().lower()
    return kind + (_EXTENSIONS.get(plain) or mimetypes.guess_extension(plain) or "")


def _location(message: Mapping[str, Any]) -> Content | None:
    place = read(Place, message.get("location"))
    if place is None:
        return None
    found = {"latitude": place.latitude, "longitude": place.longitude, "title": place.name, "address": place.address}
    return Content(place.url, {"location": found})


def _contacts(message: Mapping[str, Any]) -> Content | None:
    """The first card as a card; further ones as lines."""
    cards = [card for card in map(_card, items(message.get("contacts"))) if any(card.values())]
    if not cards:
        return None
    lines = [", ".join(filter(None, (card["name"], card["phone"]))) for card in cards[1:]]
    return Content("\n".join(lines), {"contact": cards[0]})


def shared_phone(message: Mapping[str, Any]) -> str:
    """The number that the person gave when asked for it; other cards may be anybody's."""
    for card in map(mapping, items(message.get("contacts"))):
        if words(card.get("origin")) == "contact_request":
            digits = "".join(filter(str.isdecimal, _card(card)["phone"].partition(",")[0]))
            return f"+{digits}" if digits.isascii() and 7 <= len(digits) <= 15 else ""
    return ""


def _card(value: Any) -> dict[str, str]:
    card = mapping(value)
    given = mapping(card.get("name"))
    parts = (words(given.get(part)) for part in ("first_name", "last_name"))
    shown = words(given.get("formatted_name")) or " ".join(filter(None, parts))
    company = words(mapping(card.get("org")).get("company"))
    phones = [mapping(phone) for phone in items(card.get("phones"))]
    numbers = [words(phone.get("phone")) or name(phone.get("wa_id")) for phone in phones]
    written = _vcard(words(card.get("vcard")))
    return {"name": shown or company or written["name"], "phone": ", ".join(filter(None, numbers)) or written["phone"]}


def _vcard(text: str) -> dict[str, str]:
    """The name and the first number of a card that comes as it lies in a telephone."""
    lines = (line.partition(":") for line in text.replace("\r\n", "\n").split("\n"))
    found = {
        key.partition(";")[0].rpartition(".")[2].upper(): value.strip() for key, _colon, value in reversed(list(lines))
    }
    return {"name": found.get("FN", ""), "phone": found.get("TEL", "").removeprefix("tel:")}


def _interactive(message: Mapping[str, Any]) -> Content | None:
    reply = mapping(message.get("interactive"))
    for kind in ("button_reply", "list_reply"):
        choice = mapping(reply.get(kind))
        title = words(choice.get("title")) or words(choice.get("id"))
        if title:
            return Content(title, {"button": words(choice.get("id"))}, pressed=True)
    form = mapping(reply.get("nfm_reply"))
    text = _form(words(form.get("response_json"))) or words(form.get("body"))
    return Content(text) if text else None


def _form(answers: str) -> str:
    """The answers of a form, one on each line."""
    try:
        found = mapping(json.loads(answers))
    except (ValueError, RecursionError):
        return ""
    pairs = ((words(key), _answer(value)) for key, value in found.items() if key != "flow_token")
    return "\n".join(f"{key}: {value}" for key, value in pairs if value)


def _answer(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(filter(None, map(_answer, value)))
    return words(value) or (str(value) if isinstance(value, int | float) else "")


def _button(message: Mapping[str, Any]) -> Content | None:
    button = mapping(message.get("button"))
    text = words(button.get("text")) or words(button.get("payload"))
    return Content(text, {"button": words(button.get("payload"))}, pressed=True) if text else None


def _order(message: Mapping[str, Any]) -> Content | None:
    order = mapping(message.get("order"))
    lines = [line for line in map(_order_line, items(order.get("product_items"))) if line]
    if not lines:
        return None
    return Content("\n".join(filter(None, [_("Order from the catalogue:"), *lines, words(order.get("text"))])))


def _order_line(value: Any) -> str:
    item = mapping(value)
    product, count = name(item.get("product_retailer_id")), number(item.get("quantity")) or 1
    price = item.get("item_price")
    cost = (
        f" — {price} {words(item.get('currency'))}".rstrip()
        if isinstance(price, int | float) and price == price
        else ""
    )
    return f"{product} × {count}{cost}" if product else ""


def _welcome(message: Mapping[str, Any]) -> Content:
    return Content(_("[The customer opened the chat]"))


_READERS: dict[str, Callable[[Mapping[str, Any]], Content | None]] = {
    "text": _text,
    **dict.fromkeys(_FILES, _file),
    "location": _location,
    "contacts": _contacts,
    "interactive": _interactive,
    "button": _button,
    "order": _order,
    "request_welcome": _welcome,
}
