"""A customer and an agent talk over MAX: through the webhook into the ledger, and back."""

import uuid

import pytest

from channels_app.models import Channel, InboundEvent
from channels_app.services import delivery
from channels_app.services.channels import check_channel, connect_channel
from channels_app.services.inbound import drain_channel
from channels_app.services.media import fetch_attachment
from channels_app.tasks import answer_callback
from tests.standins.max import TOKEN, MaxStandIn
from tickets.models import Attachment, ContactAddress, Message
from tickets.services.post import post_message


@pytest.fixture
def api(settings):
    with MaxStandIn() as stand_in:
        settings.MAX_API_URL = stand_in.url
        settings.OUTBOUND_ALLOWED_HOSTS = [stand_in.host]
        settings.PUBLIC_URL_REACHABLE = True
        settings.PUBLIC_SCHEME, settings.PUBLIC_PORT = "https", 443
        yield stand_in


def test_a_conversation_both_ways(live_shop, web, api):
    channel = Channel.objects.create(kind="max", name="MAX", secrets={"token": TOKEN})
    assert connect_channel(channel.id).health == "ok"
    connect_to = web.url(live_shop, "").rstrip("/").replace(live_shop.host, "127.0.0.1")

    def deliver(*updates):
        for update in updates:
            assert [answer.status_code for answer in api.deliver(update, connect_to=connect_to)] == [200]
        drain_channel(channel.id)

    picture = {
        "type": "image",
        "payload": {"photo_id": 1, "token": "t", "url": api.add_file("a.png", b"\x89PNG\r\n\x1a\n")},
    }
    asked = api.message("Где мой заказ?", attachments=[picture])
    deliver(api.start("site_7"), asked, asked)
    question = Message.objects.get(text="Где мой заказ?")
    assert Message.objects.first().content["started"] == "site_7"
    fetch_attachment(Attachment.objects.get().id)
    assert Attachment.objects.get().mime == "image/png"

    answer = post_message(
        ticket_id=question.ticket_id, client_id=uuid.uuid4(), text="**Едет** к вам. Удобно завтра?", user=live_shop.agent,
        content={"buttons": [{"text": "Да", "value": "yes"}]}, reply_to_id=question.id,
    )  # fmt: skip
    delivery.deliver_chat(question.address_id)
    answer.refresh_from_db()
    assert (answer.delivery, answer.external_id) == ("sent", api.sent[0]["mid"])
    assert (api.sent[0]["text"], api.sent[0]["link"]["mid"]) == (
        "<b>Едет</b> к вам. Удобно завтра?",
        question.external_id,
    )

    pressed = api.press("yes")
    deliver(pressed)
    press = Message.objects.get(text="Да")
    assert (press.reply_to, press.ticket) == (answer, question.ticket)
    answer_callback.run(str(channel.id), press.content["callback_id"])
    assert [callback for callback, _body in api.answers] == [pressed["callback"]["callback_id"]]

    deliver(api.edit(asked, "Где мой заказ 5?"), api.removal(asked))
    question.refresh_from_db()
    assert question.text == "Где мой заказ 5?" and question.deleted_at

    deliver(*api.stop())
    assert ContactAddress.objects.get().unreachable_reason
    deliver(api.message("Я вернулся"))
    assert not ContactAddress.objects.get().unreachable_reason
    assert not InboundEvent.objects.exclude(state="done").exists()

    # Eight hours of failures: MAX forgot us, and the next look mends it.
    known = list(api.subscriptions)
    api.subscriptions.clear()
    check_channel(channel.id)
    assert list(api.subscriptions) == known


def test_a_stranger_leaves_no_trace(live_shop, web, api):
    channel = Channel.objects.create(kind="max", name="MAX", secrets={"token": TOKEN})
    for headers in ({}, {"X-Max-Bot-Api-Secret": "mx-hook_Demo-2026"}):
        with web.client(live_shop, **headers) as http:
            assert http.post(f"/hooks/max/{channel.id}/", json=api.message("привет")).status_code == 401
    assert not InboundEvent.objects.exists()
