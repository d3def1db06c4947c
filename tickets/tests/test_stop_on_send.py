"""A reply is stopped when others have added something that its author has not read."""

import uuid

import pytest

from omnisupport.lib.errors import Conflict
from tickets.models import Message, MessageKind, Ticket
from tickets.services.post import ADDED_SINCE, post_message

HX = {"HTTP_HX_REQUEST": "true"}


@pytest.fixture
def first(shop):
    return shop.customer_writes()


def post(first, user, text="Здравствуйте", **fields):
    return post_message(ticket_id=first.ticket_id, client_id=uuid.uuid4(), text=text, user=user, **fields)


def send(client, first, **fields):
    data = {"client_id": str(uuid.uuid4()), "text": "Едет", "kind": "public", "seen": str(first.id), **fields}
    return client.post(f"/inbox/{first.ticket.number}/messages/", data, **HX)


@pytest.mark.parametrize("kind", [MessageKind.PUBLIC, MessageKind.NOTE])
def test_what_a_colleague_added_is_shown_and_nothing_is_sent(shop, first, kind):
    added = post(first, shop.colleague, "Я уже <b>ответила</b>", kind=kind)
    answer = send(shop.client(shop.agent), first, status="solved")
    page = answer.content.decode()
    assert answer.status_code == 409
    assert f'data-seen="{added.id}"' in page and f'id="m-{added.id}"' in page
    assert "Вера Коллега" in page and "&lt;b&gt;ответила" in page
    assert not Message.objects.filter(user=shop.agent).exists()
    assert Ticket.objects.get().status == "open"


def test_one_click_sends_anyway(shop, first):
    added = post(first, shop.colleague)
    assert send(shop.client(shop.agent), added, status="solved").status_code == 200
    assert Ticket.objects.get().status == "solved"


def test_what_the_customer_adds_stops_too(shop, first):
    shop.customer_writes("Уже не надо")
    assert send(shop.client(shop.agent), first).status_code == 409


def test_ones_own_words_do_not_stop_the_next(shop, first):
    post(first, shop.agent, "Раз")
    post(first, shop.agent, "Для коллег", kind=MessageKind.NOTE)
    assert send(shop.client(shop.agent), first).status_code == 200


def test_a_note_is_never_stopped(shop, first):
    post(first, shop.colleague)
    assert send(shop.client(shop.agent), first, kind="note").status_code == 200


def test_a_repeat_of_what_was_sent_is_not_stopped(shop, first):
    client_id = str(uuid.uuid4())
    assert send(shop.client(shop.agent), first, client_id=client_id).status_code == 200
    post(first, shop.colleague)
    assert send(shop.client(shop.agent), first, client_id=client_id).status_code == 200
    assert Message.objects.filter(user=shop.agent).count() == 1


def test_a_message_taken_back_before_it_left_does_not_count(shop, first):
    message = post(first, shop.colleague)
    Message.objects.filter(id=message.id).update(delivery="cancelled")
    assert send(shop.client(shop.agent), first).status_code == 200


def test_without_seen_nothing_is_asked(shop, first):
    post(first, shop.colleague)
    assert send(shop.client(shop.agent), first, seen="").status_code == 200
    with pytest.raises(Conflict) as refusal:
        post(first, shop.agent, seen=first.id)
    assert refusal.value.code == ADDED_SINCE


def test_the_api_knows_it_too(shop, first):
    client = shop.client(HTTP_AUTHORIZATION=f"Bearer {shop.token(shop.agent)}")
    post(first, shop.colleague)
    path = f"/api/v1/tickets/{first.ticket_id}/messages/"
    answer = client.post(path, {"text": "Едет", "seen": first.id}, content_type="application/json")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "added_since")
    newest = Message.objects.latest("id").id
    assert client.post(path, {"text": "Едет", "seen": newest}, content_type="application/json").status_code == 201


def test_the_page_tells_the_newest_message(shop, first):
    page = shop.client(shop.agent).get(f"/inbox/{first.ticket.number}/").content.decode()
    assert f'name="seen" value="{first.id}"' in page
