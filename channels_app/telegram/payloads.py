"""Telegram's JSON, as much of it as we read (Bot API 10); its own numbers go to 52 bits."""

from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field

from channels_app.parts import LARGEST, List, Number, Object, Part, Text, mapping


class User(Part):
    id: Number = 0
    first_name: Text = ""
    last_name: Text = ""
    username: Text = ""
    language_code: Text = ""

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()


class Chat(User):
    """A private chat carries the person's name too, and its id is the person's."""

    id: int = Field(ge=-LARGEST, le=LARGEST)
    type: Text = ""


class File(Part):
    file_id: str
    file_unique_id: Text = ""
    file_size: Number = 0
    file_name: Text = ""
    mime_type: Text = ""


class Place(Part):
    latitude: float = Field(ge=-90, le=90)
    longitude: float = Field(ge=-180, le=180)


class Message(Part):
    """Content fields stay raw: each is read on its own, so that one strange part does not spoil the rest."""

    model_config = ConfigDict(extra="allow", populate_by_name=True)

    message_id: Number = 0
    sender: Annotated[User, BeforeValidator(mapping)] = Field(default_factory=User, alias="from")
    chat: Chat
    date: Number = 0
    edit_date: Number = 0
    text: Text = ""
    caption: Text = ""
    media_group_id: Text = ""
    message_thread_id: Number = 0
    business_connection_id: Text = ""

    @property
    def extra(self) -> dict[str, Any]:
        return self.__pydantic_extra__ or {}


class Sender(User):
    """Whoever pressed or blocked: without an id there is nobody."""

    id: int = Field(ge=-LARGEST, le=LARGEST)


class CallbackQuery(Part):
    id: Text = ""
    sender: Sender = Field(alias="from")
    message: Object = Field(default_factory=dict)
    data: Text = ""


class DeletedMessages(Part):
    business_connection_id: Text = ""
    chat: Chat
    message_ids: List = []


class MessageReaction(Part):
    """Nobody's in a group of anonymous people; `new_reaction` is empty once it is taken back."""

    chat: Chat
    message_id: Number = 0
    sender: Annotated[User, BeforeValidator(mapping)] = Field(default_factory=User, alias="user")
    new_reaction: List = []


class ChatMember(Part):
    status: Text = ""


class ChatMemberUpdated(Part):
    chat: Chat
    new_chat_member: ChatMember


class Update(Part):
    """Exactly one of these is there; what else Telegram invents is ignored by name."""

    update_id: int
    message: dict[str, Any] | None = None
    edited_message: dict[str, Any] | None = None
    callback_query: dict[str, Any] | None = None
    message_reaction: dict[str, Any] | None = None
    my_chat_member: dict[str, Any] | None = None
    business_message: dict[str, Any] | None = None
    edited_business_message: dict[str, Any] | None = None
    deleted_business_messages: dict[str, Any] | None = None
