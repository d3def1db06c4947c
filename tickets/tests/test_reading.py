"""Reading a long conversation: pages both ways, around one message, words in it, letters as they were laid out."""

import re
import uuid

import pytest
from django.test.utils import CaptureQueriesContext

from tickets.models import Attachment, Message, MessageKind
from tickets.queries import conversation
from tickets.services.post import post_message
from tickets.services.tickets import set_priority


@pytest.fixture
def long(shop, monkeypatch):
    """Forty messages, and something that happened in the middle; a page is ten."""
    monkeypatch.setattr(conversation, "PAGE", 10)
    monkeypatch.setattr(conversation, "_ABOVE", 3)
    for number in range(40):
        ticket = shop.customer_writes(f"письмо {number}").ticket
        if number == 20:
            set_priority(ticket.id, priority=3, actor=shop.agent)
    return ticket


def shown(answer) -> list[str]:
    assert answer.status_code == 200
    return [
        item.removeprefix("thread-")
        for item in re.findall(r'id="([me]-\d+|earlier|thread-later)"', answer.content.decode())
    ]


def walk(client, ticket, first: list[str], way: str, key: str) -> list[str]:
    """What a reader sees who goes on to the end that way."""
    seen = first
    while way in seen:
        ids = [item for item in seen if item.startswith("m-")]
        edge = (ids[0] if way == "earlier" else ids[-1]).removeprefix("m-")
        page = shown(client.get(f"/inbox/{ticket.number}/{way}/", {key: edge}))
        at = seen.index(way)
        seen = [*seen[:at], *page, *seen[at + 1 :]]
    return seen


def test_pages_from_the_middle_both_ways_show_everything_once_and_in_order(shop, long):
    client = shop.client(shop.agent)
    messages = list(Message.objects.order_by("id"))
    middle = shown(client.get(f"/inbox/{long.number}/around/", {"message": messages[17].id}))
    assert middle[0] == "earlier" and middle[-1] == "later" and f"m-{messages[17].id}" in middle
    assert len([item for item in middle if item.startswith("m-")]) == 10
    everything = walk(client, long, walk(client, long, middle, "earlier", "before"), "later", "after")
    assert [item for item in everything if item.startswith("m-")] == [f"m-{message.id}" for message in messages]
    # The line stands between its neighbours, once, whichever way one comes.
    (line,) = (item for item in everything if item.startswith("e-"))
    newest = shown(client.get(f"/inbox/{long.number}/earlier/"))
    upwards = walk(client, long, newest, "earlier", "before")
    assert upwards == everything
    assert everything[everything.index(line) - 1] == f"m-{messages[20].id}"


def test_the_first_and_the_last_message_have_pages_too(shop, long):
    client = shop.client(shop.agent)
    first, last = Message.objects.order_by("id").first(), Message.objects.order_by("id").last()
    begin = shown(client.get(f"/inbox/{long.number}/around/", {"message": first.id}))
    assert begin[0] == f"m-{first.id}" and begin[-1] == "later"
    assert shown(client.get(f"/inbox/{long.number}/around/", {"message": last.id}))[-1] == f"m-{last.id}"
    elsewhere = shop.customer_writes(address="other")
    assert client.get(f"/inbox/{long.number}/around/", {"message": elsewhere.id}).status_code == 404
    assert client.get(f"/inbox/{long.number}/around/", {"message": "x"}).status_code == 404


def test_words_are_found_in_their_forms_in_this_conversation_alone(shop):
    ticket = shop.customer_writes("Хочу вернуть наушники").ticket
    note = post_message(
        ticket_id=ticket.id,
        client_id=uuid.uuid4(),
        text="Наушниками займётся Вера",
        user=shop.agent,
        kind=MessageKind.NOTE,
    )
    shop.customer_writes("Ваши **наушники**?", address="other")
    client = shop.client(shop.agent)
    found = client.get(f"/inbox/{ticket.number}/find/", {"q": "наушников"}).json()["found"]
    assert [one["words"] for one in found] == [["наушники"], ["Наушниками"]]
    assert found[1]["id"] == str(note.id)
    # The customer's name belongs to the conversation, not to a message.
    assert client.get(f"/inbox/{ticket.number}/find/", {"q": "Марина"}).json() == {"found": []}
    assert client.get(f"/inbox/{ticket.number}/find/", {"q": " "}).json() == {"found": []}


def test_a_search_inside_costs_the_same_for_one_and_many(shop):
    ticket = shop.customer_writes("возврат").ticket
    client = shop.client(shop.agent)

    def cost() -> int:
        from django.db import connection

        with CaptureQueriesContext(connection) as captured:
            assert client.get(f"/inbox/{ticket.number}/find/", {"q": "возврат"}).status_code == 200
        return len([query for query in captured if not query["sql"].startswith("SET ")])

    cost()
    one = cost()
    for _ in range(5):
        shop.customer_writes("возвраты")
    # session, person, conversation, words
    assert cost() == one == 4


@pytest.fixture
def letter(shop):
    html = '<p style="color:red">Добрый день</p><img src="https://shop.example/logo.png" alt="Лого">'
    return shop.customer_writes("Добрый день", content={"html": html})


def test_a_letter_is_shown_as_words_and_its_layout_in_a_frame_that_belongs_to_nobody(shop, letter):
    client = shop.client(shop.agent)
    page = client.get(f"/inbox/{letter.ticket.number}/").content.decode()
    assert '<p style="color:red">' not in page
    (frame,) = re.findall(r"<iframe[^>]*>", page)
    assert f'src="/inbox/messages/{letter.id}/letter/"' in frame and 'loading="lazy"' in frame
    assert "allow-same-origin" not in frame and "allow-forms" not in frame and "allow-top-navigation" not in frame
    answer = client.get(f"/inbox/messages/{letter.id}/letter/")
    assert '<p style="color:red">Добрый день</p>' in answer.content.decode()
    policy = dict(part.strip().partition(" ")[::2] for part in answer["Content-Security-Policy"].split(";"))
    assert (policy["default-src"], policy["script-src"], policy["img-src"]) == ("'none'", "'self'", "data:")
    assert policy["sandbox"] == "allow-scripts allow-popups allow-popups-to-escape-sandbox"
    assert (policy["frame-ancestors"], answer["X-Frame-Options"]) == ("'self'", "SAMEORIGIN")


def test_pictures_of_a_letter_are_fetched_only_when_asked_for(shop, letter):
    client = shop.client(shop.agent)
    answer = client.get(f"/inbox/messages/{letter.id}/letter/", {"pictures": "1"})
    assert "img-src data: https: http:;" in answer["Content-Security-Policy"] + ";"
    assert answer["Referrer-Policy"] == "no-referrer"


def test_only_agents_read_letters_and_only_messages_that_have_one(shop, rival, letter):
    plain = shop.customer_writes("просто слова")
    assert shop.client(shop.agent).get(f"/inbox/messages/{plain.id}/letter/").status_code == 404
    assert shop.client().get(f"/inbox/messages/{letter.id}/letter/").status_code == 302
    assert rival.client(rival.agent).get(f"/inbox/messages/{letter.id}/letter/").status_code == 404


def test_several_pictures_stand_side_by_side(shop):
    message = shop.customer_writes("Вот фотографии")
    for name in ("a.png", "b.png"):
        Attachment.objects.create(message=message, name=name, file=name, mime="image/png")
    client = shop.client(shop.agent)
    assert "files--album" in client.get(f"/inbox/{message.ticket.number}/").content.decode()
    Attachment.objects.create(message=message, name="c.pdf", file="c.pdf", mime="application/pdf")
    assert "files--album" not in client.get(f"/inbox/{message.ticket.number}/").content.decode()
