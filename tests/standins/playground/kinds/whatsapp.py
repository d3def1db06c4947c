import itertools
import time
from collections.abc import Mapping
from typing import Any

from tests.standins.playground.player import Called, Chat, File, Line, News, check
from tests.standins.server import Answer
from tests.standins.whatsapp import ACCOUNT, APP_SECRET, NUMBER, OLEG, TOKEN, WhatsAppStandIn, error
from tests.standins.whatsapp_rules import choices_of

UNDELIVERABLE = 131026


class Playable(Called, WhatsAppStandIn):
    title = "WhatsApp"
    sends = ("/messages",)
    channel = {
        "config": {"phone_number_id": NUMBER, "waba_id": ACCOUNT},
        "secrets": {"access_token": TOKEN, "app_secret": APP_SECRET},
    }

    def __init__(self, news: News, **options: Any) -> None:
        super().__init__(news, **options)
        # Beyond those of every earlier run, which the product remembers.
        self._numbers, self.connect_to = itertools.count(int(time.time())), self.web

    @property
    def environment(self) -> dict[str, str]:
        return {"WHATSAPP_API_URL": self.url}

    def too_many(self) -> Answer:
        return error(130429)

    def address(self, number: int) -> str:
        return str(int(OLEG) + number)

    def who(self, chat: Chat) -> dict[str, str]:
        return {"phone": chat.id, "user_id": f"RU.{chat.id}", "name": chat.name}

    def deliver(self, *values: Mapping[str, Any], field: str = "messages") -> None:
        assert self.webhook, "No channel is connected."
        check(super().deliver(*values, field=field))

    def post(self, chat: Chat, text: str, file: File | None) -> tuple[str, Any]:
        content: dict[str, Any] = {}
        if file:
            kind = "image" if file.is_image else "document"
            name = {} if file.is_image else {"filename": file.name}
            media = {"id": self.add_media(file.body, file.mime), "mime_type": file.mime, **name}
            content = {"type": kind, kind: {**media, **({"caption": text} if text else {})}}
        message = self.customer_says(text, **self.who(chat), **content)
        return message["id"], None

    def play_press(self, chat: Chat, value: str) -> None:
        self.customer_presses(value, **self.who(chat))

    def play_block(self, chat: Chat, on: bool) -> None:
        """WhatsApp tells nobody: messages are taken and fail later."""
        self.fails_with.pop(chat.id, None)
        self.fails_with |= {chat.id: UNDELIVERABLE} if on else {}

    def tell_state(self, chat: Chat, line: Line, state: str) -> None:
        self.report(line.id, state)

    # -- what the product does

    def take(self, data: Mapping[str, Any]) -> Answer:
        answer = super().take(data)
        for chat in list(self.chats.values()):
            if data.get("status") == "read" and chat.line(data["message_id"]):
                self.seen(chat.id)
                if "typing_indicator" in data:
                    self.typing(chat.id)
        return answer

    def accept(self, to: str, data: Mapping[str, Any]) -> dict[str, Any]:
        answer = super().accept(to, data)
        if to in self.fails_with:
            return answer
        content, files = data[data["type"]], []
        if media := self.media.get(content.get("id", "")):
            body, mime, name = media
            files = [File(content.get("filename") or name or mime, mime, body)]
        words = content.get("body") or content.get("caption") or content.get("name") or ""
        buttons = [{"text": choice["title"], "value": choice["title"]} for _kind, choice in choices_of(data)]
        text = words["text"] if isinstance(words, Mapping) else words
        self.came(to, answer["messages"][0]["id"], text, files, buttons)
        return answer
