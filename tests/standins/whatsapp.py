"""The Cloud API of WhatsApp with one business number: signed webhooks out; messages, files, templates and set-up in.

with WhatsAppStandIn() as whatsapp:
    settings.WHATSAPP_API_URL = whatsapp.url
    whatsapp.webhook = channel_info.webhook_url
    whatsapp.customer_says("привет")                       # signed and escaped as Meta does it
    assert whatsapp.sent[0]["text"]["body"] == "Здравствуйте"
    whatsapp.report(whatsapp.sent[0]["id"], "read", "delivered", "sent")   # statuses, in whatever order
    whatsapp.script(error(131056), path="/messages")        # what the next send gets instead
"""

import base64
import hashlib
import hmac
import itertools
import json
import re
import time
from collections.abc import Callable, Mapping
from functools import partial
from threading import RLock, Timer
from typing import Any

import httpx

from tests.standins.server import Answer, Request, StandIn
from tests.standins.whatsapp_rules import (
    MB,
    MEDIA,
    TITLES,
    Refused,
    check_interactive,
    check_text,
    choices_of,
    error,
    read_form,
)  # fmt: skip

__all__ = [
    "ACCOUNT",
    "APP_SECRET",
    "NUMBER",
    "OLEG",
    "OLEG_ID",
    "TOKEN",
    "WhatsAppStandIn",
    "error",
    "meta_json",
    "signature",
]

TOKEN = "EAAGm0demoTokenOfASystemUser"
APP_SECRET = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
NUMBER, ACCOUNT, PHONE = "345678901234567", "209876543210987", "74950001122"
OLEG, OLEG_ID = "79990003344", "RU.7718402295518830"


def meta_json(data: Any) -> bytes:
    """As Meta writes it before signing: ASCII only, and neither slashes nor at-signs bare."""
    return json.dumps(data, separators=(",", ":")).replace("/", "\\/").replace("@", "\\u0040").encode()


def signature(body: bytes, secret: str = APP_SECRET) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


class WhatsAppStandIn(StandIn):
    """`sent`: every accepted message with its `id`; `marks`: read marks; `media`: id → (bytes, type, name)."""

    def __init__(self, *, port: int = 0, token: str = TOKEN, secret: str = APP_SECRET) -> None:
        super().__init__(port=port)
        self.token, self.secret = token, secret
        self.webhook = ""
        # Where the webhook is called, whatever its host says.
        self.connect_to = ""
        self.sent: list[dict[str, Any]] = []
        self.marks: list[dict[str, Any]] = []
        self.media: dict[str, tuple[bytes, str, str]] = {}
        self.templates: list[dict[str, Any]] = []
        self.apps: list[dict[str, Any]] = []
        self.debug: dict[str, Any] = {"is_valid": True, "expires_at": 0, "app_id": "1",
                                      "scopes": ["whatsapp_business_messaging", "whatsapp_business_management"]}  # fmt: skip
        self.profile: dict[str, Any] = {"id": NUMBER, "verified_name": "Демо Магазин", "quality_rating": "GREEN",
                                        "display_phone_number": "+7 495 000-11-22"}  # fmt: skip
        self.can_override = True
        self.media_seconds = 300.0
        # Told to be beyond 24 hours, or not on WhatsApp: accepted, then failed by a status, as Meta does it.
        self.fails_with: dict[str, int] = {}
        # Statuses that follow every accepted message by themselves, for trying things out by hand.
        self.reports: tuple[str, ...] = ()
        self._known: set[str] = set()
        self._book = RLock()
        self._numbers = itertools.count(1)

    # -- the customer's side

    def wamid(self, phone: str = OLEG) -> str:
        raw = f"{phone}\x02\x00{next(self._numbers):020d}".encode()
        return f"wamid.HBgL{base64.b64encode(raw).decode()}"

    def value(self, **content: Any) -> dict[str, Any]:
        metadata = {"display_phone_number": PHONE, "phone_number_id": NUMBER}
        return {"messaging_product": "whatsapp", "metadata": metadata, **content}

    def message(
        self, text: str = "", *, phone: str = OLEG, user_id: str = OLEG_ID, name: str = "Олег Дёмин", **content: Any
    ) -> dict[str, Any]:
        """The `value` of a new message; `phone=""` for somebody who is known by the id alone."""
        content = content or {"type": "text", "text": {"body": text}}
        message = {"from": phone, "from_user_id": user_id, "id": self.wamid(phone or user_id),
                   "timestamp": str(int(time.time())), **content}  # fmt: skip
        contact = {"profile": {"name": name}, "wa_id": phone, "user_id": user_id}
        given = [{key: part for key, part in item.items() if part} for item in (contact, message)]
        self._known.add(message["id"])
        return self.value(contacts=[given[0]], messages=[given[1]])

    def customer_says(self, text: str = "", **content: Any) -> dict[str, Any]:
        """Delivers it and returns the message."""
        value = self.message(text, **content)
        self.deliver(value)
        return dict(value["messages"][0])

    def customer_sends(self, kind: str, body: bytes, mime: str, **fields: Any) -> dict[str, Any]:
        """A file; its hash is in base64 here and in hex in the API."""
        digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
        media = {"id": self.add_media(body, mime), "mime_type": mime, "sha256": digest, **fields}
        return self.customer_says(type=kind, **{kind: media})

    def customer_presses(self, title: str, **who: Any) -> dict[str, Any]:
        """The newest button or row with this title. Raises AssertionError when there is none."""
        for message in reversed(self.sent):
            if message["to"] != who.get("phone", message["to"]):
                continue
            for kind, choice in choices_of(message):
                if choice["title"] == title:
                    reply = {
                        "type": kind,
                        kind: {key: choice[key] for key in ("id", "title", "description") if key in choice},
                    }
                    context = {"from": PHONE, "id": message["id"]}
                    return self.customer_says(type="interactive", interactive=reply, context=context, **who)
        raise AssertionError(f"No message has a button {title!r}.")

    def status(self, wamid: str, state: str, *, code: int = 0, **more: Any) -> dict[str, Any]:
        message = next((message for message in self.sent if message["id"] == wamid), {})
        found: dict[str, Any] = {"id": wamid, "status": state, "timestamp": str(int(time.time())),
                                 "recipient_id": message.get("to", OLEG)}  # fmt: skip
        if message.get("biz_opaque_callback_data"):
            found["biz_opaque_callback_data"] = message["biz_opaque_callback_data"]
        if code:
            found["errors"] = [{"code": code, "title": TITLES.get(code, "Error")}]
        return {**found, **more}

    def report(self, wamid: str, *states: str, code: int = 0) -> None:
        """One webhook a state, in the order given."""
        for state in states:
            self.deliver(self.value(statuses=[self.status(wamid, state, code=code if state == "failed" else 0)]))

    def body(self, *values: Mapping[str, Any], field: str = "messages") -> bytes:
        changes = [{"value": value, "field": field} for value in values]
        return meta_json({"object": "whatsapp_business_account", "entry": [{"id": ACCOUNT, "changes": changes}]})

    def deliver(self, *values: Mapping[str, Any], field: str = "messages") -> httpx.Response:
        body = self.body(*values, field=field)
        return self.call(body, {"X-Hub-Signature-256": signature(body, self.secret)})

    def call(self, body: bytes, headers: Mapping[str, str]) -> httpx.Response:
        url, address = self._address()
        return httpx.post(
            address, content=body, headers={"Host": url.netloc.decode(), "Content-Type": "application/json", **headers},
            timeout=20,
        )  # fmt: skip

    def _address(self, given: str = "") -> tuple[httpx.URL, str]:
        url = httpx.URL(given or self.webhook)
        return url, f"{self.connect_to}{url.path}" if self.connect_to else str(url)

    def add_media(self, body: bytes, mime: str, name: str = "") -> str:
        media_id = str(1001200130014000 + next(self._numbers))
        self.media[media_id] = (body, mime, name)
        return media_id

    # -- the API

    def handle(self, request: Request) -> Answer:
        try:
            self.check_token(request)
            return self.route(request.method, self.things(request), request)
        except Refused as refused:
            return refused.answer

    def check_token(self, request: Request) -> None:
        if request.headers.get("authorization") != f"Bearer {self.token}":
            raise Refused(190)

    def things(self, request: Request) -> list[str]:
        """What the path names, without the version."""
        parts = request.path.strip("/").split("/")
        if parts[0] == "files":
            return parts
        if not re.fullmatch(r"v\d+\.\d", parts[0]):
            raise Refused(100, "Unknown path components", error_subcode=33)
        return parts[1:]

    def route(self, method: str, things: list[str], request: Request) -> Answer:
        match method, things:
            case "GET", ["files", media_id, moment]:
                return self.file(media_id, float(moment), request)
            case "GET", ["debug_token"]:
                return Answer(json={"data": self.debug})
            case "GET", [one] if one == NUMBER:
                return Answer(json={**self.profile, "webhook_configuration": {"application": self.webhook}})
            case "POST", [one] if one == NUMBER:
                return self.override(request.json)
            case "POST", [one, "messages"] if one == NUMBER:
                return self.take(request.json)
            case "POST", [one, "media"] if one == NUMBER:
                return Answer(json={"id": self.take_media(request)})
            case _, [one, "subscribed_apps"] if one == ACCOUNT:
                return self.subscribe(method)
            case "GET", [one, "message_templates"] if one == ACCOUNT:
                return Answer(json=self.page(request))
            case "GET", [media_id] if media_id in self.media:
                return self.describe(media_id)
        details = f"Object with ID '{things[0]}' does not exist or cannot be loaded due to missing permissions"
        raise Refused(100, details, error_subcode=33)

    def override(self, data: Mapping[str, Any]) -> Answer:
        """A callback for this number alone; Meta proves it at once by a challenge."""
        if not self.can_override:
            raise Refused(100, "The app has no callback of its own yet")
        where = data["webhook_configuration"]
        if where["override_callback_uri"]:
            url, address = self._address(where["override_callback_uri"])
            query = {"hub.mode": "subscribe", "hub.challenge": "1158201444", "hub.verify_token": where["verify_token"]}
            answer = httpx.get(address, params=query, headers={"Host": url.netloc.decode()}, timeout=20)
            if (answer.status_code, answer.text) != (200, "1158201444"):
                raise Refused(100, "Callback verification failed")
        self.webhook = where["override_callback_uri"]
        return Answer(json={"success": True})

    def subscribe(self, method: str) -> Answer:
        if method == "GET":
            return Answer(json={"data": self.apps})
        self.apps = [{"whatsapp_business_api_data": {"id": "1", "name": "Омни"}}] if method == "POST" else []
        return Answer(json={"success": True})

    def page(self, request: Request) -> dict[str, Any]:
        size, start = int(request.query.get("limit", 25)), int(request.query.get("after", 0))
        found = self.templates[start : start + size]
        paging: dict[str, Any] = {"cursors": {"before": str(start), "after": str(start + len(found))}}
        if start + size < len(self.templates):
            paging["next"] = f"{self.url}{request.path}?access_token={self.token}&after={start + size}"
        return {"data": found, "paging": paging}

    # -- files

    def describe(self, media_id: str) -> Answer:
        body, mime, _name = self.media[media_id]
        return Answer(json={"url": self.file_url(media_id), "mime_type": mime, "sha256": hashlib.sha256(body).hexdigest(),
                            "file_size": len(body), "id": media_id, "messaging_product": "whatsapp"})  # fmt: skip

    def file_url(self, media_id: str) -> str:
        return f"{self.url}/files/{media_id}/{time.time()}"

    def file(self, media_id: str, moment: float, request: Request) -> Answer:
        """The address lives five minutes; the token is asked for again, and so is a name of the program."""
        if time.time() - moment > self.media_seconds or media_id not in self.media:
            return Answer(404, html="not found")
        if not request.headers.get("user-agent"):
            return Answer(400, html="bad request")
        return Answer(body=self.media[media_id][0])

    def take_media(self, request: Request) -> str:
        fields, (body, mime, name) = read_form(request)
        if fields.get("messaging_product") != "whatsapp" or not fields.get("type"):
            raise Refused(100, "messaging_product and type are required")
        plain = mime.partition(";")[0]
        limit = next((size for types, size in MEDIA.values() if plain in types), 100 * MB)
        if plain in {"video/webm", "application/x-msdownload"}:
            raise Refused(100, "Param file must be a file with one of the following types")
        if len(body) > max(limit, 100 * MB):
            raise Refused(131053, "The file is too large")
        return self.add_media(body, mime, name)

    # -- messages

    def take(self, data: Mapping[str, Any]) -> Answer:
        if data.get("messaging_product") != "whatsapp":
            raise Refused(100, "The parameter messaging_product is required.")
        if data.get("status") == "read":
            if data.get("message_id") not in self._known:
                raise Refused(131009, "Message ID is not known")
            self.marks.append(dict(data))
            return Answer(json={"success": True})
        to = str(data.get("to") or data.get("recipient") or "")
        if not re.fullmatch(r"\d{7,15}" if data.get("to") else r"[A-Z]{2}\.\w{1,128}", to):
            raise Refused(131009, "Recipient is not valid")
        self.check(data)
        return Answer(json=self.accept(to, data))

    def check(self, data: Mapping[str, Any]) -> None:
        """Raises Refused for what WhatsApp would not take."""
        kind = str(data.get("type", ""))
        if kind not in data:
            raise Refused(131008, f"The parameter {kind} is required.")
        quoted = (data.get("context") or {}).get("message_id")
        if quoted is not None and quoted not in self._known:
            raise Refused(131009, "context.message_id is not valid")
        if len(data.get("biz_opaque_callback_data", "")) > 512:
            raise Refused(100, "biz_opaque_callback_data is too long")
        checks: dict[str, Callable[[Any], None]] = {
            "text": check_text, "interactive": check_interactive, "template": self._check_template,
            **{kind: partial(self._check_media, kind) for kind in MEDIA},
        }  # fmt: skip
        if kind not in checks:
            raise Refused(131051)
        checks[kind](data[kind])

    def accept(self, to: str, data: Mapping[str, Any]) -> dict[str, Any]:
        """Accepted is not sent: some messages fail later, by a status."""
        wamid = self.wamid(to)
        with self._book:
            self._known.add(wamid)
            self.sent.append({**data, "id": wamid, "to": to})
        key = "wa_id" if data.get("to") else "user_id"
        answer = {"messaging_product": "whatsapp", "contacts": [{"input": to, key: to}], "messages": [{"id": wamid}]}
        if to in self.fails_with and data.get("type") != "template":
            self.report(wamid, "failed", code=self.fails_with[to])
        elif self.reports:
            Timer(0.2, self.report, (wamid, *self.reports)).start()
        return answer

    def _check_media(self, kind: str, media: Mapping[str, Any]) -> None:
        if media.get("id") not in self.media:
            raise Refused(131009, "Media ID is not valid")
        body, mime, _name = self.media[media["id"]]
        types, limit = MEDIA[kind]
        if (types and mime.partition(";")[0] not in types) or len(body) > limit:
            raise Refused(131053, f"{mime} of {len(body)} bytes is no {kind}")
        if len(media.get("caption", "")) > (1024 if kind in {"image", "video", "document"} else 0):
            raise Refused(131009, "caption is not valid")

    def _check_template(self, template: Mapping[str, Any]) -> None:
        code = (template.get("language") or {}).get("code")
        known = [t for t in self.templates if (t["name"], t["language"]) == (template.get("name"), code)]
        if not known:
            raise Refused(132001, f"template name ({template.get('name')}) does not exist in {code}")
        body = next(part["text"] for part in known[0]["components"] if part["type"] == "BODY")
        wanted = set(re.findall(r"\{\{\s*(\w+)\s*\}\}", body))
        given = [part for part in template.get("components", []) if part["type"] == "body"]
        parameters = given[0]["parameters"] if given else []
        names = {p["parameter_name"] for p in parameters if "parameter_name" in p}
        if len(parameters) != len(wanted) or (names and names != wanted):
            raise Refused(132000, f"body: number of localizable_params ({len(parameters)}) does not match")
