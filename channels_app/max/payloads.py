"""MAX's JSON, as much of it as we read (schema 0.0.33). Absent, null and strange parts are all the same to us."""

from typing import Any

from pydantic import Field

from channels_app.parts import LARGEST, List, Number, Object, Part, Text, mapping, read, words


class User(Part):
    user_id: Number = 0
    first_name: Text = ""
    last_name: Text = ""
    username: Text = ""
    full_name: Text = Field(default="", alias="name")
    is_bot: bool = False

    @property
    def name(self) -> str:
        return self.full_name or f"{self.first_name} {self.last_name}".strip()


class Body(Part):
    mid: Text = ""
    text: Text = ""
    attachments: List = Field(default_factory=list)
    markup: List = Field(default_factory=list)


class Link(Part):
    """What a message answers or passes on; the message inside it is a bare body."""

    type: Text = ""
    sender: Object = Field(default_factory=dict)
    message: Object = Field(default_factory=dict)

    @property
    def body(self) -> Body:
        return read(Body, self.message) or Body()


class Recipient(Part):
    chat_id: Number = 0
    chat_type: Text = ""

    @property
    def is_dialog(self) -> bool:
        # Groups and channels have negative numbers.
        return self.chat_type == "dialog" or (not self.chat_type and self.chat_id >= 0)


class Message(Part):
    sender: Object = Field(default_factory=dict)
    recipient: Object = Field(default_factory=dict)
    timestamp: Number = 0
    body: Object = Field(default_factory=dict)
    link: Object = Field(default_factory=dict)

    @property
    def to(self) -> Recipient:
        return read(Recipient, self.recipient) or Recipient()

    @property
    def content(self) -> Body:
        return read(Body, self.body) or Body()

    @property
    def linked(self) -> Link:
        return read(Link, self.link) or Link()


class Callback(Part):
    callback_id: Text = ""
    payload: Text = ""
    timestamp: Number = 0
    user: Object = Field(default_factory=dict)


class Update(Part):
    """One of many shapes; `update_type` says which."""

    update_type: Text = ""
    timestamp: Number = 0
    chat_id: Number = 0
    user_id: Number = 0
    user: Object = Field(default_factory=dict)
    user_locale: Text = ""
    payload: Text = ""
    message_id: Text = ""
    message: Object = Field(default_factory=dict)
    callback: Object = Field(default_factory=dict)

    @property
    def who(self) -> int:
        return self.user_id or self.person.user_id

    @property
    def person(self) -> User:
        return read_user(self.user)


class Place(Part):
    latitude: float = Field(ge=-90, le=90)
    longitude: float = Field(ge=-180, le=180)


class VideoLinks(Part):
    """Of GET /videos/{token}: mp4 by height, `mp4_1080` and so on; `hls` is no file."""

    urls: Object = Field(default_factory=dict)

    @property
    def best(self) -> str:
        heights = {name.removeprefix("mp4_"): words(url) for name, url in self.urls.items() if name.startswith("mp4_")}
        known = sorted((int(height), url) for height, url in heights.items() if height.isdecimal() and url)
        return known[-1][1] if known else ""


def read_user(value: Any) -> User:
    """A strange flag must not cost the name."""
    user = dict(mapping(value))
    user["is_bot"] = user.get("is_bot") is True
    return read(User, user) or User()


def is_address(user_id: int) -> bool:
    return 0 < user_id <= LARGEST
