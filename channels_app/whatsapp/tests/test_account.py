"""The account behind a channel: connecting, health, templates, gateways instead of Meta."""

import uuid
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest

from channels_app.base import TransportError, UnknownOutcome
from channels_app.whatsapp.tests.scene import adapter_of, message, refusal
from channels_app.whatsapp.tests.templates import TEMPLATES
from omnisupport.lib.crypto import derive_secret
from tests.standins.server import Answer
from tests.standins.whatsapp import NUMBER, OLEG
from tests.standins.whatsapp_gateways import DialogStandIn, FlatStandIn


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


# ---- Set-up ---


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


# ---- Gateways ---


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
        assert refusal(channel).breaks_channel


def test_a_token_with_a_scheme_is_sent_as_it_is(whatsapp):
    with pytest.raises(TransportError):
        adapter_of(access_token="Basic abc").connect()
    with pytest.raises(TransportError):
        adapter_of({"auth_header": "X-Api-Key"}, access_token="k").connect()
    assert whatsapp.requests[0].headers["authorization"] == "Basic abc"
    assert whatsapp.requests[1].headers["x-api-key"] == "k"


def test_the_made_token_is_stable(adapter):
    assert adapter.setup_values()["verify_token"] == derive_secret(f"whatsapp:{uuid.UUID(int=5)}")


# ---- Answers of next year --------------------------------------------------------------------------------------------

ODD = [None, [], {}, "x", 5, {"data": 5}, {"data": [None, {"components": 5}, {"name": []}]}, {"error": 7}, {"error": []},
       {"error": {"code": "190"}}, {"errors": [None]}, {"messages": {}}, {"messages": [{"id": 0.5}]}, {"data": {"scopes": 5}},
       {"paging": 5, "data": []}, {"webhook_configuration": []}, {"display_phone_number": 7, "verified_name": {}}]  # fmt: skip


@pytest.mark.parametrize("odd", ODD, ids=repr)
def test_no_odd_answer_makes_us_fall_over(whatsapp, adapter, settings, odd):
    settings.PUBLIC_URL_REACHABLE = True
    calls = [
        adapter.connect, adapter.start_receiving, adapter.check_health, adapter.fetch_templates, adapter.disconnect,
        lambda: adapter.send(message()), lambda: adapter.fetch_file({"id": "1"}),
    ]  # fmt: skip
    for call in calls:
        for status in (200, 400, 500):
            whatsapp._script.clear()
            whatsapp.script(*[Answer(status, json=odd)] * 5)
            with suppress(TransportError, UnknownOutcome):
                call()
