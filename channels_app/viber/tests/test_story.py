"""A customer and an agent talk over Viber: through the webhook into the ledger, and back."""

import time
import uuid

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from channels_app.models import Channel, InboundEvent
from channels_app.services import delivery
from channels_app.services.channels import change_channel, check_channel, connect_channel
from channels_app.services.inbound import drain_channel
from channels_app.services.media import fetch_attachment
from tests.standins.viber import TOKEN, ViberStandIn
from tickets.models import Attachment, ContactAddress, Message
from tickets.services.attachments import store_upload
from tickets.services.post import post_message

WELCOME = "Добрый день! Чем помочь?"


@pytest.fixture
def viber(settings, live_shop, web):
    with ViberStandIn() as stand_in:
        stand_in.connect_to = web.url(live_shop, "").replace(live_shop.host, "127.0.0.1")
        stand_in.fetches = True
        stand_in.subscribers = set()
        settings.VIBER_API_URL = stand_in.url
        settings.OUTBOUND_ALLOWED_HOSTS = [stand_in.host]
        settings.PUBLIC_URL_REACHABLE = True
        settings.PUBLIC_SCHEME, settings.PUBLIC_PORT = "https", 443
        yield stand_in


def connected(token: str = TOKEN) -> Channel:
    channel = Channel.objects.create(kind="viber", name="Viber", config={"welcome": WELCOME}, secrets={"token": token})
    return connect_channel(channel.id)


def test_a_conversation_both_ways(live_shop, viber):
    channel = connected()
    assert (channel.health, channel.external_id) == ("ok", "pa:75346594275468546724")
    # The try of the address was answered, and is no event.
    assert not InboundEvent.objects.exists()

    def deliver(*events):
        for event in events:
            assert viber.deliver(event).status_code == 200
        drain_channel(channel.id)

    opened = viber.deliver(viber.start("site_7"))
    assert opened.json() == {"sender": {"name": "Омни Поддержка"}, "type": "text", "text": WELCOME}
    assert opened.headers["content-type"] == "application/json"
    asked = viber.message("Где мой заказ?")
    picture = {"type": "picture", "media": viber.add_file("a.png", b"\x89PNG\r\n\x1a\n"), "file_name": "чек.png"}
    deliver(asked, asked, viber.message("Чек", **picture))
    assert Message.objects.first().content["started"] == "site_7"
    question = Message.objects.get(text="Где мой заказ?")
    assert question.external_id == str(asked["message_token"])
    fetch_attachment(Attachment.objects.get().id)
    assert Attachment.objects.get().state == "ready"

    upload = store_upload(SimpleUploadedFile("Счёт.pdf", b"%PDF-1.4 text"), user=live_shop.agent)
    answer = post_message(
        ticket_id=question.ticket_id, client_id=uuid.uuid4(), text="Вот счёт. Везти?", user=live_shop.agent,
        attachment_ids=[upload.id], content={"buttons": [{"text": "Да", "value": "yes"}]},
    )  # fmt: skip
    delivery.deliver_chat(question.address_id)
    answer.refresh_from_db()
    assert (answer.delivery, answer.external_id) == ("sent", str(viber.sent[0]["message_token"]))
    # Viber has fetched the file by its link, without a session.
    assert list(viber.fetched.values()) == [b"%PDF-1.4 text"]
    assert [sent["type"] for sent in viber.sent] == ["file", "text"]

    deliver(*(viber.receipt("delivered", sent) for sent in [*viber.sent, viber.sent[0]]))
    answer.refresh_from_db()
    assert answer.delivery == "delivered"
    deliver(viber.receipt("seen", viber.sent[1]), viber.press("Да"))
    answer.refresh_from_db()
    assert answer.delivery == "read"
    assert Message.objects.get(text="Да").content["button"] == "yes"

    deliver(viber.unsubscribe())
    assert ContactAddress.objects.get().unreachable_reason
    late = post_message(ticket_id=question.ticket_id, client_id=uuid.uuid4(), text="Вы тут?", user=live_shop.agent)
    delivery.deliver_chat(question.address_id)
    late.refresh_from_db()
    assert late.delivery == "failed"
    deliver(viber.message("Я вернулась"))
    assert not ContactAddress.objects.get().unreachable_reason
    assert not InboundEvent.objects.exclude(state="done").exists()

    viber.webhook = ""
    check_channel(channel.id)
    assert viber.webhook.endswith(f"/hooks/viber/{channel.id}/")


def test_a_piece_that_viber_could_not_bring_is_a_message_that_failed(live_shop, viber):
    channel = connected()
    viber.deliver(viber.message("Расскажите подробно"))
    drain_channel(channel.id)
    ticket = Message.objects.get().ticket
    long = post_message(ticket_id=ticket.id, client_id=uuid.uuid4(), text="слово " * 1500, user=live_shop.agent)
    delivery.deliver_chat(ticket.address_id)
    first, second = viber.sent
    for receipt in (viber.receipt("delivered", first), viber.receipt("failed", second, desc="no device")):
        viber.deliver(receipt)
    drain_channel(channel.id)
    long.refresh_from_db()
    assert (long.external_id, long.delivery, long.delivery_error) == (
        str(first["message_token"]),
        "failed",
        "no device",
    )


def test_a_new_token_works_at_once(live_shop, viber):
    """Viber signs the try of the address with the new token while our ingress still knows the old one."""
    channel = connected()
    assert viber.deliver(viber.message("привет")).status_code == 200
    viber.token = "5" + TOKEN[1:]
    change_channel(channel, name="Viber", config={}, secrets={"token": viber.token}, first_assignee_id=None)
    time.sleep(1.1)
    assert connect_channel(channel.id).health == "ok"


def test_a_stranger_leaves_no_trace(live_shop, viber):
    connected()
    assert viber.deliver(viber.message("привет"), sign_with="another token").status_code == 401
    assert viber.deliver(viber.start(), sign_with="another token").status_code == 401
    assert not InboundEvent.objects.exists()
