"""The page of a channel: how it is going, and what the provider says at this moment."""

import pytest

from channels_app.models import Channel, DeliveryAttempt
from channels_app.registry import channel_info
from channels_app.services.channels import connect_channel
from tests.standins.telegram import TOKEN, TelegramStandIn
from tests.standins.whatsapp import ACCOUNT, APP_SECRET, NUMBER, WhatsAppStandIn
from tests.standins.whatsapp import TOKEN as WHATSAPP_TOKEN
from tickets.models import Message


@pytest.fixture
def telegram(settings):
    with TelegramStandIn() as stand_in:
        settings.TELEGRAM_API_URL = stand_in.url
        yield stand_in


@pytest.fixture
def whatsapp(settings):
    with WhatsAppStandIn() as stand_in:
        settings.WHATSAPP_API_URL = stand_in.url
        yield stand_in


def page(shop, path: str, person=None) -> str:
    client = shop.client(person or shop.admin)
    client.cookies["language"] = "en"
    return client.get(path).content.decode()


def test_a_bot_before_and_after_connecting(shop, telegram):
    channel = Channel.objects.create(kind="telegram", name="bot", secrets={"token": TOKEN})
    before = page(shop, f"/channels/{channel.id}/")
    assert "@BotFather" in before and f"/channels/{channel.id}/report/" not in before
    connect_channel(channel.id)
    after = page(shop, f"/channels/{channel.id}/")
    assert f'data-late="/channels/{channel.id}/report/"' in after
    assert "https://t.me/omni_demo_bot" in after and "/newbot" not in after


def test_the_webhook_is_told_of_as_telegram_knows_it(shop, telegram):
    channel = Channel.objects.create(kind="telegram", name="bot", secrets={"token": TOKEN})
    telegram.webhook = {"url": "https://other.example/hook"}
    told = page(shop, f"/channels/{channel.id}/report/")
    assert "leads elsewhere: other.example" in told and "/hook" not in told and TOKEN not in told
    telegram.webhook = {"url": channel_info(channel).webhook_url}
    assert "leads here" in page(shop, f"/channels/{channel.id}/report/")
    telegram.token = "another"
    assert "does not accept the token" in page(shop, f"/channels/{channel.id}/report/")


def test_a_number_tells_of_its_token_and_webhook(shop, whatsapp):
    config = {"phone_number_id": NUMBER, "waba_id": ACCOUNT}
    secrets = {"access_token": WHATSAPP_TOKEN, "app_secret": APP_SECRET}
    channel = Channel.objects.create(kind="whatsapp", name="WA", config=config, secrets=secrets)
    whatsapp.webhook = "https://other.example/hook"
    whatsapp.debug = {**whatsapp.debug, "expires_at": 1798761600}
    told = page(shop, f"/channels/{channel.id}/report/")
    assert "leads elsewhere: other.example" in told and "valid until" in told and WHATSAPP_TOKEN not in told
    whatsapp.debug = {**whatsapp.debug, "is_valid": False}
    assert "not valid any more" in page(shop, f"/channels/{channel.id}/report/")


def test_only_admins_may_ask(shop, telegram):
    channel = Channel.objects.create(kind="telegram", name="bot", secrets={"token": TOKEN})
    assert shop.client(shop.agent).get(f"/channels/{channel.id}/report/").status_code == 403
    assert telegram.calls == []


def test_the_last_error_of_this_channel_is_shown(shop):
    message = shop.customer_writes("привет")
    other = Channel.objects.create(kind="widget", name="другой")
    for outcome, error in (("sent", ""), ("failed", "The customer has blocked the bot."), ("sent", "")):
        DeliveryAttempt.objects.create(
            message=Message.objects.get(id=message.id),
            number=1,
            outcome=outcome,
            error=error,
            started_at=message.created_at,
        )
    assert "has blocked the bot" in page(shop, f"/channels/{shop.channel.id}/")
    assert "has blocked the bot" not in page(shop, f"/channels/{other.id}/")
