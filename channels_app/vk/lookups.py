"""What events of VK do not carry: names, and the whole of a message that was cut. Asked for once a batch, names kept a day."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from django.core.cache import cache

from channels_app.base import TransportError, UnknownOutcome, Unparsable
from channels_app.parts import items, mapping, read
from channels_app.vk.incoming import Lookups
from channels_app.vk.payloads import Event, Message, Person, everybody_in, read_event, read_message

_NAMES_KEPT = 24 * 3600
# Of users.get and messages.getByConversationMessageId in one call.
_AT_ONCE = 100

Ask = Callable[[str, Mapping[str, Any]], Any]


def look_up(ask: Ask, bodies: Sequence[bytes]) -> Lookups:
    """What cannot be had is left out: a later message brings the name. Faults of the cache count as unknown."""
    messages = [
        event.message for event in _events(bodies) if event.type in {"message_new", "message_edit", "message_reply"}
    ]
    pressing = [event.object.get("user_id") for event in _events(bodies) if event.type == "message_event"]
    known = Lookups(whole=_whole_messages(ask, messages))
    wanted = [known.whole.get(message.place, message) for message in messages]
    ids = {id for message in wanted for id in (*everybody_in(message), message.peer) if 0 < id < 2_000_000_000}
    ids |= {id for id in pressing if isinstance(id, int) and id > 0}
    known.people = _people(ask, sorted(ids))
    return known


def _events(bodies: Iterable[bytes]) -> list[Event]:
    events = []
    for body in bodies:
        with suppress(Unparsable):
            events.append(read_event(body))
    return events


def _people(ask: Ask, ids: Sequence[int]) -> dict[int, Person]:
    keys = {f"vk-person:{id}": id for id in ids}
    found = {keys[key]: row for key, row in cache.get_many(keys).items()} if keys else {}
    missing = [id for id in ids if id not in found]
    for start in range(0, len(missing), _AT_ONCE):
        ask_for = missing[start : start + _AT_ONCE]
        with suppress(TransportError, UnknownOutcome):
            rows = items(ask("users.get", {"user_ids": ",".join(map(str, ask_for)), "fields": "screen_name,photo_100"}))
            got = [person for person in (read(Person, row) for row in rows) if person is not None and person.id]
            found |= {person.id: person.model_dump() for person in got}
            cache.set_many({f"vk-person:{person.id}": person.model_dump() for person in got}, _NAMES_KEPT)
    people = {id: read(Person, row) for id, row in found.items()}
    return {id: person for id, person in people.items() if person is not None}


def _whole_messages(ask: Ask, messages: Iterable[Message]) -> dict[tuple[int, int], Message]:
    by_peer: dict[int, list[int]] = {}
    for message in messages:
        if message.is_cropped and message.cmid:
            by_peer.setdefault(message.peer, []).append(message.cmid)
    found: dict[tuple[int, int], Message] = {}
    for peer, numbers in by_peer.items():
        with suppress(TransportError, UnknownOutcome):
            found |= {
                message.place: message for message in fetch_messages(ask, peer, numbers) if not message.is_cropped
            }
    return found


def fetch_messages(ask: Ask, peer: int, numbers: Sequence[int]) -> list[Message]:
    """Messages of a dialogue as VK has them now. Raises TransportError, UnknownOutcome."""
    query = {"peer_id": peer, "conversation_message_ids": ",".join(map(str, numbers[:_AT_ONCE]))}
    return [read_message(row) for row in items(mapping(ask("messages.getByConversationMessageId", query)).get("items"))]
