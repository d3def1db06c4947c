"""A customer's own program: takes what we post, checks its signature by the words of docs/api.md, and posts to us.

with AppStandIn(SECRET) as app:
    ...
    assert app.taken[0]["text"] == "Здравствуйте"      # bodies with a good signature, each `id` once
    app.script(Answer(503, headers={"Retry-After": "7"}))
"""

import hashlib
import hmac
import json
import time
from typing import Any

from tests.standins.server import Answer, Request, StandIn


def signed(secret: str, body: bytes, timestamp: float | None = None) -> dict[str, str]:
    stamp = str(int(time.time() if timestamp is None else timestamp))
    digest = hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    return {"X-Omni-Timestamp": stamp, "X-Omni-Signature": digest}


class AppStandIn(StandIn):
    def __init__(self, secret: str = "", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.secret = secret
        self.taken: list[dict[str, Any]] = []
        self.files: dict[str, bytes] = {}
        self.seen: set[str] = set()
        # What it says to a message: {} or {"external_id": …}.
        self.answer: Any = {}

    @property
    def callback(self) -> str:
        return f"{self.url}/omni"

    def handle(self, request: Request) -> Answer:
        if request.method == "GET":
            body = self.files.get(request.path)
            return Answer(404) if body is None else Answer(body=body)
        headers = request.headers
        stamp = headers.get("x-omni-timestamp", "")
        good = signed(self.secret, request.body, float(stamp or 0))["X-Omni-Signature"]
        if not hmac.compare_digest(good, headers.get("x-omni-signature", "")):
            return Answer(401, json={"error": "bad signature"})
        event = json.loads(request.body)
        if event["id"] not in self.seen:
            self.seen.add(event["id"])
            self.taken.append(event)
        return Answer(json=self.answer)

    def of(self, type: str) -> list[dict[str, Any]]:
        return [event for event in self.taken if event["type"] == type]
