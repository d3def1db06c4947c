"""A conversation as a document: for agents as a file, for the customer by e-mail."""

import uuid

import pytest

from channels_app.models import Channel
from tickets.models import Attachment, Message, MessageKind, Ticket
from tickets.services.contacts import update_contact
from tickets.services.post import post_message


@pytest.fixture
def talk(shop):
    message = shop.customer_writes("Где <b>заказ</b>? Пишите на marina@mail.example")
    Attachment.objects.create(message=message, name="чек.pdf", size=2048)
    for text, kind in (("Он **уже** едет", MessageKind.PUBLIC), ("Тайная заметка", MessageKind.NOTE)):
        post_message(ticket_id=message.ticket_id, client_id=uuid.uuid4(), text=text, user=shop.agent, kind=kind)
    return message.ticket


def test_both_forms_have_what_both_sides_said_and_no_note(shop, talk):
    client = shop.client(shop.agent)
    html, txt = (client.get(f"/inbox/1/transcript.{form}") for form in ("html", "txt"))
    assert 'filename="conversation-1.html"' in html["Content-Disposition"]
    html, txt = html.content.decode(), txt.content.decode()
    for words in ("Conversation №1", "Марина", "Олег Агент", "чек.pdf", "marina@mail.example"):
        assert words in html
        assert words in txt
    assert "&lt;b&gt;заказ" in html
    assert "<b>уже</b>" in html
    assert "Где <b>заказ</b>?" in txt
    assert "Он уже едет" in txt
    assert "Тайная" not in html + txt
    assert txt.index("заказ") < txt.index("едет")
    assert client.get("/inbox/1/transcript.exe").status_code == 404
    shop.agent.sees_contact_details = False
    shop.agent.save()
    assert "m•••@m•••.example" in client.get("/inbox/1/transcript.txt").content.decode()


def test_a_program_gets_it_and_sends_it_by_token(shop, rival, talk):
    client = shop.client(HTTP_AUTHORIZATION=f"Bearer {shop.token(shop.agent)}")
    path, asked = f"/api/v1/tickets/{talk.id}/transcript/", {"client_id": str(uuid.uuid4())}
    txt, html = client.get(path), client.get(path, {"form": "html"})
    assert "Он уже едет" in txt.content.decode() and "<b>уже</b>" in html.content.decode()
    assert "Тайная" not in txt.content.decode() + html.content.decode()
    assert 'filename="conversation-1.html"' in html["Content-Disposition"]
    assert client.get(path, {"form": "exe"}).status_code == 400
    assert client.post(path, asked, "application/json").status_code == 400
    Channel.objects.create(kind="email", name="Почта", config={"address": "help@shop.example"})
    # The letter is in the customer's language, a refusal in the reader's.
    update_contact(talk.contact_id, changes={"email": "", "language": "ru"}, actor=None)
    refused = client.post(path, asked, "application/json").json()["error"]["message"]
    assert refused == "The customer's e-mail address is not known."
    update_contact(talk.contact_id, changes={"email": "marina@mail.example"}, actor=None)
    letters = [client.post(path, asked, "application/json").json() for _again in range(2)]
    assert letters[0]["id"] == letters[1]["id"]
    assert letters[0]["attachments"][0]["name"] == "transcript-1.txt"
    assert Ticket.objects.count() == 2
    shop.agent.sees_contact_details = False
    shop.agent.save()
    assert "m•••@m•••.example" in client.get(path).content.decode()
    shop.colleague.access = "own"
    shop.colleague.save()
    client = shop.client(HTTP_AUTHORIZATION=f"Bearer {shop.token(shop.colleague)}")
    stranger = rival.client(HTTP_AUTHORIZATION=f"Bearer {rival.token(rival.admin)}")
    for somebody in (client, stranger):
        assert somebody.get(path).status_code == 404
        assert somebody.post(path, {}, "application/json").status_code == 404
    assert Ticket.objects.count() == 2


def test_it_goes_to_the_customers_mailbox_once(shop, talk):
    client, path = shop.client(shop.agent), "/inbox/1/transcript/send/"
    asked = {"client_id": str(uuid.uuid4())}
    assert client.post(path, asked).status_code == 400
    Channel.objects.create(kind="email", name="Почта", config={"address": "help@shop.example"})
    assert client.post(path, asked).status_code == 400
    update_contact(talk.contact_id, changes={"email": "Marina@mail.example"}, actor=None)
    for _again in range(2):
        answer = client.post(path, asked, headers={"HX-Request": "true"})
        assert "№2" in answer.content.decode()
    letter = Ticket.objects.get(number=2)
    assert (letter.contact_id, letter.address.address, letter.status) == (
        talk.contact_id,
        "marina@mail.example",
        "solved",
    )
    message = Message.objects.get(ticket=letter)
    assert message.delivery == "queued"
    file = message.attachments.get()
    assert "Он уже едет" in file.file.read().decode()
    assert Ticket.objects.count() == 2
    assert "№2" in client.get("/inbox/1/").content.decode()
