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
    Echo,
    EditedMessage,
    MessageReceived,
    ReadUpTo,
    Typing,
    Unparsable,
)
from channels_app.vk.adapter import Adapter
from channels_app.vk.content import address_of
from channels_app.vk.incoming import Lookups, parse_event
from channels_app.vk.outgoing import random_id
from channels_app.vk.payloads import Person, read_message
from omnisupport.lib.crypto import derive_secret
from omnisupport.lib.errors import NotAuthenticated
from tests.spoiling import spoil, spoiled
from tests.standins.vk import TOKEN
from tests.standins.vk_servers import CODE

FIXTURES = Path(__file__).parent.parent / "fixtures"
PERSON = "601122334"
KNOWN = Lookups(
    people={601122334: Person(id=601122334, first_name="Марина", last_name="Орлова", screen_name="marina_o")}
)


def load(name: str) -> dict[str, Any]:
    return json.loads((FIXTURES / f"{name}.json").read_text())


def parse(event: Any, known: Lookups = KNOWN) -> list[Any]:
    return parse_event(json.dumps(event).encode(), known)


def one(name: str) -> Any:
    results = parse(load(name))
    assert len(results) == 1
    return results[0]


def changed(name: str = "message_new_text", **parts: Any) -> dict[str, Any]:
    """A fixture whose message has other parts."""
    event = load(name)
    event["object"].get("message", event["object"]).update(parts)
    return event


def incoming_with(*attachments: Any, **parts: Any) -> Any:
    return parse(changed(**{"text": "", "attachments": list(attachments), **parts}))[0].incoming


@pytest.fixture
def adapter():
    config = {"group_id": "228800551", "confirmation_code": CODE}
    hook = "https://shop.example/hooks/vk/00000000-0000-0000-0000-000000000005/"
    return Adapter(ChannelInfo(uuid.UUID(int=5), "t_shop", "vk", config, {"token": TOKEN}, hook))


def test_text_with_its_sender_and_its_number_in_the_dialogue():
    got = one("message_new_text")
    assert isinstance(got, MessageReceived)
    assert (got.address, got.profile.name, got.profile.language) == (PERSON, "Марина Орлова", "ru")
    assert got.profile.details == {"username": "marina_o", "callback_buttons": True}
    assert (got.incoming.external_id, got.incoming.text) == ("41", "Добрый день! Можно ли вернуть товар?")
    assert got.incoming.sent_at.timestamp() == 1790200533


def test_a_person_whose_name_is_not_known_is_received_all_the_same():
    got = parse(load("message_new_text"), Lookups())[0]
    assert (got.address, got.profile.name) == (PERSON, "")


@pytest.mark.parametrize(
    ("name", "kind", "file_name", "text", "url"),
    [
        ("message_new_photo", "photo", "photo.jpg", "Вот такой брак", "https://sun9-11.userapi.example/o.jpg"),
        ("message_new_doc", "document", "dogovor_2026.docx", "", "https://vk.ru/doc601122334_671000123?hash=DEMOHASH"),
        ("message_new_audio_message", "voice", "voice.ogg", "Подскажите, где мой заказ", "https://psv4.userapi.example/a.ogg"),
        ("message_new_sticker", "sticker", "sticker.png", "", "https://vk.ru/sticker/1-4331-512"),
    ],
)  # fmt: skip
def test_files_and_the_words_with_them(name, kind, file_name, text, url):
    incoming = one(name).incoming
    assert [(file.kind, file.name) for file in incoming.files] == [(kind, file_name)]
    assert incoming.files[0].remote["url"].startswith(url) and incoming.files[0].remote["key"]
    assert (incoming.text, "unsupported" in incoming.content) == (text, False)


def test_the_largest_size_is_taken_wherever_it_stands():
    measured = [{"url": "https://a/w", "width": 9, "height": 9}, {"url": "https://a/s", "width": 3, "height": 3}]
    lettered = [
        {"url": "https://a/s", "type": "s"},
        {"url": "https://a/w", "type": "w"},
        {"url": "https://a/x", "type": "x"},
    ]
    for sizes in (measured, lettered):
        assert incoming_with({"type": "photo", "photo": {"sizes": sizes}}).files[0].remote["url"] == "https://a/w"


def test_a_document_gets_its_extension_and_graffiti_are_a_picture():
    paper = {"type": "doc", "doc": {"title": "Договор", "ext": "pdf", "url": "https://a/d", "size": 5}}
    drawn = {"type": "graffiti", "graffiti": {"url": "https://a/g.png"}}
    assert [(file.kind, file.name) for file in incoming_with(paper, drawn).files] == [
        ("document", "Договор.pdf"),
        ("photo", "graffiti.png"),
    ]


def test_a_video_has_only_its_page():
    incoming = one("message_new_video").incoming
    assert incoming.files == ()
    assert (
        "https://vk.ru/video601122334_456239555_vk_video_key" in incoming.text and "Видео от клиента" in incoming.text
    )


def test_a_place_stands_beside_the_attachments():
    assert one("message_new_geo").incoming.content["location"] == {
        "latitude": 56.838011, "longitude": 60.597474, "title": "Екатеринбург, Россия",
    }  # fmt: skip


def test_a_reply_names_what_it_answers():
    incoming = one("message_new_reply").incoming
    assert (incoming.reply_to_external_id, incoming.content["quote"]) == ("39", "Уточните номер заказа 118?")


def test_forwarded_messages_are_read_to_the_bottom():
    photo = load("message_new_photo")["object"]["message"]["attachments"]
    deep = {"from_id": 601122334, "text": "на дне", "attachments": photo, "id": 0}
    middle = {"from_id": -5, "text": "", "fwd_messages": [deep]}
    incoming = parse(changed(text="Смотрите", fwd_messages=[middle, {"from_id": 8, "text": "две\nстроки"}]))[0].incoming
    lines = incoming.text.split("\n")
    assert lines[0] == "Смотрите" and lines[2:] == ["> Марина Орлова:", "> > на дне", "id8:", "> две", "> строки"]
    assert "5" in lines[1] and incoming.content["forwarded_from"].endswith("5") and len(incoming.files) == 1


def test_forwards_without_a_bottom_are_cut_visibly():
    message: dict[str, Any] = {"from_id": 8, "text": "дно"}
    for _level in range(200):
        message = {"from_id": 8, "text": "", "fwd_messages": [message]}
    incoming = parse(changed(text="", fwd_messages=[message]))[0].incoming
    assert incoming.content["unsupported"] == "fwd_messages" and "fwd_messages" in incoming.text


@pytest.mark.parametrize(
    ("kind", "thing", "shown"),
    [
        ("wall", {"id": 5, "to_id": -7, "text": "Скидки"}, ["Скидки", "https://vk.ru/wall-7_5"]),
        ("market", {"id": 5, "owner_id": -7, "title": "Байдарка"}, ["Байдарка", "https://vk.ru/product-7_5"]),
        ("poll", {"id": 5, "owner_id": -7, "question": "Нравится?"}, ["Нравится?", "https://vk.ru/poll-7_5"]),
        ("story", {"id": 5, "owner_id": 7}, ["https://vk.ru/story7_5"]),
        ("article", {"title": "Как выбрать", "url": "https://vk.ru/@a"}, ["Как выбрать", "https://vk.ru/@a"]),
        ("gift", {"id": 5}, ["gift"]),
        ("call", {"state": "canceled_by_initiator"}, ["call"]),
        ("of_next_year", {"x": 1}, ["of_next_year"]),
    ],
)
def test_what_we_cannot_show_is_named_and_linked(kind, thing, shown):
    incoming = incoming_with({"type": kind, kind: thing})
    assert incoming.content["unsupported"] == kind
    assert all(words in incoming.text for words in [*shown, kind])


def test_links_and_songs_are_lines_and_a_link_is_not_said_twice():
    link = {"type": "link", "link": {"url": "https://shop.example/1", "title": "Байдарка"}}
    song = {"type": "audio", "audio": {"artist": "Кино", "title": "Звезда", "owner_id": 1, "id": 2}}
    incoming = incoming_with(link, song, text="вот https://shop.example/1")
    assert incoming.text == "вот https://shop.example/1\nБайдарка\nКино — Звезда https://vk.ru/audio1_2"
    assert "unsupported" not in incoming.content


@pytest.mark.parametrize(
    "attachments", [[{"type": "photo", "photo": None}], [{"type": "doc"}], [{}], ["?"], None, [], "strange"]
)
def test_what_is_empty_or_strange_becomes_a_visible_placeholder(attachments):
    incoming = parse(changed(text="", attachments=attachments))[0].incoming
    assert incoming.text and incoming.content["unsupported"]


def test_mentions_are_read_as_their_words():
    assert (
        parse(changed(text="[club228800551|@omni], где [id1|Павел]? [1|2]"))[0].incoming.text
        == "@omni, где Павел? [1|2]"
    )


def test_the_start_button_brings_the_code_of_its_link():
    started = one("message_new_start_payload")
    assert isinstance(started, ConversationStarted)
    assert (started.payload, started.incoming.text) == ("promo_qr_17", "Начать")
    assert started.incoming.content["ref_source"] == "qr"
    plain = changed("message_new_start_payload", ref=None)
    assert parse(plain)[0].payload == ""


def test_a_link_with_a_code_starts_without_the_button_too():
    started = parse(changed(ref="site_7"))[0]
    assert isinstance(started, ConversationStarted) and started.payload == "site_7"


def test_a_button_that_writes_its_label_is_a_press():
    pressed = parse(changed(text="Да", payload='{"value": "yes"}'))[0]
    assert isinstance(pressed, ButtonPressed)
    assert (pressed.incoming.text, pressed.incoming.content["button"], pressed.callback_id) == ("Да", "yes", "")
    assert isinstance(parse(changed(payload="{broken"))[0], MessageReceived)


def test_a_callback_button_names_its_own_answer():
    pressed = one("message_event_callback_button")
    assert isinstance(pressed, ButtonPressed)
    assert (pressed.address, pressed.callback_id) == (PERSON, "f1e2d3c4b5a6:601122334:601122334")
    assert pressed.incoming.content["button"] == '{"action": "csat", "dialog": "9b1d", "score": 5}'
    assert (pressed.incoming.reply_to_external_id, pressed.incoming.external_id) == ("52", "event:f1e2d3c4b5a6")
    ours = load("message_event_callback_button")
    ours["object"]["payload"] = {"value": "yes", "text": "Да"}
    assert (parse(ours)[0].incoming.text, parse(ours)[0].incoming.content["button"]) == ("Да", "yes")
    ours["object"]["payload"] = None
    assert parse(ours)[0].incoming.text


def test_an_edit_of_the_customer_and_none_of_our_own():
    edited = one("message_edit")
    assert isinstance(edited, EditedMessage) and edited.incoming.text.endswith("(заказ 118)")
    assert (edited.incoming.external_id, edited.edited_at.timestamp()) == ("41", 1790201900)
    assert parse(changed("message_edit", out=1, from_id=-228800551)) == []


def test_reads_typing_allowing_and_denying():
    assert one("message_read") == ReadUpTo(PERSON, "55")
    typing = {
        **load("message_deny"),
        "type": "message_typing_state",
        "object": {"from_id": 601122334, "state": "typing"},
    }
    assert parse(typing) == [Typing(PERSON)]
    denied = one("message_deny")
    assert isinstance(denied, AddressBlocked) and denied.reason
    assert parse({**load("message_deny"), "type": "message_allow"}) == [AddressBlocked(PERSON, "")]


def test_what_the_community_said_is_an_echo():
    said = changed("message_edit", from_id=-228800551, out=1, random_id=random_id(uuid.UUID(int=9)), admin_author_id=77)
    echo = parse({**said, "type": "message_reply"})[0]
    assert isinstance(echo, Echo)
    assert (echo.address, echo.incoming.external_id, echo.is_whole) == (PERSON, "41", True)
    assert echo.is_of(uuid.UUID(int=9)) and not echo.is_of(uuid.UUID(int=8))
    said["object"]["random_id"] = random_id(uuid.UUID(int=9), 3)
    piece = parse({**said, "type": "message_reply"})[0]
    assert piece.is_of(uuid.UUID(int=9)) and not piece.is_whole
    said["object"]["random_id"] = 0
    assert parse({**said, "type": "message_reply"})[0].is_of is None


def test_chats_of_many_and_other_news_are_none_of_ours():
    assert parse(load("message_new_group_chat_ignored")) == []
    for kind in ("message_edit", "message_reply"):
        assert parse({**changed("message_edit", peer_id=2_000_000_017), "type": kind}) == []
    assert parse({**load("message_deny"), "type": "group_join"}) == []
    assert parse(changed(from_id=-228800551)) == []


def test_another_community_may_write_and_is_no_person():
    got = parse(changed(from_id=-5, peer_id=-5))[0]
    assert got.address == "-5" and "5" in got.profile.name


def test_a_message_that_vk_cut_is_used_whole_or_says_so():
    event = changed(text="начало…", is_cropped=True)
    whole = {"peer_id": 601122334, "conversation_message_id": 41, "text": "начало и конец", "from_id": 601122334}
    known = Lookups(whole={(601122334, 41): read_message(whole)})
    assert parse(event, known)[0].incoming.text == "начало и конец"
    cut = parse(event)[0].incoming.text
    assert cut.startswith("начало…\n[")


def test_a_file_is_found_again_in_a_forwarded_message():
    photo = load("message_new_photo")["object"]["message"]["attachments"]
    key = one("message_new_photo").incoming.files[0].remote["key"]
    assert address_of(read_message({"fwd_messages": [{"attachments": photo}]}), key).endswith("/o.jpg")
    assert address_of(read_message({"attachments": photo}), "photo1_1") == ""


# ---- Strange events


@pytest.mark.parametrize("path", sorted(FIXTURES.glob("message_*.json")), ids=lambda path: path.stem)
def test_no_strange_part_costs_more_than_itself(path, adapter):
    """Only what names the event or the person is indispensable."""
    event = json.loads(path.read_text())
    silent = not parse(event)
    needed = {"type", "object", "message", "peer_id", "from_id", "user_id", "event_id"}
    for place, how in spoiled(event):
        body = json.dumps(spoil(event, place, how)).encode()
        assert len(adapter.event_key({}, body)) <= 200
        try:
            results = adapter.parse({}, body)
        except Unparsable:
            assert place[-1] in needed, (place, how)
            continue
        if not silent and place[-1] not in {*needed, "conversation_message_id"}:
            assert results, (place, how)
        assert "\x00" not in repr(results) and "\\ud8" not in repr(results)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"{}", b'{"type": 5}', b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_event_says_so(body, adapter):
    with pytest.raises(Unparsable):
        adapter.parse({}, body)
    assert adapter.event_key({}, body).startswith("sha256:")
    with pytest.raises(NotAuthenticated):
        adapter.verify({}, body)


# ---- At the door


def signed(event: dict[str, Any], **changes: Any) -> bytes:
    secret = derive_secret("vk:00000000-0000-0000-0000-000000000005")
    return json.dumps({**event, "secret": secret, **changes}, ensure_ascii=False).encode()


def test_the_same_event_has_the_same_key_however_often_it_comes(adapter):
    event = load("message_new_text")
    for headers in ({}, {"x-retry-counter": "3"}):
        assert adapter.event_key(headers, signed(event)) == "a1b2c3d4e5f60718293a4b5c6d7e8f9000000001"
    adapter.verify({"x-retry-counter": "3"}, signed(event))


def test_only_the_secret_of_this_channel_lets_an_event_in(adapter):
    event = load("message_new_text")
    adapter.verify({}, signed(event))
    absent = {name: value for name, value in event.items() if name != "secret"}
    strangers = [json.dumps(absent).encode(), signed(event, secret=""), signed(event, secret="vk_cb_S3cret_demo"),
                 signed(event, secret=None), signed(event, secret="я"), signed(event, group_id=5)]  # fmt: skip
    for body in strangers:
        with pytest.raises(NotAuthenticated):
            adapter.verify({}, body)


def test_the_confirmation_string_is_the_whole_answer(adapter):
    asks = load("confirmation")
    assert adapter.reply({}, signed(asks)) == CODE.encode()
    bare = json.dumps({"type": "confirmation", "group_id": 228800551}).encode()
    for body in (signed(asks), bare):
        adapter.verify({}, body)
    for body in (json.dumps(asks).encode(), json.dumps({"type": "confirmation", "group_id": 5}).encode()):
        with pytest.raises(NotAuthenticated):
            adapter.verify({}, body)
    assert adapter.reply({}, signed(changed(text="confirmation"))) is None
    assert adapter.acknowledge(signed(load("message_new_text"))) == b"ok"


def test_what_is_kept_has_no_secret(adapter):
    came = signed(load("message_new_text"))
    secret = json.loads(came)["secret"]
    escaped = came.replace(secret.encode(), "".join(f"\\u{ord(sign):04x}" for sign in secret).encode())
    for body in (came, escaped):
        adapter.verify({}, body)
        kept = json.loads(adapter.redact(body))
        assert not kept.get("secret") and kept["object"] == load("message_new_text")["object"]
    inner = json.dumps(changed(text="my secret")).encode().replace(b'"secret": "vk_cb_S3cret_demo"', b'"x": 1')
    assert adapter.redact(inner) == inner


def test_a_file_in_a_forwarded_message_is_asked_for_where_we_got_it():
    """The number inside is one of a dialogue that we cannot read."""
    photo = {"type": "photo", "photo": {"id": 1, "owner_id": 2, "sizes": [{"url": "https://vk.example/p.jpg"}]}}
    inner = {"from_id": 6, "peer_id": 2000000001, "conversation_message_id": 3, "attachments": [photo]}
    [result] = parse(changed(text="", attachments=[], fwd_messages=[{"from_id": 5, "fwd_messages": [inner]}]))
    [file] = result.incoming.files
    assert (str(file.remote["peer"]), str(file.remote["cmid"])) == (result.address, result.incoming.external_id)
