"""A customer and an agent talk over VK: through the webhook into the ledger, and back."""

import json
import uuid
from dataclasses import replace

import httpx
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.utils import timezone

from channels_app.models import Channel, InboundEvent
from channels_app.services import delivery
from channels_app.services.channels import check_channel, connect_channel, disconnect_channel
from channels_app.services.inbound import drain_channel
from channels_app.services.media import fetch_attachment
from channels_app.services.reconcile import reconcile_channel
from channels_app.tasks import answer_callback
from omnisupport.lib.crypto import derive_secret
from tests.standins.server import Answer
from tests.standins.vk import TOKEN, USER, VkStandIn
from tests.standins.vk_servers import CODE, GROUP
from tickets.models import Attachment, ContactAddress, Message, Ticket
from tickets.services.attachments import store_upload
from tickets.services.post import post_message


@pytest.fixture
def vk(settings, live_shop, web):
    with VkStandIn() as stand_in:
        stand_in.connect_to = web.url(live_shop, "").rstrip("/").replace(live_shop.host, "127.0.0.1")
        settings.VK_API_URL = stand_in.url
        settings.OUTBOUND_ALLOWED_HOSTS = [stand_in.host]
        settings.PUBLIC_URL_REACHABLE = True
        settings.PUBLIC_SCHEME, settings.PUBLIC_PORT = "https", 443
        yield stand_in


@pytest.fixture
def channel(live_shop, vk):
    channel = Channel.objects.create(kind="vk", name="VK", secrets={"token": TOKEN})
    assert connect_channel(channel.id).health == "ok"
    return channel


@pytest.fixture
def deliver(vk, channel):
    def deliver(*events, **headers):
        for event in events:
            assert [(answer.status_code, answer.content) for answer in vk.deliver(event, **headers)] == [(200, b"ok")]
        drain_channel(channel.id)

    return deliver


def answered(ticket_id, agent, text, **fields):
    message = post_message(ticket_id=ticket_id, client_id=uuid.uuid4(), text=text, user=agent, **fields)
    delivery.deliver_chat(Ticket.objects.get(id=ticket_id).address_id)
    message.refresh_from_db()
    return message


def test_a_conversation_both_ways(live_shop, vk, channel, deliver):
    # The question who we are was answered, and is no event.
    assert not InboundEvent.objects.exists()
    picture = {"type": "photo", "photo": {"id": 1, "owner_id": USER, "sizes": [
        {"url": vk.add_file("a.png", b"\x89PNG\r\n\x1a\n"), "width": 9, "height": 9}]}}  # fmt: skip
    start = vk.message("Начать", payload='{"command":"start"}', ref="site_7")
    asked = vk.message("Где мой заказ?", attachments=[picture])
    deliver(start, asked)
    # A repeat says that it is one, and is no reason to drop what never came.
    deliver(asked, vk.message("Заказ 5"), **{"X-Retry-Counter": "2"})
    question = Message.objects.get(text="Где мой заказ?")
    assert Message.objects.count() == 3 and Message.objects.first().content["started"] == "site_7"
    assert question.ticket.contact.name == "Марина Орлова"
    kept = b"".join(map(bytes, InboundEvent.objects.values_list("body", flat=True)))
    assert derive_secret(f"vk:{channel.id}").encode() not in kept
    fetch_attachment(Attachment.objects.get().id)
    assert Attachment.objects.get().mime == "image/png"

    upload = store_upload(SimpleUploadedFile("Счёт.pdf", b"%PDF-1.4 text"), user=live_shop.agent)
    answer = answered(
        question.ticket_id, live_shop.agent, "**Едет** к вам. Удобно завтра?", attachment_ids=[upload.id],
        content={"buttons": [{"text": "Да", "value": "yes"}]}, reply_to_id=question.id,
    )  # fmt: skip
    (sent,) = vk.sent
    assert (answer.delivery, answer.external_id) == ("sent", str(sent["cmid"]))
    assert sent["message"] == "Едет к вам. Удобно завтра?"
    assert json.loads(sent["forward"])["conversation_message_ids"] == [int(question.external_id)]
    assert vk.uploaded[sent["attachment"]] == ("doc", "Счёт.pdf", b"%PDF-1.4 text")

    pressed = vk.press("yes")
    deliver(vk.echo(sent), vk.types(), vk.has_read(sent["cmid"]), pressed)
    answer.refresh_from_db()
    press = Message.objects.get(text="Да")
    assert (answer.delivery, press.reply_to, press.ticket) == ("read", answer, question.ticket)
    answer_callback.run(str(channel.id), press.content["callback_id"])
    assert [given["event_id"] for given in vk.answers] == [pressed["object"]["event_id"]]

    deliver(vk.edit(asked, "Где мой заказ 5?"), vk.said("Отвечаю из приложения"))
    question.refresh_from_db()
    assert question.text == "Где мой заказ 5?"
    assert Message.objects.get(text="Отвечаю из приложения").author == "agent"

    deliver(vk.deny())
    assert ContactAddress.objects.get().unreachable_reason
    assert answered(question.ticket_id, live_shop.agent, "Вы тут?").delivery == "failed"
    deliver(vk.allow())
    assert not ContactAddress.objects.get().unreachable_reason
    assert not InboundEvent.objects.exclude(state="done").exists()
    assert Message.objects.filter(author="agent").count() == 3


def test_an_answer_that_was_lost_is_sent_once_and_confirmed_by_its_echo(live_shop, vk, channel, deliver):
    deliver(vk.message("Где мой заказ?"))
    ticket = Ticket.objects.get()
    vk.script(lambda request: replace(vk.handle(request), cut=True), path="messages.send")
    lost = answered(ticket.id, live_shop.agent, "Едет")
    assert (lost.delivery, len(vk.sent)) == ("queued", 1)
    deliver(vk.echo(vk.sent[0]))
    Message.objects.filter(id=lost.id).update(due_at=timezone.now())
    delivery.deliver_chat(ticket.address_id)
    lost.refresh_from_db()
    assert (lost.delivery, lost.external_id, len(vk.sent)) == ("sent", str(vk.sent[0]["cmid"]), 1)
    assert Message.objects.filter(author="agent").count() == 1


def test_an_echo_that_comes_before_the_answer_makes_no_second_message(live_shop, vk, channel, deliver):
    deliver(vk.message("Расскажите подробно"))
    ticket = Ticket.objects.get()

    def echoes_first(request):
        answer = vk.handle(request)
        assert [got.status_code for got in vk.deliver(vk.echo(vk.sent[-1]))] == [200]
        # Another worker takes it in at once.
        drain_channel(channel.id)
        states.append(Message.objects.get(author="agent").delivery)
        return answer

    states: list[str] = []
    vk.script(*[_in_schema(live_shop, echoes_first)] * 2, path="messages.send")
    long = answered(ticket.id, live_shop.agent, "слово " * 1000)
    # Its first piece alone does not say that all has left.
    assert (states, long.delivery, len(vk.sent)) == (["sending", "sent"], "sent", 2)
    deliver(vk.has_read(vk.sent[1]["cmid"]))
    long.refresh_from_db()
    assert long.delivery == "read"
    assert long.content["sent_parts"] == [str(sent["cmid"]) for sent in vk.sent]


def _in_schema(shop, function):
    def run(request):
        try:
            with shop.enter():
                return function(request)
        finally:
            connection.close()

    return run


def test_a_rejected_community_rests_as_a_whole(live_shop, vk, channel, deliver):
    deliver(vk.message("Где мой заказ?"))
    ticket = Ticket.objects.get()
    vk.script(Answer(json={"error": {"error_code": 9, "error_msg": "Flood control"}}), path="messages.send")
    assert answered(ticket.id, live_shop.agent, "Едет").delivery == "queued"
    channel.refresh_from_db()
    assert channel.health == "broken" and channel.paused_until > timezone.now()


def test_what_never_came_is_found_by_comparison(live_shop, vk, channel, deliver):
    deliver(vk.message("раз"))
    vk.message("два")
    assert reconcile_channel(channel.id) == 1
    drain_channel(channel.id)
    assert list(Message.objects.order_by("id").values_list("text", flat=True)) == ["раз", "два"]
    assert reconcile_channel(channel.id) == 0


def test_a_server_that_vk_gave_up_is_taken_back_and_left_behind_on_disconnecting(live_shop, vk, channel):
    (server,) = vk.servers.values()
    server["status"] = "failed"
    check_channel(channel.id)
    channel.refresh_from_db()
    assert (server["status"], channel.health) == ("ok", "ok")
    # VK may ask at any time, with its secret or without.
    assert vk.asks_who(server).content == CODE.encode()
    disconnect_channel(channel.id)
    assert vk.servers == {}


def test_a_new_confirmation_string_is_answered_at_once(live_shop, vk, channel):
    (server,) = vk.servers.values()
    server["status"], vk.code = "failed", "another1"
    check_channel(channel.id)
    channel.refresh_from_db()
    assert channel.health == "broken"
    assert connect_channel(channel.id).health == "ok"
    assert (server["status"], vk.asks_who(server).content) == ("ok", b"another1")


def test_a_stranger_leaves_no_trace(live_shop, web, vk, channel):
    event = vk.message("привет")
    (server,) = vk.servers.values()
    for body in (event, {**event, "secret": "wrong"}, {**event, "secret": server["secret_key"], "group_id": GROUP + 1}):
        with web.client(live_shop) as http:
            answer = http.post(f"/hooks/vk/{channel.id}/", json=body)
        assert isinstance(answer, httpx.Response) and answer.status_code == 401
    assert not InboundEvent.objects.exists()
