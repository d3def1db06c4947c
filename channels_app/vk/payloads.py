"""VK's JSON (5.199), as much of it as we read. Absent, null and strange parts are all the same to us."""

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from pydantic import Field

from channels_app.base import Unparsable
from channels_app.parts import List, Number, Object, Part, Text, items, load_object, mapping, read, words

# From here on it is a chat of many.
_CHATS = 2_000_000_000
# Forwarded messages stand inside each other as often as people like.
DEEPEST = 8


class Event(Part):
    """One of many shapes; `type` says which. A message stands in `object` itself or one deeper."""

    type: Text = ""
    event_id: Text = ""
    group_id: Number = 0
    secret: Text = ""
    object: Object = Field(default_factory=dict)

    @property
    def message(self) -> "Message":
        inner = self.object.get("message")
        return read_message(inner if isinstance(inner, Mapping) else self.object)

    @property
    def client(self) -> "Client":
        return read(Client, self.object.get("client_info")) or Client()


class Client(Part):
    """What the customer's app can show."""

    button_actions: List = Field(default_factory=list)
    lang_id: Any = None


class Message(Part):
    date: Number = 0
    from_id: Number = 0
    peer_id: Number = 0
    id: Number = 0
    cmid: Number = Field(default=0, alias="conversation_message_id")
    out: Number = 0
    text: Text = ""
    attachments: List = Field(default_factory=list)
    fwd_messages: List = Field(default_factory=list)
    reply_message: Object = Field(default_factory=dict)
    geo: Object = Field(default_factory=dict)
    payload: Any = None
    action: Object = Field(default_factory=dict)
    ref: Text = ""
    ref_source: Text = ""
    random_id: Number = 0
    admin_author_id: Number = 0
    is_cropped: Any = None
    update_time: Number = 0
    keyboard: Object = Field(default_factory=dict)

    @property
    def peer(self) -> int:
        return self.peer_id or self.from_id

    @property
    def is_own(self) -> bool:
        """Of the community, whoever wrote in its name."""
        return bool(self.out) or (self.from_id < 0 and self.from_id != self.peer)

    @property
    def place(self) -> tuple[int, int]:
        return self.peer, self.cmid

    @property
    def forwarded(self) -> list["Message"]:
        return [read_message(inner) for inner in self.fwd_messages]

    @property
    def command(self) -> Mapping[str, Any]:
        """The payload of a button: written by us, sent by the customer's app, so it proves nothing."""
        return read_payload(self.payload)


class Press(Part):
    """`event_id` is what the answer must name; the event around it has another."""

    user_id: Number = 0
    peer_id: Number = 0
    event_id: Text = ""
    payload: Any = None
    cmid: Number = Field(default=0, alias="conversation_message_id")


class ReadMark(Part):
    from_id: Number = 0
    peer_id: Number = 0
    cmid: Number = Field(default=0, alias="conversation_message_id")


class Person(Part):
    """Of users.get. Only the id is sure to be there."""

    id: Number = 0
    first_name: Text = ""
    last_name: Text = ""
    screen_name: Text = ""

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()


class Server(Part):
    """A Callback API server of a community."""

    id: Number = 0
    url: Text = ""
    status: Text = ""
    secret_key: Text = ""


class Group(Part):
    id: Number = 0
    name: Text = ""
    screen_name: Text = ""


class Saved(Part):
    """A file at VK that a message may carry."""

    id: Number = 0
    owner_id: Number = 0
    access_key: Text = ""

    def named(self, kind: str) -> str:
        key = f"_{self.access_key}" if self.access_key else ""
        return f"{kind}{self.owner_id}_{self.id}{key}"


@lru_cache(maxsize=1)
def read_event(body: bytes) -> Event:
    """Raises Unparsable. The webhook asks thrice about the same bytes."""
    try:
        event = read(Event, load_object(body))
    except ValueError as error:
        raise Unparsable(f"This is not an event of VK: {error}") from None
    if event is None or not event.type:
        raise Unparsable("This is not an event of VK: it has no type.")
    return event


def read_message(value: Any) -> Message:
    return read(Message, value) or Message()


def read_payload(value: Any) -> Mapping[str, Any]:
    """An object, or a text with its JSON inside."""
    if isinstance(value, str):
        try:
            return mapping(json.loads(value))
        except (ValueError, RecursionError):
            return {}
    return mapping(value)


def read_groups(response: Any) -> list[Group]:
    """Newer versions wrap the list."""
    rows = response if isinstance(response, list) else items(mapping(response).get("groups"))
    return [group for group in (read(Group, row) for row in rows) if group is not None and group.id]


def saved_of(response: Any) -> str:
    """Of photos.saveMessagesPhoto (a list), docs.save or a message (an object named by its kind), as `attachment` names it."""
    if isinstance(response, list):
        photo = read(Saved, next(iter(response), None))
        return photo.named("photo") if photo and photo.id else ""
    found = mapping(response)
    kind = words(found.get("type")) or "doc"
    saved = read(Saved, found.get(kind))
    return saved.named(kind) if saved and saved.id else ""


def is_dialogue(peer: int) -> bool:
    return peer != 0 and peer < _CHATS


def everybody_in(message: Message, depth: int = 0) -> Iterator[int]:
    """The people whose names the message needs; communities are none."""
    yield from (id for id in (message.from_id, message.admin_author_id) if is_dialogue(id) and id > 0)
    if depth < DEEPEST:
        for inner in message.forwarded:
            yield from everybody_in(inner, depth + 1)
