"""Updates of Telegram → typed events. One private chat is one address; groups and channels are none of ours."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django.utils.translation import gettext as _
from pydantic import ValidationError

from channels_app.base import (
    AddressBlocked,
    ButtonPressed,
    ConversationStarted,
    EditedMessage,
    InboundResult,
    Incoming,
    IncomingFile,
    MessageReceived,
    Profile,
    Unparsable,
)
from channels_app.telegram.payloads import CallbackQuery, ChatMemberUpdated, File, Message, Update, User

# Order matters: `animation` also fills `document`, `live_photo` also `photo`.
_FILES = {
    "animation": "video", "document": "document", "voice": "voice", "audio": "audio", "video": "video", "video_note": "video",
}  # fmt: skip
# Not content: service fields of any message.
_SERVICE = frozenset(
    [
        "entities",
        "caption_entities",
        "reply_to_message",
        "quote",
        "external_reply",
        "forward_origin",
        "via_bot",
        "link_preview_options",
        "is_topic_message",
        "has_protected_content",
        "show_caption_above_media",
        "has_media_spoiler",
        "sender_boost_count",
        "author_signature",
        "reply_markup",
        "effect_id",
        "is_from_offline",
        "reply_to_story",
        "is_automatic_forward",
        "sender_business_bot",
        "paid_star_count",
        "suggested_post_info",
        "direct_messages_topic",
        "is_paid_post",
        "forward_date",
    ]
)


def parse_update(body: bytes) -> list[InboundResult]:
    """Raises Unparsable for what is no update at all."""
    try:
        update = Update.model_validate_json(body)
    except ValidationError as error:
        raise Unparsable(f"This is not an update of Telegram: {error.errors()[0]['msg']}") from None
    try:
        return _parse(update)
    except ValidationError as error:
        raise Unparsable(f"An update of Telegram without its sender or chat: {error.errors()[0]['loc']}") from None


def _parse(update: Update) -> list[InboundResult]:
    if update.message is not None:
        return _message(Message.model_validate(update.message), update.update_id)
    if update.edited_message is not None:
        return _edited(Message.model_validate(update.edited_message), update.update_id)
    if update.callback_query is not None:
        return [_button(CallbackQuery.model_validate(update.callback_query))]
    if update.my_chat_member is not None:
        return _membership(ChatMemberUpdated.model_validate(update.my_chat_member))
    return []


def _is_ours(message: Message) -> bool:
    return message.chat.type == "private" and message.sender is not None and not message.business_connection_id


def _message(message: Message, update_id: int) -> list[InboundResult]:
    if not _is_ours(message):
        return []
    address, profile, incoming = str(message.chat.id), _profile(message), _incoming(message, update_id)
    if message.text.startswith("/start"):
        payload = message.text.partition(" ")[2].strip()[:64]
        return [ConversationStarted(address, profile, incoming, payload)]
    return [MessageReceived(address, profile, incoming)]


def _edited(message: Message, update_id: int) -> list[InboundResult]:
    if not _is_ours(message):
        return []
    edited_at = _time(message.edit_date or 0)
    return [EditedMessage(str(message.chat.id), _profile(message), _incoming(message, update_id), edited_at)]


def _button(query: CallbackQuery) -> InboundResult:
    """The text of a press is the text of the button; its data stay beside it."""
    text, reply_to = query.data, ""
    if query.message:
        reply_to = str(query.message.get("message_id") or "")
        for row in (query.message.get("reply_markup") or {}).get("inline_keyboard") or []:
            for button in row:
                if button.get("callback_data") == query.data:
                    text = button.get("text") or text
    incoming = Incoming(
        external_id=f"callback:{query.id}",
        text=text,
        content={"button": query.data, "callback_id": query.id},
        reply_to_external_id=reply_to,
    )
    return ButtonPressed(str(query.sender.id), _user_profile(query.sender), incoming, query.id)


def _membership(change: ChatMemberUpdated) -> list[InboundResult]:
    if change.chat.type != "private":
        return []
    blocked = change.new_chat_member.status in {"kicked", "left"}
    return [AddressBlocked(str(change.chat.id), _("The customer has blocked the bot.") if blocked else "")]


def _profile(message: Message) -> Profile:
    assert message.sender is not None
    profile = _user_profile(message.sender)
    contact = message.extra.get("contact")
    phone = ""
    # A shared contact card may be anybody's; only one's own carries one's own id.
    if isinstance(contact, Mapping) and contact.get("user_id") == message.sender.id:
        phone = "+" + str(contact.get("phone_number", "")).lstrip("+")
    details = {**profile.details}
    if message.message_thread_id:
        details["message_thread_id"] = message.message_thread_id
    return Profile(name=profile.name, phone=phone, language=profile.language, details=details)


def _user_profile(user: User) -> Profile:
    details = {"username": user.username} if user.username else {}
    return Profile(name=user.name, language=user.language_code[:2], details=details)


def _time(seconds: int) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if seconds else None


def _incoming(message: Message, update_id: int) -> Incoming:
    content: dict[str, Any] = {}
    files = _files(message.extra)
    known = _fill_content(message, content)
    text = message.text or message.caption
    if not (text or files or known):
        kind = next((key for key in message.extra if key not in _SERVICE), "message")
        content["unsupported"] = kind
        text = _("[The customer sent something that cannot be shown here: %(kind)s]") % {"kind": kind}
    if message.media_group_id:
        content["group"] = message.media_group_id
    reply = message.extra.get("reply_to_message")
    return Incoming(
        # Ephemeral messages all have the number 0.
        external_id=str(message.message_id or f"update:{update_id}"),
        text=text,
        content=content,
        files=tuple(files),
        reply_to_external_id=str(reply.get("message_id", "")) if isinstance(reply, Mapping) else "",
        sent_at=_time(message.date),
    )


def _files(extra: Mapping[str, Any]) -> list[IncomingFile]:
    for name, kind in _FILES.items():
        file = _file(extra.get(name))
        if file is not None:
            return [_incoming_file(kind, file)]
    sizes = [file for file in map(_file, extra.get("photo") or []) if file is not None]
    if sizes:
        # Ascending by size, but nobody promises it.
        return [_incoming_file("photo", max(sizes, key=lambda file: file.file_size))]
    sticker = extra.get("sticker")
    if isinstance(sticker, Mapping):
        moving = sticker.get("is_animated") or sticker.get("is_video")
        file = _file(sticker.get("thumbnail") if moving else sticker)
        if file is not None:
            return [_incoming_file("sticker", file)]
    return []


def _file(raw: Any) -> File | None:
    try:
        return File.model_validate(raw) if raw else None
    except ValidationError:
        return None


def _incoming_file(kind: str, file: File) -> IncomingFile:
    default = {"photo": ".jpg", "voice": ".ogg", "audio": ".mp3", "video": ".mp4", "sticker": ".webp"}.get(kind, "")
    return IncomingFile(
        kind=kind,
        name=file.file_name or (f"{kind}{default}" if default else ""),
        mime=file.mime_type,
        size=file.file_size,
        remote={"file_id": file.file_id},
    )


def _fill_content(message: Message, content: dict[str, Any]) -> bool:
    """Reads what text and files cannot carry. Returns whether there was any that a person can see."""
    extra = message.extra
    seen = False
    place = extra.get("venue") or extra.get("location")
    if isinstance(place, Mapping):
        point = place.get("location", place)
        content["location"] = {
            "latitude": point.get("latitude"), "longitude": point.get("longitude"),
            "title": place.get("title", ""), "address": place.get("address", ""),
        }  # fmt: skip
        seen = True
    card = extra.get("contact")
    if isinstance(card, Mapping):
        name = f"{card.get('first_name', '')} {card.get('last_name', '')}".strip()
        content["contact"] = {"name": name, "phone": card.get("phone_number", "")}
        seen = True
    sticker = extra.get("sticker")
    if isinstance(sticker, Mapping):
        content["sticker"] = sticker.get("emoji", "")
        seen = True
    quote = extra.get("quote")
    if isinstance(quote, Mapping) and quote.get("text"):
        content["quote"] = str(quote["text"])
    origin = extra.get("forward_origin")
    if isinstance(origin, Mapping):
        who = origin.get("sender_user_name") or (origin.get("sender_user") or {}).get("first_name") or ""
        content["forwarded_from"] = str(who)
    return seen
