"""Every fixture of the protocol, and what a correct system makes of it."""

import hashlib
import hmac
import json
import uuid
from pathlib import Path
from typing import Any

import pytest

from channels_app.base import (
    AddressBlocked,
    ButtonPressed,
    ChannelInfo,
    ConversationStarted,
    MessageReceived,
    Receipt,
    Unparsable,
)
from channels_app.viber.adapter import Adapter
from channels_app.viber.incoming import action_body, parse_event
from omnisupport.lib.errors import NotAuthenticated
from tests.standins.viber import TOKEN, USER

FIXTURES = Path(__file__).parent.parent / "fixtures"
SIGNATURES = dict(
    line.split("\t") for line in (FIXTURES / "SIGNATURES.tsv").read_text().splitlines() if line.startswith("fixtures/")
)


def load(name: str) -> dict[str, Any]:
    return json.loads((FIXTURES / f"{name}.json").read_text())


def parse(event: Any) -> list[Any]:
    return parse_event(json.dumps(event).encode())


def one(name: str) -> Any:
    results = parse_event((FIXTURES / f"{name}.json").read_bytes())
    assert len(results) == 1
    return results[0]


@pytest.fixture
def adapter():
    config = {"welcome": "Добро пожаловать!", "account_name": "Омни"}
    hook = "https://shop.example/hooks/viber/00000000-0000-0000-0000-000000000005/"
    return Adapter(ChannelInfo(uuid.UUID(int=5), "t_shop", "viber", config, {"token": TOKEN}, hook))


# ---- Signatures


@pytest.mark.parametrize("path", sorted(SIGNATURES))
def test_signatures_are_over_the_very_bytes(path, adapter):
    body = (FIXTURES / path.removeprefix("fixtures/")).read_bytes()
    adapter.verify({"x-viber-content-signature": SIGNATURES[path]}, body)
    again = json.dumps(json.loads(body)).encode()
    for spoiled in (again, body + b"\n", body.replace(b"1790", b"1791")):
        with pytest.raises(NotAuthenticated):
            adapter.verify({"x-viber-content-signature": SIGNATURES[path]}, spoiled)


def test_the_worked_example(adapter):
    body = (
        '{"event":"message","timestamp":1790400005000,"message_token":5741311803571721087,'
        '"sender":{"id":"01234567890A="},"message":{"type":"text","text":"Привет"}}'
    ).encode()
    given = "45c3b8f61eb93a7ea97b073e0935b1bf6175af68d23e6bc9501477e90ba227ff"
    adapter.verify({"x-viber-content-signature": given}, body)
    got = adapter.parse({}, body)[0]
    assert (got.incoming.external_id, got.incoming.text) == ("5741311803571721087", "Привет")


@pytest.mark.parametrize("given", [None, "", "sha256=", "я", "0" * 64])
def test_without_the_signature_nobody_gets_in(given, adapter):
    with pytest.raises(NotAuthenticated):
        adapter.verify({} if given is None else {"x-viber-content-signature": given}, b"{}")


def test_a_channel_without_token_trusts_nobody():
    bare = Adapter(ChannelInfo(uuid.UUID(int=5), "t_shop", "viber", {}, {}, ""))
    with pytest.raises(NotAuthenticated):
        bare.verify({"x-viber-content-signature": hmac.new(b"", b"{}", hashlib.sha256).hexdigest()}, b"{}")


# ---- Events


def test_text_with_its_sender():
    got = one("message_text")
    assert isinstance(got, MessageReceived)
    assert (got.address, got.profile.name, got.profile.language) == (USER, "Жанна Р.", "ru")
    assert (got.incoming.external_id, got.incoming.text) == ("5999000000000005585", "Добрый день, где мой заказ?")


@pytest.mark.parametrize(
    ("name", "kind", "file_name", "text"),
    [
        ("message_picture", "photo", "image-0-02-05.jpg", "Чек"),
        ("message_video", "video", "video.mp4", ""),
        ("message_file", "document", "Заявление.docx", ""),
        ("message_sticker", "sticker", "sticker.png", ""),
    ],
)
def test_files_and_the_words_with_them(name, kind, file_name, text):
    incoming = one(name).incoming
    assert [(file.kind, file.name) for file in incoming.files] == [(kind, file_name)]
    assert incoming.files[0].remote["url"].startswith("http")
    assert (incoming.text, "unsupported" in incoming.content) == (text, False)


def test_a_sticker_without_a_picture_has_its_number():
    event = load("message_sticker")
    del event["message"]["media"]
    assert parse(event)[0].incoming.content == {"sticker": "№46105"}


def test_a_place_and_an_address_on_the_web():
    place = one("message_location").incoming.content["location"]
    assert (place["latitude"], place["longitude"], place["address"]) == (43.238949, 76.889709, "Алматы")
    event = {**load("message_text"), "message": {"type": "url", "media": "https://shop.example/1"}}
    assert parse(event)[0].incoming.text == "https://shop.example/1"


def test_a_phone_is_the_customers_own_only_as_the_answer_to_a_button():
    shared = one("message_contact_shared_phone")
    assert (shared.profile.phone, shared.incoming.text) == ("+77010001122", "")
    assert shared.incoming.content["contact"] == {"name": "Жанна Р.", "phone": "+77010001122"}
    event = load("message_contact_shared_phone")
    del event["message"]["text"]
    other = parse(event)[0]
    assert other.profile.phone == "" and other.incoming.content["contact"]["phone"]


def test_a_pressed_button_comes_as_its_own_text():
    event = load("message_keyboard_reply")
    assert isinstance(parse(event)[0], MessageReceived)
    event["message"]["text"] = action_body("csat:5f1c:5", "👍 Отлично")
    pressed = parse(event)[0]
    assert isinstance(pressed, ButtonPressed)
    assert (pressed.incoming.text, pressed.incoming.content) == ("👍 Отлично", {"button": "csat:5f1c:5"})
    assert pressed.callback_id == ""


def test_opening_the_chat_carries_the_context_of_the_link():
    started = one("conversation_started_with_context")
    assert isinstance(started, ConversationStarted)
    assert (started.address, started.payload) == (USER, "site_widget_7f3a")
    event = load("conversation_started_with_context")
    del event["context"]
    assert parse(event)[0].payload == ""


def test_subscribing_and_leaving():
    assert one("subscribed") == AddressBlocked(USER, "")
    left = one("unsubscribed")
    assert isinstance(left, AddressBlocked) and left.address == USER and left.reason


def test_receipts():
    assert one("status_delivered") == Receipt(USER, "5999000000000014521", "delivered")
    assert one("status_seen") == Receipt(USER, "5999000000000014521", "read")
    failed = one("status_failed")
    assert (failed.state, failed.error) == ("failed", "failure description: keyboard is not valid")


@pytest.mark.parametrize("name", ["webhook", "client_status", "action", "of_next_year"])
def test_other_events_are_nothing_for_us(name):
    assert parse({**load("subscribed"), "event": name}) == []


@pytest.mark.parametrize(
    "message",
    [
        {"type": "rich_media", "x": 1},
        {"type": "of_next_year"},
        {"type": "picture"},
        {"type": "location", "location": 5},
        {"type": "contact", "contact": {}},
        {},
        None,
        "?",
    ],
)
def test_what_we_do_not_know_becomes_a_visible_placeholder(message):
    incoming = parse({**load("message_text"), "message": message})[0].incoming
    assert incoming.text and incoming.content["unsupported"]


def test_tokens_beyond_what_browsers_count_stay_whole():
    for token in (2**53 + 1, 2**63 + 5, str(2**63 + 5)):
        assert parse({**load("message_text"), "message_token": token})[0].incoming.external_id == str(token)


STRANGE: dict[str, Any] = {"null": None, "number": 2**70, "text": "\x00\ud800?", "list": [1], "object": {"a": [None]}}


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else []
    return ([path] if path else []) + [place for key, part in inner for place in places(part, (*path, key))]


@pytest.mark.parametrize("path", sorted(FIXTURES.glob("*.json")), ids=lambda path: path.stem)
@pytest.mark.parametrize("how", ["absent", *STRANGE])
def test_no_strange_part_costs_more_than_itself(path, how, adapter):
    """Only what names the event or the person is indispensable."""
    event = json.loads(path.read_text())
    something = bool(parse(event))
    for place in places(event):
        copy = json.loads(json.dumps(event))
        inside = copy
        for key in place[:-1]:
            inside = inside[key]
        if how == "absent":
            del inside[place[-1]]
        else:
            inside[place[-1]] = STRANGE[how]
        body = json.dumps(copy).encode()
        assert 0 < len(adapter.event_key({}, body)) <= 200
        adapter.reply({}, body)
        adapter.acknowledge(body)
        try:
            results = adapter.parse({}, body)
        except Unparsable:
            assert place[-1] in {"event", "user_id", "sender", "user", "id"}, place
            continue
        if something and place[-1] not in {"event", "message_token"}:
            assert results, place
        assert "\x00" not in repr(results) and "\\ud8" not in repr(results)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"{}", b'{"event": 5}', b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_callback_says_so(body, adapter):
    with pytest.raises(Unparsable):
        adapter.parse({}, body)
    assert adapter.event_key({}, body).startswith("sha256:")


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("message_text", "message|5999000000000005585"),
        ("status_delivered", f"delivered|5999000000000014521|{USER}"),
        ("status_seen", f"seen|5999000000000014521|{USER}"),
        ("subscribed", "subscribed|5999000000000003351"),
    ],
)
def test_the_same_event_has_the_same_key(name, key, adapter):
    assert adapter.event_key({}, (FIXTURES / f"{name}.json").read_bytes()) == key


# ---- What Viber hears


def test_the_try_of_the_address_is_answered_and_not_stored(adapter):
    assert adapter.reply({}, (FIXTURES / "webhook_set_check.json").read_bytes()) == b""
    assert adapter.reply({}, (FIXTURES / "message_text.json").read_bytes()) is None
    assert adapter.reply({}, json.dumps({**load("message_text"), "x": "webhook"}).encode()) is None


def test_who_opens_the_chat_is_welcomed_in_the_answer(adapter):
    welcome = json.loads(adapter.acknowledge((FIXTURES / "conversation_started_with_context.json").read_bytes()))
    assert welcome == {"sender": {"name": "Омни"}, "type": "text", "text": "Добро пожаловать!"}
    assert adapter.acknowledge((FIXTURES / "message_text.json").read_bytes()) == b""
    silent = Adapter(ChannelInfo(uuid.UUID(int=5), "t_shop", "viber", {"welcome": ""}, {"token": TOKEN}, ""))
    assert silent.acknowledge((FIXTURES / "conversation_started_with_context.json").read_bytes()) == b""


@pytest.mark.parametrize("kind", ["gif", "audio", "of_next_year"])
def test_a_kind_that_we_do_not_know_still_brings_its_file(kind):
    event = {
        **load("message_text"),
        "message": {"type": kind, "media": "https://dl-media.viber.com/1/a", "text": "вот"},
    }
    incoming = parse(event)[0].incoming
    assert (incoming.text, incoming.files[0].kind, "unsupported" in incoming.content) == ("вот", "document", False)


@pytest.mark.parametrize("given", ["79161234567", "8 (916) 123-45-67", "+7 916 123-45-67", 79161234567])
def test_a_phone_has_one_spelling(given):
    event = load("message_contact_shared_phone")
    event["message"]["contact"]["phone_number"] = given
    assert parse(event)[0].profile.phone == "+79161234567"
