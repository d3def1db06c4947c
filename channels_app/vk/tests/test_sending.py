"""Replies to VK: what leaves, in what pieces, and what each answer of the API means."""

import json
import logging
import uuid
from dataclasses import replace
from types import SimpleNamespace

import pytest

from channels_app.base import OutgoingFile, OutgoingMessage, TransportError, UnknownOutcome
from channels_app.vk import adapter as kind
from channels_app.vk.adapter import Adapter
from channels_app.vk.outgoing import is_random_id_of, keyboard, length, plain, random_id
from tests.standins.server import Answer
from tests.standins.vk import LOST_KEY, TOKEN, TOO_MANY, USER
from tests.standins.vk_rules import error

KEY = uuid.UUID("5d0f4f3e-2c3b-4e0d-9a63-0c1f8a7b6e55")


def message(text: str = "Здравствуйте", **fields: object) -> OutgoingMessage:
    return OutgoingMessage(**{"key": uuid.uuid4(), "address": str(USER), "details": {}, "text": text, **fields})


def file(monkeypatch, name: str, mime: str, shown_as: str = "photo") -> OutgoingFile:
    monkeypatch.setattr(OutgoingFile, "read", lambda self: f"bytes of {self.name}".encode())
    return OutgoingFile(uuid.uuid4(), shown_as, name, mime, 100, name)


# ---- Numbers that tell a repeat


def test_the_number_comes_from_the_key_of_the_message():
    assert random_id(KEY) == 811342702
    assert is_random_id_of(811342702, KEY) and not is_random_id_of(811342702, uuid.UUID(int=1))


def test_every_piece_has_its_own_number_and_none_is_zero():
    numbers = [random_id(KEY), *(random_id(KEY, piece) for piece in range(20))]
    assert len(set(numbers)) == 21 and 0 not in numbers
    assert all(-(2**31) <= number < 2**31 for number in numbers)
    assert all(is_random_id_of(number, KEY) for number in numbers)


def test_a_send_whose_answer_is_lost_is_known_again(vk, adapter):
    once = message()
    vk.script(lambda request: replace(vk.handle(request), cut=True), path="messages.send")
    with pytest.raises(UnknownOutcome):
        adapter.send(once)
    assert adapter.send(once).external_id == str(vk.sent[0]["cmid"])
    assert len(vk.sent) == 1 and len(vk.to("messages.send")) == 2
    assert Adapter.idempotent


# ---- Words


def test_text_goes_as_a_form_and_its_number_in_the_dialogue_is_kept(vk, adapter):
    result = adapter.send(message("цена < 5 & **скидка**", key=KEY))
    (sent,) = vk.sent
    assert (sent["message"], sent["peer_id"], sent["random_id"]) == ("цена < 5 & скидка", str(USER), "811342702")
    assert sent["disable_mentions"] == "1" and sent["v"] == "5.199"
    assert result.external_id == str(sent["cmid"])
    assert vk.to("messages.send")[0].headers["authorization"] == f"Bearer {TOKEN}"


def test_where_the_number_cannot_be_had_the_message_has_left_all_the_same(vk, adapter):
    vk.script(error(10, "Internal server error"), path="messages.getById")
    assert adapter.send(message()).external_id == ""
    assert len(vk.sent) == 1


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("[id1|Павел] и [club5|мы]", "[\u200bid1|Павел] и [\u200bclub5|мы]"),
        ("*id1 (Павел) @durov (он)", "*\u200bid1 (Павел) @\u200bdurov (он)"),
        ("mail@shop.example (почта), 2 * 3 (шесть)", "mail@shop.example (почта), 2 * 3 (шесть)"),
        ("[1] и [сюда](https://a.example/x_y)", "[1] и сюда (https://a.example/x_y)"),
        ("**ж** _к_ `код`", "ж к код"),
    ],
)
def test_text_is_plain_and_calls_nobody(text, shown):
    assert plain(text) == shown


def test_long_texts_leave_in_pieces_each_with_its_number(vk, adapter):
    noted: list[str] = []
    long = message("слово и дело " * 900, key=KEY, note_part=noted.append)
    result = adapter.send(long)
    numbers = [int(sent["random_id"]) for sent in vk.sent]
    assert all(length(sent["message"]) <= 4096 for sent in vk.sent) and len(vk.sent) == 3
    # The last tells that all has left.
    assert numbers == [random_id(KEY, 0), random_id(KEY, 1), random_id(KEY)]
    assert noted == [str(sent["cmid"]) for sent in vk.sent] and result.external_id == noted[0]


def test_the_limit_is_a_setting(vk, adapter, settings):
    settings.VK_TEXT_LIMIT = 100
    adapter.send(message("слово " * 30))
    assert [length(sent["message"]) <= 100 for sent in vk.sent] == [True, True]


def test_a_second_piece_that_fails_does_not_double_the_first(vk, adapter):
    long, sent = message("слово " * 1200), []
    vk.script(lambda request: None, error(10, "Internal server error"), path="messages.send")
    with pytest.raises(TransportError):
        adapter.send(message(long.text, key=long.key, note_part=sent.append))
    adapter.send(message(long.text, key=long.key, sent_parts=sent))
    assert len(vk.sent) == 2 and vk.sent[0]["message"] != vk.sent[1]["message"]


def test_sources_stand_under_the_answer(vk, adapter):
    adapter.send(message("Да [1].", citations=[{"n": 1, "title": "Доставка", "url": "https://a.example/d"}]))
    assert vk.sent[0]["message"].endswith("[1] Доставка — https://a.example/d")


def test_a_reply_hangs_on_its_question_and_goes_without_when_that_is_gone(vk, adapter):
    asked = vk.message("Где?")["object"]["message"]["conversation_message_id"]
    adapter.send(message(reply_to_external_id=str(asked)))
    adapter.send(message(reply_to_external_id="9999"))
    adapter.send(message(reply_to_external_id="event:1"))
    assert json.loads(vk.sent[0]["forward"]) == {"peer_id": USER, "conversation_message_ids": [asked], "is_reply": 1}
    assert [("forward" in sent) for sent in vk.sent] == [True, False, False]


# ---- Buttons


def test_buttons_stand_under_the_last_piece(vk, adapter):
    adapter.send(message("слово " * 1200, buttons=[{"text": "Да", "value": "yes"}]))
    assert "keyboard" not in vk.sent[0]
    board = json.loads(vk.sent[1]["keyboard"])
    action = board["buttons"][0][0]["action"]
    assert board["inline"] and (action["type"], action["label"]) == ("callback", "Да")
    assert json.loads(action["payload"]) == {"value": "yes", "text": "Да"}


def test_an_old_app_gets_buttons_that_write_their_label(vk, adapter):
    adapter.send(message(details={"callback_buttons": False}, buttons=[{"text": "Да"}]))
    assert json.loads(vk.sent[0]["keyboard"])["buttons"][0][0]["action"]["type"] == "text"


@pytest.mark.parametrize("count", [1, 6, 7, 10, 40])
def test_keyboards_keep_within_limits(vk, adapter, count):
    adapter.send(
        message("?", buttons=[{"text": "я" * 300, "value": '"\\' * 3000}] * count + [{"text": "", "value": "x"}])
    )
    rows = json.loads(vk.sent[0]["keyboard"])["buttons"]
    assert sum(map(len, rows)) == min(count, 10)
    assert keyboard([]) == ""


# ---- Files


@pytest.mark.parametrize(
    ("mime", "shown_as", "taken_as"),
    [("image/png", "photo", "photo"), ("image/png", "document", "doc"), ("image/gif", "photo", "doc"),
     ("application/pdf", "document", "doc"), ("video/mp4", "video", "doc"), ("audio/mpeg", "voice", "doc")],
)  # fmt: skip
def test_each_kind_of_file_with_its_words(vk, adapter, monkeypatch, mime, shown_as, taken_as):
    adapter.send(message("вот", files=[file(monkeypatch, "файл", mime, shown_as)]))
    (sent,) = vk.sent
    assert (sent["message"], vk.uploaded[sent["attachment"]]) == ("вот", (taken_as, "файл", "bytes of файл".encode()))


def test_voice_goes_alone_and_the_rest_ten_together(vk, adapter, monkeypatch):
    pictures = [file(monkeypatch, f"{n}.jpg", "image/jpeg") for n in range(11)]
    voice = file(monkeypatch, "voice.ogg", "audio/ogg; codecs=opus", "voice")
    adapter.send(message("всё", files=[*pictures, voice], buttons=[{"text": "Да"}]))
    assert [len(sent.get("attachment", "").split(",")) for sent in vk.sent] == [10, 1, 1, 1]
    assert vk.sent[2]["attachment"].startswith("audio_message") and "message" not in vk.sent[2]
    assert (vk.sent[3]["message"], "keyboard" in vk.sent[3]) == ("всё", True)


def test_a_file_that_vk_does_not_take_says_so(vk, adapter, monkeypatch):
    with pytest.raises(TransportError) as refused:
        adapter.send(message(files=[file(monkeypatch, "setup.exe", "application/x-msdownload", "document")]))
    assert refused.value.permanent and "setup.exe" in refused.value.reason
    vk.script(Answer(json={"server": 5, "photo": "[]", "hash": "h"}), path="/upload/")
    with pytest.raises(TransportError) as unread:
        adapter.send(message(files=[file(monkeypatch, "a.jpg", "image/jpeg")]))
    assert unread.value.permanent and vk.sent == []


@pytest.mark.parametrize("answer", [Answer(raw=[]), Answer(502, html="<h1>Bad Gateway</h1>"), Answer(200, html="busy")])
@pytest.mark.parametrize("path", ["photos.getMessagesUploadServer", "/upload/", "photos.saveMessagesPhoto"])
def test_an_upload_that_is_lost_has_sent_nothing(vk, adapter, monkeypatch, answer, path):
    vk.script(answer, path=path)
    with pytest.raises(TransportError) as caught:
        adapter.send(message("", files=[file(monkeypatch, "a.jpg", "image/jpeg")]))
    assert not caught.value.permanent and vk.sent == []


def test_an_upload_address_inside_our_network_is_not_called(vk, adapter, monkeypatch, settings):
    settings.OUTBOUND_ALLOWED_HOSTS = []
    with pytest.raises(TransportError):
        adapter.send(message("", files=[file(monkeypatch, "a.jpg", "image/jpeg")]))
    assert not vk.to("/upload/")


def test_files_of_customers_are_fetched_and_asked_for_anew_when_their_address_has_ended(vk, adapter):
    plain_url = vk.add_file("a.pdf", b"paper")
    assert adapter.fetch_file({"url": plain_url}).body == b"paper"
    paper = {"type": "doc", "doc": {"id": 9, "owner_id": USER, "title": "a.pdf", "url": plain_url}}
    event = vk.message("", attachments=[paper])
    cmid = event["object"]["message"]["conversation_message_id"]
    old = {"url": f"{vk.url}/cdn/gone", "peer": USER, "cmid": cmid, "key": f"doc{USER}_9"}
    assert adapter.fetch_file(old).body == b"paper"
    for remote in ({**old, "key": "doc1_1"}, {**old, "cmid": 0}, {"url": old["url"]}):
        with pytest.raises(TransportError) as caught:
            adapter.fetch_file(remote)
        assert caught.value.permanent
    assert all("authorization" not in request.headers for request in vk.to("/cdn/"))


@pytest.mark.parametrize("url", ["", "http://127.0.0.1:9/x", "file:///etc/passwd", "http://169.254.169.254/latest"])
def test_addresses_that_lead_inside_are_not_fetched(adapter, url):
    with pytest.raises(TransportError) as caught:
        adapter.fetch_file({"url": url})
    assert caught.value.permanent


# ---- Refusals


def refusal(adapter: Adapter) -> TransportError:
    with pytest.raises(TransportError) as caught:
        adapter.send(message("Тайна клиента"))
    return caught.value


@pytest.mark.parametrize(
    ("code", "flags"),
    [
        (6, {"whole_channel"}), (1, set()), (10, set()),
        (9, {"whole_channel", "breaks_channel"}), (29, {"whole_channel", "breaks_channel"}),
        (984, {"whole_channel", "breaks_channel"}),
        (14, {"permanent", "breaks_channel"}),
        (5, {"permanent", "breaks_channel"}), (7, {"permanent", "breaks_channel"}), (15, {"permanent", "breaks_channel"}),
        (27, {"permanent", "breaks_channel"}), (28, {"permanent", "breaks_channel"}),
        (900, {"permanent", "unreachable"}), (901, {"permanent", "unreachable"}),
        (902, {"permanent", "unreachable"}), (1021, {"permanent", "unreachable"}),
        (911, {"permanent"}), (914, {"permanent"}), (912, {"permanent"}), (100, {"permanent"}),
        (909, {"permanent"}), (920, {"permanent"}), (924, {"permanent"}), (4242, {"permanent"}),
    ],
)  # fmt: skip
def test_every_code_of_vk_means_something(vk, adapter, code, flags):
    vk.script(error(code, "Something", message="Тайна клиента"))
    got = refusal(adapter)
    assert {
        flag for flag in ("permanent", "unreachable", "breaks_channel", "whole_channel") if getattr(got, flag)
    } == flags
    assert got.reason and "Тайна" not in got.reason


def test_pauses_are_as_long_as_the_fault_asks(vk, adapter):
    vk.script(TOO_MANY, error(9, "Flood control"), error(10, "Internal server error"))
    many, flood, fault = refusal(adapter), refusal(adapter), refusal(adapter)
    assert (many.retry_after, fault.retry_after) == (1, None) and flood.retry_after >= 300


def test_more_than_twenty_calls_a_second_are_told_to_wait(vk, adapter, monkeypatch):
    vk.paced = True
    with pytest.raises(TransportError) as caught:
        for _number in range(30):
            adapter.send(message())
    assert caught.value.whole_channel and len(vk.calls) >= 20


@pytest.mark.parametrize(
    "answer", [Answer(json={"response": 1}, cut=True), Answer(raw=[]), Answer(200, html="half"), Answer(200, json={"ok": 1}),
               Answer(200, json=[]), Answer(502, html="<h1>Bad Gateway</h1>"), Answer(json={"response": {}}),
               Answer(302, headers={"Location": "https://elsewhere.example/"})]
)  # fmt: skip
def test_a_lost_answer_is_not_a_failure(vk, adapter, answer):
    vk.script(answer)
    with pytest.raises(UnknownOutcome):
        adapter.send(message())


def test_neither_key_nor_words_are_in_errors_and_logs(vk, adapter, settings, caplog):
    caplog.set_level(logging.INFO)
    vk.script(error(901, "Can't send messages", message="Тайна клиента"))
    told = repr(refusal(adapter))
    settings.VK_API_URL = "http://127.0.0.1:1"
    told += repr(refusal(adapter)) + caplog.text
    assert TOKEN not in told and "Тайна" not in told


def test_nothing_to_send_is_said(adapter):
    with pytest.raises(TransportError) as caught:
        adapter.send(message("  "))
    assert caught.value.permanent


# ---- Beside messages


def test_typing_seen_and_answered_press(vk, adapter):
    adapter.send_typing(str(USER), {})
    adapter.mark_read(str(USER), {}, "41")
    assert (vk.activities, vk.read) == ([(USER, "typing")], [USER])
    adapter.send(message(buttons=[{"text": "Да", "value": "yes"}]))
    pressed = vk.press("yes")["object"]
    adapter.answer_callback(f"{pressed['event_id']}:{USER}:{USER}")
    adapter.answer_callback(f"too-old:{USER}:{USER}")
    assert [(answer["event_id"], answer["user_id"]) for answer in vk.answers] == [(pressed["event_id"], str(USER))]


def test_an_edit_keeps_files_and_buttons(vk, adapter, monkeypatch):
    sent = adapter.send(message("до", files=[file(monkeypatch, "a.jpg", "image/jpeg")], buttons=[{"text": "Да"}]))
    adapter.edit(str(USER), sent.external_id, "**после**")
    changed = vk.messages[USER][int(sent.external_id)]
    assert (changed["text"], len(changed["attachments"]), bool(changed["keyboard"])) == ("после", 1, True)
    for gone in ("9999", "", "event:1"):
        with pytest.raises(TransportError) as caught:
            adapter.edit(str(USER), gone, "после")
        assert caught.value.permanent


def test_a_message_is_deleted_for_everybody_and_once_gone_stays_gone(vk, adapter):
    sent = adapter.send(message("лишнее"))
    for _time in range(2):
        adapter.delete(str(USER), sent.external_id)
    assert int(sent.external_id) not in vk.messages[USER]
    with pytest.raises(TransportError):
        adapter.delete(str(USER), "event:1")


def test_set_up_waits_a_second_where_vk_asks_for_it(vk, adapter, monkeypatch):
    slept: list[float] = []
    monkeypatch.setattr(kind, "time", SimpleNamespace(sleep=slept.append, monotonic=kind.time.monotonic))
    vk.script(TOO_MANY)
    assert adapter.connect().external_id
    vk.script(TOO_MANY, LOST_KEY)
    with pytest.raises(TransportError) as caught:
        adapter.connect()
    assert slept == [1, 1] and caught.value.breaks_channel
