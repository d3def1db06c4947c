"""VK's API as a community sees it, its refusals included: Callback API servers, long polling, sends, uploads. One community.

with VkStandIn() as vk:
    settings.VK_API_URL = vk.url
    vk.customer_says("привет")                          # queued for polling, or sent to every server that was confirmed
    vk.deliver(vk.press("yes"))                         # likewise edit, read, typing, allow, deny, said
    assert vk.sent[0]["message"] == "Здравствуйте"
    vk.script(error(6, "Too many requests per second"), path="messages.send")
"""

import json
import time
from collections.abc import Callable
from email.parser import BytesParser
from email.policy import HTTP
from threading import RLock
from typing import Any

from tests.standins.server import Answer, Request
from tests.standins.vk_rules import Refused, answers_to, check_keyboard, check_text, error, form_of, read_random_id
from tests.standins.vk_servers import GROUP, CallbackServers

TOKEN = "vk1.a.demo_community_key_0000000000000000000000000000000000"
USER = 601122334
TOO_MANY = error(6, "Too many requests per second")
LOST_KEY = error(5, "User authorization failed: invalid access_token (4).")
_CLIENT = {"button_actions": ["text", "open_link", "callback"], "keyboard": True, "inline_keyboard": True, "lang_id": 0}


class VkStandIn(CallbackServers):
    """`sent`: the forms of accepted messages with `id` and `cmid`. `calls`: (method, form) of all."""

    def __init__(self, token: str = TOKEN, *, port: int = 0) -> None:
        super().__init__(port=port)
        self.token = token
        self.sent: list[dict[str, Any]] = []
        self.calls: list[tuple[str, dict[str, str]]] = []
        self.people = {USER: ("Марина", "Орлова", "marina_o")}
        # Person → the code that says why nobody may write there.
        self.unreachable: dict[int, int] = {}
        self.bots_are_off = False
        self.messages: dict[int, dict[int, dict[str, Any]]] = {}
        self.uploaded: dict[str, tuple[str, str, bytes]] = {}
        self.files: dict[str, bytes] = {}
        self.activities: list[tuple[int, str]] = []
        self.read: list[int] = []
        self.answers: list[dict[str, Any]] = []
        # Refuses more than twenty calls a second, as VK does.
        self.paced = False
        self._recent: list[float] = []
        self._presses: set[str] = set()
        self._repeats: dict[tuple[int, int], int] = {}
        self._slots: dict[str, str] = {}
        self._book = RLock()

    # -- the customer's side

    def event(self, kind: str, thing: dict[str, Any]) -> dict[str, Any]:
        return {
            "group_id": GROUP,
            "type": kind,
            "event_id": f"e{next(self._numbers):040x}",
            "v": "5.199",
            "object": thing,
        }

    def message(
        self, text: str = "", *, user: int = USER, client: dict[str, Any] = _CLIENT, **parts: Any
    ) -> dict[str, Any]:
        """An event with a new message. It still has to be delivered."""
        message = self._keep(user, {"from_id": user, "out": 0, "text": text, "random_id": 0, **parts})
        return self.event("message_new", {"message": message, "client_info": client})

    def customer_says(self, text: str = "", **parts: Any) -> dict[str, Any]:
        event = self.message(text, **parts)
        self.deliver(event)
        return event

    def edit(self, event: dict[str, Any], text: str) -> dict[str, Any]:
        message = {**event["object"]["message"], "text": text, "update_time": int(time.time())}
        self.messages[message["peer_id"]][message["conversation_message_id"]] = message
        return self.event("message_edit", message)

    def press(self, value: str, *, user: int = USER) -> dict[str, Any]:
        """Presses the newest button with this value. Raises AssertionError when there is none."""
        found = [
            (sent, action) for sent in self.sent for action in _actions(sent) if action["payload"]["value"] == value
        ]
        assert found, f"No message has a button with {value!r}."
        sent, action = found[-1]
        answer = f"press{next(self._numbers)}"
        self._presses.add(answer)
        thing = {"user_id": user, "peer_id": user, "event_id": answer, "payload": action["payload"]}
        return self.event("message_event", {**thing, "conversation_message_id": sent["cmid"]})

    def has_read(self, cmid: int, *, user: int = USER) -> dict[str, Any]:
        id = self.messages[user][cmid]["id"]
        return self.event(
            "message_read", {"from_id": user, "peer_id": user, "read_message_id": id, "conversation_message_id": cmid}
        )

    def types(self, *, user: int = USER) -> dict[str, Any]:
        return self.event("message_typing_state", {"state": "typing", "from_id": user, "to_id": -GROUP})

    def deny(self, *, user: int = USER) -> dict[str, Any]:
        self.unreachable[user] = 901
        return self.event("message_deny", {"user_id": user})

    def allow(self, *, user: int = USER) -> dict[str, Any]:
        self.unreachable.pop(user, None)
        return self.event("message_allow", {"user_id": user, "key": ""})

    def said(self, text: str, *, admin: int = 77, user: int = USER, **parts: Any) -> dict[str, Any]:
        """What one of the company's people wrote in VK itself."""
        message = {"from_id": -GROUP, "out": 1, "text": text, "random_id": 914711, "admin_author_id": admin, **parts}
        return self.event("message_reply", self._keep(user, message))

    def echo(self, sent: dict[str, Any]) -> dict[str, Any]:
        return self.event("message_reply", self.messages[int(sent["peer_id"])][sent["cmid"]])

    def _keep(self, peer: int, parts: dict[str, Any]) -> dict[str, Any]:
        with self._book:
            known = self.messages.setdefault(peer, {})
            cmid = max(known, default=40) + 1
            message = {"date": int(time.time()), "id": next(self._numbers), "peer_id": peer, "attachments": [],
                       "conversation_message_id": cmid, "fwd_messages": [], **parts}  # fmt: skip
            known[cmid] = message
        return message

    # -- the API

    def handle(self, request: Request) -> Answer:
        if request.path.startswith("/upload/"):
            return self._take_upload(request)
        if request.path == "/lp":
            return Answer(json=self.poll(dict(request.query)))
        if request.path.startswith("/cdn/"):
            body = self.files.get(request.path.removeprefix("/cdn/"))
            return Answer(body=body) if body is not None else Answer(404, html="gone")
        form: dict[str, str] = {}
        try:
            form = form_of(request)
            if request.headers.get("authorization") != f"Bearer {self.token}":
                raise Refused(5, "User authorization failed: invalid access_token (4).")
            method = request.path.removeprefix("/method/")
            with self._book:
                self.calls.append((method, form))
                self._keep_pace()
            if method not in self._routes:
                raise Refused(3, "Unknown method passed")
            return Answer(json={"response": self._routes[method](form)})
        except Refused as refused:
            return error(refused.code, refused.message, **form)

    @property
    def _routes(self) -> dict[str, Callable[[dict[str, str]], Any]]:
        return {
            **self.server_routes,
            "users.get": self._users,
            "messages.send": self._send,
            "messages.edit": self._edit,
            "messages.delete": self._delete,
            "messages.getById": self._by_id,
            "messages.getByConversationMessageId": self._by_number,
            "messages.getConversations": self._conversations,
            "messages.getHistory": self._history,
            "messages.markAsRead": lambda form: self.read.append(int(form["peer_id"])) or 1,  # type: ignore[func-returns-value]
            "messages.setActivity": self._act,
            "messages.sendMessageEventAnswer": self._answer_press,
            "photos.getMessagesUploadServer": lambda form: self._give_slot("photo"),
            "photos.saveMessagesPhoto": self._save_photo,
            "docs.getMessagesUploadServer": lambda form: self._give_slot(form.get("type", "doc")),
            "docs.save": self._save_document,
        }

    def _keep_pace(self) -> None:
        now = time.monotonic()
        self._recent = [at for at in self._recent if at > now - 1]
        if self.paced and len(self._recent) >= 20:
            raise Refused(6, "Too many requests per second")
        self._recent.append(now)

    # -- people and messages

    def _users(self, form: dict[str, str]) -> list[dict[str, Any]]:
        ids = [int(id) for id in form["user_ids"].split(",")]
        if len(ids) > 1000 or min(ids) < 1:
            raise Refused(113, "Invalid user id")
        known = {id: self.people.get(id, ("Кто", "Нибудь", f"id{id}")) for id in ids}
        return [{"id": id, "first_name": first, "last_name": last, "screen_name": name, "photo_100": ""}
                for id, (first, last, name) in known.items()]  # fmt: skip

    def _send(self, form: dict[str, str]) -> Any:
        number = read_random_id(form)
        if "peer_ids" not in form:
            return self._send_to(int(form.get("peer_id") or 0), number, form)["id"]
        answers = []
        for peer in map(int, form["peer_ids"].split(",")):
            try:
                message = self._send_to(peer, number, {**form, "peer_id": str(peer)})
                answers.append({"peer_id": peer, "message_id": message["id"],
                                "conversation_message_id": message["conversation_message_id"]})  # fmt: skip
            except Refused as refused:
                told = {"code": refused.code, "description": refused.message}
                answers.append({"peer_id": peer, "message_id": 0, "error": told})
        return answers

    def _send_to(self, peer: int, number: int, form: dict[str, str]) -> dict[str, Any]:
        with self._book:
            if number and (peer, number) in self._repeats:
                return self.messages[peer][self._repeats[peer, number]]
            if code := self.unreachable.get(peer):
                raise Refused(code, "Can't send messages for users without permission")
            text = check_text(form)
            attachments = self._attachments(form.get("attachment", ""))
            board = check_keyboard(form["keyboard"]) if form.get("keyboard") else {}
            if board and self.bots_are_off:
                raise Refused(912, "This is a chat bot feature, change this status in settings")
            answers_to(form, set(self.messages.get(peer, {})))
            message = self._keep(peer, {"from_id": -GROUP, "out": 1, "text": text, "random_id": number,
                                        "attachments": attachments, **({"keyboard": board} if board else {})})  # fmt: skip
            self._repeats[peer, number] = message["conversation_message_id"]
            self.sent.append({**form, "id": message["id"], "cmid": message["conversation_message_id"]})
            return message

    def _attachments(self, names: str) -> list[dict[str, Any]]:
        found = names.split(",") if names else []
        voices = [name for name in found if name.startswith("audio_message")]
        if len(found) > 10 or any(name not in self.uploaded for name in found) or (voices and len(found) > 1):
            raise Refused(100, "One of the parameters specified was missing or invalid: attachment is invalid")
        attachments = []
        for name in found:
            kind = self.uploaded[name][0]
            _owner, id, key = name.removeprefix(kind).split("_")
            attachments.append({"type": kind, kind: {"id": int(id), "owner_id": -GROUP, "access_key": key}})
        return attachments

    def _edit(self, form: dict[str, str]) -> int:
        message = self.messages.get(int(form["peer_id"]), {}).get(int(form["cmid"]))
        if message is None or not message["out"]:
            raise Refused(920, "Can't edit this kind of message")
        board = {"keyboard": check_keyboard(form["keyboard"])} if form.get("keyboard") else {}
        message.pop("keyboard", None)
        message |= {"text": check_text(form), "attachments": self._attachments(form.get("attachment", "")), **board}
        return 1

    def _delete(self, form: dict[str, str]) -> dict[str, int]:
        peer = self.messages.get(int(form["peer_id"]), {})
        message = peer.get(int(form["cmids"]))
        if message is not None and not message["out"]:
            raise Refused(924, "Can't delete this message for everybody")
        return {form["cmids"]: int(peer.pop(int(form["cmids"]), None) is not None)}

    def _by_id(self, form: dict[str, str]) -> dict[str, Any]:
        ids = set(map(int, form["message_ids"].split(",")))
        found = [message for peer in self.messages.values() for message in peer.values() if message["id"] in ids]
        return {"count": len(found), "items": found}

    def _by_number(self, form: dict[str, str]) -> dict[str, Any]:
        known = self.messages.get(int(form["peer_id"]), {})
        found = [known[int(n)] for n in form["conversation_message_ids"].split(",") if int(n) in known]
        return {"count": len(found), "items": found}

    def _conversations(self, form: dict[str, str]) -> dict[str, Any]:
        rows = [{"conversation": {"peer": {"id": peer, "type": "user"}}, "last_message": known[max(known)]}
                for peer, known in self.messages.items()]  # fmt: skip
        rows.sort(key=lambda row: row["last_message"]["date"], reverse=True)
        return {"count": len(rows), "items": _page(rows, form)}

    def _history(self, form: dict[str, str]) -> dict[str, Any]:
        known = self.messages.get(int(form["peer_id"]), {})
        rows = [known[cmid] for cmid in sorted(known, reverse=True)]
        return {"count": len(rows), "items": _page(rows, form)}

    def _act(self, form: dict[str, str]) -> int:
        self.activities.append((int(form["peer_id"]), form["type"]))
        return 1

    def _answer_press(self, form: dict[str, str]) -> int:
        shown = json.loads(form["event_data"])
        if form["event_id"] not in self._presses or shown["type"] != "show_snackbar" or len(shown["text"]) > 90:
            raise Refused(100, "One of the parameters specified was missing or invalid: event_id is invalid")
        self._presses.remove(form["event_id"])
        self.answers.append({**form, "shown": shown["text"]})
        return 1

    # -- files

    def _give_slot(self, kind: str) -> dict[str, Any]:
        number = str(next(self._numbers))
        self._slots[number] = kind
        return {"upload_url": f"{self.url}/upload/{number}"}

    def _take_upload(self, request: Request) -> Answer:
        # It is no part of the API: the key of the community has no business here.
        kind = self._slots.get(request.path.removeprefix("/upload/"), "")
        name, data = _part(request, "photo" if kind == "photo" else "file")
        if not kind or "authorization" in request.headers or not data:
            return Answer(400, html="bad request")
        if name.endswith(".exe"):
            return Answer(json={"error": "unknown error", "error_descr": "file type not allowed"})
        token = f"up|{kind}|{name}|{len(self.files)}"
        self.files[token] = data
        given = {"server": 5, "photo": token, "hash": "h"} if kind == "photo" else {"file": token}
        return Answer(json=given)

    def _save_photo(self, form: dict[str, str]) -> list[dict[str, Any]]:
        if form.get("hash") != "h" or form.get("server") != "5":
            raise Refused(100, "One of the parameters specified was missing or invalid: photos hash is invalid")
        return [self._saved(form["photo"])[1]]

    def _save_document(self, form: dict[str, str]) -> dict[str, Any]:
        kind, saved = self._saved(form["file"])
        return {"type": kind, kind: saved}

    def _saved(self, token: str) -> tuple[str, dict[str, Any]]:
        if token not in self.files:
            raise Refused(100, "One of the parameters specified was missing or invalid: file is invalid")
        _up, kind, name, _n = token.split("|")
        saved = {"id": next(self._numbers), "owner_id": -GROUP, "access_key": "k"}
        self.uploaded[f"{kind}{saved['owner_id']}_{saved['id']}_k"] = (kind, name, self.files[token])
        return kind, saved

    def add_file(self, name: str, body: bytes) -> str:
        """Its address."""
        self.files[name] = body
        return f"{self.url}/cdn/{name}"


def _page(rows: list[dict[str, Any]], form: dict[str, str]) -> list[dict[str, Any]]:
    start, count = int(form.get("offset", 0)), min(int(form.get("count", 20)), 200)
    return rows[start : start + count]


def _actions(sent: dict[str, Any]) -> list[dict[str, Any]]:
    buttons = [button for row in json.loads(sent.get("keyboard") or '{"buttons": []}')["buttons"] for button in row]
    return [{**button["action"], "payload": json.loads(button["action"]["payload"])} for button in buttons]


def _part(request: Request, field: str) -> tuple[str, bytes]:
    kind = request.headers.get("content-type", "")
    mail = BytesParser(policy=HTTP).parsebytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + request.body)
    for part in mail.iter_parts():
        if part.get_param("name", header="content-disposition") == field:
            return str(part.get_filename()), bytes(part.get_payload(decode=True))
    return "", b""
