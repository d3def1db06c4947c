"""What an agent has begun is theirs, on every device, and no older window takes it away."""

import json
import re
import uuid
from datetime import timedelta
from html import unescape

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from tenants.events.models import Event
from tickets.models import Attachment, Draft, MessageKind
from tickets.services.attachments import delete_orphan_uploads

HX = {"HTTP_HX_REQUEST": "true"}


@pytest.fixture
def ticket(shop):
    return shop.customer_writes().ticket


@pytest.fixture
def agent(shop):
    return shop.client(shop.agent)


def save(client, ticket, text, version=0, kind="public", **fields):
    return client.post(
        f"/inbox/{ticket.number}/draft/", {"kind": kind, "text": text, "version": version, **fields}, **HX
    )


def shown(client, ticket):
    """The drafts that a freshly opened conversation brings."""
    page = client.get(f"/inbox/{ticket.number}/").content.decode()
    found = re.search(r'data-drafts="([^"]*)"', page)
    return json.loads(unescape(found[1]))


def test_a_draft_is_there_on_the_next_device_and_only_for_its_author(shop, agent, ticket):
    save(agent, ticket, "Здравствуйте, ваш")
    other_device = shop.client(shop.agent)
    assert [draft["text"] for draft in shown(other_device, ticket)] == ["Здравствуйте, ваш"]
    assert "ticket__draft" in other_device.get("/inbox/?view=open").content.decode()
    colleague = shop.client(shop.colleague)
    assert shown(colleague, ticket) == []
    assert "ticket__draft" not in colleague.get("/inbox/?view=open").content.decode()


def test_writing_on_goes_over_the_version_that_was_seen(agent, ticket):
    first = save(agent, ticket, "Раз").json()["draft"]["version"]
    second = save(agent, ticket, "Раз, два", first)
    assert second.status_code == 200 and int(second.json()["draft"]["version"]) > int(first)
    assert Draft.objects.get().text == "Раз, два"


def test_an_old_window_does_not_overwrite_newer_words(agent, ticket):
    old = save(agent, ticket, "Раз").json()["draft"]["version"]
    save(agent, ticket, "Новее", old)
    answer = save(agent, ticket, "Старое окно", old)
    assert answer.status_code == 409 and answer.json()["draft"]["text"] == "Новее"
    assert Draft.objects.get().text == "Новее"
    # Nor does one that knows of no draft at all.
    assert save(agent, ticket, "Ничего не знаю", 0).status_code == 409


def test_a_window_that_slept_does_not_bring_back_what_was_sent(agent, ticket):
    version = save(agent, ticket, "Готово").json()["draft"]["version"]
    save(agent, ticket, "", version)
    answer = save(agent, ticket, "Готово!", version)
    assert answer.status_code == 409 and answer.json()["draft"] is None
    assert not Draft.objects.exists()


def test_a_reply_and_a_note_are_begun_side_by_side_and_sending_takes_only_its_own(agent, ticket):
    save(agent, ticket, "Ответ ")
    save(agent, ticket, "Заметка", kind="note", mentions="u:1")
    data = {"client_id": str(uuid.uuid4()), "text": "Ответ", "kind": "public"}
    agent.post(f"/inbox/{ticket.number}/messages/", data, **HX)
    left = Draft.objects.get()
    assert (left.kind, left.text, left.content) == (MessageKind.NOTE, "Заметка", {"mentions": "u:1"})


def test_what_was_begun_after_sending_stays(agent, ticket):
    save(agent, ticket, "Уже следующее")
    data = {"client_id": str(uuid.uuid4()), "text": "Отправленное раньше", "kind": "public"}
    agent.post(f"/inbox/{ticket.number}/messages/", data, **HX)
    assert Draft.objects.get().text == "Уже следующее"


def test_a_scheduled_reply_is_no_draft_any_more(agent, ticket):
    save(agent, ticket, "Завтра")
    at = (timezone.now() + timedelta(hours=1)).isoformat()
    data = {"client_id": str(uuid.uuid4()), "text": "Завтра", "kind": "public", "send_at": at}
    agent.post(f"/inbox/{ticket.number}/messages/", data, **HX)
    assert not Draft.objects.exists()


def test_files_of_a_draft_outlive_the_clearing_of_uploads(shop, agent, ticket):
    def upload(client):
        file = SimpleUploadedFile("a.pdf", b"%PDF-1.4 text")
        return client.post("/inbox/uploads/", {"file": file}, **HX).json()["id"]

    held, loose, foreign = upload(agent), upload(agent), upload(shop.client(shop.colleague))
    save(agent, ticket, "", attachments=[held, foreign])
    assert [file["id"] for file in Draft.objects.get().content["files"]] == [held]
    Attachment.objects.update(created_at=timezone.now() - timedelta(days=5))
    assert delete_orphan_uploads(timedelta(days=2)) == 2
    assert [str(row) for row in Attachment.objects.values_list("id", flat=True)] == [held]
    assert loose != held


def test_keystrokes_leave_no_trace_but_the_agents_own_screens_hear(
    shop, agent, ticket, monkeypatch, django_capture_on_commit_callbacks
):
    frames = []
    monkeypatch.setattr("tickets.realtime.publish", lambda group, frame: frames.append((group, frame)))
    before = Event.objects.count()
    with django_capture_on_commit_callbacks(execute=True):
        version = save(agent, ticket, "Раз").json()["draft"]["version"]
        save(agent, ticket, "", version)
    assert Event.objects.count() == before
    assert [(str(shop.agent.id) in group, frame["version"]) for group, frame in frames] == [
        (True, version),
        (True, "0"),
    ]


@pytest.mark.parametrize("changes", [{"kind": "shout"}, {"version": "x"}, {"version": -1}, {"reply_to": "1; drop"}])
def test_what_makes_no_sense_is_refused(agent, ticket, changes):
    assert save(agent, ticket, "Раз", **{"version": 0, **changes}).status_code == 400
    assert not Draft.objects.exists()


def test_own_words_are_not_masked_before_those_who_may_not_see_details(shop, agent, ticket):
    shop.agent.sees_contact_details = False
    shop.agent.save()
    version = save(agent, ticket, "Пишите на help@example.com").json()["draft"]["version"]
    assert 'data-drafts=""' in agent.get(f"/inbox/{ticket.number}/").content.decode()
    (draft,) = agent.get(f"/inbox/{ticket.number}/draft/").json()["drafts"]
    assert (draft["text"], draft["version"]) == ("Пишите на help@example.com", version)
