"""Viber's REST API as bots see it: every answer is a 200 with a status, the webhook is tried while it is being set. One bot.

with ViberStandIn() as viber:
    settings.VIBER_API_URL = viber.url
    viber.deliver(viber.message("привет"))                # signed, to the webhook that was set
    assert viber.sent[0]["text"] == "Здравствуйте"
    viber.script(refused(6, "notSubscribed"), path="send_message")
"""

import hashlib
import hmac
import itertools
import json
import time
from pathlib import PurePath
from threading import RLock
from typing import Any

import httpx

from tests.standins.server import Answer, Request, StandIn

TOKEN = "4453b6ac12345678-e02c5f12174805f9-daec9cbb5448c51f"
USER = "01234567890A=+demo/Vb=="
_PARTS = {"receiver", "min_api_version", "sender", "tracking_data", "type", "keyboard"}
_TYPES = {"text": {"text"}, "picture": {"text", "media", "thumbnail"}, "video": {"media", "thumbnail", "size", "duration"},
          "file": {"media", "size", "file_name"}, "url": {"media"}}  # fmt: skip
_PICTURES, _PROGRAMS = {".jpg", ".jpeg", ".png"}, {".exe", ".bat", ".cmd", ".msi", ".js", ".apk"}


class Refused(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.answer = refused(status, message)


def refused(status: int, message: str) -> Answer:
    return Answer(json={"status": status, "status_message": message, "chat_hostname": "SN-CHAT-07_"})


class ViberStandIn(StandIn):
    """`sent`: accepted messages with their `message_token`. `connect_to`: where callbacks really go, whatever the host.

    `subscribers`: who may be written to; None stands for everybody. `fetched`: address → bytes that Viber got there.
    """

    def __init__(self, token: str = TOKEN, *, port: int = 0) -> None:
        super().__init__(port=port)
        self.token = token
        self.sent: list[dict[str, Any]] = []
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.webhook = ""
        self.event_types: list[str] = []
        self.connect_to = ""
        self.subscribers: set[str] | None = None
        self.names: dict[str, str] = {}
        self.fetched: dict[str, bytes] = {}
        self.files: dict[str, bytes] = {}
        # Viber looks at a file only after it has taken the message; tests that care let it look at once.
        self.fetches = False
        self._book = RLock()
        self._tokens = itertools.count(5999000000000001117, 1117)

    # -- the customer's side: callbacks, to be delivered

    def event(self, name: str, **parts: Any) -> dict[str, Any]:
        common = {
            "timestamp": int(time.time() * 1000),
            "chat_hostname": "SN-CHAT-07_",
            "message_token": next(self._tokens),
        }
        return {"event": name, **common, **parts}

    def message(self, text: str = "", *, user: str = USER, **message: Any) -> dict[str, Any]:
        if self.subscribers is not None:
            self.subscribers.add(user)
        return self.event(
            "message", sender=self._person(user), message={"type": "text", "text": text, **message}, silent=False
        )

    def start(self, context: str = "", *, user: str = USER) -> dict[str, Any]:
        more = {"context": context} if context else {}
        return self.event("conversation_started", type="open", user=self._person(user), subscribed=False, **more)

    def unsubscribe(self, *, user: str = USER) -> dict[str, Any]:
        self.subscribers = (self.subscribers or set()) - {user}
        return self.event("unsubscribed", user_id=user)

    def receipt(self, name: str, sent: dict[str, Any], **parts: Any) -> dict[str, Any]:
        return {**self.event(name, user_id=sent["receiver"], **parts), "message_token": sent["message_token"]}

    def press(self, text: str, *, user: str = USER) -> dict[str, Any]:
        """The button with these words on the keyboard that is shown now. Raises AssertionError when there is none."""
        shown = [sent for sent in self.sent if sent["receiver"] == user][-1].get("keyboard", {"Buttons": []})
        found = [button["ActionBody"] for button in shown["Buttons"] if button["Text"] == text]
        assert found, f"No button {text!r} is shown: {shown}"
        return self.message(found[0], user=user)

    def deliver(self, event: dict[str, Any], *, sign_with: str = "") -> httpx.Response:
        assert self.webhook, "No webhook is set."
        return self._call_back(self.webhook, event, sign_with or self.token)

    def _call_back(self, url: str, event: dict[str, Any], key: str) -> httpx.Response:
        address = httpx.URL(url)
        body = json.dumps(event, ensure_ascii=False).encode()
        signature = hmac.new(key.encode(), body, hashlib.sha256).hexdigest()
        headers = {"Host": address.netloc.decode(), "Content-Type": "application/json"}
        target = f"{self.connect_to}{address.path}" if self.connect_to else url
        headers["X-Viber-Content-Signature"] = signature
        return httpx.post(target, params={"sig": signature}, content=body, headers=headers, timeout=20)

    # -- the API

    def handle(self, request: Request) -> Answer:
        if request.path.startswith("/cdn/"):
            body = self.files.get(request.path.removeprefix("/cdn/"))
            return Answer(body=body) if body is not None else Answer(404, html="gone")
        method = request.path.removeprefix("/pa/")
        handler = {"set_webhook": self._set_webhook, "get_account_info": self._account, "send_message": self._send}.get(
            method
        )
        if handler is None or request.method != "POST":
            return Answer(404, html="not found")
        try:
            if len(request.body) > 30 * 1024:
                raise Refused(3, "badData: message is too large")
            data = request.json
            with self._book:
                self.calls.append((method, data))
            token = request.headers.get("x-viber-auth-token") or data.get("auth_token")
            if not token:
                raise Refused(2, "missing_auth_token")
            if token != self.token:
                raise Refused(2, "invalidAuthToken")
            return Answer(json={"status": 0, "status_message": "ok", **handler(data)})
        except Refused as refusal:
            return refusal.answer

    def _set_webhook(self, data: dict[str, Any]) -> dict[str, Any]:
        url = str(data.get("url", ""))
        if url:
            if not url.startswith("https://"):
                raise Refused(1, "invalidUrl: only https")
            try:
                answer = self._call_back(url, self.event("webhook"), self.token)
            except httpx.HTTPError:
                raise Refused(1, "invalidUrl: no answer") from None
            if answer.status_code != 200:
                raise Refused(1, f"invalidUrl: {answer.status_code}")
        self.webhook, self.event_types = url, list(data.get("event_types", []))
        return {"event_types": self.event_types}

    def _account(self, data: dict[str, Any]) -> dict[str, Any]:
        return {"id": "pa:75346594275468546724", "name": "Омни Поддержка", "uri": "omnidemo", "webhook": self.webhook,
                "event_types": self.event_types, "subscribers_count": 3}  # fmt: skip

    def _send(self, data: dict[str, Any]) -> dict[str, Any]:
        kind = data.get("type")
        if kind not in _TYPES or data.keys() - _PARTS - _TYPES[kind]:
            raise Refused(3, f"badData: {sorted(data)}")
        if not self.webhook:
            raise Refused(10, "webhookNotSet")
        name = data.get("sender", {}).get("name", "")
        if not data.get("receiver") or not 1 <= len(name) <= 28:
            raise Refused(4, "missingData: receiver or sender")
        if self.subscribers is not None and data["receiver"] not in self.subscribers:
            raise Refused(6, "notSubscribed")
        _check_content(data)
        _check_keyboard(data.get("keyboard"))
        if "media" in data and self.fetches:
            self.fetched[data["media"]] = self._fetch(data["media"])
        token = next(self._tokens)
        with self._book:
            self.sent.append({**data, "message_token": token})
        return {"message_token": token, "billing_status": 1}

    def _fetch(self, url: str) -> bytes:
        address = httpx.URL(url)
        target = f"{self.connect_to}{address.raw_path.decode()}" if self.connect_to else url
        answer = httpx.get(target, headers={"Host": address.netloc.decode()}, timeout=20)
        assert answer.status_code == 200, f"{url} gives {answer.status_code}"
        return answer.content

    def _person(self, user: str) -> dict[str, Any]:
        name, avatar = self.names.get(user, "Жанна Р."), "https://media-direct.cdn.viber.com/pg_download?dlid=demo"
        return {"id": user, "name": name, "avatar": avatar, "language": "ru", "country": "KZ", "api_version": 10}

    def add_file(self, name: str, body: bytes) -> str:
        """Its address."""
        self.files[name] = body
        return f"{self.url}/cdn/{name}?Expires=1790403600"


def _check_content(data: dict[str, Any]) -> None:
    """Raises Refused."""
    kind, text = data["type"], data.get("text")
    if kind == "text" and not (isinstance(text, str) and 1 <= len(text) <= 7000):
        raise Refused(3, "badData: text")
    if kind == "picture" and not (isinstance(text, str) and len(text) <= 512):
        raise Refused(3, "badData: text of a picture")
    if kind == "text":
        return
    url = httpx.URL(str(data.get("media", "")))
    ending = PurePath(url.path).suffix.lower()
    if url.scheme != "https" or not ending or len(str(url)) > 2000:
        raise Refused(3, "badData: media")
    if kind == "picture" and ending not in _PICTURES:
        raise Refused(3, "badData: media is no picture")
    if kind in {"video", "file"} and not (isinstance(data.get("size"), int) and data["size"] > 0):
        raise Refused(4, "missingData: size")
    if kind == "video" and (ending != ".mp4" or data["size"] > 26 * 1024 * 1024):
        raise Refused(3, "badData: video")
    if kind == "file":
        name = PurePath(str(data.get("file_name", "")))
        if not name.suffix or len(str(name)) > 256 or data["size"] > 50 * 1024 * 1024 or name.suffix in _PROGRAMS:
            raise Refused(3, "badData: file")


def _check_keyboard(board: Any) -> None:
    if board is None:
        return
    buttons = board.get("Buttons", [])
    fits = board.get("Type") == "keyboard" and 1 <= len(buttons) <= 24
    for button in buttons:
        fits = fits and button["ActionType"] in {"reply", "open-url", "none"} and bool(button["ActionBody"])
        fits = fits and 1 <= button["Columns"] <= 6 and 1 <= button["Rows"] <= 2 and len(button["Text"]) <= 250
    if not fits:
        raise Refused(3, "badData: keyboard is not valid")
