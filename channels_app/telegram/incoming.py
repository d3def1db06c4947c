"""Updates of Telegram → typed events. One private chat is one address; groups and channels are none of ours."""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from pydantic import ValidationError

from channels_app.base import (
    AddressBlocked,
    ButtonPressed,
    ConversationStarted,
    DeletedMessage,
    Echo,
    EditedMessage,
    InboundResult,
    Incoming,
    IncomingFile,
    MessageReceived,
    Profile,
    Reaction,
    Unparsable,
)
from channels_app.parts import items, load_object, mapping, number, read, words
from channels_app.telegram.payloads import (
    CallbackQuery,
    Chat,
    ChatMemberUpdated,
    DeletedMessages,
    File,
    Message,
    MessageReaction,
    Place,
    Update,
    User,
)  # fmt: skip

# Order matters: `animation` also fills `document`, `live_photo` also `photo`.
_FILES = {
    "animation": "video", "document": "document", "voice": "voice", "audio": "audio", "video": "video", "video_note": "video",
}  # fmt: skip
_NAMES = {
    "photo": "photo.jpg",
    "voice": "voice.ogg",
    "audio": "audio.mp3",
    "video": "video.mp4",
    "sticker": "sticker.webp",
}
# What a person sees in a message, as far as we show it; where we cannot read one of these, a line says so.
_SHOWN = [*_FILES, "photo", "sticker", "venue", "location", "contact"]
# Seen by the person too, but nothing that we can show.
_NOT_SHOWN = [
    "paid_media", "poll", "dice", "game", "story", "checklist", "rich_message", "invoice", "gift", "unique_gift", "giveaway",
]  # fmt: skip
# Told in the chat, but said by nobody: no message of a customer.
_NOTICES = frozenset(
    [
        "boost_added", "chat_background_set", "chat_owner_changed", "chat_owner_left", "checklist_tasks_added",
        "checklist_tasks_done", "connected_website", "direct_message_price_changed", "forum_topic_closed",
        "forum_topic_created", "forum_topic_edited", "forum_topic_reopened", "message_auto_delete_timer_changed",
        "paid_message_price_changed", "pinned_message", "proximity_alert_triggered", "write_access_allowed",
    ]
)  # fmt: skip
# As agents read them; whatever is not here keeps Telegram's own word.
_KINDS = {
    "animation": gettext_noop("an animation"),
    "callback_query": gettext_noop("a pressed button"),
    "checklist": gettext_noop("a list of tasks"),
    "contact": gettext_noop("a contact card"),
    "dice": gettext_noop("a thrown die"),
    "document": gettext_noop("a file"),
    "game": gettext_noop("a game"),
    "gift": gettext_noop("a gift"),
    "giveaway": gettext_noop("a giveaway"),
    "invoice": gettext_noop("an invoice"),
    "live_photo": gettext_noop("a live photo"),
    "location": gettext_noop("a place on the map"),
    "paid_media": gettext_noop("paid pictures or videos"),
    "photo": gettext_noop("a picture"),
    "poll": gettext_noop("a poll"),
    "sticker": gettext_noop("a sticker"),
    "story": gettext_noop("a story"),
    "successful_payment": gettext_noop("a payment"),
    "unique_gift": gettext_noop("a gift"),
    "web_app_data": gettext_noop("the data of a mini app"),
}
# Circumstances of any message. Of a message without content, the first key that is not here names what came.
_SERVICE = frozenset(
    [
        "author_signature", "caption_entities", "direct_messages_topic", "effect_id", "entities", "external_reply",
        "forward_date", "forward_origin", "has_media_spoiler", "has_protected_content", "is_automatic_forward",
        "is_from_offline", "is_paid_post", "is_topic_message", "link_preview_options", "paid_star_count", "quote",
        "reply_markup", "reply_to_message", "reply_to_story", "sender_boost_count", "sender_business_bot", "sender_chat",
        "show_caption_above_media", "suggested_post_info", "via_bot",
    ]
)  # fmt: skip
_START = re.compile(r"/start(?:@\w+)?(?:\s+(.*))?", re.DOTALL)


def parse_update(body: bytes) -> list[InboundResult]:
    """Raises Unparsable for what is no update at all, or does not say whose it is."""
    try:
        update = Update.model_validate(load_object(body))
    except ValidationError as error:
        raise Unparsable(f"This is not an update of Telegram: {error.errors()[0]['msg']}") from None
    except ValueError as error:
        raise Unparsable(f"This is not an update of Telegram: {error}") from None
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
        return _button(CallbackQuery.model_validate(update.callback_query), update.update_id)
    if update.message_reaction is not None:
        return _reaction(MessageReaction.model_validate(update.message_reaction))
    if update.my_chat_member is not None:
        return _membership(ChatMemberUpdated.model_validate(update.my_chat_member))
    return _parse_business(update)


def _parse_business(update: Update) -> list[InboundResult]:
    """A person's own account that the bot serves: customers write to the person, who may answer in Telegram too."""
    if update.business_message is not None:
        return _message(Message.model_validate(update.business_message), update.update_id)
    if update.edited_business_message is not None:
        return _edited(Message.model_validate(update.edited_business_message), update.update_id)
    if update.deleted_business_messages is not None:
        gone = DeletedMessages.model_validate(update.deleted_business_messages)
        address = _address(gone.chat, gone.business_connection_id)
        return [DeletedMessage(address, str(id)) for id in map(number, gone.message_ids) if id]
    return []


def _is_ours(message: Message) -> bool:
    # Groups and channels have negative numbers.
    return message.chat.type == "private" or (not message.chat.type and message.chat.id > 0)


def _address(chat: Chat, connection: str) -> str:
    """A customer's chat with the person behind a business account is another one than their chat with the bot."""
    return f"{connection}:{chat.id}" if connection else str(chat.id)


def _is_from_the_company(message: Message) -> bool:
    return bool(message.business_connection_id) and message.sender.id not in {0, message.chat.id}


def _message(message: Message, update_id: int) -> list[InboundResult]:
    if not _is_ours(message) or _is_a_notice(message):
        return []
    address = _address(message.chat, message.business_connection_id)
    if _is_from_the_company(message):
        # What the bot itself wrote there is known from its answer.
        by_bot = bool(message.extra.get("sender_business_bot"))
        return [] if by_bot else [Echo(address, _customer(message), _incoming(message, update_id))]
    profile, incoming = _profile(message), _incoming(message, update_id)
    start = _START.fullmatch(message.text)
    if start:
        return [ConversationStarted(address, profile, incoming, (start[1] or "").strip()[:64])]
    return [MessageReceived(address, profile, incoming)]


def _edited(message: Message, update_id: int) -> list[InboundResult]:
    if not _is_ours(message) or _is_a_notice(message):
        return []
    address, edited_at = _address(message.chat, message.business_connection_id), _time(message.edit_date)
    incoming = _incoming(message, update_id)
    if not _is_from_the_company(message):
        return [EditedMessage(address, _profile(message), incoming, edited_at)]
    if message.extra.get("sender_business_bot"):
        return []
    return [Echo(address, _customer(message), incoming, edited_at=edited_at or _time(message.date))]


def _is_a_notice(message: Message) -> bool:
    said = message.text or message.caption or any(message.extra.get(kind) for kind in (*_SHOWN, *_NOT_SHOWN))
    return not said and not _NOTICES.isdisjoint(message.extra)


def _button(query: CallbackQuery, update_id: int) -> list[InboundResult]:
    """The text of a press is the text of the button; its data stay beside it. It belongs to the chat of its message."""
    chat = mapping(query.message.get("chat"))
    if chat and chat.get("type") != "private":
        return []
    text = query.data
    for row in items(mapping(query.message.get("reply_markup")).get("inline_keyboard")):
        for button in map(mapping, items(row)):
            if query.data and button.get("callback_data") == query.data:
                text = words(button.get("text")) or text
    incoming = Incoming(
        external_id=f"callback:{query.id or update_id}",
        text=text or _placeholder("callback_query"),
        content={"button": query.data, "callback_id": query.id},
        reply_to_external_id=str(number(query.message.get("message_id")) or ""),
    )
    connection = words(query.message.get("business_connection_id"))
    profile = _user_profile(query.sender)
    details = {**profile.details, **({"business_connection_id": connection} if connection else {})}
    # Of a message that Telegram no longer shows us (date 0) the topic is not known.
    if number(query.message.get("date")):
        details["message_thread_id"] = number(query.message.get("message_thread_id"))
    address = f"{connection}:{query.sender.id}" if connection else str(query.sender.id)
    return [ButtonPressed(address, replace(profile, details=details), incoming, query.id)]


def _reaction(change: MessageReaction) -> list[InboundResult]:
    if change.chat.type != "private" or change.sender.id != change.chat.id or not change.message_id:
        return []
    # Emojis of one's own and paid ones have no letter.
    emojis = [words(mapping(one).get("emoji")) or "⭐" for one in change.new_reaction]
    return [Reaction(str(change.chat.id), str(change.message_id), emojis[-1] if emojis else "")]


def _membership(change: ChatMemberUpdated) -> list[InboundResult]:
    if change.chat.type != "private":
        return []
    blocked = change.new_chat_member.status in {"kicked", "left"}
    return [AddressBlocked(str(change.chat.id), _("The customer has blocked the bot.") if blocked else "")]


def _profile(message: Message) -> Profile:
    profile = _user_profile(message.sender if message.sender.name else message.chat)
    card = mapping(message.extra.get("contact"))
    # A shared contact card may be anybody's; only one's own carries one's own id.
    digits = words(card.get("phone_number")).lstrip("+") if card.get("user_id") == message.chat.id else ""
    # Always told: who leaves a topic is answered outside it again.
    details = {**profile.details, "message_thread_id": message.message_thread_id, **_connection(message)}
    return Profile(name=profile.name, phone=f"+{digits}" if digits else "", language=profile.language, details=details)


def _customer(message: Message) -> Profile:
    """Of a message that somebody else wrote to them."""
    return Profile(name=message.chat.name, details=_connection(message))


def _connection(message: Message) -> dict[str, str]:
    return {"business_connection_id": message.business_connection_id} if message.business_connection_id else {}


def _user_profile(user: User) -> Profile:
    details = {"username": user.username} if user.username else {}
    return Profile(name=user.name, language=user.language_code[:2], details=details)


def _time(seconds: int) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if 0 < seconds < 2**32 else None


def _incoming(message: Message, update_id: int) -> Incoming:
    extra = message.extra
    files, seen = _files(extra)
    content, more_seen = _content(extra)
    seen |= more_seen
    text = _with_links(message.text, extra.get("entities")) or _with_links(
        message.caption, extra.get("caption_entities")
    )
    missed = _missed(extra, seen, bool(text))
    if missed:
        content["unsupported"] = missed
        text = "\n".join(filter(None, [text, _inside(mapping(extra.get(missed))), _placeholder(missed)]))
    if message.media_group_id:
        content["group"] = message.media_group_id
    return Incoming(
        # Ephemeral messages all have the number 0.
        external_id=str(message.message_id or f"update:{update_id}"),
        text=text,
        content=content,
        files=tuple(files),
        reply_to_external_id=str(number(mapping(extra.get("reply_to_message")).get("message_id")) or ""),
        sent_at=_time(message.date),
    )


def _placeholder(kind: str) -> str:
    shown = _(_KINDS[kind]) if kind in _KINDS else kind
    return _("[The customer sent something that cannot be shown here: %(kind)s]") % {"kind": shown}


def _inside(part: Mapping[str, Any]) -> str:
    """The words of a poll, a list of tasks, a game, a pressed button, a thrown die."""
    title = next(filter(None, (words(part.get(key)) for key in ("question", "title", "button_text", "text"))), "")
    lines = [words(mapping(line).get("text")) for key in ("options", "tasks") for line in items(part.get(key))]
    thrown = f"{words(part.get('emoji'))} {number(part.get('value')) or ''}".strip()
    return "\n".join(filter(None, [title or thrown, *(f"• {line}" for line in lines if line)]))


def _missed(extra: Mapping[str, Any], seen: set[str], has_text: bool) -> str:
    """The kind of what the customer sent and we cannot show; empty when nothing is missing."""
    if not seen:
        for kind in (*_SHOWN, *_NOT_SHOWN):
            if extra.get(kind) is not None:
                return kind
    if seen or has_text:
        return ""
    return next((key for key in extra if key not in _SERVICE), "message")


def _with_links(text: str, entities: Any) -> str:
    """Addresses hidden behind words stand beside them. Offsets are UTF-16 units."""
    raw = text.encode("utf-16-le")
    links = [entity for entity in map(mapping, items(entities)) if entity.get("type") == "text_link"]
    for link in sorted(links, key=lambda link: number(link.get("offset")), reverse=True):
        url, start = words(link.get("url")), number(link.get("offset"))
        end = start + number(link.get("length"))
        covered = raw[start * 2 : end * 2].decode("utf-16-le", "replace")
        if url and 0 <= start < end <= len(raw) // 2 and covered.strip("/") != url.strip("/"):
            raw = raw[: end * 2] + f" ({url})".encode("utf-16-le") + raw[end * 2 :]
    return raw.decode("utf-16-le", "replace")


def _files(extra: Mapping[str, Any]) -> tuple[list[IncomingFile], set[str]]:
    """The file of a message and the names of the fields it was read from."""
    for name, kind in _FILES.items():
        file = read(File, extra.get(name))
        if file is not None:
            return [_incoming_file(kind, file)], {name}
    sizes = [file for file in (read(File, size) for size in items(extra.get("photo"))) if file is not None]
    if sizes:
        # Ascending by size, but nobody promises it.
        return [_incoming_file("photo", max(sizes, key=lambda file: file.file_size))], {"photo"}
    sticker = mapping(extra.get("sticker"))
    moving = sticker.get("is_animated") or sticker.get("is_video")
    file = read(File, sticker.get("thumbnail") if moving else sticker)
    return ([_incoming_file("sticker", file)], {"sticker"}) if file is not None else ([], set())


def _incoming_file(kind: str, file: File) -> IncomingFile:
    return IncomingFile(
        kind=kind,
        name=file.file_name or _NAMES.get(kind, ""),
        mime=file.mime_type,
        size=max(0, file.file_size),
        # The id may change from update to update, the key names the file for good.
        remote={"file_id": words(file.file_id), "key": file.file_unique_id},
    )


def _content(extra: Mapping[str, Any]) -> tuple[dict[str, Any], set[str]]:
    """What text and files cannot carry, and the fields whose content a person can see there."""
    content: dict[str, Any] = {}
    seen: set[str] = set()
    venue = mapping(extra.get("venue"))
    place = read(Place, venue.get("location") or extra.get("location"))
    if place is not None:
        names = {"title": words(venue.get("title")), "address": words(venue.get("address"))}
        content["location"] = {**place.model_dump(), **names}
        seen.add("location")
    card = read(User, extra.get("contact"))
    phone = words(mapping(extra.get("contact")).get("phone_number"))
    if card is not None and (card.name or phone):
        content["contact"] = {"name": card.name, "phone": phone}
        seen.add("contact")
    emoji = words(mapping(extra.get("sticker")).get("emoji"))
    if emoji:
        content["sticker"] = emoji
        seen.add("sticker")
    quote = words(mapping(extra.get("quote")).get("text"))
    if quote:
        content["quote"] = quote
    origin = _origin(mapping(extra.get("forward_origin")))
    if origin:
        content["forwarded_from"] = origin
    return content, seen


def _origin(origin: Mapping[str, Any]) -> str:
    """The name of a person, of a hidden person, of a group or of a channel."""
    person = read(User, origin.get("sender_user"))
    place = mapping(origin.get("sender_chat")) or mapping(origin.get("chat"))
    return (person.name if person else "") or words(origin.get("sender_user_name")) or words(place.get("title"))
