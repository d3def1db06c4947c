"""Bodies as Meta sends them, and what parsing makes of each."""

import hashlib
import hmac
import json
import uuid
from pathlib import Path
from typing import Any

from channels_app.base import (
    ChannelInfo,
)
from channels_app.whatsapp.adapter import Adapter
from channels_app.whatsapp.incoming import parse_webhook

FIXTURES = Path(__file__).parent.parent / "fixtures"
SIGNATURES = dict(
    line.removeprefix("fixtures/").split("\t")
    for line in (FIXTURES / "SIGNATURES.tsv").read_text().splitlines()
    if not line.startswith("#")
)
SECRET = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
NUMBER = "345678901234567"
OLEG, OLEG_ID = "79990003344", "RU.7718402295518830"


def adapter(**config: Any) -> Adapter:
    secrets = {"access_token": "EAAGtoken", "app_secret": SECRET, **config.pop("secrets", {})}
    info = ChannelInfo(
        id=uuid.UUID(int=5), schema="t_shop", kind="whatsapp", config={"phone_number_id": NUMBER, **config},
        secrets=secrets, webhook_url="https://shop.example/hooks/whatsapp/5/",
    )  # fmt: skip
    return Adapter(info)


def signed(body: bytes, secret: str = SECRET) -> dict[str, str]:
    return {"x-hub-signature-256": "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}


def fixture(name: str) -> list[Any]:
    """Through verification and parsing, with the signature that came with it."""
    body = (FIXTURES / f"{name}.json").read_bytes()
    headers = {"x-hub-signature-256": SIGNATURES[f"{name}.json"]}
    adapter().verify(headers, body)
    return list(adapter().parse(headers, body))


def one(name: str) -> Any:
    results = fixture(name)
    assert len(results) == 1
    return results[0]


def value(*messages: Any, number: str = NUMBER, **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"messaging_product": "whatsapp", "metadata": {"phone_number_id": number}, **more}
    return {**found, "messages": list(messages)} if messages else found


def webhook(*values: Any, field: str = "messages") -> bytes:
    changes = [{"field": field, "value": value} for value in values]
    return json.dumps({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": changes}]}).encode()


def message(kind: str = "text", **content: Any) -> dict[str, Any]:
    content = content or {"text": {"body": "привет"}}
    return {"from": OLEG, "id": f"wamid.{uuid.uuid4().hex}", "timestamp": "1790100011", "type": kind, **content}


def parsed(*messages: Any, **more: Any) -> Any:
    results = parse_webhook(webhook(value(*messages, **more)), NUMBER)
    return results[0] if len(results) == 1 else results
