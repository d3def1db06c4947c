import itertools
import time
from pathlib import PurePath
from typing import Any

from tests.standins.playground.player import Called, Chat, File, Line, News, check
from tests.standins.server import Answer
from tests.standins.viber import TOKEN, ViberStandIn, refused


class Playable(Called, ViberStandIn):
    title = "Viber"
    sends = ("send_message",)
    channel = {"config": {}, "secrets": {"token": TOKEN}}

    def __init__(self, news: News, **options: Any) -> None:
        super().__init__(news, **options)
        # Beyond those of every earlier run, which the product remembers.
        self._tokens = itertools.count(int(time.time() * 1e6))
        self.connect_to, self.subscribers = self.web, set()

    @property
    def environment(self) -> dict[str, str]:
        return {"VIBER_API_URL": self.url}

    def too_many(self) -> Answer:
        return refused(12, "tooManyRequests")

    def address(self, number: int) -> str:
        return f"0123456789{number:02}A=+demo/Vb=="

    def post(self, chat: Chat, text: str, file: File | None) -> tuple[str, Any]:
        self.names[chat.id] = chat.name
        content: dict[str, Any] = {}
        if file:
            url = self.add_file(f"{next(self._tokens)}{PurePath(file.name).suffix}", file.body)
            content = {"type": "picture" if file.is_image else "file", "media": url, "file_name": file.name}
            content["size"] = len(file.body)
        event = self.message(text, user=chat.id, **content)
        check(self.deliver(event))
        return str(event["message_token"]), event

    def play_start(self, chat: Chat, payload: str) -> None:
        self.names[chat.id] = chat.name
        answer = self.deliver(self.start(payload, user=chat.id))
        check(answer)
        # Whoever opens the chat gets one message in the answer itself.
        if answer.text.startswith("{"):
            self.came(chat.id, "", answer.json()["text"])

    def play_press(self, chat: Chat, value: str) -> None:
        # The words of a button are said aloud.
        shown = [line for line in chat.lines if line.buttons][-1].buttons
        self.said(chat, next(button["value"] for button in shown if button["value"] == value))

    def play_block(self, chat: Chat, on: bool) -> None:
        if on:
            check(self.deliver(self.unsubscribe(user=chat.id)))
        else:
            self.subscribers = {*(self.subscribers or ()), chat.id}
            check(self.deliver(self.event("subscribed", user=self._person(chat.id))))

    def tell_state(self, chat: Chat, line: Line, state: str) -> None:
        if line.id:
            sent = {"receiver": chat.id, "message_token": int(line.id)}
            check(self.deliver(self.receipt("seen" if state == "read" else state, sent)))

    # -- what the product does

    def _send(self, data: dict[str, Any]) -> dict[str, Any]:
        answer = super()._send(data)
        buttons = [
            {"text": b["Text"], "value": b["ActionBody"]} for b in (data.get("keyboard") or {}).get("Buttons", [])
        ]
        text = "\n".join(filter(None, [data.get("text"), data.get("media")]))
        self.came(data["receiver"], str(answer["message_token"]), text, buttons=buttons)
        return answer
