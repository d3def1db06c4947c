"""Replies to MAX: what leaves, in what pieces, and what each answer of the Bot API means."""

import uuid
from types import SimpleNamespace

import pytest

from channels_app.base import ChannelInfo, OutgoingFile, OutgoingMessage, TransportError, UnknownOutcome
from channels_app.max import adapter as kind
from channels_app.max.adapter import Adapter
from channels_app.max.outgoing import as_html, keyboard, markup_length
from channels_app.text import split_text
from tests.standins.max import (
    NO_SUCCESS,
    NOT_READY,
    SUSPENDED,
    TOKEN,
    TOO_MANY,
    UNAUTHORIZED,
    USER,
    MaxStandIn,
    chat_of,
    error,
)
from tests.standins.server import Answer

HOOK = "https://shop.example/hooks/max/00000000-0000-0000-0000-000000000005/"


@pytest.fixture
def api(settings):
    with MaxStandIn() as stand_in:
        settings.MAX_API_URL = stand_in.url
        settings.OUTBOUND_ALLOWED_HOSTS = [stand_in.host]
        yield stand_in


@pytest.fixture
def pauses(monkeypatch):
    """What would have been slept."""
    slept: list[float] = []
    monkeypatch.setattr(kind, "time", SimpleNamespace(sleep=slept.append, monotonic=kind.time.monotonic))
    return slept


@pytest.fixture
def adapter():
    return Adapter(ChannelInfo(uuid.UUID(int=5), "t_shop", "max", {}, {"token": TOKEN}, HOOK))


def message(text: str = "Здравствуйте", **fields: object) -> OutgoingMessage:
    fields.setdefault("details", {"chat_id": str(chat_of(USER))})
    return OutgoingMessage(key=uuid.uuid4(), address=str(USER), text=text, **fields)


def file(monkeypatch, name: str, mime: str, shown_as: str = "photo") -> OutgoingFile:
    monkeypatch.setattr(OutgoingFile, "read", lambda self: f"bytes of {self.name}".encode())
    return OutgoingFile(uuid.uuid4(), shown_as, name, mime, 100, name)


def test_text_goes_to_the_chat_and_its_id_is_kept(api, adapter):
    result = adapter.send(message("цена < 5 & **скидка** <b>"))
    assert api.sent[0]["text"] == "цена &lt; 5 &amp; <b>скидка</b> &lt;b&gt;"
    assert api.sent[0]["query"] == {"chat_id": str(chat_of(USER))}
    assert result.external_id == api.sent[0]["mid"]
    assert api.requests[0].headers["authorization"] == TOKEN


def test_a_chat_that_is_not_known_is_written_to_by_person(api, adapter):
    adapter.send(message(details={}))
    assert api.sent[0]["query"] == {"user_id": str(USER)}


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("**ж** _к_ ~~з~~ `a_b**c**`", "<b>ж</b> <i>к</i> <s>з</s> <code>a_b**c**</code>"),
        ("**ж _к_**", "<b>ж <i>к</i></b>"),
        ("[сюда](https://a.example/x_y_z?a=1&b=2)", '<a href="https://a.example/x_y_z?a=1&amp;b=2">сюда</a>'),
        ("https://a.example/x_y_z и snake_case_name", "https://a.example/x_y_z и snake_case_name"),
        ("2 * 3 ** 4, [x](javascript:alert(1))", "2 * 3 ** 4, [x](javascript:alert(1))"),
        ('<a href="x">', '&lt;a href="x"&gt;'),
    ],
)
def test_light_markdown_becomes_tags_and_nothing_else_does(text, html):
    assert as_html(text) == html


def test_many_open_marks_take_no_time():
    assert markup_length("_a **b ~~c " * 2000) > 0


def test_sources_stand_under_the_answer(api, adapter):
    adapter.send(message("Да [1].", citations=[{"n": 1, "title": "Доставка", "page": 2, "url": None}]))
    assert api.sent[0]["text"].endswith("[1] Доставка · с. 2")


def test_long_texts_leave_in_pieces_within_limit_and_pace(api, adapter, pauses):
    sent: list[str] = []
    text = "слово & дело " * 700
    adapter.send(message(text, note_part=sent.append))
    assert [len(piece["text"]) <= 4000 for piece in api.sent] == [True] * len(api.sent)
    assert sent == [piece["mid"] for piece in api.sent] and len(sent) > 2
    assert pauses == [0.5] * (len(sent) - 1)
    assert split_text("я" * 4000, 4000, markup_length) == ["я" * 4000]


def test_two_pieces_a_second_is_what_a_chat_takes(api, adapter):
    api.paced = True
    adapter.send(message("слово " * 1900))
    assert len(api.sent) == 3


def test_a_second_piece_that_fails_does_not_double_the_first(api, adapter, pauses):
    long, sent = "слово " * 1200, []
    api.script(lambda request: None, error(500, "internal.error"), path="/messages")
    with pytest.raises(TransportError):
        adapter.send(message(long, note_part=sent.append))
    adapter.send(message(long, sent_parts=sent))
    assert len(api.sent) == 2 and api.sent[0]["text"] != api.sent[1]["text"]


def test_buttons_and_reply(api, adapter):
    theirs = api.message("вопрос")["message"]["body"]["mid"]
    adapter.send(message("?", reply_to_external_id=theirs, buttons=[{"text": "Да", "value": "yes"}]))
    sent = api.sent[0]
    assert sent["link"] == {"type": "reply", "mid": theirs}
    assert sent["attachments"][0]["payload"]["buttons"] == [[{"type": "callback", "text": "Да", "payload": "yes"}]]


def test_a_reply_to_what_is_gone_is_sent_all_the_same(api, adapter):
    adapter.send(message(reply_to_external_id="mid.gone"))
    assert "link" not in api.sent[0]


def test_keyboards_keep_within_limits(api, adapter):
    adapter.send(message("?", buttons=[{"text": "я" * 300, "value": "д" * 3000}] * 40 + [{"text": "", "value": "x"}]))
    rows = api.sent[0]["attachments"][0]["payload"]["buttons"]
    assert (len(rows), len(rows[0][0]["text"]), len(rows[0][0]["payload"])) == (30, 128, 1024)
    assert keyboard([]) == {}


# ---- Files


@pytest.mark.parametrize(
    ("mime", "shown_as", "taken_as"),
    [("image/png", "photo", "image"), ("video/mp4", "video", "video"), ("audio/mpeg", "audio", "audio"),
     ("application/pdf", "document", "file"), ("image/png", "document", "file"), ("image/svg+xml", "photo", "file")],
)  # fmt: skip
def test_each_kind_of_file_with_its_words(api, adapter, monkeypatch, mime, shown_as, taken_as):
    adapter.send(message("вот", files=[file(monkeypatch, "файл", mime, shown_as)]))
    (sent,) = api.sent
    part = sent["attachments"][0]
    assert (sent["text"], part["type"]) == ("вот", taken_as)
    assert api.uploaded[part["payload"]["token"]] == (taken_as, "файл", "bytes of файл".encode())


def test_pictures_go_together_and_files_alone(api, adapter, monkeypatch, pauses):
    pictures = [file(monkeypatch, f"{n}.jpg", "image/jpeg") for n in range(14)]
    papers = [file(monkeypatch, f"{n}.pdf", "application/pdf", "document") for n in range(2)]
    adapter.send(message("всё", files=[*pictures, *papers], buttons=[{"text": "Да"}]))
    assert [[part["type"] for part in sent.get("attachments", [])] for sent in api.sent] == [
        ["image"] * 12, ["image"] * 2, ["file"], ["file"], ["inline_keyboard"]
    ]  # fmt: skip
    assert [bool(sent.get("text")) for sent in api.sent] == [False, False, False, False, True]


def test_a_file_that_is_not_ready_is_waited_for(api, adapter, monkeypatch, pauses):
    api.not_ready = 3
    adapter.send(message("", files=[file(monkeypatch, "a.mp4", "video/mp4", "video")]))
    assert (pauses, len(api.uploaded), len(api.sent)) == ([1, 2, 4], 1, 1)


def test_a_file_that_stays_unready_is_tried_again_later(api, adapter, monkeypatch, pauses):
    api.script(*[NOT_READY] * 5, path="/messages")
    with pytest.raises(TransportError) as caught:
        adapter.send(message("", files=[file(monkeypatch, "a.mp4", "video/mp4", "video")]))
    assert (pauses, caught.value.permanent, caught.value.retry_after) == ([1, 2, 4, 8], False, 15)


@pytest.mark.parametrize("answer", [Answer(raw=[]), Answer(502, html="<h1>Bad Gateway</h1>"), Answer(503, html="busy")])
@pytest.mark.parametrize("path", ["/uploads", "/slot/"])
def test_an_upload_that_is_lost_has_sent_nothing(api, adapter, monkeypatch, answer, path):
    api.script(answer, path=path)
    with pytest.raises(TransportError) as caught:
        adapter.send(message("", files=[file(monkeypatch, "a.jpg", "image/jpeg")]))
    assert not caught.value.permanent and api.sent == []


def test_an_upload_address_inside_our_network_is_not_called(api, adapter, monkeypatch, settings):
    settings.OUTBOUND_ALLOWED_HOSTS = []
    with pytest.raises(TransportError):
        adapter.send(message("", files=[file(monkeypatch, "a.jpg", "image/jpeg")]))
    assert not api.to("/slot/")


def test_files_of_customers_are_fetched_videos_by_their_best_link(api, adapter):
    plain = api.add_file("a.jpg", b"picture")
    assert adapter.fetch_file({"url": plain, "key": "1"}).body == b"picture"
    best = api.add_file("720.mp4", b"sharp")
    api.videos["v1"] = {"mp4_144": plain, "mp4_720": best, "hls": "https://x.example/a.m3u8"}
    assert adapter.fetch_file({"url": plain, "video": "v1"}).body == b"sharp"
    assert adapter.fetch_file({"url": plain, "video": "unknown"}).body == b"picture"
    with pytest.raises(TransportError) as caught:
        adapter.fetch_file({"url": f"{api.url}/cdn/gone"})
    assert caught.value.permanent
    assert all("authorization" not in request.headers for request in api.to("/cdn/"))


@pytest.mark.parametrize("url", ["", "http://127.0.0.1:9/x", "file:///etc/passwd", "http://169.254.169.254/latest"])
def test_addresses_that_lead_inside_are_not_fetched(adapter, url):
    with pytest.raises(TransportError) as caught:
        adapter.fetch_file({"url": url})
    assert caught.value.permanent


# ---- Refusals


def refusal(adapter: Adapter) -> TransportError:
    with pytest.raises(TransportError) as caught:
        adapter.send(message())
    return caught.value


def test_a_pause_is_for_the_whole_bot(api, adapter):
    api.script(TOO_MANY, error(429, "too.many.requests"))
    first, second = refusal(adapter), refusal(adapter)
    assert (first.permanent, first.retry_after, first.whole_channel) == (False, 3, True)
    assert second.retry_after == 2


@pytest.mark.parametrize(
    "answer",
    [SUSPENDED, error(403, "error.dialog.suspended", "chat.denied"), error(403, "chat.denied", "error.dialog.notfound"),
     Answer(200, json={"success": False, "message": "error.dialog.suspended"})],
)  # fmt: skip
def test_a_person_who_stopped_the_bot_cannot_be_reached(api, adapter, answer):
    api.script(answer)
    got = refusal(adapter)
    assert got.permanent and got.unreachable and not got.breaks_channel


def test_a_lost_token_breaks_the_channel(api, adapter):
    api.script(UNAUTHORIZED)
    got = refusal(adapter)
    assert got.permanent and got.breaks_channel and not got.unreachable


@pytest.mark.parametrize(
    "answer", [NO_SUCCESS, error(400, "proto.payload", "Unknown part"), error(403, "access.denied"), error(404, "not.found"),
               error(405, "method.not.allowed"), Answer(413, html="too large")]
)  # fmt: skip
def test_other_refusals_are_final_for_the_message(api, adapter, answer):
    api.script(answer)
    got = refusal(adapter)
    assert got.permanent and not got.unreachable and not got.breaks_channel and got.reason


@pytest.mark.parametrize(
    "answer", [error(500, "internal.error"), error(503, "service.unavailable"), Answer(503, html="busy")]
)
def test_their_faults_are_tried_again(api, adapter, answer):
    api.script(answer)
    assert not refusal(adapter).permanent


@pytest.mark.parametrize(
    "answer", [Answer(json={"message": {}}, cut=True), Answer(raw=[]), Answer(200, html="half"), Answer(200, json={"ok": 1}),
               Answer(502, html="<h1>Bad Gateway</h1>"), Answer(504, html="time-out")]
)  # fmt: skip
def test_a_lost_answer_is_not_a_failure(api, adapter, answer):
    api.script(answer)
    with pytest.raises(UnknownOutcome):
        adapter.send(message())


def test_the_token_is_in_no_error(api, adapter, settings, caplog):
    settings.MAX_API_URL = "http://127.0.0.1:1"
    assert TOKEN not in repr(refusal(adapter)) + caplog.text


def test_nothing_to_send_is_said(adapter):
    with pytest.raises(TransportError) as caught:
        adapter.send(message("  "))
    assert caught.value.permanent


# ---- Beside messages


def test_typing_seen_edit_and_answered_press(api, adapter):
    details = {"chat_id": str(chat_of(USER))}
    adapter.send_typing(str(USER), details)
    adapter.mark_read(str(USER), details, "mid.1")
    assert api.actions == [(chat_of(USER), "typing_on"), (chat_of(USER), "mark_seen")]
    adapter.send_typing(str(USER), {})
    sent = adapter.send(message("до", buttons=[{"text": "Да"}]))
    adapter.edit(str(USER), sent.external_id, "**после**")
    assert api.messages[sent.external_id]["body"]["text"] == "после"
    assert api.messages[sent.external_id]["body"]["attachments"]
    with pytest.raises(TransportError):
        adapter.edit(str(USER), "mid.gone", "после")
    pressed = api.press("Да")["callback"]["callback_id"]
    adapter.answer_callback(pressed)
    adapter.answer_callback("too old")
    assert [callback for callback, _body in api.answers] == [pressed]


def test_a_message_is_taken_away_and_once_gone_stays_gone(api, adapter):
    sent = adapter.send(message("лишнее"))
    for _time in range(2):
        adapter.delete(str(USER), sent.external_id)
    assert sent.external_id not in api.messages
