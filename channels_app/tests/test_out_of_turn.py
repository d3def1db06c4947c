"""What providers bring out of turn: statuses before the answer, old edits after new ones, failures after all had left."""

import json
import uuid

import pytest

from channels_app.models import Channel, InboundEvent
from channels_app.services import delivery
from channels_app.services.channels import create_channel, renew_secret
from channels_app.services.inbound import drain_channel
from tests.standins.app import AppStandIn
from tests.standins.server import Answer
from tests.standins.viber import TOKEN, USER, ViberStandIn
from tickets.models import ContactAddress, Message
from tickets.services.delivery import retry_message
from tickets.services.post import post_message


def bring(channel, *bodies):
    for body in bodies:
        InboundEvent.objects.create(channel=channel, event_key=uuid.uuid4().hex, body=json.dumps(body).encode())
    drain_channel(channel.id)
    assert not InboundEvent.objects.exclude(state="done").exists()


def say(shop, ticket, text) -> Message:
    return post_message(ticket_id=ticket.id, client_id=uuid.uuid4(), text=text, user=shop.agent)


@pytest.fixture
def viber(settings):
    with ViberStandIn() as stand_in:
        settings.VIBER_API_URL = stand_in.url
        stand_in.webhook = "https://shop.example/hooks/viber/"
        yield stand_in


@pytest.fixture
def bot(shop):
    return Channel.objects.create(kind="viber", name="Viber", external_id="pa:1", secrets={"token": TOKEN})


@pytest.fixture
def chat(shop, viber, bot):
    bring(bot, viber.message("Привет"))
    return Message.objects.get().ticket


@pytest.fixture
def overtaking(bot, viber, monkeypatch):
    """Viber tells of what became of a message before we have its answer."""
    answered = delivery.adapter_class(bot.kind)._send_step

    def tell(states):
        def send(self, data):
            token = answered(self, data)
            for state in states:
                bring(bot, viber.receipt(state, viber.sent[-1]))
            return token

        monkeypatch.setattr(delivery.adapter_class(bot.kind), "_send_step", send)

    return tell


@pytest.mark.parametrize(
    ("states", "seen"), [(["delivered"], "delivered"), (["delivered", "seen"], "read"), (["failed"], "failed")]
)
def test_a_status_that_overtakes_the_answer_is_not_lost(shop, chat, viber, overtaking, states, seen):
    overtaking(states)
    message = say(shop, chat, "Здравствуйте")
    delivery.deliver_chat(chat.address_id)
    message.refresh_from_db()
    assert (message.delivery, message.external_id) == (seen, str(viber.sent[0]["message_token"]))
    assert "early_receipts" not in message.content


def test_of_a_long_text_the_last_piece_tells_of_the_whole_even_when_all_are_early(shop, chat, viber, overtaking):
    overtaking(["delivered"])
    message = say(shop, chat, "слово " * 1500)
    delivery.deliver_chat(chat.address_id)
    message.refresh_from_db()
    assert (len(viber.sent), message.delivery) == (2, "delivered")


def test_a_status_of_somebody_elses_message_waits_for_nobody(shop, chat, viber, bot):
    message = say(shop, chat, "Здравствуйте")
    delivery.deliver_chat(chat.address_id)
    bring(bot, viber.event("failed", user_id=USER, desc="?"))
    message.refresh_from_db()
    assert message.delivery == "sent"


def test_what_failed_after_all_of_it_had_left_is_sent_anew_as_a_whole(shop, chat, viber, bot):
    message = say(shop, chat, "слово " * 1500)
    delivery.deliver_chat(chat.address_id)
    bring(bot, viber.receipt("failed", viber.sent[1], desc="no device"))
    retry_message(message.id)
    delivery.deliver_chat(chat.address_id)
    message.refresh_from_db()
    assert [len(sent["text"]) for sent in viber.sent[2:]] == [len(sent["text"]) for sent in viber.sent[:2]]
    assert (message.delivery, message.external_id) == ("sent", str(viber.sent[2]["message_token"]))


def test_what_broke_off_between_two_pieces_goes_on_behind_the_first(shop, chat, viber, bot):
    viber.script(Answer(json={"status": 0, "message_token": 5}), path="send_message")
    viber.script(Answer(json={"status": 3, "status_message": "badData"}), path="send_message")
    message = say(shop, chat, "слово " * 1500)
    delivery.deliver_chat(chat.address_id)
    message.refresh_from_db()
    assert message.delivery == "failed"
    retry_message(message.id)
    delivery.deliver_chat(chat.address_id)
    message.refresh_from_db()
    assert (message.delivery, message.external_id, len(viber.sent)) == ("sent", "5", 1)


def test_an_app_that_tells_of_delivery_before_it_answers_may_name_the_message_later_as_its_own(
    shop, settings, monkeypatch
):
    with AppStandIn() as app:
        settings.OUTBOUND_ALLOWED_HOSTS = [app.host]
        channel = create_channel(kind="api", name="App", config={"callback_url": app.callback}, secrets={})
        app.secret = renew_secret(channel.id)
        bring(channel, {"type": "message", "from": {"id": "u1"}, "text": "привет"})
        row = ContactAddress.objects.get(address="u1")
        message = say(shop, Message.objects.get().ticket, "Здравствуйте")

        def tell_first(self, outgoing):
            about = {"type": "delivered", "from": {"id": "u1"}, "message_id": str(message.client_id)}
            InboundEvent.objects.create(channel=channel, event_key="early", body=json.dumps(about).encode())
            drain_channel(channel.id)
            return posted(self, outgoing)

        posted = delivery.adapter_class("api").send
        monkeypatch.setattr(delivery.adapter_class("api"), "send", tell_first)
        app.script(Answer(json={"external_id": "theirs-7"}))
        delivery.deliver_chat(row.id)
        message.refresh_from_db()
        assert (message.delivery, message.external_id) == ("delivered", "theirs-7")
        bring(channel, {"type": "read", "from": {"id": "u1"}, "message_id": "theirs-7"})
        message.refresh_from_db()
        assert message.delivery == "read"


# ---- Edits


def edited(text: str, at: int) -> dict:
    person = {"user_id": 99000111, "first_name": "Тимур", "is_bot": False}
    return {
        "update_type": "message_edited", "timestamp": at,
        "message": {
            "sender": person, "recipient": {"chat_id": 5, "chat_type": "dialog"}, "timestamp": 1790400000000,
            "body": {"mid": "mid.1", "seq": 1, "text": text},
        },
    }  # fmt: skip


@pytest.mark.parametrize("has_original", [True, False])
def test_an_old_edit_that_comes_late_does_not_undo_a_newer_one(shop, has_original):
    channel = Channel.objects.create(kind="max", name="MAX", external_id="1", secrets={"token": "t"})
    original = {**edited("Заказ 1", 1790400000000), "update_type": "message_created"}
    newer, older = edited("Заказ 3", 1790400020000), edited("Заказ 2", 1790400010000)
    bring(channel, *([original] if has_original else []), newer, older, *([] if has_original else [original]))
    message = Message.objects.get()
    assert message.text == "Заказ 3" and message.edited_at.timestamp() == 1790400020
