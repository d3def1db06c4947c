import itertools
import time
from typing import Any

from tests.standins.playground.player import PAUSE, Chat, File, News, Player, check
from tests.standins.server import Answer
from tests.standins.telegram import TOKEN, TelegramStandIn, too_many


class Playable(Player, TelegramStandIn):
    title = "Telegram"
    sends = ("/sendMessage", "/sendMediaGroup", "/sendPhoto", "/sendDocument", "/sendVoice", "/sendAudio", "/sendVideo")
    channel = {"config": {}, "secrets": {"token": TOKEN}}

    def __init__(self, news: News, **options: Any) -> None:
        super().__init__(news, **options)
        # Beyond those of every earlier run, which the product remembers.
        self._numbers, self._update_ids = itertools.count(int(time.time())), itertools.count(int(time.time()))

    @property
    def environment(self) -> dict[str, str]:
        return {"TELEGRAM_API_URL": self.url}

    def too_many(self) -> Answer:
        return too_many(PAUSE)

    def address(self, number: int) -> str:
        return str(710455821 + number)

    def deliver(self, update: dict[str, Any], *, connect_to: str = "") -> None:
        check(super().deliver(update, connect_to=connect_to or self.web))

    def post(self, chat: Chat, text: str, file: File | None) -> tuple[str, Any]:
        content: dict[str, Any] = {}
        if file:
            ids = {"file_id": f"PLAY{next(self._numbers)}", "file_size": len(file.body)}
            ids["file_unique_id"] = f"u{ids['file_id']}"
            self.add_file(ids["file_id"], file.body)
            # Photos and voice messages have no name there.
            if file.is_image:
                content = {"photo": [{**ids, "width": 640, "height": 480}]}
            elif file.mime == "audio/ogg":
                content = {"voice": {**ids, "duration": 1, "mime_type": file.mime}}
            else:
                content = {"document": {**ids, "file_name": file.name, "mime_type": file.mime}}
            content["caption"] = text
        update = self.customer_says("" if file else text, chat=int(chat.id), name=chat.name, **content)
        return str(update["message"]["message_id"]), update

    def play_start(self, chat: Chat, payload: str) -> None:
        self.said(chat, f"/start {payload}".strip())

    def play_press(self, chat: Chat, value: str) -> None:
        self.customer_presses(value, chat=int(chat.id))

    def play_edit(self, chat: Chat, event: Any, text: str) -> None:
        self.customer_edits(event, text)

    def play_block(self, chat: Chat, on: bool) -> None:
        self.customer_blocks(chat=int(chat.id), unblocks=not on)

    # -- what the product does

    def _store(self, data: dict[str, Any], field: str, **more: Any) -> dict[str, Any]:
        message = super()._store(data, field, **more)
        files = []
        if field != "text":
            info = message[field][0] if field == "photo" else message[field]
            mime = "image/jpeg" if field == "photo" else ""
            files = [File(info.get("file_name", field), mime, self.files[info["file_id"]])]
        rows = data.get("reply_markup", {}).get("inline_keyboard", [])
        buttons = [{"text": b["text"], "value": b.get("callback_data", "")} for row in rows for b in row]
        text = message.get("text") or message.get("caption", "")
        self.came(str(message["chat"]["id"]), str(message["message_id"]), text, files, buttons)
        return message

    def _on_editMessageText(self, data: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        message = super()._on_editMessageText(data)
        self.changed(str(data["chat_id"]), str(message["message_id"]), message["text"])
        return message

    def _on_sendChatAction(self, data: dict[str, Any]) -> bool:  # noqa: N802
        self.typing(str(data["chat_id"]))
        return super()._on_sendChatAction(data)
