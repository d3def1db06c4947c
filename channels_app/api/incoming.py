"""Events of a customer's own program → typed events. `from.id` is the address."""

import hashlib
import json
import mimetypes
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlsplit
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from pydantic import ValidationError

from channels_app.api.payloads import Button, Event, File, Place
from channels_app.base import (
    AddressBlocked,
    ButtonPressed,
    DeletedMessage,
    EditedMessage,
    InboundResult,
    Incoming,
    IncomingFile,
    MessageReceived,
    NotUnderstood,
    Profile,
    Reaction,
    ReadUpTo,
    Receipt,
    Typing,
    Unparsable,
)
from channels_app.facts import read_facts
from channels_app.parts import read

MOST_EVENTS = 500
MOST_FILES = 20
LONGEST_TEXT = 50_000
LONGEST_ADDRESS = 255
LONGEST_ID = 255
_KINDS = {"image": "photo", "audio": "audio", "video": "video"}


def events_of(body: bytes) -> list[Any]:
    """The events of a body: one object, or {"events": […]}. Raises Unparsable."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Unparsable(f"The body is not JSON: {error}") from None
    if not isinstance(found, Mapping):
        raise Unparsable("The body is not a JSON object.")
    events = found["events"] if isinstance(found.get("events"), list) else [found]
    if len(events) > MOST_EVENTS:
        raise Unparsable(f"More than {MOST_EVENTS} events in one body.")
    return events


def parse_body(body: bytes) -> list[InboundResult]:
    """Raises Unparsable for what is no body of ours at all; one bad event does not spoil those beside it."""
    return [result for place, raw in enumerate(events_of(body)) for result in _parse(place, raw)]


def _parse(place: int, raw: Any) -> list[InboundResult]:
    try:
        event = Event.model_validate(raw)
    except ValidationError:
        return [NotUnderstood(f"Event {place + 1} is not an object.")]
    if not event.sender.id or len(event.sender.id) > LONGEST_ADDRESS:
        return [NotUnderstood(f"Event {place + 1} ({event.type[:40]}) does not say whose it is: from.id.")]
    if event.type in {"message", "edit"}:
        return [_message(place, event, raw)]
    return _notice(place, event, raw)


def _message(place: int, event: Event, raw: Mapping[str, Any]) -> InboundResult:
    address, profile, incoming = event.sender.id, _profile(event), _incoming(place, event, raw)
    if event.type == "edit":
        return EditedMessage(address, profile, incoming, event.sent_at)
    if event.button:
        return ButtonPressed(address, profile, incoming)
    return MessageReceived(address, profile, incoming)


def _notice(place: int, event: Event, raw: Mapping[str, Any]) -> list[InboundResult]:
    address, about = event.sender.id, (event.message_id or event.id)[:LONGEST_ID]
    match event.type:
        case "delete":
            return [DeletedMessage(address, about)]
        case "reaction":
            return [Reaction(address, about, event.emoji)]
        case "sent" | "delivered" | "failed":
            return [Receipt(address, about, event.type, event.error[:500], _key(about))]
        case "read":
            # By our own id when they kept none of theirs.
            key = _key(about)
            seen = [Receipt(address, about, "read", key=key)] if key else []
            return [*seen, ReadUpTo(address, about)]
        case "blocked":
            reason = event.reason or _("The customer has blocked the conversation.")
            return [AddressBlocked(address, reason if event.on else "")]
        case "typing":
            return [Typing(address, event.on, event.sent_at)]
    unknown = Incoming(
        external_id=_message_id(event, raw),
        text=_text(event),
        content={"unsupported": event.type[:40] or "?"},
        files=_files(place, event),
        sent_at=event.sent_at,
    )
    return [MessageReceived(address, _profile(event), unknown)]


def _key(name: str) -> UUID | None:
    try:
        return UUID(name)
    except ValueError:
        return None


def _profile(event: Event) -> Profile:
    person = event.sender
    facts = read_facts(None, dict(person.attributes))
    return Profile(
        name=person.name[:200],
        email=person.email if "@" in person.email and len(person.email) <= 254 else "",
        phone=person.phone[:32],
        language=person.language[:2].lower(),
        details={"facts": facts} if facts else {},
    )


def _incoming(place: int, event: Event, raw: Mapping[str, Any]) -> Incoming:
    content: dict[str, Any] = {}
    location, button = read(Place, event.location), read(Button, event.button)
    if location is not None:
        content["location"] = location.model_dump(exclude_defaults=True)
    text, files = _text(event), _files(place, event)
    if button is not None and event.button:
        content["button"] = button.value or button.text
        text = text or button.text or button.value
    if not (text.strip() or files or content) and event.type == "message":
        content["unsupported"] = _("an empty message")
    return Incoming(
        external_id=_message_id(event, raw),
        text=text,
        content=content,
        files=files,
        reply_to_external_id=event.reply_to[:LONGEST_ID],
        sent_at=event.sent_at,
    )


def _text(event: Event) -> str:
    """With a line for what is over the limits."""
    lines = [event.text[:LONGEST_TEXT]]
    if len(event.text) > LONGEST_TEXT:
        lines.append(_("[The message is longer; the rest is in the inbound ledger.]"))
    more = len(event.files) - MOST_FILES
    if more > 0:
        lines.append(ngettext("[and %(n)d more file]", "[and %(n)d more files]", more) % {"n": more})
    return "\n".join(filter(None, lines))


def _message_id(event: Event, raw: Mapping[str, Any]) -> str:
    """Their id; without one the same event still is the same message."""
    given = event.message_id if event.type == "edit" and event.message_id else event.id
    if given and len(given) <= LONGEST_ID:
        return given
    stable = json.dumps(raw, sort_keys=True, ensure_ascii=True)
    return "sha256:" + hashlib.sha256(stable.encode()).hexdigest()


def _files(place: int, event: Event) -> tuple[IncomingFile, ...]:
    found = []
    for number, raw in enumerate(event.files[:MOST_FILES]):
        file = read(File, raw)
        if file is None or not (file.url or file.data):
            continue
        # The bytes stay in the ledger until they are unpacked; a link is fetched by the guarded client.
        part = f"{place}/{number}"
        remote = {"url": file.url, "key": file.url} if file.url else {"part": part, "key": part}
        name = file.name or _last_part(file.url) or "file"
        # Their word decides how it is drawn while it is on its way; the type itself is looked for in the bytes.
        mime = file.mime or mimetypes.guess_type(name)[0] or ""
        found.append(
            IncomingFile(kind=_KINDS.get(mime.split("/")[0].lower(), "document"), name=name[:200], remote=remote)
        )
    return tuple(found)


def _last_part(url: str) -> str:
    try:
        return unquote(urlsplit(url).path.rsplit("/", 1)[-1])
    except ValueError:
        return ""


def find_file(body: bytes, part: str) -> File:
    """The file that `remote["part"]` names. Raises LookupError, ValueError."""
    place, _slash, number = part.partition("/")
    event = Event.model_validate(events_of(body)[int(place)])
    file = read(File, event.files[int(number)])
    if file is None:
        raise LookupError(part)
    return file
