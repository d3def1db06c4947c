"""The Bot API as bots see it: getMe, webhook or polling, sends with their errors, files. One bot.

with TelegramStandIn() as telegram:
    settings.TELEGRAM_API_URL = telegram.url
    telegram.customer_says("привет", chat=5)          # queued for getUpdates, or sent to the webhook
    assert telegram.sent[0]["text"] == "Здравствуйте"
"""

import itertools
import json
import time
from email.parser import BytesParser
from email.policy import HTTP
from threading import Condition
from typing import Any

import httpx

from tests.standins.server import Answer, Request, StandIn

TOKEN = "123456789:AAEhBOweik6ad9r_QXMENQjcrGbqCr4K-pc"
_SENDS = {
    "sendMessage": "text", "sendPhoto": "photo", "sendDocument": "document", "sendVoice": "voice", "sendAudio": "audio",
    "sendVideo": "video",
}  # fmt: skip


def error(code: int, description: str, **parameters: Any) -> Answer:
    body: dict[str, Any] = {"ok": False, "error_code": code, "description": description}
    return Answer(code, json={**body, **({"parameters": parameters} if parameters else {})})


def too_many(seconds: int) -> Answer:
    return error(429, f"Too Many Requests: retry after {seconds}", retry_after=seconds)


BLOCKED = error(403, "Forbidden: bot was blocked by the user")
UNAUTHORIZED = error(401, "Unauthorized")


class TelegramStandIn(StandIn):
    def __init__(self, token: str = TOKEN) -> None:
        super().__init__()
        self.token = token
        self.sent: list[dict[str, Any]] = []
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.files: dict[str, bytes] = {}
        self.webhook: dict[str, Any] = {}
        self._updates: list[dict[str, Any]] = []
        self._news = Condition()
        self._numbers = itertools.count(1000)
        self._update_ids = itertools.count(415900200)

    # -- the customer's side

    def update(self, **content: Any) -> dict[str, Any]:
        return {"update_id": next(self._update_ids), **content}

    def message(self, text: str = "", *, chat: int = 710455821, name: str = "Марина", **content: Any) -> dict[str, Any]:
        person = {"id": chat, "is_bot": False, "first_name": name, "language_code": "ru"}
        message = {"message_id": next(self._numbers), "from": person, "date": int(time.time()),
                   "chat": {"id": chat, "first_name": name, "type": "private"}, **content}  # fmt: skip
        return self.update(message={**message, **({"text": text} if text else {})})

    def customer_says(self, text: str = "", **content: Any) -> dict[str, Any]:
        update = self.message(text, **content)
        self.deliver(update)
        return update

    def deliver(self, update: dict[str, Any], *, connect_to: str = "") -> httpx.Response | None:
        """To the webhook where one is set (through `connect_to`, whatever its host), else into the queue of getUpdates."""
        if not self.webhook.get("url"):
            with self._news:
                self._updates.append(update)
                self._news.notify_all()
            return None
        url = httpx.URL(self.webhook["url"])
        headers = {"X-Telegram-Bot-Api-Secret-Token": self.webhook["secret_token"], "Host": url.netloc.decode()}
        address = f"{connect_to}{url.path}" if connect_to else str(url)
        return httpx.post(address, content=json.dumps(update, ensure_ascii=False).encode(), headers=headers, timeout=20)

    def add_file(self, file_id: str, body: bytes) -> None:
        self.files[file_id] = body

    # -- the API

    def handle(self, request: Request) -> Answer:
        parts = request.path.strip("/").split("/")
        if parts[0] == "file" and parts[1] == f"bot{self.token}":
            body = self.files.get(parts[-1])
            return Answer(body=body) if body is not None else Answer(404, html="not found")
        if parts[0] != f"bot{self.token}":
            return UNAUTHORIZED if parts[0].startswith("bot") else error(404, "Not Found")
        method, data = parts[1], _fields(request)
        self.calls.append((method, data))
        if method in _SENDS:
            return self._send(method, data)
        handler = getattr(self, f"_on_{method}", None)
        return handler(data) if handler else Answer(json={"ok": True, "result": True})

    def _on_getMe(self, data: dict[str, Any]) -> Answer:  # noqa: N802  # the method's own name
        bot = {"id": int(self.token.split(":")[0]), "is_bot": True, "first_name": "Омни", "username": "omni_demo_bot"}
        return Answer(json={"ok": True, "result": bot})

    def _on_setWebhook(self, data: dict[str, Any]) -> Answer:  # noqa: N802
        if not str(data.get("url", "")).startswith("https://"):
            return error(400, "Bad Request: bad webhook: An HTTPS URL must be provided for webhook")
        self.webhook = data
        return Answer(json={"ok": True, "result": True})

    def _on_deleteWebhook(self, data: dict[str, Any]) -> Answer:  # noqa: N802
        self.webhook = {}
        return Answer(json={"ok": True, "result": True})

    def _on_getWebhookInfo(self, data: dict[str, Any]) -> Answer:  # noqa: N802
        info = {"url": self.webhook.get("url", ""), "pending_update_count": len(self._updates)}
        return Answer(json={"ok": True, "result": info})

    def _on_getUpdates(self, data: dict[str, Any]) -> Answer:  # noqa: N802
        if self.webhook.get("url"):
            return error(409, "Conflict: can't use getUpdates method while webhook is active")
        offset, deadline = int(data.get("offset", 0)), time.monotonic() + min(int(data.get("timeout", 0)), 3)
        with self._news:
            while True:
                self._updates = [update for update in self._updates if update["update_id"] >= offset]
                left = deadline - time.monotonic()
                if self._updates or left <= 0:
                    return Answer(json={"ok": True, "result": self._updates[:100]})
                self._news.wait(left)

    def _on_getFile(self, data: dict[str, Any]) -> Answer:  # noqa: N802
        file_id = str(data.get("file_id"))
        if file_id not in self.files:
            return error(400, "Bad Request: wrong file_id or the file is temporarily unavailable")
        if len(self.files[file_id]) > 20 * 1024 * 1024:
            return error(400, "Bad Request: file is too big")
        return Answer(json={"ok": True, "result": {"file_id": file_id, "file_path": f"documents/{file_id}"}})

    def _send(self, method: str, data: dict[str, Any]) -> Answer:
        text = data.get("text", data.get("caption", ""))
        if method == "sendMessage" and not text:
            return error(400, "Bad Request: message text is empty")
        if len(str(text).encode("utf-16-le")) // 2 > (4096 if method == "sendMessage" else 1024) * 2:
            return error(400, "Bad Request: message is too long")
        sent = {
            "message_id": next(self._numbers),
            "date": int(time.time()),
            "chat": {"id": int(data["chat_id"])},
            **data,
        }
        field = _SENDS[method]
        if field != "text":
            file_id = f"FILE{sent['message_id']}"
            sent[field] = [{"file_id": file_id}] if field == "photo" else {"file_id": file_id}
        self.sent.append({**data, "method": method, "message_id": sent["message_id"]})
        return Answer(json={"ok": True, "result": sent})


def _fields(request: Request) -> dict[str, Any]:
    kind = request.headers.get("content-type", "")
    if not kind.startswith("multipart/"):
        return dict(request.json) if request.body else {}
    mail = BytesParser(policy=HTTP).parsebytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + request.body)
    fields: dict[str, Any] = {}
    for part in mail.iter_parts():
        name = part.get_param("name", header="content-disposition")
        payload = part.get_payload(decode=True)
        fields[str(name)] = payload if part.get_filename() else bytes(payload).decode()
    return fields
