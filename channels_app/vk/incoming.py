"""Events of VK → typed events. One person's dialogue with the community is one address; chats of many are none of ours."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

from django.utils.translation import gettext as _

from channels_app.base import (
    AddressBlocked,
    ButtonPressed,
    ConversationStarted,
    Echo,
    EditedMessage,
    InboundResult,
    Incoming,
    MessageReceived,
    Profile,
    ReadUpTo,
    Typing,
    Unparsable,
)
from channels_app.parts import number, read, words
from channels_app.vk.content import content_of, name_of
from channels_app.vk.outgoing import is_random_id_of
from channels_app.vk.payloads import (
    Event,
    Message,
    Person,
    Press,
    ReadMark,
    is_dialogue,
    read_event,
    read_payload,
)

EVENT_TYPES = ["message_new", "message_reply", "message_edit", "message_allow", "message_deny", "message_event",
               "message_read", "message_typing_state"]  # fmt: skip
_LANGUAGES = {0: "ru", 1: "uk", 2: "be", 3: "en", 4: "es", 5: "fi", 6: "de", 7: "it"}


@dataclass
class Lookups:
    """What was asked of VK besides the events: people by id, whole messages by (peer, number in the dialogue)."""

    people: dict[int, Person] = field(default_factory=dict)
    whole: dict[tuple[int, int], Message] = field(default_factory=dict)


def parse_event(body: bytes, known: Lookups) -> list[InboundResult]:
    """Raises Unparsable for what is no event at all, or does not say whose it is."""
    event = read_event(body)
    match event.type:
        case "message_new":
            return _received(event, known)
        case "message_edit":
            return _edited(event, known)
        case "message_reply":
            return _said(event, known)
        case "message_event":
            return _pressed(event, known)
        case _:
            return _noticed(event)


def _noticed(event: Event) -> list[InboundResult]:
    """What concerns messages and people that are there already."""
    thing = event.object
    user = number(thing.get("user_id")) or number(thing.get("from_id"))
    if user <= 0:
        return []
    match event.type:
        case "message_read":
            mark = read(ReadMark, thing) or ReadMark()
            peer = mark.peer_id or mark.from_id
            return [ReadUpTo(str(peer), str(mark.cmid))] if is_dialogue(peer) and mark.cmid else []
        case "message_typing_state":
            return [Typing(str(user))]
        case "message_allow":
            return [AddressBlocked(str(user), "")]
        case "message_deny":
            return [AddressBlocked(str(user), _("The customer does not let this community write."))]
    return []


# ---- Messages --------------------------------------------------------------------------------------------------------


def _received(event: Event, known: Lookups) -> list[InboundResult]:
    message = _whole(event, known)
    if message.is_own or not is_dialogue(message.peer):
        return []
    address, profile = str(message.peer), _profile(event, message.peer, known)
    incoming, command = _incoming(event, message, known), message.command
    if command.get("command") == "start" or message.ref:
        return [ConversationStarted(address, profile, incoming, message.ref.strip()[:128])]
    if command:
        # A button that writes its own label.
        return [ButtonPressed(address, profile, incoming)]
    return [MessageReceived(address, profile, incoming)]


def _edited(event: Event, known: Lookups) -> list[InboundResult]:
    message = _whole(event, known)
    if message.is_own or not is_dialogue(message.peer):
        return []
    incoming = _incoming(event, message, known)
    at = time_of(message.update_time)
    return [EditedMessage(str(message.peer), _profile(event, message.peer, known), incoming, at)]


def _said(event: Event, known: Lookups) -> list[InboundResult]:
    """Of the community: by us, by one of its people in VK, by another program. Only ours have a `random_id` of ours."""
    message = _whole(event, known)
    if not is_dialogue(message.peer_id):
        return []
    return [
        Echo(
            str(message.peer_id),
            _profile(event, message.peer_id, known),
            _incoming(event, message, known),
            is_of=partial(is_random_id_of, message.random_id) if message.random_id else None,
            # Pieces before the last have numbers below zero (see outgoing.random_id).
            is_whole=message.random_id >= 0,
        )
    ]


def _whole(event: Event, known: Lookups) -> Message:
    """Raises Unparsable for a message without a peer or a number."""
    message = event.message
    if not message.peer or not (message.cmid or message.id):
        raise Unparsable("A message of VK that does not say whose it is.")
    return known.whole.get(message.place, message) if message.is_cropped else message


def _incoming(event: Event, message: Message, known: Lookups) -> Incoming:
    content = content_of(message, known.people)
    extra, text = content.extra, content.text
    if message.is_cropped:
        text = "\n".join([text, _("[VK has shortened this message; the whole of it is in VK.]")])
    if message.ref_source:
        extra["ref_source"] = message.ref_source[:128]
    if message.command and message.command.get("command") != "start":
        extra["button"] = _value(message.command)
    answered = number(message.reply_message.get("conversation_message_id"))
    return Incoming(
        # Numbers of the whole community would meet those of the dialogue.
        external_id=str(message.cmid) if message.cmid else f"id{message.id}",
        text=text,
        content=extra,
        files=tuple(content.files),
        reply_to_external_id=str(answered) if answered else "",
        sent_at=time_of(message.date),
    )


def _profile(event: Event, peer: int, known: Lookups) -> Profile:
    person, client = known.people.get(peer), event.client
    details: dict[str, Any] = {"username": person.screen_name} if person and person.screen_name else {}
    if client.button_actions:
        details["callback_buttons"] = "callback" in client.button_actions
    return Profile(
        name=name_of(peer, known.people),
        language=_LANGUAGES.get(client.lang_id, "") if isinstance(client.lang_id, int) else "",
        details=details,
    )


def time_of(seconds: int) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if 0 < seconds < 2**32 else None


# ---- Presses ---------------------------------------------------------------------------------------------------------


def _pressed(event: Event, known: Lookups) -> list[InboundResult]:
    press = read(Press, event.object) or Press()
    peer = press.peer_id or press.user_id
    if not is_dialogue(peer):
        return []
    if not press.event_id or press.user_id <= 0:
        raise Unparsable("A press of VK that does not say whose it is.")
    payload = read_payload(press.payload)
    value = _value(payload)
    callback = f"{press.event_id}:{press.user_id}:{peer}"
    incoming = Incoming(
        external_id=f"event:{press.event_id}",
        # The event does not have the label; ours brings it along.
        text=words(payload.get("text")) or value or _("[A button]"),
        content={"button": value, "callback_id": callback},
        reply_to_external_id=str(press.cmid) if press.cmid else "",
    )
    return [ButtonPressed(str(peer), _profile(event, peer, known), incoming, callback)]


def _value(payload: Mapping[str, Any]) -> str:
    given = payload.get("value")
    return words(given) if isinstance(given, str) else words(json.dumps(payload, ensure_ascii=False)) if payload else ""
