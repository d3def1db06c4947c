"""Gateways to WhatsApp: one with the paths of 360dialog, and one with the older flat API and webhooks without signature."""

import json
import time
from collections.abc import Mapping
from typing import Any

import httpx

from tests.standins.server import Answer, Request
from tests.standins.whatsapp import NUMBER, WhatsAppStandIn
from tests.standins.whatsapp_rules import Refused, error


class DialogStandIn(WhatsAppStandIn):
    """The Cloud API without version and number in its paths; files lie at Meta's address and are asked for here."""

    def check_token(self, request: Request) -> None:
        if request.headers.get("d360-api-key") != self.token:
            raise Refused(190)

    def things(self, request: Request) -> list[str]:
        parts = request.path.strip("/").split("/")
        return [NUMBER, *parts] if parts[0] in {"messages", "media"} else parts

    def route(self, method: str, things: list[str], request: Request) -> Answer:
        match things:
            case ["v1", "configs", "webhook"]:
                return Answer(json={"url": self.webhook})
            case ["v1", "configs", "templates"]:
                start, size = int(request.query["offset"]), int(request.query["limit"])
                return Answer(
                    json={"waba_templates": self.templates[start : start + size], "total": len(self.templates)}
                )
            case ["whatsapp_business", "attachments"]:
                return self.file(request.query["mid"], time.time(), request)
        return super().route(method, things, request)

    def file_url(self, media_id: str) -> str:
        return f"https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid={media_id}&ext=1&hash=ARdemo"


class FlatStandIn(WhatsAppStandIn):
    """`/v1/…`: bodies without messaging_product, files as raw bytes, errors in a list."""

    def flat(self, value: Mapping[str, Any], headers: Mapping[str, str]) -> httpx.Response:
        """The webhook of a value: no envelope, no metadata."""
        bare = {key: part for key, part in value.items() if key in {"contacts", "messages", "statuses", "errors"}}
        return self.call(json.dumps(bare, ensure_ascii=False).encode(), headers)

    def handle(self, request: Request) -> Answer:
        if request.headers.get("authorization") != f"Bearer {self.token}":
            return Answer(
                401, json={"errors": [{"code": 1005, "title": "Access denied", "details": "Invalid credentials."}]}
            )
        match request.method, request.path.strip("/").split("/"):
            case "GET", ["v1", "health"]:
                return Answer(json={"health": {"gateway_status": "connected"}})
            case "POST", ["v1", "messages"]:
                return self.take_flat(request.json)
            case "PUT", ["v1", "messages", wamid]:
                self.marks.append({**request.json, "message_id": wamid})
                return Answer(json={})
            case "POST", ["v1", "media"]:
                media = self.add_media(request.body, request.headers["content-type"])
                return Answer(201, json={"media": [{"id": media}]})
            case "GET", ["v1", "media", media_id] if media_id in self.media:
                return Answer(body=self.media[media_id][0])
        return Answer(404, json={"errors": [{"code": 1006, "title": "Resource not found"}]})

    def take_flat(self, data: Mapping[str, Any]) -> Answer:
        if "messaging_product" in data or data.get("recipient_type") != "individual":
            return error(1009, "Parameter value is not valid")
        try:
            self.check(data)
        except Refused as refused:
            code = refused.answer.json["error"]["code"]
            return Answer(400, json={"errors": [{"code": code, "title": str(refused)}]})
        return Answer(201, json={"messages": self.accept(str(data["to"]), data)["messages"]})
