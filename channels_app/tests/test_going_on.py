"""A conversation begun on the site goes on in a messenger, by the link that the web chat shows."""

import json
import uuid

import pytest

from channels_app.models import Channel, InboundEvent
from channels_app.services.inbound import drain_channel
from channels_app.widget import services
from channels_app.widget.sessions import Visitor
from tests.standins.max import MaxStandIn
from tests.standins.viber import TOKEN, USER, ViberStandIn
from tests.standins.vk import VkStandIn
from tickets.models import Message, Ticket


@pytest.fixture
def visitor(shop):
    row = shop.customer_writes("Начинаю на сайте").address
    return Visitor(shop.channel, row.address)


def came_in(channel, body) -> Message:
    InboundEvent.objects.create(channel=channel, event_key=uuid.uuid4().hex, body=json.dumps(body).encode())
    drain_channel(channel.id)
    return Message.objects.latest("id")


def by_max(code):
    with MaxStandIn() as api:
        return api.start(code)


def by_viber(code):
    with ViberStandIn() as viber:
        started = viber.start(code)
        return {**started, "user": {**started["user"], "id": USER}}


def by_vk(code):
    with VkStandIn() as vk:
        return vk.message("Привет", ref=code)


@pytest.mark.parametrize(
    ("kind", "config", "before", "opened"),
    [
        ("max", {"link": "https://max.ru/omni_bot"}, "https://max.ru/omni_bot?start=", by_max),
        ("viber", {"link": "viber://pa?chatURI=omni"}, "viber://pa?chatURI=omni&context=", by_viber),
        ("vk", {"link": "https://vk.me/omni", "group_id": "1"}, "https://vk.me/omni?ref=", by_vk),
    ],
)
def test_whoever_comes_by_the_link_goes_on_in_the_same_conversation(shop, visitor, kind, config, before, opened):
    channel = Channel.objects.create(
        kind=kind, name=kind, external_id="1", health="ok", config=config, secrets={"token": TOKEN}
    )
    [way] = services.other_ways(visitor)
    assert way["kind"] == kind and way["url"].startswith(before)
    code = way["url"].removeprefix(before)
    assert len(code) <= 64 and code.replace("-", "").replace("_", "").isalnum()
    message = came_in(channel, opened(code))
    ticket = Ticket.objects.get()
    # Replies go where the customer has written last.
    assert (message.ticket, ticket.channel_id, ticket.contact.addresses.count()) == (ticket, channel.id, 2)


@pytest.mark.parametrize("kind", ["max", "viber", "vk", "telegram"])
def test_a_channel_without_a_name_to_link_to_is_not_shown(shop, visitor, kind):
    Channel.objects.create(kind=kind, name=kind, external_id="1", health="ok", secrets={"token": TOKEN})
    assert services.other_ways(visitor) == []
