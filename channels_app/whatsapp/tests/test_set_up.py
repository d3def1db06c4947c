"""From the first page to a number that works: what the admin is told, in which order, and what is checked."""

import uuid
from dataclasses import replace

import pytest

from channels_app.base import ChannelInfo
from channels_app.models import Channel
from channels_app.services.channels import change_channel, create_channel
from channels_app.whatsapp.adapter import Adapter
from channels_app.whatsapp.client import Client
from channels_app.whatsapp.config import Config, Secrets
from omnisupport.lib.errors import InvalidInput, NotAuthenticated
from tests.standins.whatsapp_gateways import DialogStandIn


def page(shop, path: str) -> str:
    client = shop.client(shop.admin)
    client.cookies["language"] = "en"
    return client.get(path).content.decode()


def test_before_saving_the_page_leads_to_the_four_values(shop):
    shown = page(shop, "/channels/add/whatsapp/")
    for words in ("phone number ID", "app secret", "whatsapp_business_messaging", "Meta (Cloud API)"):
        assert words in shown
    assert "Callback URL" not in shown and "leave empty to keep it" not in shown
    assert shown.index("App secret</label>") < shown.index("Address of the API</label>")


def test_after_saving_it_shows_what_to_paste(shop):
    channel = Channel.objects.create(
        kind="whatsapp", name="WA", secrets={"access_token": "EAAGsecret", "app_secret": "s"}
    )
    shown = page(shop, f"/channels/{channel.id}/")
    assert f"/hooks/whatsapp/{channel.id}/" in shown
    assert "smb_message_echoes" in shown and "EAAGsecret" not in shown
    # Of the three secrets two are stored.
    assert shown.count("leave empty to keep it") == 2
    channel.secrets = {**channel.secrets, "verify_token": "vt-demo"}
    channel.save()
    assert "vt-demo" not in page(shop, f"/channels/{channel.id}/")


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("phone_number_id", ""), ("phone_number_id", "+7 495 000"), ("waba_id", "x"), ("base_url", "http://10.0.0.1"),
        ("base_url", "ftp://api.example"), ("base_url", "https://localhost:9000"), ("api_version", "25"),
        ("auth_header", "X Y"), ("provider", "pigeon"),
    ],
)  # fmt: skip
def test_settings_that_cannot_be_are_refused(field, given):
    with pytest.raises(ValueError):
        Config(**{"phone_number_id": "345678901234567", field: given})


def test_a_gateway_needs_no_number(settings):
    assert Config(provider="360dialog").base_url == settings.WHATSAPP_API_URL
    assert Config(provider="on-premises", base_url="https://wa.example.com/").base_url == "https://wa.example.com"


@pytest.mark.parametrize("token", ["", "two\nlines", "токен"])
def test_a_token_is_copied_whole(token):
    with pytest.raises(ValueError):
        Secrets(access_token=token)


def test_the_installations_token_serves_where_none_is_given(settings):
    settings.WHATSAPP_API_TOKEN = "EAAGown"
    assert Secrets().access_token == "EAAGown"


def test_a_stored_token_does_not_follow_to_another_address(shop):
    config = {"phone_number_id": "345678901234567"}
    channel = create_channel(kind="whatsapp", name="WA", config=config, secrets={"access_token": "EAAGsecret"})
    same = {"name": "WA", "first_assignee_id": None}
    change_channel(channel, config={"waba_id": "7"}, secrets={}, **same)
    assert channel.secrets["access_token"] == "EAAGsecret"
    with pytest.raises(InvalidInput):
        change_channel(channel, config={"base_url": "https://evil.example.com"}, secrets={}, **same)
    moved = {"base_url": "https://waba.example.com"}
    change_channel(channel, config=moved, secrets={"access_token": "key"}, **same)
    assert channel.secrets["access_token"] == "key"


def test_the_installations_token_goes_to_no_address_of_a_tenant(settings):
    settings.WHATSAPP_API_TOKEN = "EAAGown"
    for secrets in ({}, {"access_token": "EAAGown"}):
        assert Client.of({"base_url": "https://evil.example.com"}, secrets).token == ""
        assert Client.of({}, secrets).token == "EAAGown"


def test_a_gateway_connects_with_its_key_alone(settings):
    with DialogStandIn() as gateway:
        settings.WHATSAPP_API_URL = gateway.url
        config = Config(provider="360dialog").model_dump(mode="json")
        info = ChannelInfo(
            id=uuid.UUID(int=5), schema="t_shop", kind="whatsapp", config=config,
            secrets={"access_token": gateway.token, "app_secret": ""}, webhook_url="https://shop.example/hooks/whatsapp/5/",
        )  # fmt: skip
        adapter = Adapter(info)
        assert adapter.connect().external_id
        adapter.verify({}, b"{}")
        # Whoever has the app's secret is held to it.
        signed = Adapter(replace(info, secrets={**info.secrets, "app_secret": "s"}))
        with pytest.raises(NotAuthenticated):
            signed.verify({}, b"{}")
