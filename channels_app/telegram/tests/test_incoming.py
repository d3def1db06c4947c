"""Every fixture of the protocol, and what a correct system makes of it."""

import json
from pathlib import Path
from typing import Any

import pytest

from channels_app.base import (
    AddressBlocked,
    ButtonPressed,
    ConversationStarted,
    Echo,
    EditedMessage,
    MessageReceived,
    Reaction,
    Unparsable,
)
from channels_app.telegram.incoming import parse_update

FIXTURES = Path(__file__).parent.parent / "fixtures"


def parse(name: str) -> list[Any]:
    return list(parse_update((FIXTURES / f"{name}.json").read_bytes()))


def one(name: str) -> Any:
    results = parse(name)
    assert len(results) == 1
    return results[0]


def test_text_with_its_sender():
    got = one("message_text")
    assert isinstance(got, MessageReceived)
    assert (got.address, got.profile.name, got.profile.language) == ("710455821", "Марина Селезнёва", "ru")
    assert (got.incoming.external_id, got.incoming.text[:12]) == ("1201", "Здравствуйте")


@pytest.mark.parametrize(
    ("name", "kind", "file_id", "text"),
    [
        ("message_photo_caption", "photo", "AgACAgIAAxkBAAIk1y", "Вот фото поломки"),
        ("message_document", "document", "BQACAgIAAxkBAAIdoc01", "Акт во вложении"),
        ("message_voice", "voice", "AwACAgIAAxkBAAIvoi01", ""),
        ("message_audio", "audio", "CQACAgIAAxkBAAIaud01", ""),
        ("message_video", "video", "BAACAgIAAxkBAAIvid01", ""),
        ("message_sticker", "sticker", "CAACAgIAAxkBAAIsti01", ""),
    ],
)
def test_files_and_their_captions(name, kind, file_id, text):
    incoming = one(name).incoming
    assert [(file.kind, file.remote["file_id"]) for file in incoming.files] == [(kind, file_id)]
    assert incoming.text == text
    assert "unsupported" not in incoming.content


def test_a_document_keeps_its_name():
    assert one("message_document").incoming.files[0].name == "Акт сверки (ноябрь).pdf"


def test_a_place_and_a_card():
    assert one("message_location").incoming.content["location"]["latitude"] == 59.93428
    card = one("message_contact_own")
    assert card.profile.phone == "+79990001122"
    assert card.incoming.content["contact"]["name"] == "Марина Селезнёва"


def test_somebody_elses_card_is_not_the_customers_phone():
    update = json.loads((FIXTURES / "message_contact_own.json").read_text())
    update["message"]["contact"]["user_id"] = 1
    assert parse_update(json.dumps(update).encode())[0].profile.phone == ""


def test_a_reply_names_what_it_answers():
    incoming = one("message_reply_with_quote").incoming
    assert incoming.reply_to_external_id == "1199"
    assert incoming.content["quote"] == "заказ №4471"


def test_start_carries_its_payload():
    started = one("message_start_with_payload")
    assert isinstance(started, ConversationStarted)
    assert started.payload == "site_widget_7f3a"


def test_an_edit_and_a_press_and_a_block():
    edited = one("edited_message_text")
    assert isinstance(edited, EditedMessage) and edited.incoming.external_id == "1201"
    pressed = one("callback_query")
    assert isinstance(pressed, ButtonPressed)
    assert (pressed.incoming.text, pressed.incoming.content["button"]) == ("👍", "csat:5f1c:5")
    blocked = one("my_chat_member_blocked")
    assert isinstance(blocked, AddressBlocked) and blocked.reason


def test_groups_are_none_of_ours():
    assert parse("group_message_ignored") == []


def test_every_fixture_is_understood():
    silent = [path.stem for path in FIXTURES.glob("*.json") if not parse_update(path.read_bytes())]
    assert silent == ["group_message_ignored"]


MESSAGE = {
    "message_id": 5,
    "from": {"id": 7, "first_name": "А"},
    "chat": {"id": 7, "type": "private"},
    "date": 1790008407,
}


@pytest.mark.parametrize(
    "content",
    [
        {"dice": {"emoji": "🎲", "value": 3}},
        {"poll": {"id": "1"}},
        {"something_of_next_year": {"deep": [1, {"x": None}]}},
        {"photo": []},
        {"document": {"no_file_id": True}},
        {"voice": None},
        {},
    ],
)
def test_what_we_do_not_know_becomes_a_visible_placeholder(content):
    update = {"update_id": 1, "message": {**MESSAGE, **content}}
    incoming = parse_update(json.dumps(update).encode())[0].incoming
    assert incoming.text and "unsupported" in incoming.content


def test_strange_parts_do_not_cost_the_text():
    update = {
        "update_id": 1,
        "message": {**MESSAGE, "text": "привет", "sticker": 5, "location": "x", "contact": [], "quote": 1},
    }
    assert parse_update(json.dumps(update).encode())[0].incoming.text.startswith("привет")


def test_albums_stay_together_and_ephemeral_messages_apart():
    update = {"update_id": 9, "message": {**MESSAGE, "message_id": 0, "text": "x", "media_group_id": "g1"}}
    incoming = parse_update(json.dumps(update).encode())[0].incoming
    assert (incoming.content["group"], incoming.external_id) == ("g1", "update:9")


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b'{"update_id": "x"}', b"\xff\xfe", b'{"update_id": 1, "message": {}}']
)
def test_what_is_no_update_says_so(body):
    with pytest.raises(Unparsable):
        parse_update(body)


def business(**content) -> dict:
    return {**MESSAGE, "business_connection_id": "bc1", "text": "привет", **content}


def test_a_persons_own_account_is_another_chat():
    chat = MESSAGE["chat"]["id"]
    customer = parse_update(json.dumps({"update_id": 1, "business_message": business()}).encode())[0]
    assert customer.address == f"bc1:{chat}" and customer.profile.details["business_connection_id"] == "bc1"
    owner = business(**{"from": {"id": 99, "first_name": "Хозяин"}})
    echo = parse_update(json.dumps({"update_id": 2, "business_message": owner}).encode())[0]
    assert isinstance(echo, Echo) and echo.address == customer.address and echo.profile.name != "Хозяин"
    ours = {**owner, "sender_business_bot": {"id": 5}}
    assert parse_update(json.dumps({"update_id": 3, "business_message": ours}).encode()) == []
    gone = {"business_connection_id": "bc1", "chat": MESSAGE["chat"], "message_ids": [4, 5]}
    deleted = parse_update(json.dumps({"update_id": 4, "deleted_business_messages": gone}).encode())
    assert [event.external_id for event in deleted] == ["4", "5"]


def of(**content: Any) -> list[Any]:
    return list(parse_update(json.dumps({"update_id": 1, **content}).encode()))


def test_the_owners_own_changes_are_changes_of_an_echo():
    owner = business(**{"from": {"id": 99}, "text": "стало", "edit_date": 1790008500})
    [changed] = of(edited_business_message=owner)
    assert isinstance(changed, Echo) and changed.edited_at
    assert (changed.address, changed.incoming.external_id, changed.incoming.text) == ("bc1:7", "5", "стало")
    assert of(edited_business_message={**owner, "sender_business_bot": {"id": 5}}) == []


def press(**message: Any) -> list[Any]:
    query = {
        "id": "1",
        "from": {"id": 7},
        "data": "yes",
        "message": {"message_id": 3, "chat": MESSAGE["chat"], **message},
    }
    return of(callback_query=query)


def test_a_press_belongs_to_the_chat_and_topic_of_its_message():
    [ordinary] = press(date=5, message_thread_id=9)
    assert (ordinary.address, ordinary.profile.details) == ("7", {"message_thread_id": 9})
    [on_behalf] = press(date=5, business_connection_id="bc1")
    assert on_behalf.address == "bc1:7" and on_behalf.profile.details["business_connection_id"] == "bc1"
    [vanished] = press(date=0)
    assert vanished.address == "7" and "message_thread_id" not in vanished.profile.details
    assert press(date=5, chat={"id": -100, "type": "supergroup"}) == []


def react(*new: dict[str, Any], user: int = 7, chat: dict[str, Any] | None = None) -> list[Any]:
    change = {"chat": chat or MESSAGE["chat"], "message_id": 44, "user": {"id": user}, "date": 5, "old_reaction": []}
    return of(message_reaction={**change, "new_reaction": list(new)})


def test_reactions_come_and_go():
    assert react({"type": "emoji", "emoji": "👍"}) == [Reaction("7", "44", "👍")]
    assert react({"type": "custom_emoji", "custom_emoji_id": "1"}) == [Reaction("7", "44", "⭐")]
    assert react() == [Reaction("7", "44", "")]
    assert react({"type": "emoji", "emoji": "👍"}, chat={"id": -5, "type": "group"}) == []
    assert react({"type": "emoji", "emoji": "👍"}, user=8) == []


@pytest.mark.parametrize(
    "notice", ["pinned_message", "forum_topic_created", "message_auto_delete_timer_changed", "chat_background_set"]
)
def test_what_the_chat_says_of_itself_is_no_message_of_the_customer(notice):
    assert of(message={**MESSAGE, notice: {"x": 1}}) == []
    assert of(message={**MESSAGE, notice: {"x": 1}, "text": "и слова"})[0].incoming.text == "и слова"


def test_a_placeholder_says_what_it_stands_for():
    poll = {"id": "1", "question": "Когда привезти?", "options": [{"text": "утром"}, {"text": "вечером"}]}
    incoming = of(message={**MESSAGE, "poll": poll})[0].incoming
    assert incoming.text.startswith("Когда привезти?\n• утром\n• вечером\n[") and "poll" not in incoming.text
    assert of(message={**MESSAGE, "dice": {"emoji": "🎲", "value": 3}})[0].incoming.text.startswith("🎲 3\n")
    data = {"data": "{}", "button_text": "Оформить"}
    assert of(message={**MESSAGE, "web_app_data": data})[0].incoming.text.startswith("Оформить\n")


def test_half_a_letter_costs_only_itself():
    body = json.dumps({"update_id": 1, "message": {**MESSAGE, "text": "привет X"}}).replace("X", "\\ud83d")
    assert parse_update(body.encode())[0].incoming.text == "привет ?"
