"""MAX's Bot API as bots see it, its refusals included: subscriptions or polling, sends, edits, buttons, uploads. One bot.

with MaxStandIn() as max_api:
    settings.MAX_API_URL = max_api.url
    max_api.customer_says("привет", user=5)             # queued for polling, or sent to every subscription
    max_api.deliver(max_api.press("yes"))               # likewise edit, removal, start, stop
    assert max_api.sent[0]["text"] == "Здравствуйте"
    max_api.script(error(429, "too.many.requests"), path="/messages")
"""

import itertools
import json
import re
import time
from collections.abc import Callable
from email.parser import BytesParser
from email.policy import HTTP
from html.parser import HTMLParser
from threading import Condition, RLock
from typing import Any

import httpx

from tests.standins.server import Answer, Request, StandIn

TOKEN = "f9LHodD0cOL_demo_bot_token_000000000000000000000000000000"
BOT_ID = 912003344
USER = 48110022
_TAGS = {"b", "strong", "i", "em", "s", "del", "u", "ins", "code", "pre", "a", "mark", "blockquote",
         "h1", "h2", "h3", "h4", "h5", "h6"}  # fmt: skip
_TOGETHER = {"image", "video"}


class Refused(Exception):
    def __init__(self, status: int, code: str, message: str = "") -> None:
        super().__init__(code)
        self.answer = error(status, code, message)


def error(status: int, code: str, message: str = "", **headers: str) -> Answer:
    return Answer(status, json={"code": code, "message": message or code}, headers=headers)


TOO_MANY = error(429, "too.many.requests", "Too many requests", **{"Retry-After": "3"})
UNAUTHORIZED = error(401, "verify.token", "Invalid access_token")
SUSPENDED = error(403, "chat.denied", "error.dialog.suspended")
NOT_READY = error(400, "attachment.not.ready", "Key: errors.process.attachment.file.not.processed")
NO_SUCCESS = Answer(200, json={"success": False, "message": "Something was wrong"})


def chat_of(user: int) -> int:
    """A dialogue has a number of its own."""
    return user + 257_408_880


class MaxStandIn(StandIn):
    """`sent`: the bodies of accepted messages with `mid` and `query`. `calls`: (method, path, query, body) of all."""

    def __init__(self, token: str = TOKEN, *, port: int = 0, tls: Any = None) -> None:
        super().__init__(port=port, tls=tls)
        self.token = token
        self.sent: list[dict[str, Any]] = []
        self.calls: list[tuple[str, str, dict[str, str], Any]] = []
        self.subscriptions: dict[str, dict[str, Any]] = {}
        self.stopped: set[int] = set()
        self.names: dict[int, str] = {}
        self.messages: dict[str, dict[str, Any]] = {}
        self.uploaded: dict[str, tuple[str, str, bytes]] = {}
        self.videos: dict[str, dict[str, str]] = {}
        self.files: dict[str, bytes] = {}
        self.actions: list[tuple[int, str]] = []
        self.answers: list[tuple[str, dict[str, Any]]] = []
        # So many times a message with a fresh file is refused.
        self.not_ready = 0
        # Refuses a third message within a second in one chat, as MAX does.
        self.paced = False
        self._sends: dict[int, list[float]] = {}
        self._callbacks: set[str] = set()
        self._slots: dict[str, tuple[str, str]] = {}
        self._updates: list[tuple[int, dict[str, Any]]] = []
        self._book = RLock()
        self._news = Condition()
        self._numbers = itertools.count(1)
        self._markers = itertools.count(2**53 + 11)

    # -- the customer's side

    def update(self, kind: str, **content: Any) -> dict[str, Any]:
        return {**content, "timestamp": int(time.time() * 1000), "update_type": kind}

    def message(self, text: str | None = "", *, user: int = USER, **content: Any) -> dict[str, Any]:
        """An update with a new message; `attachments` go into its body. It still has to be delivered."""
        body: dict[str, Any] = {"mid": self._mid(), "seq": 116327994376978000 + next(self._numbers), "text": text}
        if "attachments" in content:
            body["attachments"] = content.pop("attachments")
        message = {
            "recipient": {"chat_id": chat_of(user), "chat_type": "dialog", "user_id": BOT_ID},
            "timestamp": int(time.time() * 1000), "body": body, "sender": self._person(user), **content,
        }  # fmt: skip
        self.messages[body["mid"]] = message
        return self.update("message_created", message=message, user_locale="ru")

    def customer_says(self, text: str | None = "", **content: Any) -> dict[str, Any]:
        update = self.message(text, **content)
        self.deliver(update)
        return update

    def edit(self, update: dict[str, Any], text: str) -> dict[str, Any]:
        message = {**update["message"], "body": {**update["message"]["body"], "text": text}}
        return self.update("message_edited", message=message)

    def removal(self, update: dict[str, Any]) -> dict[str, Any]:
        user, mid = update["message"]["sender"]["user_id"], update["message"]["body"]["mid"]
        return self.update("message_removed", message_id=mid, chat_id=chat_of(user), user_id=user)

    def start(self, payload: str | None = None, *, user: int = USER) -> dict[str, Any]:
        self.stopped.discard(user)
        person = {"chat_id": chat_of(user), "user": self._person(user), "user_locale": "ru"}
        return self.update("bot_started", payload=payload, **person)

    def stop(self, *, user: int = USER) -> list[dict[str, Any]]:
        """Both updates that come when a dialogue is deleted."""
        self.stopped.add(user)
        person = {"chat_id": chat_of(user), "user": self._person(user), "user_locale": "ru"}
        return [self.update(kind, **person) for kind in ("bot_stopped", "dialog_removed")]

    def press(self, payload: str, *, user: int = USER) -> dict[str, Any]:
        """Presses the newest button with this payload. Raises AssertionError when there is none."""
        found = [sent for sent in self.sent if payload in _payloads(sent)]
        assert found, f"No message has a button with {payload!r}."
        callback = {"timestamp": int(time.time() * 1000), "callback_id": f"cb{next(self._numbers)}",
                    "user": self._person(user), "payload": payload}  # fmt: skip
        self._callbacks.add(callback["callback_id"])
        message = self.messages[found[-1]["mid"]]
        return self.update("message_callback", callback=callback, message=message, user_locale="ru")

    def deliver(self, update: dict[str, Any], *, connect_to: str = "") -> list[httpx.Response]:
        """To every subscription (through `connect_to`, whatever its host), else into the queue of polling."""
        if not self.subscriptions:
            with self._news:
                self._updates.append((next(self._markers), update))
                self._news.notify_all()
            return []
        answers = []
        for url, wish in list(self.subscriptions.items()):
            if wish.get("update_types") and update["update_type"] not in wish["update_types"]:
                continue
            address = httpx.URL(url)
            headers = {"Host": address.netloc.decode(), "Content-Type": "application/json"}
            if wish.get("secret"):
                headers["X-Max-Bot-Api-Secret"] = wish["secret"]
            target = f"{connect_to}{address.path}" if connect_to else url
            body = json.dumps(update, ensure_ascii=False).encode()
            answers.append(httpx.post(target, content=body, headers=headers, timeout=30))
        return answers

    # -- the API

    def handle(self, request: Request) -> Answer:
        if request.path.startswith("/slot/"):
            return self._take_upload(request)
        if request.path.startswith("/cdn/"):
            body = self.files.get(request.path.removeprefix("/cdn/"))
            return Answer(body=body) if body is not None else Answer(404, html="gone")
        if request.headers.get("authorization") != self.token or "access_token" in request.query:
            return UNAUTHORIZED
        body = request.json if request.body else None
        with self._book:
            self.calls.append((request.method, request.path, dict(request.query), body))
        try:
            return Answer(json=self._route(request)(dict(request.query), body))
        except Refused as refused:
            return refused.answer

    def _route(self, request: Request) -> Callable[[dict[str, str], Any], Any]:
        routes: dict[tuple[str, str], Callable[[dict[str, str], Any], Any]] = {
            ("GET", "/me"): lambda query, body: _bot(),
            ("GET", "/subscriptions"): lambda query, body: {"subscriptions": self._listed()},
            ("POST", "/subscriptions"): self._subscribe,
            ("DELETE", "/subscriptions"): self._unsubscribe,
            ("GET", "/updates"): self._poll,
            ("POST", "/messages"): self._send,
            ("PUT", "/messages"): self._edit,
            ("DELETE", "/messages"): self._delete,
            ("POST", "/answers"): self._answer_callback,
            ("POST", "/uploads"): self._give_slot,
        }
        if (request.method, request.path) in routes:
            return routes[request.method, request.path]
        parts = request.path.strip("/").split("/")
        if request.method == "GET" and parts[0] == "videos" and len(parts) == 2:
            return lambda query, body: self._video(parts[1])
        if request.method == "POST" and len(parts) == 3 and parts[::2] == ["chats", "actions"]:
            return lambda query, body: self._act(int(parts[1]), body)
        known = {path for _method, path in routes}
        raise Refused(405, "method.not.allowed") if request.path in known else Refused(404, "not.found")

    def _listed(self) -> list[dict[str, Any]]:
        rows = self.subscriptions.items()
        return [{"url": url, "time": 1790300000000, "update_types": wish.get("update_types")} for url, wish in rows]

    def _subscribe(self, query: dict[str, str], body: Any) -> dict[str, Any]:
        url = httpx.URL(str(body.get("url", "")))
        if url.scheme != "https" or url.port not in {None, 443}:
            raise Refused(400, "proto.payload", "Invalid url: only https on port 443")
        if "secret" in body and not re.fullmatch(r"[A-Za-z0-9_-]{5,256}", str(body["secret"])):
            raise Refused(400, "proto.payload", "Invalid secret")
        self.subscriptions[str(body["url"])] = dict(body)
        return {"success": True}

    def _unsubscribe(self, query: dict[str, str], body: Any) -> dict[str, Any]:
        if self.subscriptions.pop(query.get("url", ""), None) is None:
            return {"success": False, "message": "Subscription not found"}
        return {"success": True}

    def _poll(self, query: dict[str, str], body: Any) -> dict[str, Any]:
        if self.subscriptions:
            raise Refused(400, "webhook.active", "Long polling is off while there are subscriptions")
        after = int(query.get("marker", 0))
        deadline = time.monotonic() + min(int(query.get("timeout", 30)), 2)
        with self._news:
            while True:
                self._updates = [row for row in self._updates if row[0] > after]
                batch = self._updates[: int(query.get("limit", 100))]
                left = deadline - time.monotonic()
                if batch or left <= 0:
                    return {"updates": [update for _n, update in batch], "marker": batch[-1][0] if batch else after}
                self._news.wait(left)

    def _send(self, query: dict[str, str], body: Any) -> dict[str, Any]:
        user, chat = self._recipient(query)
        if user in self.stopped:
            raise Refused(403, "chat.denied", "error.dialog.suspended")
        text, attachments = _checked(body)
        self._check_media(attachments)
        link = body.get("link")
        if link and link.get("mid") not in self.messages:
            raise Refused(404, "not.found", "Message to link is not found")
        self._keep_pace(chat)
        mid = self._mid()
        message = {
            "recipient": {"chat_id": chat, "chat_type": "dialog", "user_id": user}, "timestamp": int(time.time() * 1000),
            "body": {"mid": mid, "seq": next(self._numbers), "text": text, "attachments": attachments}, "sender": _bot(),
        }  # fmt: skip
        with self._book:
            self.messages[mid] = message
            self.sent.append({**body, "mid": mid, "query": query})
        return {"message": message}

    def _recipient(self, query: dict[str, str]) -> tuple[int, int]:
        """(person, chat). A chat exists once somebody of that number has been heard of, which here is everybody."""
        if ("user_id" in query) == ("chat_id" in query):
            raise Refused(400, "proto.payload", "Give user_id or chat_id")
        try:
            if "user_id" in query:
                return int(query["user_id"]), chat_of(int(query["user_id"]))
            chat = int(query["chat_id"])
        except ValueError:
            raise Refused(400, "proto.payload", "Invalid number") from None
        if chat <= chat_of(0):
            raise Refused(404, "chat.not.found", f"Chat {chat} not found")
        return chat - chat_of(0), chat

    def _keep_pace(self, chat: int) -> None:
        now = time.monotonic()
        recent = [at for at in self._sends.get(chat, []) if at > now - 0.95]
        if self.paced and len(recent) >= 2:
            raise Refused(429, "too.many.requests", "Too many requests")
        self._sends[chat] = [*recent, now]

    def _check_media(self, attachments: list[dict[str, Any]]) -> None:
        media = [part for part in attachments if part["type"] != "inline_keyboard"]
        kinds = [part["type"] for part in media]
        if len(media) > 1 and not (set(kinds) <= _TOGETHER and len(media) <= 12):
            raise Refused(400, "proto.payload", "These attachments cannot stand together")
        for part in media:
            token = part.get("payload", {}).get("token")
            if token not in self.uploaded or self.uploaded[token][0] != part["type"]:
                raise Refused(400, "proto.payload", "Unknown attachment token")
        if media and self.not_ready > 0:
            self.not_ready -= 1
            raise Refused(400, "attachment.not.ready", "Key: errors.process.attachment.file.not.processed")

    def _edit(self, query: dict[str, str], body: Any) -> dict[str, Any]:
        message = self.messages.get(query.get("message_id", ""))
        if message is None:
            raise Refused(404, "not.found", "Message not found")
        if not message["sender"]["is_bot"]:
            raise Refused(403, "access.denied", "Not your message")
        message["body"]["text"], attachments = _checked(body)
        if body.get("attachments") is not None:
            message["body"]["attachments"] = attachments
        return {"success": True}

    def _delete(self, query: dict[str, str], body: Any) -> dict[str, Any]:
        if query.get("message_id", "") not in self.messages:
            raise Refused(404, "not.found", "Message not found")
        del self.messages[query["message_id"]]
        return {"success": True}

    def _answer_callback(self, query: dict[str, str], body: Any) -> dict[str, Any]:
        callback = query.get("callback_id", "")
        if not body or not (body.get("notification") or body.get("message")):
            raise Refused(400, "proto.payload", "Give notification or message")
        if callback not in self._callbacks:
            raise Refused(404, "not.found", "Callback not found")
        self._callbacks.remove(callback)
        self.answers.append((callback, body))
        return {"success": True}

    def _act(self, chat: int, body: Any) -> dict[str, Any]:
        if body.get("action") not in {"typing_on", "mark_seen", "sending_photo", "sending_video", "sending_file"}:
            raise Refused(400, "proto.payload", "Unknown action")
        self.actions.append((chat, body["action"]))
        return {"success": True}

    def _video(self, token: str) -> dict[str, Any]:
        if token not in self.videos:
            raise Refused(404, "not.found", "Video not found")
        return {"token": token, "urls": self.videos[token], "width": 720, "height": 1280, "duration": None}

    # -- files

    def _give_slot(self, query: dict[str, str], body: Any) -> dict[str, Any]:
        kind = query.get("type", "")
        if kind not in {"image", "video", "audio", "file"}:
            raise Refused(400, "proto.payload", "Unknown type")
        number = str(next(self._numbers))
        token = f"tok-{kind}-{number}"
        self._slots[number] = (kind, token)
        early = {"token": token} if kind in {"video", "audio"} else {}
        return {"url": f"{self.url}/slot/{number}?sig=demo", **early}

    def _take_upload(self, request: Request) -> Answer:
        # One address takes one file, and it is no part of the API: the bot's token has no business here.
        kind, token = self._slots.pop(request.path.removeprefix("/slot/"), ("", ""))
        name, data = _data_part(request)
        if not kind or "authorization" in request.headers or not data:
            return error(400, "upload.error")
        self.uploaded[token] = (kind, name, data)
        if kind == "image":
            return Answer(json={"photos": {"a1b2=": {"token": token}}})
        return Answer(body=b"<retval>1</retval>") if kind in {"video", "audio"} else Answer(json={"token": token})

    def add_file(self, name: str, body: bytes) -> str:
        """Its address."""
        self.files[name] = body
        return f"{self.url}/cdn/{name}"

    def _person(self, user: int) -> dict[str, Any]:
        name = self.names.get(user, "Тимур Ахметов")
        first, _space, last = name.partition(" ")
        return {"user_id": user, "first_name": first, "last_name": last, "is_bot": False, "name": name,
                "last_activity_time": 1790300000000}  # fmt: skip

    def _mid(self) -> str:
        return f"mid.{next(self._numbers):032x}"


def _bot() -> dict[str, Any]:
    return {"user_id": BOT_ID, "first_name": "Омни Поддержка", "username": "omni_demo_bot", "is_bot": True,
            "last_activity_time": 1790300000000, "name": "Омни Поддержка"}  # fmt: skip


def _payloads(body: dict[str, Any]) -> list[str]:
    boards = [part for part in body.get("attachments") or [] if part["type"] == "inline_keyboard"]
    return [button.get("payload", "") for board in boards for row in board["payload"]["buttons"] for button in row]


def _data_part(request: Request) -> tuple[str, bytes]:
    kind = request.headers.get("content-type", "")
    mail = BytesParser(policy=HTTP).parsebytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + request.body)
    for part in mail.iter_parts():
        if part.get_param("name", header="content-disposition") == "data":
            return str(part.get_filename()), bytes(part.get_payload(decode=True))
    return "", b""


class _Markup(HTMLParser):
    """Tags that MAX does not know are dropped, not refused."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.text = ""

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        assert tag in _TAGS, f"<{tag}> would be dropped"

    def handle_data(self, data: str) -> None:
        self.text += data


def _checked(body: Any) -> tuple[str, list[dict[str, Any]]]:
    """(words without markup, attachments) of a new message. Raises Refused."""
    if not isinstance(body, dict) or body.keys() - {"text", "format", "attachments", "link", "notify"}:
        raise Refused(400, "proto.payload", "Unknown part of a message")
    text, attachments = body.get("text") or "", body.get("attachments") or []
    if not text and not attachments:
        raise Refused(400, "proto.payload", "Message is empty")
    if len(text) > 4000:
        raise Refused(400, "proto.payload", "text: size must be between 0 and 4000")
    if body.get("format") == "html":
        markup = _Markup()
        markup.feed(text)
        markup.close()
        text = markup.text
    for board in attachments:
        if board["type"] == "inline_keyboard":
            _check_buttons(board["payload"]["buttons"])
    return text, attachments


def _check_buttons(rows: list[list[dict[str, Any]]]) -> None:
    buttons = [button for row in rows for button in row]
    fits = 1 <= len(rows) <= 30 and len(buttons) <= 210 and all(1 <= len(row) <= 7 for row in rows)
    for button in buttons:
        fits = fits and 1 <= len(button.get("text", "")) <= 128 and len(button.get("payload", "")) <= 1024
        fits = fits and button.get("type") == "callback" and bool(button.get("payload"))
    if not fits:
        raise Refused(400, "errors.keyboard", "Keyboard is not valid")
