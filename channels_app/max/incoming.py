"""Updates of MAX → typed events. One person is one address; groups and channels are none of ours."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.utils.translation import gettext as _

from channels_app.base import (
    AddressBlocked,
    ButtonPressed,
    ConversationStarted,
    DeletedMessage,
    EditedMessage,
    InboundResult,
    Incoming,
    IncomingFile,
    MessageReceived,
    Profile,
    Unparsable,
)
from channels_app.max.payloads import (
    Body,
    Callback,
    Message,
    Place,
    Recipient,
    Update,
    User,
    is_address,
    read_user,
)
from channels_app.max.vcard import card_of, is_proven
from channels_app.parts import items, load_object, mapping, number, read, words

_NAMES = {"image": "photo.jpg", "audio": "voice.ogg", "video": "video.mp4", "sticker": "sticker.webp", "file": "file"}
# MAX has no type of its own for voice notes.
_KINDS = {"image": "photo", "audio": "voice", "video": "video", "sticker": "sticker", "file": "document"}
# Part of a message, but nothing that the customer put there.
_SERVICE = {"inline_keyboard", "reply_keyboard", "data"}


def read_update(body: bytes) -> Update:
    """Raises Unparsable."""
    try:
        update = read(Update, load_object(body))
    except ValueError as error:
        raise Unparsable(f"This is not an update of MAX: {error}") from None
    if update is None or not update.update_type:
        raise Unparsable("This is not an update of MAX: it has no update_type.")
    return update


def event_key(update: Update) -> str:
    """MAX numbers no updates: what makes two deliveries the same, or nothing where the parts for it are missing."""
    kind, stamp = update.update_type, update.timestamp
    mid = words(mapping(update.message.get("body")).get("mid"))
    if kind == "message_created":
        return f"{kind}|{mid}" if mid else ""
    if kind == "message_edited":
        return f"{kind}|{mid}|{stamp}" if mid else ""
    if kind == "message_removed":
        return f"{kind}|{update.message_id}" if update.message_id else ""
    if kind == "message_callback":
        callback = read(Callback, update.callback) or Callback()
        return f"{kind}|{callback.callback_id}|{callback.timestamp}" if callback.callback_id else ""
    return f"{kind}|{update.chat_id}|{update.who}|{stamp}" if stamp else ""


def parse_update(body: bytes, token: str) -> list[InboundResult]:
    """Raises Unparsable for what is no update at all, or does not say whose it is."""
    update = read_update(body)
    match update.update_type:
        case "message_created":
            return _created(update, token)
        case "message_edited":
            return _edited(update, token)
        case "message_removed":
            is_ours = update.chat_id >= 0 and is_address(update.user_id) and bool(update.message_id)
            return [DeletedMessage(str(update.user_id), update.message_id)] if is_ours else []
        case "message_callback":
            return _pressed(update)
        case "bot_started":
            return _started(update)
        case "bot_stopped" | "dialog_removed":
            # The two come together; the same words make them one.
            reason = _("The customer has stopped the bot.")
            return [AddressBlocked(str(update.who), reason)] if update.chat_id >= 0 and is_address(update.who) else []
    return []


def _created(update: Update, token: str) -> list[InboundResult]:
    message = read(Message, update.message) or Message()
    sender = read_user(message.sender)
    if not message.to.is_dialog or sender.is_bot:
        return []
    profile, incoming = _profile_and_incoming(update, message, sender, token)
    return [MessageReceived(_address(sender), profile, incoming)]


def _edited(update: Update, token: str) -> list[InboundResult]:
    message = read(Message, update.message) or Message()
    sender = read_user(message.sender)
    if not message.to.is_dialog or sender.is_bot:
        return []
    profile, incoming = _profile_and_incoming(update, message, sender, token)
    return [EditedMessage(_address(sender), profile, incoming, time_of(update.timestamp))]


def _address(user: User) -> str:
    if not is_address(user.user_id):
        raise Unparsable("An update of MAX without its sender.")
    return str(user.user_id)


def _profile(user: User, chat_id: int, locale: str) -> Profile:
    details: dict[str, Any] = {"username": user.username} if user.username else {}
    if chat_id > 0:
        details["chat_id"] = str(chat_id)
    return Profile(name=user.name, language=locale[:2], details=details)


def time_of(milliseconds: int) -> datetime | None:
    return datetime.fromtimestamp(milliseconds / 1000, UTC) if 0 < milliseconds < 2**32 * 1000 else None


def _placeholder(kind: str) -> str:
    return _("[The customer sent something that cannot be shown here: %(kind)s]") % {"kind": kind}


# ---- Messages --------------------------------------------------------------------------------------------------------


@dataclass
class _Parts:
    """What the attachments of a message come to. `missed`: kinds that a person saw and we cannot show."""

    lines: list[str] = field(default_factory=list)
    files: list[IncomingFile] = field(default_factory=list)
    content: dict[str, Any] = field(default_factory=dict)
    missed: list[str] = field(default_factory=list)
    phone: str = ""


def _profile_and_incoming(update: Update, message: Message, sender: User, token: str) -> tuple[Profile, Incoming]:
    body, link = message.content, message.linked
    parts = _Parts()
    texts = [_with_links(body)]
    # Of a kind of link that we do not know, the words are shown like those of a forwarded message.
    is_passed_on = link.type == "forward" or bool(link.type != "reply" and link.message)
    if is_passed_on:
        # Somebody else's words: the message itself is empty then.
        texts.append(_with_links(link.body))
        parts.content["forwarded_from"] = read_user(link.sender).name or _("somebody")
    elif link.type == "reply" and link.body.text:
        parts.content["quote"] = link.body.text[:500]
    for attachment in body.attachments:
        _read_attachment(mapping(attachment), parts, sender, token)
    for attachment in link.body.attachments if is_passed_on else []:
        # A card inside is not the sender's own, whatever it carries.
        _read_attachment(mapping(attachment), parts, User(), token)
    if not (any(texts) or parts.lines or parts.files or parts.content.keys() - {"quote", "forwarded_from"}):
        parts.missed = parts.missed or ["message"]
    if parts.missed:
        parts.content["unsupported"] = parts.missed[0]
        parts.lines.append(_placeholder(", ".join(parts.missed)))
    incoming = Incoming(
        external_id=body.mid or f"{update.update_type}:{message.timestamp or update.timestamp}",
        text="\n".join([*filter(None, texts), *(line for line in parts.lines if line not in body.text)]),
        content=parts.content,
        files=tuple(parts.files),
        reply_to_external_id=link.body.mid if link.type == "reply" else "",
        sent_at=time_of(message.timestamp),
    )
    profile = _profile(sender, message.to.chat_id, update.user_locale)
    return Profile(profile.name, phone=parts.phone, language=profile.language, details=profile.details), incoming


def _with_links(body: Body) -> str:
    """Addresses hidden behind words stand below: MAX does not say in which units it counts places in a text."""
    urls = [words(mapping(mark).get("url")) for mark in body.markup]
    hidden = [url for url in dict.fromkeys(urls) if url and url.rstrip("/") not in body.text]
    return "\n".join([body.text, *hidden]).strip()


def _read_attachment(attachment: Mapping[str, Any], parts: _Parts, sender: User, token: str) -> None:
    kind, payload = words(attachment.get("type")), mapping(attachment.get("payload"))
    if kind in _SERVICE:
        return
    shown = False
    if kind in _KINDS:
        shown = _read_file(kind, attachment, payload, parts)
    elif kind == "location":
        place = read(Place, attachment)
        shown = place is not None
        if place is not None:
            parts.content["location"] = place.model_dump()
    elif kind == "contact":
        shown = _read_contact(payload, parts, sender, token)
    elif kind == "share":
        shown = _read_share(attachment, payload, parts)
    if not shown:
        parts.missed.append(kind[:40] or "attachment")


def _read_file(kind: str, attachment: Mapping[str, Any], payload: Mapping[str, Any], parts: _Parts) -> bool:
    url, token = words(payload.get("url")), words(payload.get("token"))
    if not url and not (token and kind == "video"):
        return False
    remote = {"url": url, "key": words(payload.get("code")) or token or str(number(payload.get("photo_id")) or url)}
    if kind == "video" and token:
        remote["video"] = token
    transcription = words(attachment.get("transcription"))
    if transcription:
        parts.lines.append(transcription)
    parts.files.append(
        IncomingFile(
            kind=_KINDS[kind],
            name=words(attachment.get("filename")) or _NAMES[kind],
            size=max(0, number(attachment.get("size"))),
            remote=remote,
        )
    )
    return True


def _read_contact(payload: Mapping[str, Any], parts: _Parts, sender: User, token: str) -> bool:
    vcf, owner = words(payload.get("vcf_info")), read_user(payload.get("max_info"))
    name, phone = card_of(vcf)
    if not (name or phone or owner.name):
        return False
    parts.content["contact"] = {"name": name or owner.name, "phone": phone}
    # Only what our own button asked for is proven; any other card may be anybody's.
    if sender.user_id and owner.user_id in {0, sender.user_id} and is_proven(vcf, words(payload.get("hash")), token):
        parts.phone = parts.phone or phone
    return True


def _read_share(attachment: Mapping[str, Any], payload: Mapping[str, Any], parts: _Parts) -> bool:
    """A preview of a link; mostly the address stands in the text as well."""
    title, url = words(attachment.get("title")), words(payload.get("url"))
    parts.lines += [line for line in (title, url) if line]
    return bool(title or url)


# ---- Presses and visits ----------------------------------------------------------------------------------------------


def _pressed(update: Update) -> list[InboundResult]:
    """The text of a press is the text of the button. The message around it is ours; the person is `callback.user`."""
    callback = read(Callback, update.callback) or Callback()
    message, user = read(Message, update.message) or Message(), read_user(callback.user)
    if not message.to.is_dialog:
        return []
    text = _button_text(message.content, callback.payload) or callback.payload
    incoming = Incoming(
        external_id=f"callback:{callback.callback_id}:{callback.timestamp or update.timestamp}",
        text=text or _placeholder("message_callback"),
        content={"button": callback.payload, "callback_id": callback.callback_id},
        reply_to_external_id=message.content.mid,
        sent_at=time_of(callback.timestamp),
    )
    profile = _profile(user, message.to.chat_id, update.user_locale)
    return [ButtonPressed(_address(user), profile, incoming, callback.callback_id)]


def _button_text(body: Body, payload: str) -> str:
    for attachment in map(mapping, body.attachments):
        for row in items(mapping(attachment.get("payload")).get("buttons")):
            for button in map(mapping, items(row)):
                if payload and button.get("payload") == payload:
                    return words(button.get("text"))
    return ""


def _started(update: Update) -> list[InboundResult]:
    """The first opening is this event and not a text "/start"; it is shown like one, as in other messengers."""
    if not Recipient(chat_id=update.chat_id).is_dialog:
        return []
    user = update.person if update.person.user_id else User(user_id=update.user_id)
    payload = update.payload.strip()[:128]
    incoming = Incoming(
        external_id=f"bot_started:{update.chat_id}:{update.timestamp}",
        text=f"/start {payload}".strip(),
        sent_at=time_of(update.timestamp),
    )
    return [ConversationStarted(_address(user), _profile(user, update.chat_id, update.user_locale), incoming, payload)]
