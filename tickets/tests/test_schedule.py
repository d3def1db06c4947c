"""Replies that leave later, and the moment in which one can be taken back."""

import uuid
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from channels_app.services.delivery import deliver_chat
from omnisupport.lib.errors import InvalidInput
from tickets.models import Attachment, Message, ScheduledReply, Status
from tickets.services.attachments import store_upload
from tickets.services.delivery import cancel_message
from tickets.services.post import post_message
from tickets.services.schedule import drop_reply, schedule_reply, send_due_replies
from tickets.services.tickets import set_status


@pytest.fixture
def ticket(shop):
    return shop.customer_writes().ticket


def later(shop, ticket, text="Напоминаем о заказе", hours=2.0, **fields) -> ScheduledReply:
    fields = {
        "client_id": uuid.uuid4(),
        "user": shop.agent,
        "send_at": timezone.now() + timedelta(hours=hours),
    } | fields
    return schedule_reply(ticket_id=ticket.id, text=text, **fields)


def its_hour_comes() -> None:
    ScheduledReply.objects.update(send_at=timezone.now())
    send_due_replies()


def test_it_becomes_a_message_at_its_hour_once(shop, ticket):
    reply = later(shop, ticket)
    assert send_due_replies() == 0 and not Message.objects.filter(author="agent").exists()
    ticket.refresh_from_db()
    assert ticket.first_reply_at is None
    its_hour_comes()
    its_hour_comes()
    message = Message.objects.get(author="agent")
    assert (message.text, message.user, message.client_id) == ("Напоминаем о заказе", shop.agent, reply.client_id)
    assert message.delivery == "queued"


def test_its_files_go_with_it(shop, ticket):
    file = store_upload(SimpleUploadedFile("счёт.pdf", b"%PDF-1.4"), user=shop.agent)
    later(shop, ticket, text="", attachment_ids=[file.id])
    its_hour_comes()
    assert Attachment.objects.get().message == Message.objects.get(author="agent")


def test_files_of_others_cannot_be_scheduled(shop, ticket):
    file = store_upload(SimpleUploadedFile("счёт.pdf", b"%PDF-1.4"), user=shop.colleague)
    with pytest.raises(InvalidInput):
        later(shop, ticket, attachment_ids=[file.id])


def test_the_customer_writes_first(shop, ticket):
    later(shop, ticket, cancel_on_reply=True)
    kept = later(shop, ticket, text="Счёт во вложении")
    shop.customer_writes("Уже неважно")
    assert list(ScheduledReply.objects.all()) == [kept]
    page = shop.client(shop.agent).get(f"/inbox/{ticket.number}/").content.decode()
    assert "taken back" in page and "Счёт во вложении" in page


def test_what_cannot_be_sent_says_why_and_stays(shop, ticket):
    later(shop, ticket)
    set_status(ticket.id, status=Status.CLOSED, actor=shop.agent)
    its_hour_comes()
    assert ScheduledReply.objects.get().error and not Message.objects.filter(author="agent").exists()
    assert send_due_replies() == 0


def test_the_same_request_twice_is_one_reply(shop, ticket):
    key = uuid.uuid4()
    assert later(shop, ticket, client_id=key) == later(shop, ticket, client_id=key)


@pytest.mark.parametrize("hours", [-1, 0, 24 * 400])
def test_hours_that_make_no_sense_are_refused(shop, ticket, hours):
    with pytest.raises(InvalidInput) as caught:
        later(shop, ticket, hours=hours)
    assert caught.value.field == "send_at"


def test_dropping_gives_the_words_back(shop, ticket):
    agent = shop.client(shop.agent)
    when = (timezone.now() + timedelta(days=1)).isoformat()
    form = {"client_id": str(uuid.uuid4()), "text": "Позже", "kind": "public", "send_at": when}
    shown = agent.post(f"/inbox/{ticket.number}/messages/", form, headers={"HX-Request": "true"})
    assert "Позже" in shown.content.decode()
    reply = ScheduledReply.objects.get()
    answer = agent.post(f"/inbox/scheduled/{reply.id}/drop/", headers={"HX-Request": "true"})
    assert "taken-back" in answer["HX-Trigger"] and not ScheduledReply.objects.exists()
    assert drop_reply(reply.id, shop.agent) is None
    assert agent.post(f"/inbox/scheduled/{reply.id}/send/").status_code == 404


def test_sending_now_does_not_wait(shop, ticket):
    reply = later(shop, ticket)
    shop.client(shop.agent).post(f"/inbox/scheduled/{reply.id}/send/", headers={"HX-Request": "true"})
    assert Message.objects.filter(author="agent").count() == 1


# ---- A moment to take it back ----------------------------------------------------------------------------------------


def test_a_reply_waits_for_its_author_and_can_be_taken_back(shop, ticket):
    shop.agent.undo_seconds = 10
    shop.agent.save()
    agent = shop.client(shop.agent)
    form = {"client_id": str(uuid.uuid4()), "text": "Ой", "kind": "public"}
    agent.post(f"/inbox/{ticket.number}/messages/", form, headers={"HX-Request": "true"})
    message = Message.objects.get(author="agent")
    assert deliver_chat(ticket.address_id) == 0
    path = f"/inbox/messages/{message.id}/take-back/"
    assert shop.client(shop.colleague).post(path).status_code == 409
    answer = agent.post(path, headers={"HX-Request": "true"})
    assert "taken-back" in answer["HX-Trigger"]
    message.refresh_from_db()
    assert message.delivery == "cancelled"
    assert deliver_chat(ticket.address_id) == 0
    assert agent.post(path).status_code == 409


def test_visitors_do_not_see_what_may_still_be_taken_back(shop, ticket):
    from channels_app.widget.serializers import visible_messages

    held = post_message(
        ticket_id=ticket.id, client_id=uuid.uuid4(), text="Ой", user=shop.agent,
        due_at=timezone.now() + timedelta(seconds=10),
    )  # fmt: skip
    assert held not in visible_messages("visitor-1", shop.channel.id)
    Message.objects.filter(id=held.id).update(due_at=timezone.now())
    deliver_chat(ticket.address_id)
    assert held in visible_messages("visitor-1", shop.channel.id)


def test_what_has_begun_to_leave_cannot_be_taken_back(shop, ticket):
    message = post_message(ticket_id=ticket.id, client_id=uuid.uuid4(), text="Ушло", user=shop.agent)
    deliver_chat(ticket.address_id)
    assert not cancel_message(message.id)
