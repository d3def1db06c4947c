"""Telegram's JSON, as much of it as we read (Bot API 10). Everything is optional and extra fields are kept out of the way:
a changed schema must cost us a detail, never the message."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Part(BaseModel):
    model_config = ConfigDict(extra="ignore")


class User(Part):
    id: int
    first_name: str = ""
    last_name: str = ""
    username: str = ""
    language_code: str = ""

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()


class Chat(Part):
    id: int
    type: str = ""


class File(Part):
    file_id: str
    file_unique_id: str = ""
    file_size: int = 0
    file_name: str = ""
    mime_type: str = ""


class Message(Part):
    """Content fields stay raw: each is read on its own, so that one strange part does not spoil the rest."""

    model_config = ConfigDict(extra="allow", populate_by_name=True)

    message_id: int = 0
    sender: User | None = Field(None, alias="from")
    chat: Chat
    date: int = 0
    edit_date: int | None = None
    text: str = ""
    caption: str = ""
    media_group_id: str = ""
    message_thread_id: int | None = None
    business_connection_id: str = ""

    @property
    def extra(self) -> dict[str, Any]:
        return self.__pydantic_extra__ or {}


class CallbackQuery(Part):
    model_config = ConfigDict(extra="ignore", populate_by_name=True)

    id: str
    sender: User = Field(alias="from")
    message: dict[str, Any] | None = None
    data: str = ""


class ChatMember(Part):
    status: str = ""


class ChatMemberUpdated(Part):
    model_config = ConfigDict(extra="ignore", populate_by_name=True)

    chat: Chat
    sender: User = Field(alias="from")
    new_chat_member: ChatMember


class Update(Part):
    """Exactly one of these is there; what else Telegram invents is ignored by name."""

    update_id: int
    message: dict[str, Any] | None = None
    edited_message: dict[str, Any] | None = None
    callback_query: dict[str, Any] | None = None
    my_chat_member: dict[str, Any] | None = None
