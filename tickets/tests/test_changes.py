"""A message that has left can be changed or taken away by its author for five minutes, never behind the customer's back."""

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from channels_app.base import TransportError, UnknownOutcome
from channels_app.services.changes import carry_out
from channels_app.services.delivery import MAX_ATTEMPTS
from tenants.events.models import Event
from tickets.models import Delivery, Message, MessageChange, MessageKind
from tickets.services.changes import due_changes
from tickets.services.delivery import move_delivery
from tickets.services.post import post_message
from tickets.services.receive import edit_received_message

HX = {"HTTP_HX_REQUEST": "true"}


@pytest.fixture
def ticket(shop):
    return shop.customer_writes().ticket


@pytest.fixture
def agent(shop):
    return shop.client(shop.agent)


@pytest.fixture
def channel_answers(monkeypatch):
    """What the channel does with edits: nothing, or the error of the story. Returns what it was asked."""
    from channels_app.widget.adapter import Adapter

    asked = []

    def answer(error=None):
        def act(self, address, external_id, text="(deleted)"):
            asked.append((external_id, text))
            if error is not None:
                raise error

        monkeypatch.setattr(Adapter, "edit", act)
        monkeypatch.setattr(Adapter, "delete", act)
        return asked

    return answer


def write(shop, ticket, text="Доставим завтра", *, kind=MessageKind.PUBLIC, sent=True):
    message = post_message(ticket_id=ticket.id, client_id=uuid.uuid4(), text=text, user=shop.agent, kind=kind)
    if sent and kind == MessageKind.PUBLIC:
        Message.objects.filter(id=message.id).update(delivery=Delivery.SENDING)
        move_delivery(message.id, Delivery.SENT, external_id=f"at-provider-{message.id}")
    return message


def edit(client, message, text):
    return client.post(f"/inbox/messages/{message.id}/edit/", {"text": text}, **HX)


def delete(client, message):
    return client.post(f"/inbox/messages/{message.id}/delete/", **HX)


def test_a_message_changes_here_when_it_has_changed_there(shop, agent, ticket, channel_answers):
    asked, message = channel_answers(), write(shop, ticket)
    answer = edit(agent, message, "Доставим послезавтра")
    assert "Доставим завтра" in answer.content.decode()
    assert Message.objects.get(id=message.id).text == "Доставим завтра"
    carry_out(MessageChange.objects.get().pk)
    message.refresh_from_db()
    assert asked == [(f"at-provider-{message.id}", "Доставим послезавтра")]
    assert (message.text, message.content["edits"][0]["text"]) == ("Доставим послезавтра", "Доставим завтра")
    assert message.edited_at is not None
    page = agent.get(f"/inbox/{ticket.number}/").content.decode()
    assert 'class="edits"' in page
    types = ["message.change_requested", "message.edited"]
    assert list(Event.objects.filter(type__in=types).order_by("id").values_list("type", flat=True)) == types


def test_a_deleted_message_is_gone_for_the_customer_and_kept_for_agents(shop, agent, ticket, channel_answers):
    asked, message = channel_answers(), write(shop, ticket)
    delete(agent, message)
    carry_out(MessageChange.objects.get().pk)
    message.refresh_from_db()
    assert (message.deleted_at is not None, message.text) == (True, "Доставим завтра")
    assert asked == [(f"at-provider-{message.id}", "(deleted)")]
    assert edit(agent, message, "Ещё").status_code == 409


def test_a_long_text_is_deleted_piece_by_piece_and_not_edited(shop, agent, ticket, channel_answers):
    asked, message = channel_answers(), write(shop, ticket)
    Message.objects.filter(id=message.id).update(content={"sent_parts": ["a", "b"]})
    edit(agent, message, "Короче")
    carry_out(MessageChange.objects.get().pk)
    assert (MessageChange.objects.get().state, asked) == ("failed", [])
    delete(agent, message)
    carry_out(MessageChange.objects.get().pk)
    assert [name for name, _text in asked] == ["a", "b"]


def test_what_the_channel_refuses_is_said_and_the_message_stays_what_the_customer_sees(
    shop, agent, ticket, channel_answers
):
    channel_answers(TransportError("Слишком поздно для VK.", permanent=True))
    message = write(shop, ticket)
    edit(agent, message, "Иначе")
    carry_out(MessageChange.objects.get().pk)
    change = MessageChange.objects.get()
    assert (change.state, Message.objects.get(id=message.id).text) == ("failed", "Доставим завтра")
    assert "Слишком поздно для VK." in agent.get(f"/inbox/{ticket.number}/").content.decode()
    assert Event.objects.filter(type="message.change_failed").count() == 1

    # Tried again it goes through; what is settled cannot be tried once more.
    assert agent.post(f"/inbox/changes/{change.pk}/retry/", **HX).status_code == 200
    channel_answers()
    carry_out(change.pk)
    assert Message.objects.get(id=message.id).text == "Иначе"
    assert agent.post(f"/inbox/changes/{change.pk}/retry/", **HX).status_code == 409


def test_a_refused_change_can_be_let_be(shop, agent, ticket, channel_answers):
    channel_answers(TransportError("Нет.", permanent=True))
    message = write(shop, ticket)
    edit(agent, message, "Иначе")
    change = MessageChange.objects.get()
    carry_out(change.pk)
    assert shop.client(shop.colleague).post(f"/inbox/changes/{change.pk}/drop/", **HX).status_code == 409
    assert agent.post(f"/inbox/changes/{change.pk}/drop/", **HX).status_code == 200
    assert not MessageChange.objects.exists()


@pytest.mark.parametrize("error", [TransportError("Занят.", retry_after=7), UnknownOutcome("Ответ потерян.")])
def test_a_fault_is_tried_again_later_and_not_for_ever(shop, agent, ticket, channel_answers, error):
    asked = channel_answers(error)
    edit(agent, write(shop, ticket), "Иначе")
    change = MessageChange.objects.get()
    carry_out(change.pk)
    assert due_changes() == []
    # Nobody takes it before its time.
    carry_out(change.pk)
    assert len(asked) == 1
    MessageChange.objects.update(due_at=timezone.now(), attempts=MAX_ATTEMPTS - 1)
    assert due_changes() == [change.pk]
    carry_out(change.pk)
    assert MessageChange.objects.get().state == "failed"


def test_a_worker_that_died_gives_its_change_back(shop, agent, ticket, channel_answers):
    asked = channel_answers()
    edit(agent, write(shop, ticket), "Иначе")
    MessageChange.objects.update(state="sending", claimed_at=timezone.now())
    carry_out(MessageChange.objects.get().pk)
    assert asked == []
    MessageChange.objects.update(claimed_at=timezone.now() - timedelta(minutes=2))
    assert due_changes() == [MessageChange.objects.get().pk]
    carry_out(MessageChange.objects.get().pk)
    assert Message.objects.get(author="agent").text == "Иначе"


def test_done_once_it_is_not_done_again(shop, agent, ticket, channel_answers):
    asked = channel_answers()
    edit(agent, write(shop, ticket), "Иначе")
    for _time in range(2):
        carry_out(MessageChange.objects.get().pk)
    assert len(asked) == 1


def test_the_providers_own_word_of_our_change_is_no_second_one(shop, agent, ticket, channel_answers):
    channel_answers()
    message = write(shop, ticket)
    edit(agent, message, "Доставим **послезавтра**")
    carry_out(MessageChange.objects.get().pk)
    edit_received_message(
        channel_id=shop.channel.id,
        address="visitor-1",
        external_id=f"at-provider-{message.id}",
        text="Доставим послезавтра",
        edited_at=timezone.now(),
        by_company=True,
    )
    message.refresh_from_db()
    assert (message.text, len(message.content["edits"])) == ("Доставим **послезавтра**", 1)


def test_a_note_changes_at_once(shop, agent, ticket):
    note = write(shop, ticket, "Проверить склад", kind=MessageKind.NOTE)
    edit(agent, note, "Проверить склад №2")
    assert Message.objects.get(id=note.id).text == "Проверить склад №2"
    delete(agent, note)
    assert Message.objects.get(id=note.id).deleted_at is not None
    assert not MessageChange.objects.exists()


def test_what_has_not_left_leaves_changed_or_not_at_all(shop, agent, ticket):
    first, second = (write(shop, ticket, sent=False) for _number in range(2))
    edit(agent, first, "Иначе")
    assert Message.objects.get(id=first.id).text == "Иначе"
    delete(agent, second)
    assert Message.objects.get(id=second.id).delivery == Delivery.CANCELLED
    assert not MessageChange.objects.exists()


def test_only_its_author_and_only_for_five_minutes(shop, agent, ticket):
    message = write(shop, ticket)
    assert edit(shop.client(shop.colleague), message, "Чужое").status_code == 403
    assert "edit-message" not in shop.client(shop.colleague).get(f"/inbox/{ticket.number}/").content.decode()
    assert edit(agent, message, "  ").status_code == 400
    assert f"/inbox/messages/{message.id}/edit/" in agent.get(f"/inbox/{ticket.number}/").content.decode()
    Message.objects.filter(id=message.id).update(created_at=timezone.now() - timedelta(minutes=6))
    assert (edit(agent, message, "Поздно").status_code, delete(agent, message).status_code) == (409, 409)
    assert f"/inbox/messages/{message.id}/edit/" not in agent.get(f"/inbox/{ticket.number}/").content.decode()
    assert not MessageChange.objects.exists()


def test_one_change_at_a_time(shop, agent, ticket):
    message = write(shop, ticket)
    assert edit(agent, message, "Раз").status_code == 200
    assert edit(agent, message, "Два").status_code == 409


def test_a_channel_that_cannot_says_so(shop, agent, ticket):
    shop.channel.kind = "viber"
    shop.channel.save()
    message = write(shop, ticket)
    page = agent.get(f"/inbox/{ticket.number}/").content.decode()
    assert f"/inbox/messages/{message.id}/edit/" not in page
    assert "cannot be changed" in page
