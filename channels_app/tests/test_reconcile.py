"""What a provider holds is compared with what we have: gaps are filled once, seen, and told."""

import json
from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from channels_app.base import TransportError
from channels_app.models import Channel, InboundEvent
from channels_app.services.inbound import drain_channel
from channels_app.services.reconcile import claim_reconciliations, reconcile_channel
from channels_app.tasks import mail_gap
from channels_app.telegram.adapter import Adapter
from channels_app.tests.test_ledger import texts, update
from tenants.events.models import Event
from tenants.sweeper import find_work


class Provider:
    """Stands for a provider that can be asked; Telegram's own cannot."""

    def __init__(self):
        self.holds, self.asked, self.fault = [], [], None

    def list_received(self, adapter, since):
        self.asked.append(since)
        if self.fault:
            raise self.fault
        return [json.dumps(body).encode() for body in self.holds]


@pytest.fixture
def provider(monkeypatch):
    provider = Provider()
    monkeypatch.setattr(Adapter, "list_received", lambda adapter, since: provider.list_received(adapter, since))
    return provider


@pytest.fixture
def channel(shop):
    return Channel.objects.create(kind="telegram", name="bot", external_id="1", secrets={"token": "1:x"}, health="ok")


def fresh(channel):
    channel.refresh_from_db()
    return channel


def test_what_never_reached_us_is_filled_in_once(shop, channel, provider):
    received = json.dumps(update(1, "дошло")).encode()
    InboundEvent.objects.create(channel=channel, event_key="1", body=received)
    drain_channel(channel.id)
    provider.holds = [update(1, "дошло"), update(2, "потерялось"), update(3, "тоже")]
    assert reconcile_channel(channel.id) == 2
    drain_channel(channel.id)
    assert texts() == ["дошло", "потерялось", "тоже"]
    kept = fresh(channel).reconciliation
    assert (kept["checked"], kept["missing"], kept["error"]) == (3, 2, "")
    page = shop.client(shop.admin).get(f"/channels/{channel.id}/").content.decode()
    assert "missing ones found and filled in: 2" in page
    assert reconcile_channel(channel.id) == 0
    drain_channel(channel.id)
    assert len(texts()) == 3
    assert "none is missing" in shop.client(shop.admin).get(f"/channels/{channel.id}/").content.decode()


def test_a_message_that_came_under_another_key_is_no_gap(channel, provider):
    InboundEvent.objects.create(channel=channel, event_key="1", body=json.dumps(update(1, "раз")).encode())
    drain_channel(channel.id)
    listed = update(1, "раз")
    listed["update_id"] = 900
    provider.holds = [listed]
    assert reconcile_channel(channel.id) == 0
    assert InboundEvent.objects.count() == 1


def test_what_cannot_be_understood_is_kept_with_its_reason(channel, provider):
    provider.holds = [{"strange": True}]
    assert reconcile_channel(channel.id) == 1
    drain_channel(channel.id)
    assert InboundEvent.objects.get().state == "failed"


def test_admins_are_told_of_a_gap(shop, channel, provider):
    provider.holds = [update(1), update(2)]
    reconcile_channel(channel.id)
    event = Event.objects.get(type="channel.gap_filled")
    assert event.payload == {"channel_id": str(channel.id), "missing": 2}
    for _ in range(2):
        mail_gap.run(event.pk, event.payload["channel_id"], event.payload["missing"])
    assert len(mail.outbox) == 2 and "bot" in mail.outbox[0].subject


def test_each_comparison_goes_on_where_the_last_good_one_ended(channel, provider):
    reconcile_channel(channel.id)
    until = timezone.datetime.fromisoformat(fresh(channel).reconciliation["until"])
    provider.fault = TransportError("the provider is away")
    reconcile_channel(channel.id)
    assert fresh(channel).reconciliation["error"] == "the provider is away"
    provider.fault = None
    reconcile_channel(channel.id)
    assert provider.asked[1] == provider.asked[2] == until - timedelta(hours=1)


def test_every_channel_is_asked_once_a_day_by_one_worker(channel, provider):
    assert claim_reconciliations() == [channel.id]
    assert claim_reconciliations() == []
    Channel.objects.update(reconciled_at=timezone.now() - timedelta(hours=25))
    assert claim_reconciliations() == [channel.id]
    Channel.objects.update(reconciled_at=None, is_active=False)
    assert claim_reconciliations() == []


def test_a_channel_that_is_due_is_found_by_the_sweeper(shop, channel):
    def found():
        return [sweep.name for schema, sweep in find_work() if schema == shop.schema]

    assert "reconciliation" in found()
    claim_reconciliations()
    assert "reconciliation" not in found()


def test_a_provider_that_lets_nobody_ask_is_left_alone(channel):
    assert claim_reconciliations() == []
    assert fresh(channel).reconciled_at is not None
    assert reconcile_channel(channel.id) == 0 and fresh(channel).reconciliation == {}
