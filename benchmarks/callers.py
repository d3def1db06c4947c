"""Providers that call our webhook: a body from the kind's fixtures, new each time, and the proof that the kind asks for."""

import hashlib
import hmac
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.harness import http_request

_SECRET = "a secret of the benchmarks, long enough"


def _hmac(body: bytes) -> str:
    return hmac.new(_SECRET.encode(), body, hashlib.sha256).hexdigest()


def _derived(name: str) -> Callable[[Any, bytes], dict[str, str]]:
    """A secret made from the channel's id, in this header."""

    def headers(channel: Any, _body: bytes) -> dict[str, str]:
        from omnisupport.lib.crypto import derive_secret

        return {name: derive_secret(f"{channel.kind}:{channel.id}")}

    return headers


def _letter(channel: Any, body: bytes) -> dict[str, str]:
    return {**_signed(channel, body), "Content_Type": "message/rfc822"}


def _signed(_channel: Any, body: bytes) -> dict[str, str]:
    from omnisupport.lib.signing import signed_headers

    return {name.replace("-", "_"): value for name, value in signed_headers(_SECRET, body).items()}


@dataclass(frozen=True)
class Caller:
    """`mark` names the event in the fixture (or in `body`); its last seven characters become a number."""

    mark: str
    headers: Callable[[Any, bytes], dict[str, str]]
    # A file of the kind's fixtures.
    fixture: str = ""
    body: str = ""
    fields: dict[str, Any] = field(default_factory=dict)
    # What stands in the fixture for the secret derived from the channel's id.
    secret: str = ""

    def template(self, channel: Any) -> bytes:
        from omnisupport.lib.crypto import derive_secret

        folder = Path(f"channels_app/{channel.kind}/fixtures")
        text = self.body or (folder / self.fixture).read_text(encoding="utf-8")
        if self.secret:
            text = text.replace(self.secret, derive_secret(f"{channel.kind}:{channel.id}"))
        assert text.count(self.mark) == 1, (channel.kind, self.mark)
        return text.encode()

    def requests(self, channel: Any, host: str) -> Iterator[bytes]:
        template, mark = self.template(channel), self.mark.encode()
        for number in itertools.count(1):
            digits = b"%07d" % number
            body = template.replace(mark, mark[: -len(digits)] + digits)
            path = f"/hooks/{channel.kind}/{channel.id}/"
            yield http_request(
                "POST", path, host, body, **{"Content_Type": "application/json", **self.headers(channel, body)}
            )


CALLERS = {
    "api": Caller(
        mark="order-000000000", headers=_signed, fields={"secrets": {"secret": _SECRET}},
        body='{"type":"message","id":"order-000000000","from":{"id":"7","name":"Марина"},"text":"Где мой заказ?"}',
    ),
    "email": Caller(
        mark="a1.001@mail.example.org", fixture="01_plain_text_utf8_8bit.eml", headers=_letter,
        fields={"config": {"receive": "own", "address": "help@bench.example"}, "secrets": {"secret": _SECRET}},
    ),
    "max": Caller(
        mark="mid.000000001235d3f6019d8040a1b2c3d1", fixture="message_created_text.json",
        headers=_derived("X_Max_Bot_Api_Secret"), fields={"secrets": {"token": _SECRET}},
    ),
    "telegram": Caller(
        mark="415900101", fixture="message_text.json", headers=_derived("X_Telegram_Bot_Api_Secret_Token"),
        fields={"secrets": {"token": "1:x"}},
    ),
    "viber": Caller(
        mark="5999000000000005585", fixture="message_text.json", fields={"secrets": {"token": _SECRET}},
        headers=lambda _channel, body: {"X_Viber_Content_Signature": _hmac(body)},
    ),
    "vk": Caller(
        mark="a1b2c3d4e5f60718293a4b5c6d7e8f9000000001", fixture="message_new_text.json", headers=lambda *_call: {},
        fields={"config": {"group_id": "228800551"}, "secrets": {"token": _SECRET}}, secret="vk_cb_S3cret_demo",
    ),
    "whatsapp": Caller(
        mark="wamid.HBgLNzk5OTAwMDMzNDQVAgASGBQzQURFTU80001", fixture="text.json",
        fields={"config": {"phone_number_id": "345678901234567"}, "secrets": {"app_secret": _SECRET}},
        headers=lambda _channel, body: {"X_Hub_Signature_256": f"sha256={_hmac(body)}"},
    ),
}  # fmt: skip
