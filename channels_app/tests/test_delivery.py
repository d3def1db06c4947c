"""Sending: in order, once, with every failure told as it is; a new kind is a new folder."""

import uuid
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from channels_app import kinds
from channels_app.models import Channel, DeliveryAttempt
from channels_app.services import delivery
from channels_app.services.media import fetch_attachment
from tests.standins.server import Answer
from tests.standins.telegram import BLOCKED, TOKEN, TelegramStandIn, error, too_many
from tickets.models import Attachment, Delivery, Message
from tickets.services.delivery import retry_message
from tickets.services.post import post_message
from tickets.services.receive import IncomingFile


@pytest.fixture
def telegram(settings):
    with TelegramStandIn() as stand_in:
        settings.TELEGRAM_API_URL = stand_in.url
        yield stand_in


@pytest.fixture
def chat(shop, telegram):
    """A conversation over Telegram; gives the ticket."""
    shop.channel = Channel.objects.create(kind="telegram", name="bot", external_id="1", secrets={"token": TOKEN})
    return shop.customer_writes(address="710455821").ticket


def say(shop, ticket, text="Здравствуйте", **fields) -> Message:
    return post_message(ticket_id=ticket.id, client_id=uuid.uuid4(), text=text, user=shop.agent, **fields)


def state(message: Message) -> tuple[str, str]:
    message.refresh_from_db()
    return message.delivery, message.delivery_error


def test_messages_leave_in_the_order_they_were_written(shop, chat, telegram):
    for text in ("раз", "два", "три"):
        say(shop, chat, text)
    assert delivery.deliver_chat(chat.address_id) == 3
    assert [sent["text"] for sent in telegram.sent] == ["раз", "два", "три"]
    assert delivery.deliver_chat(chat.address_id) == 0


def test_the_providers_id_and_the_attempt_are_kept(shop, chat, telegram):
    message = say(shop, chat)
    delivery.deliver_chat(chat.address_id)
    assert state(message)[0] == "sent"
    assert message.external_id == str(telegram.sent[0]["message_id"])
    assert list(DeliveryAttempt.objects.values_list("number", "outcome")) == [(1, "sent")]


def test_a_pause_of_one_chat_leaves_the_others_alone(shop, chat, telegram):
    other = shop.customer_writes(address="5").ticket
    telegram.script(too_many(30))
    first, second = say(shop, chat), say(shop, other)
    delivery.deliver_chat(chat.address_id)
    delivery.deliver_chat(other.address_id)
    assert (state(first)[0], state(second)[0]) == ("queued", "sent")
    assert first.due_at > timezone.now() + timedelta(seconds=28)


def test_a_second_chat_that_must_rest_stops_the_whole_bot(shop, chat, telegram):
    other, third = shop.customer_writes(address="5").ticket, shop.customer_writes(address="6").ticket
    telegram.script(too_many(30), too_many(29))
    messages = [say(shop, ticket) for ticket in (chat, other, third)]
    for ticket in (chat, other, third):
        delivery.deliver_chat(ticket.address_id)
    assert [state(message)[0] for message in messages] == ["queued"] * 3
    assert telegram.sent == [] and len(telegram.requests) == 2
    assert all(message.due_at > timezone.now() + timedelta(seconds=27) for message in messages)
    Channel.objects.update(paused_until=None)
    Message.objects.update(due_at=None)
    delivery.deliver_chat(chat.address_id)
    assert state(messages[0])[0] == "sent"


def test_a_final_refusal_is_told_and_frees_the_next(shop, chat, telegram):
    telegram.script(BLOCKED)
    first, second = say(shop, chat, "раз"), say(shop, chat, "два")
    delivery.deliver_chat(chat.address_id)
    assert state(first)[0] == "failed" and state(first)[1]
    assert state(second)[0] == "sent"


def test_a_fault_of_theirs_is_tried_again_later_and_not_for_ever(shop, chat, telegram):
    message = say(shop, chat)
    for _ in range(delivery.MAX_ATTEMPTS):
        telegram.script(error(502, "Bad Gateway"))
        Message.objects.update(due_at=None)
        delivery.deliver_chat(chat.address_id)
    assert state(message)[0] == "failed"
    assert DeliveryAttempt.objects.count() == delivery.MAX_ATTEMPTS
    assert telegram.sent == []


def test_a_lost_answer_is_uncertain_and_only_a_person_sends_again(shop, chat, telegram):
    telegram.script(Answer(raw=[]))
    message = say(shop, chat)
    delivery.deliver_chat(chat.address_id)
    assert state(message)[0] == "uncertain"
    assert delivery.due_chats() == []
    retry_message(message.id)
    delivery.deliver_chat(chat.address_id)
    assert state(message)[0] == "sent" and len(telegram.sent) == 1


def test_a_worker_that_died_while_sending(shop, chat, telegram):
    message = say(shop, chat)
    Message.objects.filter(id=message.id).update(delivery="sending", claimed_at=timezone.now() - timedelta(minutes=5))
    assert delivery.recover_stale_claims() == {chat.address_id}
    assert state(message)[0] == "uncertain"


def test_what_a_dead_worker_held_is_known_at_once_and_a_living_ones_is_left_alone(shop, chat, telegram):
    from tenants.lease import lease

    held, lost = say(shop, chat), say(shop, shop.customer_writes(address="5").ticket)
    now = timezone.now()
    Message.objects.filter(id=held.id).update(delivery="sending", claimed_at=now, claimed_by=lease.hold())
    Message.objects.filter(id=lost.id).update(delivery="sending", claimed_at=now, claimed_by=2**31 - 1)
    assert delivery.recover_stale_claims() == {lost.address_id}
    assert (state(held)[0], state(lost)[0]) == ("sending", "uncertain")


def test_where_a_key_protects_the_message_goes_out_again(shop):
    ticket = shop.customer_writes().ticket
    message = say(shop, ticket)
    Message.objects.filter(id=message.id).update(delivery="sending", claimed_at=timezone.now() - timedelta(minutes=5))
    delivery.recover_stale_claims()
    Message.objects.update(due_at=None)
    delivery.deliver_chat(ticket.address_id)
    assert state(message)[0] == "sent"


def test_a_message_that_ends_every_worker_is_left_to_a_person(shop):
    ticket = shop.customer_writes().ticket
    message = say(shop, ticket)
    for _life in range(delivery.MAX_LOSSES):
        assert state(message)[0] == "queued"
        Message.objects.filter(id=message.id).update(delivery="sending", claimed_at=timezone.now(), claimed_by=None)
        delivery.recover_stale_claims()
    assert state(message)[0] == "uncertain"
    assert list(DeliveryAttempt.objects.values_list("outcome", flat=True)) == ["lost", "lost", "uncertain"]


def test_a_switched_off_channel_sends_nothing(shop, chat, telegram):
    Channel.objects.update(is_active=False)
    message = say(shop, chat)
    delivery.deliver_chat(chat.address_id)
    assert state(message)[0] == "failed" and telegram.sent == []


def test_files_of_customers_are_fetched_or_marked(shop, chat, telegram):
    telegram.add_file("good", b"%PDF-1.4 data")
    files = (
        IncomingFile(name="a.pdf", remote={"file_id": "good"}),
        IncomingFile(name="b.pdf", remote={"file_id": "gone"}),
    )
    shop.customer_writes("", address="710455821", files=files)
    for attachment in Attachment.objects.all():
        fetch_attachment(attachment.id)
    good, gone = Attachment.objects.get(name="a.pdf"), Attachment.objects.get(name="b.pdf")
    assert (good.state, good.size, good.mime) == ("ready", 13, "application/pdf")
    assert gone.state == "failed" and gone.error


def test_a_program_from_a_customer_is_not_kept(shop, chat, telegram):
    telegram.add_file("virus", b"MZ\x90\x00")
    shop.customer_writes("", address="710455821", files=(IncomingFile(name="x.pdf", remote={"file_id": "virus"}),))
    attachment = Attachment.objects.get()
    fetch_attachment(attachment.id)
    attachment.refresh_from_db()
    assert attachment.state == "failed" and not attachment.file


def test_a_new_folder_is_a_new_kind(shop):
    folder = Path(kinds.__file__).parent / "pigeon_post"
    folder.mkdir()
    try:
        (folder / "__init__.py").touch()
        (folder / "adapter.py").write_text(
            "from channels_app.base import Adapter as Base, SendResult\n\n\n"
            "class Adapter(Base):\n    title = 'Pigeons'\n    flown = []\n\n"
            "    def send(self, message):\n        self.flown.append(message.text)\n        return SendResult('ring-1')\n"
        )
        kinds.kinds.cache_clear()
        kinds.adapter_class.cache_clear()
        assert ("pigeon_post", "Pigeons") in kinds.kind_choices()
        shop.channel = Channel.objects.create(kind="pigeon_post", name="Loft")
        ticket = shop.customer_writes(address="loft-7").ticket
        message = say(shop, ticket, "coo")
        delivery.deliver_chat(ticket.address_id)
        assert state(message)[0] == "sent"
        assert kinds.adapter_class("pigeon_post").flown == ["coo"]
        assert message.delivery == Delivery.SENT
    finally:
        for file in sorted(folder.rglob("*"), reverse=True):
            file.rmdir() if file.is_dir() else file.unlink()
        folder.rmdir()
        kinds.kinds.cache_clear()
        kinds.adapter_class.cache_clear()
