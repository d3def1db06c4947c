"""Viber's JSON, as much of it as we read (REST Bot API 7.3). Absent, null and strange parts are all the same to us."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from channels_app.parts import Number, Object, Part, Text, number, read, words


def _token(value: Any) -> str:
    """64 bits, beyond what numbers in a browser hold: text from here on."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value) if 0 < value < 2**64 else ""
    return value if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= 20 else ""


Token = Annotated[str, BeforeValidator(_token)]


class User(Part):
    id: Text = ""
    name: Text = ""
    language: Text = ""
    country: Text = ""


class Message(Part):
    type: Text = ""
    text: Text = ""
    media: Text = ""
    file_name: Text = ""
    size: Number = 0
    sticker_id: Number = 0
    location: Object = Field(default_factory=dict)
    contact: Object = Field(default_factory=dict)


class Event(Part):
    """One callback; `event` says which parts it has. Only the id is told of who left."""

    event: Text = ""
    timestamp: Number = 0
    message_token: Token = ""
    user_id: Text = ""
    sender: Object = Field(default_factory=dict)
    user: Object = Field(default_factory=dict)
    message: Object = Field(default_factory=dict)
    context: Text = ""
    desc: Text = ""

    @property
    def person(self) -> User:
        found = read_user(self.sender if self.event == "message" else self.user)
        return found if found.id else found.model_copy(update={"id": self.user_id})

    @property
    def content(self) -> Message:
        return read(Message, self.message) or Message()


def read_user(value: Any) -> User:
    return read(User, value) or User()


class Place(Part):
    lat: float = Field(ge=-90, le=90)
    lon: float = Field(ge=-180, le=180)
    address: Text = ""


class Card(Part):
    name: Text = ""
    phone_number: Annotated[str, BeforeValidator(lambda value: str(value) if number(value) else words(value))] = ""


class AccountInfo(Part):
    """Of get_account_info."""

    id: Text = ""
    name: Text = ""
    uri: Text = ""
    webhook: Text = ""
