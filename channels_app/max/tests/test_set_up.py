"""Connecting a bot of MAX: subscriptions, polling, its root certificate."""

import uuid

import pytest

from ai_assistant.providers.tests.tls import self_signed
from channels_app.base import ChannelInfo, TransportError
from channels_app.max.adapter import UPDATE_TYPES, Adapter, Secrets
from tests.standins.max import TOKEN, UNAUTHORIZED, MaxStandIn
from tests.standins.server import Answer

HOOK = "https://shop.example/hooks/max/00000000-0000-0000-0000-000000000005/"


@pytest.fixture
def api(settings):
    with MaxStandIn() as stand_in:
        settings.MAX_API_URL = stand_in.url
        yield stand_in


@pytest.fixture
def adapter():
    return Adapter(ChannelInfo(uuid.UUID(int=5), "t_shop", "max", {}, {"token": TOKEN}, HOOK))


def test_connecting_tells_who_the_bot_is(api, adapter):
    connected = adapter.connect()
    assert (connected.external_id, connected.title) == ("912003344", "@omni_demo_bot")
    assert connected.config["link"] == "https://max.ru/omni_demo_bot"


def test_a_server_subscribes_and_clears_away_what_it_left_earlier(api, adapter, settings):
    settings.PUBLIC_URL_REACHABLE = True
    old_name = HOOK.replace("shop.example", "old.example")
    old_channel = HOOK.replace("0005/", "0004/")
    foreign = "https://crm.example/max"
    api.subscriptions = {url: {} for url in (old_name, old_channel, foreign)}
    adapter.start_receiving()
    assert set(api.subscriptions) == {HOOK, foreign}
    assert api.subscriptions[HOOK]["update_types"] == UPDATE_TYPES
    assert api.subscriptions[HOOK]["secret"] == adapter._webhook_secret
    adapter.disconnect()
    assert set(api.subscriptions) == {foreign}


@pytest.mark.parametrize("hook", [HOOK.replace("https", "http"), HOOK.replace("example", "example:8443")])
def test_an_address_that_max_would_not_call_is_said_so(api, adapter, settings, hook):
    settings.PUBLIC_URL_REACHABLE = True
    with pytest.raises(TransportError) as caught:
        Adapter(ChannelInfo(uuid.UUID(int=5), "t_shop", "max", {}, {"token": TOKEN}, hook)).start_receiving()
    assert "443" in caught.value.reason and api.requests == []


@pytest.mark.parametrize("left", [{}, {HOOK: {"update_types": ["message_created"]}}])
def test_a_subscription_that_max_dropped_is_made_again(api, adapter, settings, left):
    settings.PUBLIC_URL_REACHABLE = True
    api.subscriptions = dict(left)
    again = adapter.check_health()
    assert api.subscriptions[HOOK]["secret"] == adapter._webhook_secret
    assert adapter.check_health() != again
    assert len([call for call in api.calls if call[0] == "POST"]) == 1


def test_a_subscription_to_everything_is_enough(api, adapter, settings):
    settings.PUBLIC_URL_REACHABLE = True
    api.subscriptions = {HOOK: {"update_types": None}}
    adapter.check_health()
    assert [call[0] for call in api.calls] == ["GET"]


def test_a_laptop_polls_and_says_who_is_in_the_way(api, adapter, settings):
    settings.PUBLIC_URL_REACHABLE = False
    for ask in (adapter.start_receiving, adapter.check_health):
        api.subscriptions = {HOOK: {}}
        ask()
        assert api.subscriptions == {}
    api.subscriptions = {"https://crm.example/max": {}}
    for ask in (adapter.start_receiving, adapter.check_health):
        with pytest.raises(TransportError) as caught:
            ask()
        assert "crm.example" in caught.value.reason and caught.value.breaks_channel


async def test_polling_takes_each_update_once(api, adapter):
    api.customer_says("раз")
    api.customer_says("два")
    bodies, state = await adapter.poll({})
    assert len(bodies) == 2 and int(state["marker"]) > 2**53
    assert adapter.parse({}, bodies[1])[0].incoming.text == "два"
    api.customer_says("три")
    bodies, _state = await adapter.poll(state)
    assert len(bodies) == 1


async def test_polling_with_a_lost_token_says_so(api, adapter):
    api.script(UNAUTHORIZED, Answer(502, html="x"))
    with pytest.raises(TransportError) as lost:
        await adapter.poll({})
    with pytest.raises(TransportError) as away:
        await adapter.poll({})
    assert lost.value.breaks_channel and away.value.retry_after


def test_the_root_of_max_is_trusted_besides_the_usual_ones(adapter, settings, tmp_path):
    bundle, server_side = self_signed(tmp_path)
    with MaxStandIn(tls=server_side) as stand_in:
        settings.MAX_API_URL = stand_in.url
        settings.MAX_CA_FILE = ""
        with pytest.raises(TransportError) as caught:
            adapter.connect()
        assert caught.value.breaks_channel and stand_in.requests == []
        settings.MAX_CA_FILE = str(bundle)
        assert adapter.connect().external_id == "912003344"
    settings.MAX_CA_FILE = "/nowhere/root.pem"
    with pytest.raises(TransportError) as missing:
        adapter.connect()
    assert "/nowhere/root.pem" in missing.value.reason


@pytest.mark.parametrize("token", ["", "short", "with space " * 5, "токен" * 10])
def test_a_token_that_cannot_be_one_is_refused(token):
    with pytest.raises(ValueError, match="token"):
        Secrets(token=token)
    assert Secrets(token=f" Bearer {TOKEN}\n").token == TOKEN
