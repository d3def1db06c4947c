"""What agents do in the inbox: write, assign, change, attach; every mistake gets a sentence and changes nothing."""

import uuid

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile

from tickets.models import Attachment, Delivery, Message, MessageKind, Tag, Ticket
from tickets.services.tickets import assign_ticket, set_status


def reader(workspace, user=None):
    """A browser that reads English."""
    client = workspace.client(user)
    client.cookies["language"] = "en"
    return client


HX = {"HTTP_HX_REQUEST": "true"}


@pytest.fixture
def ticket(shop):
    return shop.customer_writes().ticket


@pytest.fixture
def agent(shop):
    return reader(shop, shop.agent)


def write(client, ticket, text="Здравствуйте", **fields):
    data = {"client_id": str(uuid.uuid4()), "text": text, "kind": "public", **fields}
    return client.post(f"/inbox/{ticket.number}/messages/", data, **HX)


def test_a_reply_is_stored_once_however_often_it_is_sent(shop, agent, ticket):
    client_id = str(uuid.uuid4())
    first, second = (write(agent, ticket, client_id=client_id) for _ in range(2))
    message = Message.objects.get(author="agent")
    assert (message.delivery, message.user) == (Delivery.QUEUED, shop.agent)
    for answer in (first, second):
        assert f'id="m-{message.id}"' in answer.content.decode()
        assert f'data-client-id="{client_id}"' in answer.content.decode()


def test_a_note_goes_to_nobody(agent, ticket):
    answer = write(agent, ticket, "Проверить склад", kind="note")
    note = Message.objects.get(kind=MessageKind.NOTE)
    assert note.delivery == Delivery.NONE and "item--note" in answer.content.decode()


def test_send_and_solve_is_one_step(agent, ticket):
    write(agent, ticket, status="solved")
    ticket.refresh_from_db()
    assert ticket.status == "solved"


def test_a_quote_keeps_its_message(agent, ticket):
    first = Message.objects.get()
    answer = write(agent, ticket, reply_to=str(first.id))
    assert Message.objects.get(author="agent").reply_to == first
    assert f'href="#m-{first.id}"' in answer.content.decode()


def test_replying_takes_the_conversation_from_the_assistant(shop, agent, ticket):
    assign_ticket(ticket.id, assignee_id=shop.assistant.id, actor=None)
    write(agent, ticket)
    ticket.refresh_from_db()
    assert ticket.assignee == shop.agent


def test_without_scripts_a_form_brings_back_the_page(agent, ticket):
    data = {"client_id": str(uuid.uuid4()), "text": "Да", "kind": "public"}
    assert agent.post(f"/inbox/{ticket.number}/messages/", data)["Location"] == f"/inbox/{ticket.number}/"


@pytest.mark.parametrize(
    "changes",
    [
        {"text": ""},
        {"text": "   \n"},
        {"text": "x" * 20_001},
        {"client_id": "1"},
        {"kind": "shout"},
        {"status": "closed"},
        {"reply_to": "x"},
        {"reply_to": str(2**70)},
        {"attachments": "x"},
        {"attachments": str(uuid.uuid4())},
    ],
)
def test_what_cannot_be_posted_is_refused_with_a_reason(agent, ticket, changes):
    answer = write(agent, ticket, **changes)
    assert answer.status_code == 400
    assert 'role="alert"' in answer.content.decode()
    assert Message.objects.count() == 1


def test_a_closed_conversation_takes_notes_only(agent, ticket):
    set_status(ticket.id, status="closed", actor=None)
    assert write(agent, ticket).status_code == 409
    assert write(agent, ticket, kind="note").status_code == 200
    assert "data-closed" in agent.get(f"/inbox/{ticket.number}/").content.decode()


def test_files_are_uploaded_first_and_only_by_their_owner_attached(shop, agent, ticket):
    answer = agent.post("/inbox/uploads/", {"file": SimpleUploadedFile("чек 1.pdf", b"%PDF-1.4 text")}, **HX)
    stored = answer.json()
    assert stored["name"] == "чек 1.pdf"
    assert write(reader(shop, shop.colleague), ticket, "", attachments=stored["id"]).status_code == 400
    assert write(agent, ticket, "", attachments=stored["id"]).status_code == 200
    assert Message.objects.get(author="agent").attachments.get().name == "чек 1.pdf"
    # Once attached it cannot be attached again.
    assert write(agent, ticket, "", attachments=stored["id"]).status_code == 400


def test_programs_empty_and_missing_files_are_refused(agent):
    for file, status in [
        (SimpleUploadedFile("a.exe", b"MZ"), 415),
        (SimpleUploadedFile("a.txt", b""), 400),
        (None, 400),
    ]:
        answer = agent.post("/inbox/uploads/", {"file": file} if file else {}, **HX)
        assert answer.status_code == status and 'role="alert"' in answer.content.decode()
    assert not Attachment.objects.exists()


def test_too_large_a_file_is_refused_with_the_limit(agent, monkeypatch):
    monkeypatch.setattr(settings, "MAX_UPLOAD_BYTES", 1024 * 1024)
    answer = agent.post("/inbox/uploads/", {"file": SimpleUploadedFile("big.bin", b"x" * (1024 * 1024 + 1))}, **HX)
    assert answer.status_code == 413 and "1 MB" in answer.content.decode()


def change(client, ticket, what, value):
    return client.post(f"/inbox/{ticket.number}/{what}/", {"value": value}, **HX)


def test_every_fact_can_be_changed(shop, agent, ticket):
    for what, value in [("assign", shop.colleague.id), ("team", shop.team.id), ("status", "waiting"), ("priority", "4"),
                        ("tags", "VIP, доставка,, vip")]:  # fmt: skip
        answer = change(agent, ticket, what, value)
        assert answer.status_code == 200, what
        assert 'id="conversation-head"' in answer.content.decode() and 'id="details"' in answer.content.decode()
    ticket.refresh_from_db()
    assert (ticket.assignee, ticket.team, ticket.status, ticket.priority) == (shop.colleague, shop.team, "waiting", 4)
    assert sorted(Tag.objects.values_list("name", flat=True)) == ["VIP", "доставка"]
    for what in ("assign", "team"):
        change(agent, ticket, what, "")
    ticket.refresh_from_db()
    assert (ticket.assignee, ticket.team) == (None, None)


@pytest.mark.parametrize(
    ("what", "value"),
    [
        ("assign", "x"),
        ("assign", "00000000-0000-4000-8000-000000000000"),
        ("team", "999"),
        ("team", "-1"),
        ("status", "lost"),
        ("status", ""),
        ("priority", "9"),
        ("priority", ""),
    ],
)
def test_values_that_make_no_sense_change_nothing(agent, ticket, what, value):
    before = Ticket.objects.values().get()
    assert change(agent, ticket, what, value).status_code == 400
    assert Ticket.objects.values().get() == before


def test_what_is_known_of_the_customer_can_be_corrected(agent, ticket):
    data = {"contact-name": "Марина Котова", "contact-email": "marina@example.ru", "contact-phone": "+7 900"}
    agent.post(f"/inbox/{ticket.number}/contact/", data, **HX)
    ticket.contact.refresh_from_db()
    assert (ticket.contact.name, ticket.contact.email, ticket.contact.phone) == tuple(data.values())
    wrong = agent.post(f"/inbox/{ticket.number}/contact/", {**data, "contact-email": "нет"}, **HX)
    assert 'aria-invalid="true"' in wrong.content.decode() and "нет" in wrong.content.decode()
    ticket.contact.refresh_from_db()
    assert ticket.contact.email == "marina@example.ru"


def test_strangers_and_get_change_nothing(shop, rival, ticket):
    paths = ["messages", "assign", "team", "priority", "status", "tags", "contact"]
    for path in [f"/inbox/{ticket.number}/{part}/" for part in paths] + ["/inbox/uploads/"]:
        assert reader(shop).post(path, {"value": "solved"}, **HX).status_code == 401
        assert reader(shop, shop.agent).get(path).status_code == 405
        # The same number in another workspace is another conversation, or none.
        if path != "/inbox/uploads/":
            assert reader(rival, rival.agent).post(path, {"value": "solved"}, **HX).status_code == 404
    ticket.refresh_from_db()
    assert ticket.status == "open" and Message.objects.count() == 1


def test_a_form_from_another_site_is_refused(shop, ticket):
    client = reader(shop, shop.agent)
    client.handler.enforce_csrf_checks = True
    answer = client.post(f"/inbox/{ticket.number}/status/", {"value": "solved"}, HTTP_ACCEPT="text/html")
    assert answer.status_code == 403 and "open for too long" in answer.content.decode()
    ticket.refresh_from_db()
    assert ticket.status == "open"


def test_a_later_conversation_of_the_same_customer_keeps_the_old_one_closed(shop, agent, ticket):
    set_status(ticket.id, status="closed", actor=None)
    shop.customer_writes("снова я")
    answer = change(agent, ticket, "status", "open")
    assert answer.status_code == 409 and 'role="alert"' in answer.content.decode()
    page = agent.get(f"/inbox/{ticket.number}/").content.decode()
    assert "№2" in page
