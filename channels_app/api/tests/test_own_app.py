"""A shop's own app as a channel: signed events in through the running server, signed replies out, each once."""

import base64
import json
import time
import uuid

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from channels_app.models import Channel, InboundEvent
from channels_app.registry import adapter_for
from channels_app.services import delivery
from channels_app.services.channels import check_channel, connect_channel, create_channel, renew_secret
from channels_app.services.inbound import drain_channel
from channels_app.services.media import fetch_attachment
from omnisupport.lib.errors import InvalidInput
from tests.standins.app import AppStandIn, signed
from tests.standins.server import Answer
from tickets.models import Attachment, Contact, ContactAddress, Message, Ticket
from tickets.services.attachments import store_upload
from tickets.services.post import post_message

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
MARINA = {
    "id": "user-81",
    "name": "Марина",
    "email": "marina@example.com",
    "phone": "+79990001122",
    "language": "ru-RU",
}


@pytest.fixture
def app(settings):
    with AppStandIn() as stand_in:
        settings.OUTBOUND_ALLOWED_HOSTS = [stand_in.host]
        yield stand_in


def make_channel(app):
    channel = create_channel(kind="api", name="App", config={"callback_url": app.callback}, secrets={})
    app.secret = renew_secret(channel.id)
    return connect_channel(channel.id)


@pytest.fixture
def channel(shop, app):
    channel = make_channel(app)
    app.taken.clear()
    return channel


def receive(channel, *events, envelope=True):
    """What the ingress stores, then the drainer."""
    body = json.dumps({"events": list(events)} if envelope else events[0], ensure_ascii=False).encode()
    key = adapter_for(channel).event_key({}, body)
    InboundEvent.objects.get_or_create(channel=channel, event_key=key, defaults={"body": body})
    drain_channel(channel.id)


def event(type="message", **fields):
    return {"type": type, "from": MARINA, **fields}


def say(shop, ticket, text="Здравствуйте", **fields):
    return post_message(ticket_id=ticket.id, client_id=uuid.uuid4(), text=text, user=shop.agent, **fields)


def state(message):
    message.refresh_from_db()
    return message.delivery, message.delivery_error


# ---- Set-up


def test_connecting_posts_a_signed_ping(shop, app):
    channel = make_channel(app)
    assert (channel.health, channel.external_id) == ("ok", str(channel.id))
    assert [taken["type"] for taken in app.taken] == ["ping"]


def test_an_app_that_does_not_know_the_secret_is_told_of(shop, app):
    channel = make_channel(app)
    renew_secret(channel.id)
    check_channel(channel.id)
    channel.refresh_from_db()
    assert channel.health == "broken" and "401" in channel.health_note


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1/x", "https://app.internal/", "ftp://a.example/", "https://u:p@a.example/", "x", "http://["],
)
def test_addresses_inside_are_refused(shop, url):
    with pytest.raises(InvalidInput):
        create_channel(kind="api", name="App", config={"callback_url": url}, secrets={})


def test_the_secret_is_shown_once_on_the_page(shop, app):
    channel = make_channel(app)
    browser = shop.client(shop.admin)
    page = browser.get(f"/channels/{channel.id}/").content.decode()
    assert app.secret not in page and f"/hooks/api/{channel.id}/" in page
    answer = browser.post(f"/channels/{channel.id}/secret/")
    channel.refresh_from_db()
    assert channel.secrets["secret"] != app.secret
    assert channel.secrets["secret"] in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]
    assert channel.secrets["secret"] not in browser.get(f"/channels/{channel.id}/").content.decode()
    assert shop.client(shop.agent).post(f"/channels/{channel.id}/secret/").status_code == 403


def test_saving_the_settings_keeps_the_secret(shop, app):
    channel = make_channel(app)
    form = {"name": "App 2", "first_assignee": "", "config_callback_url": f"{app.callback}?v=2"}
    assert shop.client(shop.admin).post(f"/channels/{channel.id}/", form).status_code == 302
    channel.refresh_from_db()
    assert (channel.name, channel.secrets["secret"], channel.health) == ("App 2", app.secret, "ok")


# ---- In


def test_events_come_in_by_signature_only_and_once(live_shop, web, settings):
    with live_shop.enter():
        channel = Channel.objects.create(kind="api", name="App", config={"callback_url": "https://a.example/"})
        secret = renew_secret(channel.id)
    path, body = f"/hooks/api/{channel.id}/", json.dumps(event(id="m1", text="Где заказ?")).encode()
    other = Channel.objects.create(kind="api", name="Other", config={"callback_url": "https://a.example/"})
    now = time.time()
    refused = [
        {},
        signed("wrong", body),
        signed(secret, body + b" "),
        signed(secret, body, now - 301),
        signed(secret, body, now + 400),
        {**signed(secret, body), "X-Omni-Timestamp": str(int(now) + 1)},
        {**signed(secret, body), "X-Omni-Timestamp": "٣"},
        signed("", body),
    ]
    with web.client(live_shop) as http:
        statuses = [
            http.post(path, content=body, headers={k: v.encode() for k, v in headers.items()}).status_code
            for headers in refused
        ]
        assert statuses == [401] * len(refused)
        # Another channel without a secret yet takes nothing, whatever it is signed with.
        assert http.post(f"/hooks/api/{other.id}/", content=body, headers=signed("", body)).status_code == 401
        assert not InboundEvent.objects.exists()
        assert {http.post(path, content=body, headers=signed(secret, body)).status_code for _ in range(3)} == {200}
    drain_channel(channel.id)
    assert Message.objects.get().text == "Где заказ?"
    assert Contact.objects.get().email == "marina@example.com"


def test_what_the_app_knows_of_a_person_is_kept(channel):
    receive(
        channel, {"from": {**MARINA, "attributes": {"plan": "gold", "odd": {"a": 1}}}, "id": "m1", "text": "Привет"}
    )
    contact = Contact.objects.get()
    assert (contact.name, contact.phone, contact.language) == ("Марина", "+79990001122", "ru")
    assert ContactAddress.objects.get().details["facts"] == {"plan": "gold"}


def test_places_buttons_quotes_and_times(channel):
    receive(
        channel,
        event(id="m1", text="раз", sent_at="2026-11-20T10:00:00Z"),
        event(id="m2", button={"text": "Да", "value": "yes"}, reply_to="m1"),
        event(id="m3", location={"latitude": 55.7, "longitude": 37.6, "title": "Склад"}),
    )
    first, second, third = Message.objects.order_by("id")
    assert first.sent_at.isoformat() == "2026-11-20T10:00:00+00:00"
    assert (second.text, second.content["button"], second.reply_to) == ("Да", "yes", first)
    assert third.content["location"] == {"latitude": 55.7, "longitude": 37.6, "title": "Склад"}


def test_edits_deletions_reactions_and_blocks(channel):
    receive(channel, event(id="m1", text="заказ 4470"))
    receive(channel, event("edit", message_id="m1", text="заказ 4471"), event("reaction", message_id="m1", emoji="👍"))
    message = Message.objects.get()
    assert message.text == "заказ 4471" and message.edited_at and message.content["reactions"] == ["👍"]
    receive(channel, event("delete", message_id="m1"), event("blocked", reason="удалил приложение"))
    message.refresh_from_db()
    assert message.deleted_at and ContactAddress.objects.get().unreachable_reason == "удалил приложение"
    receive(channel, event("blocked", on=False))
    assert not ContactAddress.objects.get().unreachable_reason


def test_a_file_by_address_and_one_inside_the_event(channel, app):
    app.files["/cat.png"] = PNG
    inside = base64.b64encode(b"%PDF-1.4 data").decode()
    receive(
        channel,
        event(id="m1", files=[{"url": f"{app.url}/cat.png", "mime": "image/png"}, {"name": "акт.pdf", "data": inside}]),
        event(
            id="m2", files=[{"name": "x", "data": "@@@"}, {"url": f"{app.url}/gone"}, {"url": "http://127.0.0.1:1/"}]
        ),
    )
    for attachment in Attachment.objects.all():
        fetch_attachment(attachment.id)
    rows = {a.name: a for a in Attachment.objects.all()}
    assert (rows["cat.png"].state, rows["cat.png"].mime, rows["cat.png"].kind) == ("ready", "image/png", "photo")
    assert (rows["акт.pdf"].state, rows["акт.pdf"].mime, rows["акт.pdf"].size) == ("ready", "application/pdf", 13)
    assert [rows[name].state for name in ("x", "gone", "file")] == ["failed"] * 3
    assert all(rows[name].error for name in ("x", "gone", "file"))


@pytest.mark.parametrize(
    "strange",
    [
        event("poll", id="m1", options=[1, 2]),
        event(id="m1"),
        {"from": MARINA, "type": ["x"], "id": "m1", "text": {"a": 1}},
    ],
)
def test_what_is_not_understood_is_a_placeholder_with_its_raw(shop, channel, strange):
    receive(channel, strange)
    message = Message.objects.get()
    assert message.content["unsupported"]
    raw = f"/admin/channels_app/inboundevent/{message.content['ledger']}/change/"
    assert shop.client(shop.admin).get(raw).status_code == 200
    thread = f"/inbox/{message.ticket.number}/"
    assert raw in shop.client(shop.admin).get(thread).content.decode()
    assert raw not in shop.client(shop.agent).get(thread).content.decode()


def test_one_bad_event_of_a_list_spoils_none_beside_it(channel):
    receive(channel, event(id="m1", text="раз"), "strange", {"text": "чей?"}, event(id="m2", text="два", files="no"))
    assert list(Message.objects.order_by("id").values_list("text", flat=True)) == ["раз", "два"]
    row = InboundEvent.objects.get()
    assert row.state == "failed" and row.error == "Event 2 is not an object."


@pytest.mark.parametrize("body", [b"\xff", b"[]", b"{", b"null", b"[" * 50_000, b'{"events": "x"}', b"{}"])
def test_garbage_fails_with_its_reason(channel, body):
    InboundEvent.objects.create(channel=channel, event_key="x", body=body)
    drain_channel(channel.id)
    row = InboundEvent.objects.get()
    assert row.state == "failed" and row.error and not Message.objects.exists()


def test_nul_and_broken_letters_cost_a_detail(channel):
    body = b'{"id":"m\\u0000","from":{"id":"u\\u0000","name":"A\\ud800"},"text":"a\\u0000b\\ud800"}'
    InboundEvent.objects.create(channel=channel, event_key="x", body=body)
    drain_channel(channel.id)
    assert Message.objects.get().text == "ab?"


def test_agents_see_that_the_customer_writes(channel, monkeypatch, django_capture_on_commit_callbacks):
    from tickets import realtime

    frames = []
    monkeypatch.setattr(realtime, "publish", lambda group, frame: frames.append(frame))
    receive(channel, event(id="m1", text="Привет"))
    with django_capture_on_commit_callbacks(execute=True):
        receive(channel, event("typing"), event("typing", sent_at=time.time() - 60, on=False))
    ticket = Ticket.objects.get()
    typing = {"type": "typing", "ticket": str(ticket.id), "who": "Марина", "on": True, "visitor": True}
    assert [frame for frame in frames if frame["type"] == "typing"] == [typing]
    assert Message.objects.count() == 1


# ---- Out


@pytest.fixture
def ticket(channel):
    receive(channel, event(id="m1", text="Где заказ?"))
    return Ticket.objects.get()


def test_a_reply_is_posted_with_everything_it_has(shop, channel, ticket, app):
    question = Message.objects.get()
    buttons, sources = [{"text": "Да", "value": "yes"}], [{"n": 1, "title": "Доставка", "page": 2}]
    content = {"buttons": buttons, "citations": sources}
    message = say(shop, ticket, "Завтра [1]", content=content, reply_to_id=question.id)
    delivery.deliver_chat(ticket.address_id)
    assert app.taken == [
        {
            "id": str(message.client_id), "type": "message", "to": "user-81", "text": "Завтра [1]", "files": [],
            "buttons": buttons, "citations": sources, "reply_to": "m1", "ticket": ticket.number, "automatic": False,
        }
    ]  # fmt: skip
    assert app.requests[-1].headers["idempotency-key"] == str(message.client_id)
    assert state(message)[0] == "sent" and message.external_id == str(message.client_id)


def test_files_of_a_reply_are_links_that_open(shop, channel, ticket, app):
    upload = store_upload(SimpleUploadedFile("акт.pdf", b"%PDF-1.4 data"), user=shop.agent)
    say(shop, ticket, "", attachment_ids=[upload.id])
    delivery.deliver_chat(ticket.address_id)
    (file,) = app.taken[0]["files"]
    assert (file["name"], file["mime"], file["size"]) == ("акт.pdf", "application/pdf", 13)
    path = file["url"].partition(shop.host)[2].partition("/")[2]
    assert b"".join(shop.client().get(f"/{path}")) == b"%PDF-1.4 data"


def test_the_apps_own_id_is_kept_and_receipts_name_either(shop, channel, ticket, app):
    app.answer = {"external_id": "app-77"}
    first, second = say(shop, ticket, "раз"), say(shop, ticket, "два")
    delivery.deliver_chat(ticket.address_id)
    assert state(first)[0] == "sent" and first.external_id == "app-77"
    receive(channel, event("delivered", message_id="app-77"))
    assert state(first)[0] == "delivered"
    receive(channel, event("read", message_id=str(second.client_id)))
    assert state(second)[0] == "read"
    # It called both alike: the second is sent all the same, and not sent again for want of a name.
    assert len(app.of("message")) == 2


def test_a_lost_answer_is_retried_under_the_same_key_and_arrives_once(shop, channel, ticket, app):
    message = say(shop, ticket)

    def takes_it_and_dies(request):
        app.handle(request)
        return Answer(raw=[])

    app.script(takes_it_and_dies)
    delivery.deliver_chat(ticket.address_id)
    assert state(message)[0] == "queued"
    Message.objects.update(due_at=None)
    delivery.deliver_chat(ticket.address_id)
    assert state(message)[0] == "sent"
    assert len(app.of("message")) == 1
    assert [r.headers["idempotency-key"] for r in app.requests[-2:]] == [str(message.client_id)] * 2


@pytest.mark.parametrize(("status", "after"), [(400, "failed"), (404, "failed"), (422, "failed"), (302, "failed"),
                                               (408, "queued"), (425, "queued"), (429, "queued"), (500, "queued")])  # fmt: skip
def test_statuses(shop, channel, ticket, app, status, after):
    message = say(shop, ticket)
    app.script(Answer(status, json={"why": "потому"}, headers={"Location": "http://169.254.169.254/"}))
    delivery.deliver_chat(ticket.address_id)
    assert state(message)[0] == after
    assert str(status) in message.delivery_error and "потому" in message.delivery_error


def test_a_pause_is_obeyed(shop, channel, ticket, app):
    message = say(shop, ticket)
    app.script(Answer(503, headers={"Retry-After": "90"}))
    delivery.deliver_chat(ticket.address_id)
    assert state(message)[0] == "queued"
    assert 85 < message.due_at.timestamp() - time.time() < 95


def test_an_app_that_refuses_our_signature_breaks_the_channel(shop, channel, ticket, app):
    app.secret = "changed"
    message = say(shop, ticket)
    delivery.deliver_chat(ticket.address_id)
    channel.refresh_from_db()
    assert state(message)[0] == "failed" and channel.health == "broken"


@pytest.mark.parametrize(
    "moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "1969-12-31", -5e10, 9e9, 1790400000000]
)
def test_a_time_that_cannot_be_costs_itself_and_not_the_conversation(shop, channel, moment):
    """PostgreSQL keeps times that Python cannot read back: one such would have shut the conversation for ever."""
    receive(channel, event(id="m-1", text="Привет", sent_at=moment))
    message = Message.objects.get()
    assert message.text == "Привет" and 2020 < message.sent_at.year < 2100
    assert shop.client(shop.agent).get(f"/inbox/{message.ticket.number}/").status_code == 200


@pytest.mark.parametrize("kind", [None, "", 5])
def test_an_event_without_its_type_is_a_message(channel, kind):
    receive(channel, event(kind, id="m-1", text="Привет"))
    assert "unsupported" not in Message.objects.get(text="Привет").content


def test_what_is_over_the_limits_is_told_of(channel):
    files = [{"url": f"https://app.example/{number}.jpg"} for number in range(25)]
    receive(channel, event(id="m-1", text="Смотрите", files=files), event(id="m-2", text="я" * 50_001))
    many, long = Message.objects.order_by("id")
    assert many.attachments.count() == 20 and many.text.startswith("Смотрите\n[") and "5" in many.text
    assert long.text.startswith("я" * 50_000 + "\n[")
