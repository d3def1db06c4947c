"""A bot feeds one channel of one workspace, whoever comes first, however close the second is."""

import json
import threading
from importlib import import_module

import pytest
from django.db import connection

from channels_app.models import Channel, InboundEvent
from channels_app.services.channels import connect_channel, disconnect_channel
from channels_app.services.inbound import drain_channel
from omnisupport.lib.errors import Conflict
from tenants.claims import claim_identity
from tenants.models import ChannelClaim, Tenant
from tenants.provisioning import create_workspace, delete_workspace
from tests.cast import PASSWORD
from tests.standins.telegram import TOKEN, TelegramStandIn
from tickets.models import Message


@pytest.fixture
def telegram(settings):
    with TelegramStandIn() as stand_in:
        settings.TELEGRAM_API_URL = stand_in.url
        yield stand_in


def bot(name="bot"):
    return Channel.objects.create(kind="telegram", name=name, secrets={"token": TOKEN})


def test_the_second_workspace_is_refused_with_a_reason_and_the_first_keeps_its_messages(shop, rival, telegram):
    connect_channel(bot().id)
    calls = len(telegram.requests)
    with rival.enter():
        second = bot()
        with pytest.raises(Conflict) as caught:
            connect_channel(second.id)
        second.refresh_from_db()
        assert (second.external_id, second.health) == ("", "broken")
        assert "другом рабочем пространстве" in str(caught.value) and second.health_note == str(caught.value)
        assert "shop" not in str(caught.value)
    # It was asked who it is, and nothing else: its webhook stays where it was.
    assert [request.path.rsplit("/", 1)[-1] for request in telegram.requests[calls:]] == ["getMe"]


def test_disconnected_it_is_free_for_the_other(shop, rival, telegram):
    first = bot()
    connect_channel(first.id)
    disconnect_channel(first.id)
    with rival.enter():
        assert connect_channel(bot().id).health == "ok"
    with pytest.raises(Conflict):
        connect_channel(first.id)


def test_connecting_again_is_no_conflict_with_oneself(shop, telegram):
    channel = bot()
    for _ in range(2):
        assert connect_channel(channel.id).health == "ok"
    with pytest.raises(Conflict):
        connect_channel(bot("second").id)
    assert ChannelClaim.objects.count() == 1


def test_channels_of_an_older_release_are_claimed_by_the_migration(shop, rival):
    migration = import_module("channels_app.migrations.0005_claim_identities")
    old = bot()
    Channel.objects.filter(id=old.id).update(external_id="бот-88")
    for _ in range(2):
        with connection.cursor() as cursor:
            cursor.execute(migration.CLAIM)
    claim_identity("telegram", "бот-88", old.id)
    with rival.enter(), pytest.raises(Conflict):
        claim_identity("telegram", "бот-88", bot().id)


def test_a_deleted_workspace_lets_go(_prepared, django_db_blocker, shop):
    tenant = create_workspace(slug="fleeting", name="f", owner_email="o@f.example", owner_password=PASSWORD)
    from tenants.db import tenant_context

    channel = bot()
    with tenant_context(tenant.schema_name):
        claim_identity("telegram", "77", channel.id)
    with pytest.raises(Conflict):
        claim_identity("telegram", "77", channel.id)
    delete_workspace(Tenant.objects.get(schema_name=tenant.schema_name))
    claim_identity("telegram", "77", channel.id)


def test_of_two_workspaces_at_the_same_moment_one_wins(live_shop, live_rival):
    outcomes, start = [], threading.Barrier(2)
    ids = {}
    for workspace in (live_shop, live_rival):
        with workspace.enter():
            ids[workspace.schema] = bot().id

    def claims(workspace):
        try:
            with workspace.enter():
                start.wait()
                claim_identity("telegram", "race", ids[workspace.schema])
            outcomes.append("got it")
        except Conflict:
            outcomes.append("refused")
        finally:
            connection.close()

    threads = [threading.Thread(target=claims, args=(workspace,)) for workspace in (live_shop, live_rival)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(outcomes) == ["got it", "refused"]


def test_another_bot_numbers_its_messages_anew_and_none_is_lost(shop, telegram):
    channel = bot()
    connect_channel(channel.id)

    def hears(text: str) -> None:
        body = {"message_id": 5, "from": {"id": 7}, "chat": {"id": 7, "type": "private"}, "text": text}
        raw = json.dumps({"update_id": 1, "message": body}).encode()
        InboundEvent.objects.get_or_create(channel=channel, event_key="1", defaults={"body": raw})
        drain_channel(channel.id)

    hears("первому")
    disconnect_channel(channel.id)
    telegram.token = "987654321" + TOKEN[9:]
    Channel.objects.filter(id=channel.id).update(secrets={"token": telegram.token})
    assert connect_channel(channel.id).external_id == "987654321"
    for _again in range(2):
        hears("второму")
    assert list(Message.objects.order_by("id").values_list("external_id", "text")) == [
        ("123456789:5", "первому"), ("5", "второму"),
    ]  # fmt: skip
