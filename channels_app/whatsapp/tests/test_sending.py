"""Replies to WhatsApp: what leaves, in what pieces, and what each answer of the API means."""

import hashlib
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from channels_app.base import ChannelInfo, OutgoingFile, OutgoingMessage, TransportError, UnknownOutcome
from channels_app.whatsapp.adapter import Adapter
from channels_app.whatsapp.outgoing import field_of
from omnisupport.lib.crypto import derive_secret
from tests.standins.server import Answer, drip
from tests.standins.whatsapp import ACCOUNT, APP_SECRET, NUMBER, OLEG, OLEG_ID, TOKEN, WhatsAppStandIn, error
from tests.standins.whatsapp_gateways import DialogStandIn, FlatStandIn

MB = 1024 * 1024


@pytest.fixture
def whatsapp(settings):
    with WhatsAppStandIn() as stand_in:
        settings.WHATSAPP_API_URL = stand_in.url
        yield stand_in


def adapter_of(config: dict[str, Any] | None = None, **secrets: str) -> Adapter:
    info = ChannelInfo(
        id=uuid.UUID(int=5), schema="t_shop", kind="whatsapp",
        config={"phone_number_id": NUMBER, "waba_id": ACCOUNT, **(config or {})},
        secrets={"access_token": TOKEN, "app_secret": APP_SECRET, **secrets},
        webhook_url="https://shop.example/hooks/whatsapp/5/",
    )  # fmt: skip
    return Adapter(info)


@pytest.fixture
def adapter():
    return adapter_of()


def message(text: str = "Здравствуйте", **fields: Any) -> OutgoingMessage:
    return OutgoingMessage(**{"key": uuid.uuid4(), "address": OLEG, "details": {}, "text": text, **fields})


@pytest.fixture
def file(settings, tmp_path):
    settings.MEDIA_ROOT = str(tmp_path)

    def make(mime: str = "image/jpeg", body: bytes = b"picture", **fields: Any) -> OutgoingFile:
        path = default_storage.save(uuid.uuid4().hex, ContentFile(body))
        given = {"kind": "photo", "name": "скол.jpg", "size": len(body), "path": path, "mime": mime, **fields}
        return OutgoingFile(id=uuid.uuid4(), **given)

    return make


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


# ---- Templates -------------------------------------------------------------------------------------------------------


TEMPLATES = [
    {"id": "1", "name": "order_ready", "language": "ru", "status": "APPROVED", "category": "UTILITY", "components": [
        {"type": "HEADER", "format": "TEXT", "text": "Заказ {{1}}"},
        {"type": "BODY", "text": "Заказ {{1}} ждёт до {{2}}."}, {"type": "FOOTER", "text": "Демо Магазин"},
        {"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": "Ок"},
                                        {"type": "URL", "text": "Где", "url": "https://shop.example/{{1}}"}]}]},
    {"id": "2", "name": "hello", "language": "en_US", "status": "PAUSED", "category": "MARKETING", "components": [
        {"type": "HEADER", "format": "IMAGE"}, {"type": "BODY", "text": "Hello {{ first_name }}"}]},
    {"id": "3", "name": "no_body", "language": "ru", "status": "APPROVED", "components": None},
]  # fmt: skip


def test_templates_are_listed_with_their_variables(whatsapp, adapter):
    whatsapp.templates = TEMPLATES
    ready, hello = adapter.fetch_templates()
    assert (ready.name, ready.language, ready.status, ready.category) == ("order_ready", "ru", "approved", "utility")
    assert ready.variables == ("1", "2", "header_1", "button_1") and ready.header == "Заказ {{header_1}}"
    assert (ready.body, ready.footer) == ("Заказ {{1}} ждёт до {{2}}.", "Демо Магазин")
    assert (hello.body, hello.variables) == ("Hello {{first_name}}", ("first_name", "header_image"))


def test_pages_are_asked_for_by_their_mark(whatsapp, adapter):
    whatsapp.templates = [{**TEMPLATES[0], "id": str(number)} for number in range(250)]
    assert len(adapter.fetch_templates()) == 250
    assert len(whatsapp.to("message_templates")) == 3


def test_a_template_leaves_with_its_variables_in_their_places(whatsapp, adapter):
    whatsapp.templates = TEMPLATES
    variables = {"2": "пятницы\n вечера", "1": "4471", "header_1": "4471", "button_1": "o/4471"}
    adapter.send(message("…", template={"name": "order_ready", "language": "ru", "variables": variables}))
    assert whatsapp.sent[0]["template"]["components"] == [
        {"type": "header", "parameters": [{"type": "text", "text": "4471"}]},
        {"type": "body", "parameters": [{"type": "text", "text": "4471"}, {"type": "text", "text": "пятницы вечера"}]},
        {"type": "button", "sub_type": "url", "index": "1", "parameters": [{"type": "text", "text": "o/4471"}]},
    ]
    named = {"first_name": "Олег", "header_image": "https://shop.example/i.png"}
    adapter.send(message("…", template={"name": "hello", "language": "en_US", "variables": named}))
    header, body = whatsapp.sent[1]["template"]["components"]
    assert header["parameters"] == [{"type": "image", "image": {"link": "https://shop.example/i.png"}}]
    assert body["parameters"] == [{"type": "text", "parameter_name": "first_name", "text": "Олег"}]


@pytest.mark.parametrize(
    ("template", "words"),
    [({"name": "gone", "language": "ru"}, "changed, paused"), ({"name": "order_ready", "language": "ru"}, "variables")],
)
def test_a_template_that_does_not_fit_says_why(whatsapp, adapter, template, words):
    whatsapp.templates = TEMPLATES
    with pytest.raises(TransportError, match=words) as caught:
        adapter.send(message("…", template=template))
    assert caught.value.permanent


# ---- Files -----------------------------------------------------------------------------------------------------------


def test_a_file_is_uploaded_captioned_and_sent_by_its_id(whatsapp, adapter, file):
    picture = file()
    result = adapter.send(message("**Вот**", files=[picture]))
    sent = whatsapp.sent[0]
    assert sent["image"] == {"id": sent["image"]["id"], "caption": "*Вот*"}
    assert whatsapp.media[sent["image"]["id"]] == (b"picture", "image/jpeg", "скол.jpg")
    assert result.remote_files[picture.id]["id"] == sent["image"]["id"]


def test_an_uploaded_file_is_used_again_while_whatsapp_keeps_it(whatsapp, adapter, file):
    picture = file()
    remote = adapter.send(message("", files=[picture])).remote_files[picture.id]
    for kept in (
        remote,
        {**remote, "number": "other"},
        {**remote, "at": (datetime.now(UTC) - timedelta(30)).isoformat()},
    ):
        adapter.send(message("", files=[file(remote=kept)]))
    ids = [sent["image"]["id"] for sent in whatsapp.sent]
    assert ids[0] == ids[1] and len(set(ids)) == 3


def test_a_file_that_whatsapp_has_lost_is_uploaded_anew(whatsapp, adapter, file):
    remote = {"id": "404", "number": NUMBER, "at": datetime.now(UTC).isoformat()}
    adapter.send(message("", files=[file(remote=remote)]))
    assert len(whatsapp.sent) == 1 and whatsapp.sent[0]["image"]["id"] != "404"


def test_documents_have_names_voices_have_none_and_words_go_beside_them(whatsapp, adapter, file):
    act = file("application/pdf", kind="document", name="Акт.pdf")
    voice = file("audio/ogg; codecs=opus", kind="voice")
    adapter.send(message("Прослушайте", files=[act, voice]))
    document, audio, text = whatsapp.sent
    assert document["document"]["filename"] == "Акт.pdf" and "caption" not in document["document"]
    assert audio["audio"]["voice"] is True and text["text"]["body"] == "Прослушайте"


@pytest.mark.parametrize(
    ("mime", "kind", "size", "field"),
    [
        ("image/png", "photo", 5 * MB, "image"), ("image/png", "photo", 5 * MB + 1, "document"),
        ("image/gif", "photo", 10, "document"), ("image/jpeg", "document", 10, "document"),
        ("video/mp4", "video", 16 * MB, "video"), ("video/mp4", "video", 17 * MB, "document"),
        ("audio/x-m4a", "audio", 10, "audio"), ("audio/ogg", "voice", 17 * MB, "document"),
        ("image/webp", "sticker", 90_000, "sticker"), ("image/webp", "photo", 10, "document"), ("", "document", 10, "document"),
    ],
)  # fmt: skip
def test_each_file_goes_as_what_whatsapp_takes(mime, kind, size, field):
    assert field_of(OutgoingFile(uuid.uuid4(), kind, "f", mime, size, "p")) == field


def test_what_is_too_large_or_refused_goes_as_a_link(whatsapp, adapter, file):
    large = file(size=101 * MB, url="https://shop.example/f/1", name="фильм.mp4")
    strange = file("video/webm", kind="video", url="https://shop.example/f/2", name="ролик.webm")
    adapter.send(message("Смотрите", files=[large]))
    adapter.send(message("И это", files=[strange]))
    bodies = [sent["text"]["body"] for sent in whatsapp.sent]
    assert bodies[0] == "Смотрите\nфильм.mp4: https://shop.example/f/1"
    assert bodies[1:] == ["И это\nролик.webm: https://shop.example/f/2"]
    with pytest.raises(TransportError) as caught:
        adapter.send(message(files=[file("video/webm", kind="video")]))
    assert caught.value.permanent


# ---- What the answers mean -------------------------------------------------------------------------------------------


def refusal(adapter: Adapter) -> TransportError:
    with pytest.raises(TransportError) as caught:
        adapter.send(message())
    return caught.value


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


# ---- Files of customers ----------------------------------------------------------------------------------------------


def test_a_customers_file_is_fetched_with_the_token(whatsapp, adapter):
    media_id = whatsapp.add_media(b"voice", "audio/ogg")
    fetched = adapter.fetch_file({"id": media_id, "url": "https://lookaside.fbsbx.com/old", "sha256": "q1w2"})
    assert (fetched.body, fetched.mime) == (b"voice", "audio/ogg")
    assert all(request.headers["authorization"] == f"Bearer {TOKEN}" for request in whatsapp.requests)


def test_a_damaged_file_is_fetched_again_later(whatsapp, adapter):
    media_id = whatsapp.add_media(b"voice", "audio/ogg")
    whatsapp.script(Answer(body=b"vo"), path="/files/")
    with pytest.raises(TransportError) as caught:
        adapter.fetch_file({"id": media_id})
    assert not caught.value.permanent
    assert adapter.fetch_file({"id": media_id}).body == b"voice"


def test_an_old_address_is_asked_for_anew(whatsapp, adapter):
    media_id = whatsapp.add_media(b"voice", "audio/ogg")
    whatsapp.media_seconds = -1
    with pytest.raises(TransportError) as caught:
        adapter.fetch_file({"id": media_id})
    assert not caught.value.permanent


def test_a_file_at_a_strange_address_is_not_asked_for(whatsapp, adapter):
    media_id = whatsapp.add_media(b"x", "image/png")
    with WhatsAppStandIn() as thief:
        for url in (
            f"{thief.url}/files/1/0",
            "http://169.254.169.254/",
            "https://fbsbx.com.evil.test/",
            "",
            "file:///etc/passwd",
        ):
            whatsapp.script(Answer(json={"url": url}))
            with pytest.raises(TransportError):
                adapter.fetch_file({"id": media_id})
        with pytest.raises(TransportError):
            adapter.fetch_file({"url": f"{thief.url}/files/1/0"})
        assert thief.requests == []


def test_the_token_does_not_follow_a_redirect_elsewhere(whatsapp, adapter, settings):
    media_id = whatsapp.add_media(b"x" * 9, "image/png")
    expected = {"url": f"{whatsapp.url}/files/1/0", "sha256": hashlib.sha256(b"x" * 9).hexdigest()}
    with WhatsAppStandIn() as store:
        moved = Answer(302, html="moved", headers={"Location": f"{store.url}/signed"})
        whatsapp.script(Answer(json=expected), moved)
        with pytest.raises(TransportError):
            adapter.fetch_file({"id": media_id})
        assert store.requests == []
        settings.OUTBOUND_ALLOWED_HOSTS = [store.host]
        whatsapp.script(Answer(json=expected), moved)
        store.script(Answer(body=b"x" * 9))
        assert adapter.fetch_file({"id": media_id}).body == b"x" * 9
        assert "authorization" not in store.requests[0].headers


# ---- Marks -----------------------------------------------------------------------------------------------------------


def test_reading_and_writing_are_shown(whatsapp, adapter):
    wamid = whatsapp.message("?")["messages"][0]["id"]
    adapter.mark_read(OLEG, {}, wamid)
    adapter.send_typing(OLEG, {"last_message": wamid})
    adapter.send_typing(OLEG, {})
    read, typing = whatsapp.marks
    assert read == {"messaging_product": "whatsapp", "status": "read", "message_id": wamid}
    assert typing == {**read, "typing_indicator": {"type": "text"}}


# ---- Set-up ----------------------------------------------------------------------------------------------------------


def test_connecting_asks_who_we_are_and_what_the_token_may(whatsapp, adapter):
    connected = adapter.connect()
    assert (connected.external_id, connected.title) == (NUMBER, "Демо Магазин +7 495 000-11-22")
    assert connected.config["link"] == "https://wa.me/74950001122"
    whatsapp.debug["scopes"] = ["email"]
    with pytest.raises(TransportError, match="whatsapp_business_messaging"):
        adapter.connect()
    whatsapp.debug = {"is_valid": False}
    with pytest.raises(TransportError, match="no longer valid"):
        adapter.connect()


def test_connecting_says_what_is_missing(whatsapp):
    with pytest.raises(TransportError, match="app secret"):
        adapter_of(app_secret="").connect()
    with pytest.raises(TransportError, match="access token"):
        adapter_of(access_token="EAAGwrong").connect()
    with pytest.raises(TransportError, match="ID is wrong"):
        adapter_of({"phone_number_id": "1"}).connect()


def test_receiving_subscribes_the_app_and_says_what_is_left_to_do(whatsapp, adapter, settings):
    settings.PUBLIC_URL_REACHABLE = False
    assert "no public address" in adapter.start_receiving()
    settings.PUBLIC_URL_REACHABLE = True
    whatsapp.can_override = False
    assert "paste" in adapter.start_receiving()
    assert whatsapp.apps


def test_health_tells_of_token_number_and_webhook(whatsapp, adapter, settings):
    settings.PUBLIC_URL_REACHABLE = True
    whatsapp.webhook = adapter.channel.webhook_url
    with pytest.raises(TransportError, match="No app is subscribed"):
        adapter.check_health()
    whatsapp.apps = [{}]
    assert "messages come" in adapter.check_health()
    whatsapp.debug["expires_at"] = (datetime.now(UTC) + timedelta(days=3)).timestamp()
    whatsapp.profile["quality_rating"] = "RED"
    assert "ends in 3 d" in adapter.check_health() and "badly" in adapter.check_health()
    whatsapp.webhook = "https://other.example/hook"
    with pytest.raises(TransportError, match="elsewhere") as caught:
        adapter.check_health()
    assert caught.value.breaks_channel
    whatsapp.profile["status"] = "BANNED"
    with pytest.raises(TransportError, match="BANNED"):
        adapter.check_health()


# ---- Gateways --------------------------------------------------------------------------------------------------------


def test_a_gateway_to_the_cloud_api(settings, file):
    with DialogStandIn(token="d360-key") as gateway:
        settings.WHATSAPP_API_URL = gateway.url
        config = {"provider": "360dialog", "phone_number_id": "", "waba_id": "", "webhook_check": "address"}
        channel = adapter_of(config, access_token="d360-key", app_secret="")
        assert channel.connect().external_id.startswith("127.0.0.1:")
        channel.send(message("привет"))
        channel.send(message("", files=[file()]))
        assert [sent["type"] for sent in gateway.sent] == ["text", "image"]
        media_id = gateway.add_media(b"voice", "audio/ogg")
        assert channel.fetch_file({"id": media_id}).body == b"voice"
        gateway.templates = TEMPLATES
        assert len(channel.fetch_templates()) == 2
        settings.PUBLIC_URL_REACHABLE = True
        gateway.webhook = "https://other.example/"
        with pytest.raises(TransportError, match=r"other\.example"):
            channel.check_health()


def test_a_gateway_with_the_older_api(settings, file):
    with FlatStandIn(token="jwt") as gateway:
        settings.WHATSAPP_API_URL = gateway.url
        config = {"provider": "on-premises", "phone_number_id": "", "waba_id": "", "webhook_check": "token"}
        channel = adapter_of(config, access_token="jwt")
        assert channel.connect() and channel.check_health()
        channel.send(message("привет"))
        result = channel.send(message("Вот", files=[file()]))
        assert gateway.sent[1]["image"]["caption"] == "Вот" and result.external_id == gateway.sent[1]["id"]
        channel.mark_read(OLEG, {}, "gBEG/1")
        assert gateway.marks == [{"status": "read", "message_id": "gBEG%2F1"}]
        assert channel.fetch_file({"id": gateway.add_media(b"voice", "audio/ogg")}).body == b"voice"
        gateway.script(Answer(400, json={"errors": [{"code": 470, "title": "Message failed"}]}))
        assert "24 hours" in refusal(channel).reason
        gateway.token = "changed"
        assert "1005" in refusal(channel).reason or refusal(channel).breaks_channel


def test_a_token_with_a_scheme_is_sent_as_it_is(whatsapp):
    with pytest.raises(TransportError):
        adapter_of(access_token="Basic abc").connect()
    with pytest.raises(TransportError):
        adapter_of({"auth_header": "X-Api-Key"}, access_token="k").connect()
    assert whatsapp.requests[0].headers["authorization"] == "Basic abc"
    assert whatsapp.requests[1].headers["x-api-key"] == "k"


def test_the_made_token_is_stable(adapter):
    assert adapter.setup_values()["verify_token"] == derive_secret(f"whatsapp:{uuid.UUID(int=5)}")
