"""Replies to WhatsApp: what leaves, in what pieces, and what each answer of the API means."""

import pytest

from channels_app.base import TransportError, UnknownOutcome
from channels_app.whatsapp.tests.scene import adapter_of, message, refusal
from tests.standins.server import Answer, drip
from tests.standins.whatsapp import OLEG, OLEG_ID, TOKEN, error

# ---- Words -----------------------------------------------------------------------------------------------------------


def test_text_leaves_with_our_key_and_its_id_is_kept(whatsapp, adapter):
    out = message("**Важно**: ~~10~~ 9 ₽, [сайт](https://shop.example/a_b)")
    result = adapter.send(out)
    sent = whatsapp.sent[0]
    assert sent["text"] == {"body": "*Важно*: ~10~ 9 ₽, сайт (https://shop.example/a_b)", "preview_url": False}
    assert (sent["to"], sent["biz_opaque_callback_data"]) == (OLEG, str(out.key))
    assert result.external_id == sent["id"]


def test_sources_stand_under_the_answer_and_a_quote_names_its_message(whatsapp, adapter):
    asked = whatsapp.message("когда?")["messages"][0]["id"]
    adapter.send(message("Да [1].", citations=[{"n": 1, "title": "Доставка"}], reply_to_external_id=asked))
    assert whatsapp.sent[0]["text"]["body"] == "Да [1].\n\n[1] Доставка"
    assert whatsapp.sent[0]["context"] == {"message_id": asked}


def test_a_quote_that_whatsapp_has_forgotten_costs_only_the_quote(whatsapp, adapter):
    adapter.send(message(reply_to_external_id="wamid.forgotten"))
    assert "context" not in whatsapp.sent[0]


def test_who_has_no_number_gets_it_by_their_id_and_a_known_number_wins(whatsapp, adapter):
    adapter.send(message(address=OLEG_ID))
    adapter.send(message(address=OLEG_ID, alias=OLEG))
    raw = [request.json for request in whatsapp.to("/messages")]
    assert raw[0]["recipient"] == OLEG_ID and "to" not in raw[0]
    assert raw[1]["to"] == OLEG and "recipient" not in raw[1]


def test_a_long_text_leaves_in_pieces_that_a_failure_does_not_double(whatsapp, adapter):
    long = " ".join(f"Слово {number} о доставке 👍." for number in range(500))
    whatsapp.script(lambda request: None, error(131000), path="/messages")
    parts: list[str] = []
    out = message(long, note_part=parts.append)
    with pytest.raises(TransportError):
        adapter.send(out)
    assert len(parts) == 1
    result = adapter.send(message(long, key=out.key, sent_parts=parts, note_part=parts.append))
    pieces = [sent["text"]["body"] for sent in whatsapp.sent]
    assert " ".join(pieces) == long and len(pieces) == len(parts) == 4
    assert result.external_id == parts[0]
    tags = [sent["biz_opaque_callback_data"] for sent in whatsapp.sent]
    assert tags == [f"{out.key}#0", f"{out.key}#1", f"{out.key}#2", str(out.key)]


def test_what_all_left_and_was_refused_later_leaves_anew(whatsapp, adapter):
    parts: list[str] = []
    out = message("слово " * 1200, note_part=parts.append)
    adapter.send(out)
    again = adapter.send(message(out.text, sent_parts=list(parts), note_part=parts.append))
    assert len(whatsapp.sent) == 4 and again.external_id == whatsapp.sent[2]["id"]


def test_an_empty_message_says_so(whatsapp, adapter):
    with pytest.raises(TransportError) as caught:
        adapter.send(message(" "))
    assert caught.value.permanent


# ---- Choices ---------------------------------------------------------------------------------------------------------


def buttons(*titles: str) -> list[dict[str, str]]:
    return [{"text": title, "value": f"v:{place}"} for place, title in enumerate(titles)]


def test_three_buttons_are_buttons(whatsapp, adapter):
    adapter.send(message("Как вам?", buttons=buttons("Отлично", "Так себе", "Плохо")))
    sent = whatsapp.sent[0]["interactive"]
    assert sent["type"] == "button" and sent["body"]["text"] == "Как вам?"
    assert sent["action"]["buttons"][0] == {"type": "reply", "reply": {"id": "v:0", "title": "Отлично"}}


@pytest.mark.parametrize("titles", [("1", "2", "3", "4"), ("Да", "Позвать человека прямо сейчас, пожалуйста")])
def test_many_or_long_ones_are_a_list(whatsapp, adapter, titles):
    adapter.send(message("?", buttons=buttons(*titles)))
    rows = whatsapp.sent[0]["interactive"]["action"]["sections"][0]["rows"]
    assert [row.get("description", row["title"]) for row in rows] == list(titles)


@pytest.mark.parametrize("titles", [tuple("абвгдежзикл"), ("Да", "о" * 80)])
def test_what_no_list_holds_is_numbered_text(whatsapp, adapter, titles):
    adapter.send(message("Выберите", buttons=buttons(*titles)))
    assert whatsapp.sent[0]["text"]["body"].startswith(f"Выберите\n1. {titles[0]}\n2. {titles[1]}")


def test_buttons_under_a_long_text_have_a_line_of_their_own(whatsapp, adapter):
    adapter.send(message("слово " * 300, buttons=buttons("Да", "Нет")))
    assert [sent["type"] for sent in whatsapp.sent] == ["text", "interactive"]


# ---- What the answers mean -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "effects"),
    [
        (131047, "permanent"), (131026, "permanent unreachable"), (131049, "permanent"), (131050, "permanent"),
        (130472, "permanent"), (131051, "permanent"), (131030, "permanent"), (132015, "permanent"), (131062, "permanent"),
        (190, "permanent breaks_channel"), (10, "permanent breaks_channel"), (0, "permanent breaks_channel"),
        (200, "permanent breaks_channel"), (131042, "permanent breaks_channel"), (368, "permanent breaks_channel"),
        (131045, "permanent breaks_channel"), (131048, "permanent breaks_channel"),
        (130429, "pause whole_channel"), (4, "pause whole_channel"), (80007, "pause whole_channel"), (131056, "pause"),
        (131000, ""), (131016, ""), (1, ""), (2, ""), (777, "permanent"),
    ],
)  # fmt: skip
def test_what_each_code_means(whatsapp, adapter, code, effects):
    whatsapp.script(error(code, "Some details"))
    got = refusal(adapter)
    found = {name for name in ("permanent", "unreachable", "breaks_channel", "whole_channel") if getattr(got, name)}
    assert found | ({"pause"} if got.retry_after else set()) == set(effects.split())
    assert str(code) in got.reason and TOKEN not in got.reason
    assert whatsapp.sent == []


def test_the_reasons_say_what_to_do(whatsapp, adapter):
    whatsapp.script(
        error(131047), error(100, error_subcode=33), error(100, "Some details"), error(777, is_transient=True)
    )
    assert "template" in refusal(adapter).reason
    wrong_number = refusal(adapter)
    assert wrong_number.breaks_channel and "registered" in wrong_number.reason
    assert "Some details" in refusal(adapter).reason
    assert not refusal(adapter).permanent


def test_a_pause_that_is_named_is_kept(whatsapp, adapter):
    for answer in (error(130429), Answer(429, html="slow down")):
        answer.headers["Retry-After"] = "37"
        whatsapp.script(answer)
        got = refusal(adapter)
        assert (got.retry_after, got.permanent) == (37, False)


@pytest.mark.parametrize(
    ("answer", "permanent", "breaks"),
    [
        (Answer(401, html="no"), True, True), (Answer(403, json={"error": "Forbidden"}), True, True),
        (Answer(404, html="<h1>nginx</h1>"), True, True), (Answer(400, json=[]), True, False),
        (Answer(302, html="moved", headers={"Location": "http://127.0.0.1:1/"}), True, False),
        (Answer(503, html="busy"), False, False), (error(131016, status=500), False, False),
        (Answer(500, json={"error": {"message": "An unknown error", "code": 1}}), False, False),
    ],
)  # fmt: skip
def test_answers_without_a_code_of_theirs(whatsapp, adapter, answer, permanent, breaks):
    whatsapp.script(answer)
    got = refusal(adapter)
    assert (got.permanent, got.breaks_channel) == (permanent, breaks)


@pytest.mark.parametrize(
    "answer",
    [
        Answer(json={"messages": [{"id": "w"}]}, cut=True), Answer(raw=[]), Answer(200, html="half"), Answer(json={}),
        Answer(json={"messages": [None]}), Answer(json=[1]), Answer(502, html="<h1>Bad gateway</h1>"), Answer(504, json={}),
    ],
)  # fmt: skip
def test_a_lost_answer_is_not_a_failure(whatsapp, adapter, answer):
    whatsapp.script(answer)
    with pytest.raises(UnknownOutcome):
        adapter.send(message())


def test_an_answer_that_never_ends_is_lost_in_time(whatsapp, adapter, monkeypatch):
    monkeypatch.setattr("channels_app.whatsapp.adapter.DEADLINE", 0.3)
    whatsapp.script(Answer(raw=drip(b"HTTP/1.1 200 OK\r\nX: y", 0.02)))
    with pytest.raises(UnknownOutcome):
        adapter.send(message())


def test_nobody_there_means_not_sent(adapter, settings):
    settings.WHATSAPP_API_URL = "http://127.0.0.1:1"
    got = refusal(adapter)
    assert not got.permanent and TOKEN not in repr(got)


def test_a_tenants_address_may_not_lead_inside(whatsapp, settings):
    settings.WHATSAPP_API_URL = "https://graph.facebook.com"
    inside = adapter_of({"base_url": whatsapp.url})
    assert refusal(inside).permanent and whatsapp.requests == []
    settings.OUTBOUND_ALLOWED_HOSTS = [whatsapp.host]
    inside.send(message())
    assert len(whatsapp.sent) == 1


# ---- Marks -----------------------------------------------------------------------------------------------------------


def test_reading_and_writing_are_shown(whatsapp, adapter):
    wamid = whatsapp.message("?")["messages"][0]["id"]
    adapter.mark_read(OLEG, {}, wamid)
    adapter.send_typing(OLEG, {"last_message": wamid})
    adapter.send_typing(OLEG, {})
    read, typing = whatsapp.marks
    assert read == {"messaging_product": "whatsapp", "status": "read", "message_id": wamid}
    assert typing == {**read, "typing_indicator": {"type": "text"}}
