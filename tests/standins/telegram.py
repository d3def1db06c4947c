"""The Bot API as bots see it, its refusals included: webhook or polling, sends, albums, edits, buttons, files. One bot.

with TelegramStandIn() as telegram:
    settings.TELEGRAM_API_URL = telegram.url
    telegram.customer_says("привет", chat=5)          # queued for getUpdates, or sent to the webhook
    assert telegram.sent[0]["text"] == "Здравствуйте"
    telegram.script(too_many(7), path="sendMessage")  # what the next send gets instead
"""

import html
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

TOKEN = "123456789:AAEhBOweik6ad9r_QXMENQjcrGbqCr4K-pc"
_SENDS = {"Message": "text", "Photo": "photo", "Document": "document", "Voice": "voice", "Audio": "audio",
          "Video": "video", "Animation": "animation"}  # fmt: skip
# Fields that come as JSON inside a multipart body.
_JSON_FIELDS = {"reply_parameters", "reply_markup", "link_preview_options", "media", "entities"}
_TAGS = {
    "b",
    "strong",
    "i",
    "em",
    "u",
    "ins",
    "s",
    "strike",
    "del",
    "code",
    "pre",
    "a",
    "blockquote",
    "span",
    "tg-spoiler",
}
_PHOTO_BYTES, _FILE_BYTES, _DOWNLOAD_BYTES = 10 * 1024 * 1024, 50 * 1024 * 1024, 20 * 1024 * 1024


class Refused(Exception):
    def __init__(self, code: int, description: str, **parameters: Any) -> None:
        super().__init__(description)
        self.answer = error(code, description, **parameters)


def error(code: int, description: str, **parameters: Any) -> Answer:
    body: dict[str, Any] = {"ok": False, "error_code": code, "description": description}
    return Answer(code, json={**body, **({"parameters": parameters} if parameters else {})})


def too_many(seconds: int) -> Answer:
    return error(429, f"Too Many Requests: retry after {seconds}", retry_after=seconds)


BLOCKED = error(403, "Forbidden: bot was blocked by the user")
UNAUTHORIZED = error(401, "Unauthorized")


class Upload(bytes):
    """A file as it came, with its name."""

    name = ""


class TelegramStandIn(StandIn):
    """`sent`: the data of every accepted send with its `method` and `message_id`, files as bytes; `drafts`: those of partial
    messages. `calls`: every call."""

    def __init__(self, token: str = TOKEN, *, port: int = 0) -> None:
        super().__init__(port=port)
        self.token = token
        self.sent: list[dict[str, Any]] = []
        self.drafts: list[dict[str, Any]] = []
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.files: dict[str, bytes] = {}
        self.webhook: dict[str, Any] = {}
        self.blocked: set[int] = set()
        self.names: dict[int, str] = {}
        # (chat, message_id) → the message as it stands now
        self.messages: dict[tuple[int, int], dict[str, Any]] = {}
        self._updates: list[dict[str, Any]] = []
        self._allowed: list[str] = []
        self._pollers = 0
        self._callbacks: set[str] = set()
        self._book = RLock()
        self._news = Condition()
        self._numbers = itertools.count(1000)
        self._update_ids = itertools.count(415900200)

    # -- the customer's side

    def update(self, **content: Any) -> dict[str, Any]:
        return {"update_id": next(self._update_ids), **content}

    def message(self, text: str = "", *, chat: int = 710455821, name: str = "Марина", **content: Any) -> dict[str, Any]:
        """An update with a new message of this person; it still has to be delivered."""
        self.names[chat] = name
        message = {"message_id": next(self._numbers), "from": _person(chat, name), "date": int(time.time()),
                   "chat": {"id": chat, "first_name": name, "type": "private"}, **content}  # fmt: skip
        if text:
            message["text"] = text
        self.messages[chat, message["message_id"]] = message
        return self.update(message=message)

    def customer_says(self, text: str = "", **content: Any) -> dict[str, Any]:
        update = self.message(text, **content)
        self.deliver(update)
        return update

    def customer_edits(self, update: dict[str, Any], text: str) -> dict[str, Any]:
        message = {**update["message"], "text": text, "edit_date": int(time.time())}
        edit = self.update(edited_message=message)
        self.deliver(edit)
        return edit

    def customer_presses(self, data: str, *, chat: int = 710455821) -> dict[str, Any]:
        """Presses the newest button of this chat with these data. Raises AssertionError when there is none."""
        found = [m for (place, _n), m in self.messages.items() if place == chat and data in _callback_data(m)]
        assert found, f"No message of chat {chat} has a button with {data!r}."
        person = _person(chat, self.names.get(chat, "Марина"))
        query = {"id": f"cb{next(self._numbers)}", "from": person, "message": found[-1],
                 "chat_instance": "1", "data": data}  # fmt: skip
        self._callbacks.add(query["id"])
        update = self.update(callback_query=query)
        self.deliver(update)
        return update

    def customer_blocks(self, *, chat: int = 710455821, unblocks: bool = False) -> dict[str, Any]:
        (self.blocked.discard if unblocks else self.blocked.add)(chat)
        status = ("kicked", "member") if unblocks else ("member", "kicked")
        bot = self._bot()
        person = _person(chat, self.names.get(chat, "Марина"))
        change = {"chat": {"id": chat, "type": "private"}, "from": person, "date": int(time.time()),
                  "old_chat_member": {"user": bot, "status": status[0]},
                  "new_chat_member": {"user": bot, "status": status[1], "until_date": 0}}  # fmt: skip
        update = self.update(my_chat_member=change)
        self.deliver(update)
        return update

    def deliver(self, update: dict[str, Any], *, connect_to: str = "") -> httpx.Response | None:
        """To the webhook where one is set (through `connect_to`, whatever its host), else into the queue of getUpdates."""
        kind = next(key for key in update if key != "update_id")
        if self._allowed and kind not in self._allowed:
            return None
        if not self.webhook.get("url"):
            with self._news:
                self._updates.append(update)
                self._news.notify_all()
            return None
        url = httpx.URL(self.webhook["url"])
        headers = {"Host": url.netloc.decode(), "Content-Type": "application/json"}
        if self.webhook.get("secret_token"):
            headers["X-Telegram-Bot-Api-Secret-Token"] = self.webhook["secret_token"]
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
        if parts[0] != f"bot{self.token}" or len(parts) != 2:
            return UNAUTHORIZED if re.match(r"bot\d+:", parts[0]) else error(404, "Not Found")
        method, data = parts[1], _fields(request)
        with self._book:
            self.calls.append((method, data))
        try:
            return Answer(json={"ok": True, "result": self._method(method)(data)})
        except Refused as refused:
            return refused.answer

    def _method(self, name: str) -> Callable[[dict[str, Any]], Any]:
        field = _SENDS.get(name.removeprefix("send"))
        if name.startswith("send") and field:
            return lambda data: self._send(name, field, data)
        handler: Callable[[dict[str, Any]], Any] | None = getattr(self, f"_on_{name}", None)
        if handler is None:
            raise Refused(404, "Not Found: method not found")
        return handler

    def _bot(self) -> dict[str, Any]:
        return {"id": int(self.token.split(":")[0]), "is_bot": True, "first_name": "Омни", "username": "omni_demo_bot"}

    def _on_getMe(self, data: dict[str, Any]) -> dict[str, Any]:  # noqa: N802  # the method's own name
        return self._bot()

    def _on_setWebhook(self, data: dict[str, Any]) -> bool:  # noqa: N802
        url, secret = str(data.get("url", "")), str(data.get("secret_token", ""))
        if url and not url.startswith("https://"):
            raise Refused(400, "Bad Request: bad webhook: An HTTPS URL must be provided for webhook")
        if secret and not re.fullmatch(r"[A-Za-z0-9_-]{1,256}", secret):
            raise Refused(400, "Bad Request: secret token contains unallowed characters")
        self._allow(data)
        self.webhook = data if url else {}
        return True

    def _on_deleteWebhook(self, data: dict[str, Any]) -> bool:  # noqa: N802
        self.webhook = {}
        if data.get("drop_pending_updates"):
            self._updates.clear()
        return True

    def _on_getWebhookInfo(self, data: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        return {"url": self.webhook.get("url", ""), "has_custom_certificate": False,
                "pending_update_count": len(self._updates)}  # fmt: skip

    def _allow(self, data: dict[str, Any]) -> None:
        # Sticky: leaving it out keeps what was asked for before.
        if "allowed_updates" in data:
            self._allowed = list(data["allowed_updates"])

    def _on_getUpdates(self, data: dict[str, Any]) -> list[dict[str, Any]]:  # noqa: N802
        if self.webhook.get("url"):
            raise Refused(
                409, "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete"
            )
        self._allow(data)
        offset, deadline = int(data.get("offset", 0)), time.monotonic() + min(int(data.get("timeout", 0)), 3)
        with self._news:
            self._pollers += 1
            mine = self._pollers
            self._news.notify_all()
            while True:
                if mine != self._pollers:
                    words = "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
                    raise Refused(409, words)
                self._updates = [update for update in self._updates if update["update_id"] >= offset]
                left = deadline - time.monotonic()
                if self._updates or left <= 0:
                    return self._updates[:100]
                self._news.wait(left)

    def _on_getFile(self, data: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        file_id = str(data.get("file_id"))
        if file_id not in self.files:
            raise Refused(400, "Bad Request: wrong file_id or the file is temporarily unavailable")
        if len(self.files[file_id]) > _DOWNLOAD_BYTES:
            raise Refused(400, "Bad Request: file is too big")
        return {"file_id": file_id, "file_size": len(self.files[file_id]), "file_path": f"documents/{file_id}"}

    def _on_sendChatAction(self, data: dict[str, Any]) -> bool:  # noqa: N802
        self._chat(data)
        return True

    def _on_sendMessageDraft(self, data: dict[str, Any]) -> bool:  # noqa: N802
        if self._chat(data) < 0:
            raise Refused(400, "Bad Request: method is available only in private chats")
        if not int(data.get("draft_id", 0)):
            raise Refused(400, "Bad Request: DRAFT_ID_INVALID")
        # An empty one is drawn as "thinking".
        self.drafts.append({**data, "text": _parsed(data, "text", 4096) if data.get("text") else ""})
        return True

    def _on_answerCallbackQuery(self, data: dict[str, Any]) -> bool:  # noqa: N802
        query = str(data.get("callback_query_id"))
        if query not in self._callbacks:
            raise Refused(400, "Bad Request: query is too old and response timeout expired or query ID is invalid")
        self._callbacks.remove(query)
        return True

    def _on_editMessageText(self, data: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        message = self.messages.get((self._chat(data), int(data.get("message_id", 0))))
        if message is None or not message["from"]["is_bot"]:
            raise Refused(400, "Bad Request: message to edit not found")
        text = _parsed(data, "text", 4096)
        if "text" not in message:
            raise Refused(400, "Bad Request: there is no text in the message to edit")
        if message.get("text") == text:
            raise Refused(
                400, "Bad Request: message is not modified: specified new message content is exactly the same"
            )
        message.update(text=text, edit_date=int(time.time()))
        return message

    def _on_deleteMessage(self, data: dict[str, Any]) -> bool:  # noqa: N802
        name = (self._chat(data), int(data.get("message_id", 0)))
        if name not in self.messages:
            raise Refused(400, "Bad Request: message to delete not found")
        del self.messages[name]
        return True

    def _on_editMessageCaption(self, data: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        message = self.messages.get((self._chat(data), int(data.get("message_id", 0))))
        if message is None or not message["from"]["is_bot"]:
            raise Refused(400, "Bad Request: message to edit not found")
        message.update(caption=_parsed(data, "caption", 1024), edit_date=int(time.time()))
        return message

    def _on_sendMediaGroup(self, data: dict[str, Any]) -> list[dict[str, Any]]:  # noqa: N802
        media = data.get("media") or []
        if not 2 <= len(media) <= 10:
            raise Refused(400, "Bad Request: group send failed, wrong number of items")
        kinds = {"seen" if item["type"] in {"photo", "video"} else item["type"] for item in media}
        if len(kinds) != 1 or not kinds <= {"seen", "document", "audio"}:
            raise Refused(400, "Bad Request: document can't be mixed with other media types")
        if data.get("reply_markup"):
            raise Refused(400, "Bad Request: reply markup is not supported for albums")
        common = {
            name: value for name, value in data.items() if name in {"chat_id", "reply_parameters", "message_thread_id"}
        }
        group = str(next(self._numbers))
        messages = []
        for item in media:
            name = item["media"].removeprefix("attach://")
            single = {**common, **item, item["type"]: data[name] if name != item["media"] else name}
            messages.append(self._store(single, item["type"], media_group_id=group))
        with self._book:
            self.sent.append({**data, "method": "sendMediaGroup", "message_id": messages[0]["message_id"]})
        return messages

    def _send(self, method: str, field: str, data: dict[str, Any]) -> dict[str, Any]:
        message = self._store(data, field)
        with self._book:
            self.sent.append({**data, "method": method, "message_id": message["message_id"]})
        return message

    def _store(self, data: dict[str, Any], field: str, **more: Any) -> dict[str, Any]:
        """The message as Telegram keeps and returns it. Raises Refused for whatever it would not take."""
        chat = self._chat(data)
        _check_reply(data, self.messages, chat)
        _check_buttons(data)
        message: dict[str, Any] = {"message_id": next(self._numbers), "from": self._bot(), "date": int(time.time()),
                                   "chat": {"id": chat, "type": "private"}, **more}  # fmt: skip
        if field == "text":
            message["text"] = _parsed(data, "text", 4096)
        else:
            message |= self._stored_file(data, field)
            if data.get("caption"):
                message["caption"] = _parsed(data, "caption", 1024)
        if data.get("reply_markup"):
            message["reply_markup"] = data["reply_markup"]
        self.messages[chat, message["message_id"]] = message
        return message

    def _stored_file(self, data: dict[str, Any], field: str) -> dict[str, Any]:
        given = data.get(field)
        if isinstance(given, str):
            if given not in self.files:
                raise Refused(400, "Bad Request: wrong file identifier/HTTP URL specified")
            file_id = given
        else:
            if not given:
                raise Refused(400, f"Bad Request: there is no {field} in the request")
            if len(given) > (_PHOTO_BYTES if field == "photo" else _FILE_BYTES):
                raise Refused(413, "Request Entity Too Large")
            file_id = f"FILE{next(self._numbers)}"
            self.files[file_id] = given
        file = {"file_id": file_id, "file_unique_id": f"u{file_id}", "file_size": len(self.files[file_id])}
        if field != "photo" and getattr(given, "name", ""):
            file["file_name"] = given.name
        return {field: [file] if field == "photo" else file}

    def _chat(self, data: dict[str, Any]) -> int:
        try:
            chat = int(data["chat_id"])
        except (KeyError, ValueError):
            raise Refused(400, "Bad Request: chat not found") from None
        if chat in self.blocked:
            raise Refused(403, "Forbidden: bot was blocked by the user")
        return chat


def _person(chat: int, name: str) -> dict[str, Any]:
    return {"id": chat, "is_bot": False, "first_name": name, "language_code": "ru"}


def _callback_data(message: dict[str, Any]) -> list[str]:
    rows = message.get("reply_markup", {}).get("inline_keyboard", [])
    return [button.get("callback_data", "") for row in rows for button in row]


class _Markup(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if tag not in _TAGS:
            raise Refused(400, f'Bad Request: can\'t parse entities: Unsupported start tag "{tag}" at byte offset 0')
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            raise Refused(400, "Bad Request: can't parse entities: Unmatched end tag at byte offset 0")

    def handle_data(self, data: str) -> None:
        self.text += data


def _parsed(data: dict[str, Any], field: str, limit: int) -> str:
    """The words without their markup. Raises Refused: nothing left, too long, markup that cannot be read."""
    text = str(data.get(field, ""))
    if data.get("parse_mode") == "HTML":
        if re.search(r"<(?![a-zA-Z/])", text):
            raise Refused(400, 'Bad Request: can\'t parse entities: Unsupported start tag "" at byte offset 0')
        markup = _Markup()
        markup.feed(text)
        markup.close()
        if markup.open:
            raise Refused(400, "Bad Request: can't parse entities: Can't find end tag")
        text = html.unescape(markup.text)
    if not text.strip():
        raise Refused(400, "Bad Request: message text is empty")
    if len(text.encode("utf-16-le")) // 2 > limit:
        raise Refused(400, f"Bad Request: message {'caption ' if field == 'caption' else ''}is too long")
    return text


def _check_reply(data: dict[str, Any], messages: dict[tuple[int, int], dict[str, Any]], chat: int) -> None:
    reply = data.get("reply_parameters") or {}
    if reply and not reply.get("allow_sending_without_reply") and (chat, reply.get("message_id")) not in messages:
        raise Refused(400, "Bad Request: message to be replied not found")


def _check_buttons(data: dict[str, Any]) -> None:
    if any(not 1 <= len(value.encode()) <= 64 for value in _callback_data(data)):
        raise Refused(400, "Bad Request: BUTTON_DATA_INVALID")


def _fields(request: Request) -> dict[str, Any]:
    kind = request.headers.get("content-type", "")
    if not kind.startswith("multipart/"):
        return dict(request.json) if request.body else {}
    mail = BytesParser(policy=HTTP).parsebytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + request.body)
    fields: dict[str, Any] = {}
    for part in mail.iter_parts():
        name = str(part.get_param("name", header="content-disposition"))
        payload = bytes(part.get_payload(decode=True))
        if part.get_filename():
            fields[name] = Upload(payload)
            fields[name].name = part.get_filename()
        else:
            fields[name] = json.loads(payload) if name in _JSON_FIELDS else payload.decode()
    return fields
