import itertools
import time
from pathlib import PurePath
from typing import Any

from tests.standins.max import TOKEN, MaxStandIn, chat_of, error
from tests.standins.playground.player import PAUSE, Chat, File, News, Player, check
from tests.standins.server import Answer


class Playable(Player, MaxStandIn):
    title = "MAX"
    sends = ("/messages",)
    channel = {"config": {}, "secrets": {"token": TOKEN}}

    def __init__(self, news: News, **options: Any) -> None:
        super().__init__(news, **options)
        # Beyond those of every earlier run, which the product remembers.
        now = int(time.time())
        self._numbers, self._markers = itertools.count(now), itertools.count(2**53 + now)

    @property
    def environment(self) -> dict[str, str]:
        return {"MAX_API_URL": self.url}

    def too_many(self) -> Answer:
        return error(429, "too.many.requests", "Too many requests", **{"Retry-After": str(PAUSE)})

    def address(self, number: int) -> str:
        return str(48110022 + number)

    def deliver(self, update: dict[str, Any], *, connect_to: str = "") -> None:
        check(*super().deliver(update, connect_to=connect_to or self.web))

    def post(self, chat: Chat, text: str, file: File | None) -> tuple[str, Any]:
        self.names[int(chat.id)] = chat.name
        content: dict[str, Any] = {}
        if file:
            number = next(self._numbers)
            payload = {
                "url": self.add_file(f"{number}{PurePath(file.name).suffix}", file.body),
                "token": f"play{number}",
            }
            image = {"type": "image", "payload": {**payload, "photo_id": number}}
            document = {"type": "file", "payload": payload, "filename": file.name, "size": len(file.body)}
            content = {"attachments": [image if file.is_image else document]}
        update = self.customer_says(text, user=int(chat.id), **content)
        return update["message"]["body"]["mid"], update

    def play_start(self, chat: Chat, payload: str) -> None:
        self.names[int(chat.id)] = chat.name
        self.deliver(self.start(payload or None, user=int(chat.id)))

    def play_press(self, chat: Chat, value: str) -> None:
        self.deliver(self.press(value, user=int(chat.id)))

    def play_edit(self, chat: Chat, event: Any, text: str) -> None:
        self.deliver(self.edit(event, text))

    def play_block(self, chat: Chat, on: bool) -> None:
        for update in self.stop(user=int(chat.id)) if on else [self.start(user=int(chat.id))]:
            self.deliver(update)

    # -- what the product does

    def _send(self, query: dict[str, str], body: Any) -> dict[str, Any]:
        answer = super()._send(query, body)
        message, files, buttons = answer["message"], [], []
        for part in message["body"]["attachments"]:
            if part["type"] == "inline_keyboard":
                rows = part["payload"]["buttons"]
                buttons = [{"text": b["text"], "value": b.get("payload", "")} for row in rows for b in row]
            else:
                kind, name, data = self.uploaded[part["payload"]["token"]]
                files.append(File(name, "image/jpeg" if kind == "image" else "", data))
        self.came(str(message["recipient"]["user_id"]), message["body"]["mid"], message["body"]["text"], files, buttons)
        return answer

    def _edit(self, query: dict[str, str], body: Any) -> dict[str, Any]:
        answer = super()._edit(query, body)
        message = self.messages[query["message_id"]]
        self.changed(str(message["recipient"]["user_id"]), query["message_id"], message["body"]["text"])
        return answer

    def _act(self, chat: int, body: Any) -> dict[str, Any]:
        (self.seen if body.get("action") == "mark_seen" else self.typing)(str(chat - chat_of(0)))
        return super()._act(chat, body)
