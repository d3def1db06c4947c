"""A channel of the company and a message to Oleg, for every story here."""

import uuid
from typing import Any

import pytest

from channels_app.base import ChannelInfo, OutgoingMessage, TransportError
from channels_app.whatsapp.adapter import Adapter
from tests.standins.whatsapp import ACCOUNT, APP_SECRET, NUMBER, OLEG, TOKEN


def adapter_of(config: dict[str, Any] | None = None, **secrets: str) -> Adapter:
    info = ChannelInfo(
        id=uuid.UUID(int=5), schema="t_shop", kind="whatsapp",
        config={"phone_number_id": NUMBER, "waba_id": ACCOUNT, **(config or {})},
        secrets={"access_token": TOKEN, "app_secret": APP_SECRET, **secrets},
        webhook_url="https://shop.example/hooks/whatsapp/5/",
    )  # fmt: skip
    return Adapter(info)


def message(text: str = "Здравствуйте", **fields: Any) -> OutgoingMessage:
    return OutgoingMessage(**{"key": uuid.uuid4(), "address": OLEG, "details": {}, "text": text, **fields})


def refusal(adapter: Adapter) -> TransportError:
    with pytest.raises(TransportError) as caught:
        adapter.send(message())
    return caught.value
