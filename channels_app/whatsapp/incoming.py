"""Webhooks of WhatsApp → typed events. A body may hold many messages and statuses of many people; each is read on its own.

A person has two names: the number (`wa_id`) and an id of theirs for this company (BSUID). Either may be missing.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

import structlog
from django.utils import timezone

from channels_app.base import (
    AddressBlocked,
    AddressChanged,
    ButtonPressed,
    ConversationStarted,
    DeletedMessage,
    Echo,
    EditedMessage,
    Elsewhere,
    InboundResult,
    Incoming,
    MessageReceived,
    NotUnderstood,
    Profile,
    Reaction,
    Receipt,
    TemplatesChanged,
    WindowClosed,
)
from channels_app.parts import items, mapping, words
from channels_app.whatsapp.content import content_of, shared_phone, type_of
from channels_app.whatsapp.errors import fault_of
from channels_app.whatsapp.payloads import moment, name, values_of

log = structlog.get_logger(__name__)

# `played`: the customer has heard a voice message.
_STATES = {"sent": "sent", "delivered": "delivered", "read": "read", "played": "read", "failed": "failed"}
# What is no message, and said to nobody.
_NOTICES = {"reaction", "system"}


@dataclass(frozen=True)
class Person:
    """`address` is the number where it is known, else the id; `alias` the other of the two."""

    address: str
    profile: Profile


def parse_webhook(body: bytes, phone_number_id: str = "") -> list[InboundResult]:
    """In the order in which things happened. Raises Unparsable."""
    found: list[tuple[datetime | None, InboundResult]] = []
    for value in values_of(body):
        for error in items(value.get("errors")):
            log.warning("whatsapp_reports", reason=fault_of(mapping(error)).reason)
        to = name(mapping(value.get("metadata")).get("phone_number_id"))[:120]
        if phone_number_id and to and to != phone_number_id:
            # One app of Meta may call one address for all its numbers.
            found += ((at, Elsewhere(to, result)) for at, result in _events(value))
        else:
            found += _events(value)
    return _in_order(found)


def _in_order(found: Sequence[tuple[datetime | None, InboundResult]]) -> list[InboundResult]:
    """By time; what has none stays behind its neighbour."""
    latest, timed = None, []
    for at, result in found:
        latest = at or latest
        timed.append((latest.timestamp() if latest else 0.0, result))
    return [result for _at, result in sorted(timed, key=lambda pair: pair[0])]


def _events(value: Mapping[str, Any]) -> Iterator[tuple[datetime | None, InboundResult]]:
    for message in map(mapping, items(value.get("messages"))):
        for result in _message(value, message):
            yield moment(message.get("timestamp")), result
    for message in map(mapping, items(value.get("message_echoes"))):
        for result in _echo(value, message):
            yield moment(message.get("timestamp")), result
    if value.get("message_template_id"):
        yield None, TemplatesChanged()
    for status in map(mapping, items(value.get("statuses"))):
        for result in _status(status):
            yield moment(status.get("timestamp")), result


# ---- People ----------------------------------------------------------------------------------------------------------


def _person(value: Mapping[str, Any], phone: Any, user_id: Any, message_id: str = "") -> Person | None:
    """Who has this number or id. None when there is neither, nor a single contact that it can be."""
    wa_id, bsuid = name(phone).lstrip("+"), name(user_id)
    contacts = [mapping(contact) for contact in items(value.get("contacts"))]
    contact = _contact(contacts, wa_id, bsuid)
    wa_id = wa_id or name(contact.get("wa_id")).lstrip("+")
    bsuid = bsuid or name(contact.get("user_id"))
    if not (wa_id or bsuid):
        return None
    given = mapping(contact.get("profile"))
    details = {"username": words(given.get("username")), "last_message": message_id}
    profile = Profile(
        name=words(given.get("name")).strip(),
        phone=f"+{wa_id}" if wa_id.isascii() and wa_id.isdecimal() else "",
        details={key: text for key, text in details.items() if text},
        alias=bsuid[:255] if wa_id else "",
    )
    return Person((wa_id or bsuid)[:255], profile)


def _contact(contacts: Sequence[Mapping[str, Any]], wa_id: str, bsuid: str) -> Mapping[str, Any]:
    """By either name, never by place in the list."""
    for contact in contacts:
        if wa_id and name(contact.get("wa_id")).lstrip("+") == wa_id:
            return contact
        if bsuid and name(contact.get("user_id")) == bsuid:
            return contact
    return contacts[0] if len(contacts) == 1 and not (wa_id or bsuid) else {}


# ---- Messages --------------------------------------------------------------------------------------------------------


def _message(value: Mapping[str, Any], message: Mapping[str, Any]) -> Iterator[InboundResult]:
    if not message or message.get("group_id"):
        return
    if type_of(message) == "system":
        yield from _system(message)
        return
    person = _person(value, message.get("from"), message.get("from_user_id"), _id(message))
    if person is None:
        yield NotUnderstood("A message of WhatsApp that does not say whose it is.")
        return
    address, profile = person.address, person.profile
    match type_of(message):
        case "reaction":
            reaction = mapping(message.get("reaction"))
            if target := name(reaction.get("message_id"))[:255]:
                yield Reaction(address, target, words(reaction.get("emoji")))
        case "revoke":
            if target := _original(message, "revoke"):
                yield DeletedMessage(address, target)
        case "edit":
            yield _edit(person, message)
        case kind:
            incoming, pressed = _incoming(message)
            profile = replace(profile, phone=profile.phone or shared_phone(message))
            if kind == "request_welcome":
                yield ConversationStarted(address, profile, incoming)
            else:
                yield (ButtonPressed if pressed else MessageReceived)(address, profile, incoming)


def _id(message: Mapping[str, Any]) -> str:
    """The message's own; of one without any, a hash: the same one coming again is still found."""
    own = name(message.get("id"))[:255]
    return own or "sha256:" + sha256(json.dumps(message, sort_keys=True).encode()).hexdigest()


def _original(message: Mapping[str, Any], kind: str) -> str:
    return name(mapping(message.get(kind)).get("original_message_id"))[:255]


def _incoming(message: Mapping[str, Any], external_id: str = "") -> tuple[Incoming, bool]:
    """The message, and whether it is the press of a button."""
    content = content_of(message)
    incoming = Incoming(
        external_id=external_id or _id(message),
        text=content.text,
        content=content.extra,
        files=content.files,
        reply_to_external_id=name(mapping(message.get("context")).get("id"))[:255],
        sent_at=moment(message.get("timestamp")),
    )
    return incoming, content.pressed


def _edit(person: Person, message: Mapping[str, Any]) -> EditedMessage:
    """The changed message has the place of the first; its own id is only the id of the change."""
    inner = mapping(mapping(message.get("edit")).get("message"))
    at = moment(message.get("timestamp"))
    original = _original(message, "edit")
    incoming, _pressed = _incoming({**inner, "timestamp": message.get("timestamp")}, original or _id(message))
    return EditedMessage(person.address, person.profile, incoming, edited_at=at or timezone.now())


def _system(message: Mapping[str, Any]) -> Iterator[InboundResult]:
    """A new number brings a new id with it; one without the other comes too."""
    system = mapping(message.get("system"))
    phone = name(message.get("from")) or name(system.get("customer"))
    user_id = name(system.get("previous_user_id")) or name(message.get("from_user_id"))
    new_phone = name(system.get("wa_id")) or name(system.get("new_wa_id"))
    new_id = name(system.get("user_id"))
    pairs = [(phone.lstrip("+"), new_phone.lstrip("+")), (user_id, new_id)]
    if not phone and new_phone:
        # Known to us by the id alone: the number is learnt with the next message.
        pairs = pairs[1:]
    for old, new in pairs:
        if old and new and old != new:
            yield AddressChanged(old[:255], new[:255])


def _echo(value: Mapping[str, Any], message: Mapping[str, Any]) -> Iterator[InboundResult]:
    """What somebody wrote in the WhatsApp Business app on the phone."""
    person = _person(value, message.get("to"), message.get("to_user_id"))
    if person is None or message.get("group_id"):
        return
    match type_of(message):
        case "revoke":
            if target := _original(message, "revoke"):
                yield DeletedMessage(person.address, target)
        case "edit":
            changed = _edit(person, message)
            yield Echo(person.address, person.profile, changed.incoming, edited_at=changed.edited_at)
        case kind if kind not in _NOTICES:
            incoming, _pressed = _incoming(message)
            yield Echo(person.address, person.profile, incoming)


# ---- Statuses --------------------------------------------------------------------------------------------------------


def _status(status: Mapping[str, Any]) -> Iterator[InboundResult]:
    state = _STATES.get(words(status.get("status")))
    if state is None or status.get("recipient_type") == "group":
        return
    recipient = status.get("recipient_id") or mapping(status.get("message")).get("recipient_id")
    address = (name(recipient).lstrip("+") or name(status.get("recipient_user_id")))[:255]
    key, last = _key(words(status.get("biz_opaque_callback_data")))
    error = ""
    if state == "failed":
        fault = fault_of(mapping(next(iter(items(status.get("errors"))), None)))
        error = fault.reason
        if fault.unreachable and address:
            yield AddressBlocked(address, fault.reason)
        if fault.stale_templates:
            yield TemplatesChanged()
        if fault.window_closed and address:
            yield WindowClosed(address, moment(status.get("timestamp")))
    elif not last:
        # The message has arrived when its last piece has; what went wrong with an earlier one is told.
        return
    yield Receipt(address, name(status.get("id"))[:255] if last else "", state, error, key)


def _key(given: str) -> tuple[UUID | None, bool]:
    """Our own key of the message, and whether this is its last piece (see outgoing.tag)."""
    text, _colon, piece = given.partition("#")
    with suppress(ValueError):
        return UUID(text), not piece
    return None, True
