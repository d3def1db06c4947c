"""Replies to Viber: what leaves, in what pieces, and what each status means."""

import json
import uuid
from dataclasses import replace

import pytest

from channels_app.base import ChannelInfo, OutgoingFile, OutgoingMessage, TransportError, UnknownOutcome
from channels_app.viber.adapter import EVENT_TYPES, Adapter, Secrets
from channels_app.viber.outgoing import keyboard, steps_of
from tests.standins.server import Answer
from tests.standins.viber import TOKEN, USER, ViberStandIn, refused

HOOK = "https://shop.example/hooks/viber/00000000-0000-0000-0000-000000000005/"


@pytest.fixture
def viber(settings):
    with ViberStandIn() as stand_in, ViberStandIn() as ours:
        # Whoever stands in for our own webhook says 200 to everything.
        ours.handle = lambda request: Answer(html="ok")
        stand_in.connect_to = ours.url
        stand_in.webhook = HOOK
        settings.VIBER_API_URL = stand_in.url
        settings.OUTBOUND_ALLOWED_HOSTS = [stand_in.host]
        settings.PUBLIC_URL_REACHABLE = True
        yield stand_in


@pytest.fixture
def adapter():
    return Adapter(ChannelInfo(uuid.UUID(int=5), "t_shop", "viber", {"account_name": "Омни"}, {"token": TOKEN}, HOOK))


def message(text: str = "Здравствуйте", **fields: object) -> OutgoingMessage:
    return OutgoingMessage(key=uuid.uuid4(), address=USER, details={}, text=text, **fields)


def file(name: str, mime: str, size: int = 1000, url: str = "") -> OutgoingFile:
    ending = name.rpartition(".")[2]
    url = url or f"https://shop.example/files/linked/abc~def/file.{ending}"
    return OutgoingFile(uuid.uuid4(), "document", name, mime, size, name, url=url)


def test_plain_text_and_the_token_as_text(viber, adapter):
    result = adapter.send(message("цена < 5 & **скидка** [тут](https://a.example/x)"))
    sent = viber.sent[0]
    assert (sent["text"], sent["receiver"]) == ("цена < 5 & скидка тут (https://a.example/x)", USER)
    assert sent["sender"] == {"name": "Омни"}
    assert result.external_id == str(sent["message_token"])
    assert viber.requests[-1].headers["x-viber-auth-token"] == TOKEN


def test_the_name_is_the_one_that_was_chosen_and_short(viber, adapter):
    adapter.channel = replace(adapter.channel, config={"sender_name": "Я" * 40, "account_name": "Омни"})
    adapter.send(message())
    assert viber.sent[0]["sender"] == {"name": "Я" * 28}


@pytest.mark.parametrize("piece", ["слово ", "😀 ", "\n\"'\\ "])
def test_long_texts_leave_within_characters_and_bytes(viber, adapter, piece):
    sent: list[str] = []
    adapter.send(message(piece * 4000, note_part=sent.append, buttons=[{"text": "Я" * 90, "value": "x" * 90}] * 24))
    assert len(sent) == len(viber.sent) > 1
    assert all(len(request.body) <= 30 * 1024 for request in viber.requests)
    assert [bool(part.get("keyboard")) for part in viber.sent] == [False] * (len(sent) - 1) + [True]


def test_a_second_piece_that_fails_does_not_double_the_first(viber, adapter):
    long, sent = "слово " * 2000, []
    viber.script(lambda request: None, refused(12, "tooManyRequests"))
    with pytest.raises(TransportError):
        adapter.send(message(long, note_part=sent.append))
    adapter.send(message(long, sent_parts=sent))
    assert len(viber.sent) == 2 and viber.sent[0]["text"] != viber.sent[1]["text"]


def test_buttons_carry_value_and_words(viber, adapter):
    adapter.send(message("?", buttons=[{"text": "Да <3", "value": "yes⟧"}, {"text": "", "value": "x"}]))
    assert viber.sent[0]["keyboard"]["Buttons"] == [
        {"Columns": 6, "Rows": 1, "ActionType": "reply", "ActionBody": "⟦yes⟧ Да <3", "Text": "Да &lt;3"}
    ]
    assert keyboard([]) == {}


# ---- Files


@pytest.mark.parametrize(
    ("name", "mime", "size", "taken_as"),
    [
        ("a.jpg", "image/jpeg", 1000, "picture"),
        ("a.png", "image/png", 1000, "picture"),
        ("big.jpg", "image/jpeg", 2 * 1024 * 1024, "file"),
        ("a.webp", "image/webp", 1000, "file"),
        ("photo.dat", "image/jpeg", 1000, "file"),
        ("a.mp4", "video/mp4", 1000, "video"),
        ("big.mp4", "video/mp4", 30 * 1024 * 1024, "file"),
        ("a.ogg", "audio/ogg", 1000, "file"),
        ("Счёт.pdf", "application/pdf", 1000, "file"),
    ],
)
def test_each_kind_of_file(viber, adapter, name, mime, size, taken_as):
    adapter.send(message("", files=[file(name, mime, size)]))
    sent = viber.sent[0]
    assert (sent["type"], sent["media"][:8]) == (taken_as, "https://")
    assert sent.get("size", size) == size and sent.get("file_name", name) == name


def test_words_stand_under_one_picture_where_they_fit(viber, adapter):
    adapter.send(message("подпись", files=[file("a.jpg", "image/jpeg")]))
    adapter.send(message("я" * 513, files=[file("a.jpg", "image/jpeg")]))
    adapter.send(message("вот", files=[file("a.pdf", "application/pdf"), file("a.jpg", "image/jpeg")]))
    assert [(sent["type"], len(sent.get("text", ""))) for sent in viber.sent] == [
        ("picture", 7), ("picture", 0), ("text", 513), ("file", 0), ("picture", 0), ("text", 3),
    ]  # fmt: skip


def test_names_of_files_end_as_they_should():
    (step,) = steps_of(message("", files=[file("я" * 300 + ".pdf", "application/pdf")]))
    assert len(step["file_name"]) == 256 and step["file_name"].endswith(".pdf")
    (step,) = steps_of(message("", files=[replace(file("a.pdf", "application/pdf"), name="Счёт")]))
    assert step["file_name"] == "Счёт.pdf"


@pytest.mark.parametrize("url", ["", "http://localhost:8000/files/linked/x/file.jpg"])
def test_a_file_that_viber_could_not_fetch_is_said_so(viber, adapter, url):
    with pytest.raises(TransportError) as caught:
        adapter.send(message("вот", files=[replace(file("a.jpg", "image/jpeg"), url=url)]))
    assert caught.value.permanent and viber.sent == []


def test_files_of_customers_come_from_viber_only(viber, adapter, settings):
    assert adapter.fetch_file({"url": viber.add_file("a.jpg", b"picture")}).body == b"picture"
    with pytest.raises(TransportError) as gone:
        adapter.fetch_file({"url": f"{viber.url}/cdn/gone"})
    assert gone.value.permanent
    settings.OUTBOUND_ALLOWED_HOSTS = []
    for url in (viber.url, "https://viber.com.evil.example/a", "https://evilviber.com/a", "https://viber.com@evil.example/", "",
                "http://[::1/", "https://dl-media.viber.com:99999/"):  # fmt: skip
        with pytest.raises(TransportError) as caught:
            adapter.fetch_file({"url": url})
        assert caught.value.permanent


# ---- Refusals


def refusal(adapter: Adapter) -> TransportError:
    with pytest.raises(TransportError) as caught:
        adapter.send(message())
    return caught.value


@pytest.mark.parametrize(
    ("status", "flags"),
    [(s, "breaks") for s in (2, 7, 8, 9, 15)] + [(s, "unreachable") for s in (5, 6, 11)]
    + [(s, "final") for s in (1, 3, 4, 13, 14, 16, 17, 18, 19, 20, 99, -1)] + [(10, "later"), (12, "later")],
)  # fmt: skip
def test_what_each_status_means(viber, adapter, status, flags):
    viber.script(refused(status, "because"), path="send_message")
    got = refusal(adapter)
    assert got.permanent == (flags != "later")
    assert (got.breaks_channel, got.unreachable) == (flags == "breaks", flags == "unreachable")
    assert (got.retry_after is not None) == (flags == "later") and not got.whole_channel
    assert got.reason


def test_a_lost_webhook_is_set_again_and_the_message_waits(viber, adapter):
    viber.webhook = ""
    assert refusal(adapter).retry_after == 10
    assert viber.webhook == HOOK
    adapter.send(message())
    assert len(viber.sent) == 1


@pytest.mark.parametrize(
    "answer", [Answer(json={"status": 0}, cut=True), Answer(raw=[]), Answer(html="half"), Answer(json={"status": "0"}),
               Answer(500, html="oops"), Answer(502, html="<h1>Bad Gateway</h1>"), Answer(200, json=[])]
)  # fmt: skip
def test_a_lost_answer_is_not_a_failure(viber, adapter, answer):
    viber.script(answer)
    with pytest.raises(UnknownOutcome):
        adapter.send(message())


def test_answers_before_viber_itself(viber, adapter):
    viber.script(Answer(429, html="slow down"), Answer(403, html="no"))
    busy, closed = refusal(adapter), refusal(adapter)
    assert busy.whole_channel and busy.retry_after and not busy.permanent
    assert closed.permanent


def test_the_token_is_in_no_error(viber, adapter, settings, caplog):
    settings.VIBER_API_URL = "http://127.0.0.1:1"
    got = refusal(adapter)
    assert not got.permanent and TOKEN not in repr(got) + caplog.text


def test_nothing_to_send_is_said(adapter):
    with pytest.raises(TransportError) as caught:
        adapter.send(message("  "))
    assert caught.value.permanent


# ---- Set-up


def test_connecting_tells_who_the_bot_is_and_sets_the_webhook(viber, adapter):
    viber.webhook = ""
    connected = adapter.connect()
    assert (connected.external_id, connected.title) == ("pa:75346594275468546724", "Омни Поддержка")
    assert connected.config["link"] == "viber://pa?chatURI=omnidemo"
    assert viber.webhook == ""
    adapter.start_receiving()
    assert (viber.webhook, viber.event_types) == (HOOK, EVENT_TYPES)
    adapter.disconnect()
    assert viber.webhook == ""


def test_an_address_that_does_not_answer_is_refused_by_viber(viber, adapter):
    viber.connect_to = "http://127.0.0.1:1"
    with pytest.raises(TransportError) as caught:
        adapter.start_receiving()
    assert caught.value.permanent and "invalidUrl" in caught.value.reason


def test_a_laptop_cannot_be_called(viber, adapter, settings):
    for reachable, hook in ((False, HOOK), (True, HOOK.replace("https", "http"))):
        settings.PUBLIC_URL_REACHABLE = reachable
        adapter.channel = replace(adapter.channel, webhook_url=hook)
        with pytest.raises(TransportError) as caught:
            adapter.start_receiving()
        assert caught.value.breaks_channel
    assert viber.requests == []


def test_a_lost_address_is_given_again(viber, adapter):
    viber.webhook = "https://other.example/"
    again = adapter.check_health()
    assert viber.webhook == HOOK and adapter.check_health() != again
    viber.token = "changed"
    with pytest.raises(TransportError) as caught:
        adapter.check_health()
    assert caught.value.breaks_channel


def test_somebody_elses_address_stays(viber, adapter):
    viber.webhook = "https://other.example/"
    adapter.disconnect()
    assert viber.webhook == "https://other.example/"


@pytest.mark.parametrize("token", ["", "short", "with space " * 5, "токен" * 10])
def test_a_token_that_cannot_be_one_is_refused(token):
    with pytest.raises(ValueError, match="token"):
        Secrets(token=token)
    assert Secrets(token=f" {TOKEN}\n").token == TOKEN


def test_cyrillic_is_not_escaped(viber, adapter):
    adapter.send(message("Привет"))
    assert "Привет".encode() in viber.requests[-1].body and json.loads(viber.requests[-1].body)
