"""Every fixture of the protocol, and what a correct system makes of it."""

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
    DeletedMessage,
    EditedMessage,
    MessageReceived,
    Unparsable,
)
from channels_app.max.adapter import Adapter
from channels_app.max.incoming import parse_update
from omnisupport.lib.crypto import derive_secret
from omnisupport.lib.errors import NotAuthenticated
from tests.spoiling import spoil, spoiled
from tests.standins.max import TOKEN

FIXTURES = Path(__file__).parent.parent / "fixtures"
PERSON = "48110022"


def load(name: str) -> dict[str, Any]:
    return json.loads((FIXTURES / f"{name}.json").read_text())


def parse(update: Any) -> list[Any]:
    return parse_update(json.dumps(update).encode(), TOKEN)


def one(name: str) -> Any:
    results = parse_update((FIXTURES / f"{name}.json").read_bytes(), TOKEN)
    assert len(results) == 1
    return results[0]


@pytest.fixture
def adapter():
    info = ChannelInfo(uuid.UUID(int=5), "t_shop", "max", {}, {"token": TOKEN}, "https://shop.example/hooks/max/5/")
    return Adapter(info)


def test_text_with_its_sender_and_where_to_answer():
    got = one("message_created_text")
    assert isinstance(got, MessageReceived)
    assert (got.address, got.profile.name, got.profile.language) == (PERSON, "Тимур Ахметов", "ru")
    assert got.profile.details == {"chat_id": "305518902"}
    assert got.incoming.external_id == "mid.000000001235d3f6019d8040a1b2c3d1"
    assert got.incoming.text == "Здравствуйте! Как перенести запись на субботу?"
    assert got.incoming.sent_at.year == 2026


@pytest.mark.parametrize(
    ("name", "kind", "file_name", "text"),
    [
        ("message_created_image", "photo", "photo.jpg", "Скриншот ошибки"),
        ("message_created_file", "document", "Выписка.xlsx", ""),
        ("message_created_audio_voice", "voice", "voice.ogg", ""),
        ("message_created_video", "video", "video.mp4", ""),
        ("message_created_sticker", "sticker", "sticker.webp", ""),
    ],
)
def test_files_and_the_words_with_them(name, kind, file_name, text):
    incoming = one(name).incoming
    assert [(file.kind, file.name) for file in incoming.files] == [(kind, file_name)]
    assert incoming.files[0].remote["url"].startswith("https://") and incoming.files[0].remote["key"]
    assert (incoming.text, "unsupported" in incoming.content) == (text, False)


def test_a_video_is_asked_for_by_its_token_and_a_voice_brings_its_transcription():
    assert one("message_created_video").incoming.files[0].remote["video"] == "demo_video_token_4"
    update = load("message_created_audio_voice")
    update["message"]["body"]["attachments"][0]["transcription"] = "перезвоните мне"
    assert parse(update)[0].incoming.text == "перезвоните мне"


def test_a_place_and_a_card_that_max_vouches_for():
    assert one("message_created_location").incoming.content["location"] == {
        "latitude": 55.796127,
        "longitude": 49.106414,
    }
    card = one("message_created_contact_requested")
    assert card.incoming.content["contact"] == {"name": "Тимур Ахметов", "phone": "+79990007788"}
    assert card.profile.phone == "+79990007788"


@pytest.mark.parametrize("change", ["no hash", "wrong hash", "other card", "other person", "line ends", "forwarded"])
def test_any_other_card_is_shown_and_not_believed(change):
    update = load("message_created_contact_requested")
    payload = update["message"]["body"]["attachments"][0]["payload"]
    match change:
        case "no hash":
            del payload["hash"]
        case "wrong hash":
            payload["hash"] = "a2f81e3c" + payload["hash"][8:]
        case "other card":
            payload["vcf_info"] = payload["vcf_info"].replace("7788", "7789")
        case "other person":
            payload["max_info"]["user_id"] = 5
        case "line ends":
            payload["vcf_info"] = payload["vcf_info"].replace("\r\n", "\n")
        case "forwarded":
            body = update["message"]["body"]
            update["message"]["link"] = {"type": "forward", "message": body}
            update["message"]["body"] = {"mid": "mid.1", "text": None}
    got = parse(update)[0]
    assert got.profile.phone == ""
    assert got.incoming.content["contact"]["phone"]


def test_a_reply_names_what_it_answers():
    incoming = one("message_created_reply").incoming
    assert incoming.reply_to_external_id == "mid.000000001235d3f6019d7aaaaaaaaaaa"
    assert incoming.content["quote"] == "Вы про запись на 14:30?"


def test_a_forward_has_its_words_and_files_inside():
    update, photo = load("message_created_text"), load("message_created_image")
    update["message"]["body"]["text"] = None
    update["message"]["link"] = {"type": "forward", "sender": {"user_id": 9, "name": "Роза"}, "chat_id": 4,
                                 "message": photo["message"]["body"]}  # fmt: skip
    incoming = parse(update)[0].incoming
    assert (incoming.text, incoming.content) == ("Скриншот ошибки", {"forwarded_from": "Роза"})
    assert len(incoming.files) == 1 and incoming.reply_to_external_id == ""


def test_a_link_preview_and_a_hidden_address_are_readable():
    update = load("message_created_text")
    update["message"]["body"] = {
        "mid": "mid.1", "text": "вот тут https://shop.example/1",
        "markup": [{"from": 0, "length": 3, "type": "link", "url": "https://shop.example/2"}],
        "attachments": [{"type": "share", "payload": {"url": "https://shop.example/1"}, "title": "Байдарка"}],
    }  # fmt: skip
    incoming = parse(update)[0].incoming
    assert incoming.text == "вот тут https://shop.example/1\nhttps://shop.example/2\nБайдарка"
    assert "unsupported" not in incoming.content


def test_an_edit_and_a_removal():
    edited = one("message_edited")
    assert isinstance(edited, EditedMessage) and edited.incoming.text.endswith("воскресенье?")
    assert edited.edited_at.timestamp() == 1790300010
    assert one("message_removed") == DeletedMessage(PERSON, "mid.000000001235d3f6019d8040a1b2c3d2")


def test_a_press_is_the_persons_and_not_the_bots():
    pressed = one("message_callback")
    assert isinstance(pressed, ButtonPressed)
    assert (pressed.address, pressed.callback_id, pressed.incoming.text) == (PERSON, "DEMO_cb_0001", "👍")
    assert pressed.incoming.content["button"] == "csat:5f1c:5"
    assert pressed.incoming.reply_to_external_id == "mid.000000001235d3f6019d8040a1b2c3db"


def test_a_press_on_a_message_that_is_gone():
    pressed = parse({**load("message_callback"), "message": None})[0]
    assert (pressed.address, pressed.incoming.text) == (PERSON, "csat:5f1c:5")


def test_start_carries_its_payload_and_may_have_none():
    started = one("bot_started_with_payload")
    assert isinstance(started, ConversationStarted)
    assert (started.address, started.payload) == (PERSON, "site_widget_7f3a")
    plain = parse({**load("bot_started_with_payload"), "payload": None})[0]
    assert (plain.payload, plain.incoming.text) == ("", "/start")


def test_stopping_the_bot_and_deleting_the_chat_say_the_same():
    stopped = one("bot_stopped")
    assert isinstance(stopped, AddressBlocked) and stopped.address == PERSON and stopped.reason
    assert parse({**load("bot_stopped"), "update_type": "dialog_removed"}) == [stopped]


def test_groups_bots_and_other_news_are_none_of_ours():
    assert parse(load("message_created_group_ignored")) == []
    echo = load("message_created_text")
    echo["message"]["sender"]["is_bot"] = True
    assert parse(echo) == []
    for kind in ("dialog_muted", "dialog_cleared", "bot_added", "comment_created", "of_next_year"):
        assert parse({**load("bot_stopped"), "update_type": kind}) == []
    for name in ("bot_stopped", "message_removed", "bot_started_with_payload"):
        assert parse({**load(name), "chat_id": -5}) == []


@pytest.mark.parametrize("attachments", [[{"type": "poll_of_next_year", "x": 1}], [{"type": "file", "payload": None}],
                                         [{"type": "location"}], [{}], ["?"], None, [], "strange"])  # fmt: skip
def test_what_we_do_not_know_becomes_a_visible_placeholder(attachments):
    update = load("message_created_text")
    update["message"]["body"] |= {"text": None, "attachments": attachments}
    incoming = parse(update)[0].incoming
    assert incoming.text and incoming.content["unsupported"]


def test_a_keyboard_in_a_message_is_nothing_to_show():
    update = load("message_created_text")
    update["message"]["body"]["attachments"] = [{"type": "inline_keyboard", "payload": {"buttons": []}}]
    assert "unsupported" not in parse(update)[0].incoming.content


@pytest.mark.parametrize("path", sorted(FIXTURES.glob("*.json")), ids=lambda path: path.stem)
def test_no_strange_part_costs_more_than_itself(path, adapter):
    """Only what names the event or the person is indispensable."""
    update = json.loads(path.read_text())
    silent = bool(parse(update))
    for place, how in spoiled(update):
        strange = spoil(update, place, how)
        body = json.dumps(strange).encode()
        assert len(adapter.event_key({}, body)) <= 200
        needed = {
            "update_type",
            "user_id",
            "sender",
            "user",
            "message",
            "callback",
            "chat_type",
            "recipient",
            "chat_id",
        }
        try:
            results = adapter.parse({}, body)
        except Unparsable:
            assert place[-1] in needed, (place, how)
            continue
        if silent and place[-1] not in {*needed, "message_id"}:
            assert results, (place, how)
        assert "\x00" not in repr(results) and "\\ud8" not in repr(results)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"{}", b'{"update_type": 5}', b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_update_says_so(body, adapter):
    with pytest.raises(Unparsable):
        adapter.parse({}, body)
    assert adapter.event_key({}, body).startswith("sha256:")


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("message_created_text", "message_created|mid.000000001235d3f6019d8040a1b2c3d1"),
        ("message_edited", "message_edited|mid.000000001235d3f6019d8040a1b2c3d1|1790300010000"),
        ("message_removed", "message_removed|mid.000000001235d3f6019d8040a1b2c3d2"),
        ("message_callback", "message_callback|DEMO_cb_0001|1790300500000"),
        ("bot_started_with_payload", "bot_started|305518902|48110022|1790300001000"),
        ("bot_stopped", "bot_stopped|305518902|48110022|1790300011000"),
    ],
)
def test_the_same_event_has_the_same_key(name, key, adapter):
    assert adapter.event_key({}, (FIXTURES / f"{name}.json").read_bytes()) == key
    if name.startswith("message_created"):
        assert adapter.event_key({}, json.dumps({**load(name), "timestamp": 5}).encode()) == key


def test_only_the_secret_of_this_channel_lets_an_update_in(adapter):
    secret = derive_secret("max:00000000-0000-0000-0000-000000000005")
    adapter.verify({"x-max-bot-api-secret": secret}, b"{}")
    for headers in (
        {},
        {"x-max-bot-api-secret": ""},
        {"x-max-bot-api-secret": secret + "x"},
        {"x-max-bot-api-secret": "я"},
    ):
        with pytest.raises(NotAuthenticated):
            adapter.verify(headers, b"{}")
