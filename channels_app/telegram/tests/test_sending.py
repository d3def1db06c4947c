"""Replies to Telegram: what leaves, in what pieces, and what each answer of the Bot API means."""

import uuid

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from channels_app.base import ChannelInfo, OutgoingFile, OutgoingMessage, TransportError, UnknownOutcome
from channels_app.telegram.adapter import Adapter
from channels_app.telegram.outgoing import keyboard, units
from channels_app.text import split_text
from tests.standins.server import Answer
from tests.standins.telegram import BLOCKED, TOKEN, UNAUTHORIZED, TelegramStandIn, error, too_many


@pytest.fixture
def telegram(settings):
    with TelegramStandIn() as stand_in:
        settings.TELEGRAM_API_URL = stand_in.url
        yield stand_in


@pytest.fixture
def adapter():
    info = ChannelInfo(
        id=uuid.UUID(int=5), schema="t_shop", kind="telegram", config={}, secrets={"token": TOKEN},
        webhook_url="https://shop.example/hooks/telegram/5/",
    )  # fmt: skip
    return Adapter(info)


def message(text: str = "Здравствуйте", **fields: object) -> OutgoingMessage:
    return OutgoingMessage(key=uuid.uuid4(), address="710455821", details={}, text=text, **fields)


def test_text_is_escaped_and_its_id_kept(telegram, adapter):
    result = adapter.send(message("цена < 5 & > 3 <b>"))
    assert telegram.sent[0]["text"] == "цена &lt; 5 &amp; &gt; 3 &lt;b&gt;"
    assert result.external_id == str(telegram.sent[0]["message_id"])


def test_sources_stand_under_the_answer(telegram, adapter):
    adapter.send(message("Да [1].", citations=[{"n": 1, "title": "Доставка", "page": 2, "url": None}]))
    assert telegram.sent[0]["text"].endswith("[1] Доставка · с. 2")


def test_buttons_reply_and_topic(telegram, adapter):
    adapter.send(
        OutgoingMessage(
            key=uuid.uuid4(), address="7", details={"message_thread_id": 3}, text="?", reply_to_external_id="44",
            buttons=[{"text": "Да", "value": "yes"}],
        )
    )  # fmt: skip
    sent = telegram.sent[0]
    assert sent["reply_parameters"] == {"message_id": 44, "allow_sending_without_reply": True}
    assert sent["message_thread_id"] == 3
    assert sent["reply_markup"]["inline_keyboard"] == [[{"text": "Да", "callback_data": "yes"}]]


def test_an_answer_on_behalf_of_a_persons_own_account(telegram, adapter):
    details = {"business_connection_id": "bc1"}
    adapter.send(OutgoingMessage(key=uuid.uuid4(), address="bc1:7", details=details, text="Здравствуйте"))
    assert (telegram.sent[0]["chat_id"], telegram.sent[0]["business_connection_id"]) == (7, "bc1")


def test_button_data_keep_within_64_bytes():
    data = keyboard([{"text": "x", "value": "я" * 60}])["inline_keyboard"][0][0]["callback_data"]
    assert len(data.encode()) == 64


def test_long_texts_are_cut_between_words_within_the_limit():
    text = "\n\n".join(f"Абзац {n}. " + "слово 👨‍👩‍👧 " * 60 for n in range(12))
    pieces = split_text(text, 4096, units)
    assert all(units(piece) <= 4096 for piece in pieces)
    assert " ".join(" ".join(pieces).split()) == " ".join(text.split())
    assert split_text("я" * 5000, 4096) == ["я" * 4096, "я" * 904]
    assert split_text("", 4096) == []


def test_a_second_piece_that_fails_does_not_double_the_first(telegram, adapter):
    long = "слово " * 1200
    telegram.script(lambda request: None, error(502, "Bad Gateway"), path="sendMessage")
    sent: list[str] = []
    with pytest.raises(TransportError):
        adapter.send(message(long, note_part=sent.append))
    adapter.send(message(long, sent_parts=sent))
    assert len(telegram.sent) == 2
    assert telegram.sent[0]["text"] != telegram.sent[1]["text"]


def refusal(adapter: Adapter) -> TransportError:
    with pytest.raises(TransportError) as caught:
        adapter.send(message())
    return caught.value


def test_a_pause_does_not_say_who_must_rest(telegram, adapter):
    telegram.script(too_many(7))
    got = refusal(adapter)
    assert (got.permanent, got.retry_after, got.whole_channel) == (False, 7, None)


def test_a_blocked_bot_and_a_lost_token_are_final(telegram, adapter):
    telegram.script(BLOCKED, UNAUTHORIZED)
    blocked, lost = refusal(adapter), refusal(adapter)
    assert blocked.permanent and blocked.unreachable and not blocked.breaks_channel
    assert lost.permanent and lost.breaks_channel


@pytest.mark.parametrize("answer", [error(500, "Internal Server Error"), Answer(502, html="<h1>Bad Gateway</h1>")])
def test_their_faults_are_tried_again(telegram, adapter, answer):
    telegram.script(answer)
    assert not refusal(adapter).permanent


@pytest.mark.parametrize("answer", [Answer(json={"ok": True}, cut=True), Answer(raw=[]), Answer(200, html="half")])
def test_a_lost_answer_is_not_a_failure(telegram, adapter, answer):
    telegram.script(answer)
    with pytest.raises(UnknownOutcome):
        adapter.send(message())


def test_markup_that_telegram_refuses_is_sent_as_plain_text(telegram, adapter):
    telegram.script(error(400, "Bad Request: can't parse entities: unexpected end"))
    adapter.send(message("1 < 2"))
    assert telegram.sent[0]["text"] == "1 < 2"
    assert "parse_mode" not in telegram.sent[0]


@pytest.mark.parametrize("words", ["message thread not found", "TOPIC_CLOSED", "TOPIC_DELETED"])
def test_a_topic_that_is_gone_costs_only_the_topic(telegram, adapter, words):
    telegram.script(error(400, f"Bad Request: {words}"))
    adapter.send(OutgoingMessage(key=uuid.uuid4(), address="7", details={"message_thread_id": 3}, text="да"))
    assert "message_thread_id" not in telegram.sent[0]


def test_a_file_that_telegram_has_forgotten_is_uploaded_anew(telegram, adapter, settings, tmp_path):
    settings.MEDIA_ROOT = str(tmp_path)
    path = default_storage.save("f", ContentFile(b"picture"))
    remote = {"file_id": "old", "bot": TOKEN.partition(":")[0]}
    file = OutgoingFile(uuid.uuid4(), "photo", "a.jpg", "image/jpeg", 7, path, remote)
    telegram.script(error(400, "Bad Request: wrong file identifier/HTTP URL specified"), path="sendPhoto")
    assert adapter.send(message(files=[file])).remote_files[file.id]["file_id"] != "old"
    assert telegram.sent[0]["photo"] == b"picture"


@pytest.mark.parametrize("odd", [True, None, [], "x", {"url": 5}, {"last_error_message": 5, "last_error_date": "x"}])
def test_an_odd_answer_on_the_webhook_is_a_fault_in_words(telegram, adapter, settings, odd):
    settings.PUBLIC_URL_REACHABLE = True
    telegram.script(Answer(json={"ok": True, "result": odd}))
    with pytest.raises(TransportError):
        adapter.check_health()


def test_the_token_is_in_no_error(telegram, adapter, settings, caplog):
    settings.TELEGRAM_API_URL = "http://127.0.0.1:1"
    assert TOKEN not in repr(refusal(adapter)) + caplog.text


def test_connecting_polls_on_a_laptop_and_sets_a_webhook_on_a_server(telegram, adapter, settings):
    settings.PUBLIC_URL_REACHABLE = False
    assert adapter.connect().external_id == "123456789"
    adapter.start_receiving()
    assert telegram.calls[-1][0] == "deleteWebhook"
    settings.PUBLIC_URL_REACHABLE = True
    adapter.start_receiving()
    assert telegram.webhook["url"] == "https://shop.example/hooks/telegram/5/"
    assert {"message", "edited_message", "callback_query", "my_chat_member"} < set(telegram.webhook["allowed_updates"])


async def test_polling_takes_each_update_once(telegram, adapter):
    first = telegram.customer_says("раз")
    bodies, state = await adapter.poll({})
    assert len(bodies) == 1 and state == {"offset": first["update_id"] + 1}
    telegram.customer_says("два")
    bodies, _state = await adapter.poll(state)
    assert len(bodies) == 1 and "два" in bodies[0].decode()


def test_files_are_fetched_without_showing_their_address(telegram, adapter):
    telegram.add_file("F1", b"data")
    assert adapter.fetch_file({"file_id": "F1"}).body == b"data"
    with pytest.raises(TransportError) as caught:
        adapter.fetch_file({"file_id": "none"})
    assert caught.value.permanent


def test_a_draft_is_drawn_in_private_chats_with_the_bot_only(telegram, adapter):
    adapter.show_draft("710455821", {"message_thread_id": 3}, 7, "**Доставка** идёт 2 < 3 дней")
    adapter.show_draft("710455821", {}, 7, "я" * 5000)
    adapter.show_draft("710455821", {}, 7, "")
    adapter.show_draft("-100200", {}, 8, "в группе")
    adapter.show_draft("b:710455821", {"business_connection_id": "bc"}, 9, "от имени другого")
    first, long, thinking = telegram.drafts
    assert (first["chat_id"], first["draft_id"], first["message_thread_id"]) == (710455821, 7, 3)
    assert first["text"] == "Доставка идёт 2 < 3 дней"
    assert units(long["text"]) == 4096 and thinking["text"] == ""
    assert not telegram.sent


def test_words_and_captions_are_changed_and_messages_taken_away(telegram, adapter, monkeypatch):
    sent = adapter.send(message("до"))
    for _time in range(2):
        # The second time nothing is different, which Telegram calls a fault.
        adapter.edit("710455821", sent.external_id, "**после**")
    (written,) = telegram.messages.values()
    assert written["text"] == "<b>после</b>" or written["text"] == "после"
    del written["text"]
    adapter.edit("710455821", sent.external_id, "подпись")
    assert written["caption"] == "подпись"
    for _time in range(2):
        adapter.delete("710455821", sent.external_id)
    assert not telegram.messages
