"""What watches the installation: alive, ready, whose host, metrics. Probes come by address, so any host name will do."""

import time
import uuid
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from omnisupport.health import HEARTBEAT_KEY
from omnisupport.lib.redis import redis_client
from tickets.models import Message
from tickets.services.post import post_message

BY_ADDRESS = {"HTTP_HOST": "10.0.0.7:8000"}


@pytest.fixture
def probe(db, _prepared):
    client = Client(**BY_ADDRESS)
    redis_client().set(HEARTBEAT_KEY, str(time.time()))
    yield client
    redis_client().delete(HEARTBEAT_KEY)


def failing(probe):
    answer = probe.get("/readyz")
    failed = {name for name, check in answer.json()["checks"].items() if not check["ok"]}
    assert answer.status_code == (503 if failed else 200)
    return failed


def test_alive_without_anything(probe):
    assert probe.get("/healthz").status_code == 200


def test_ready_with_everything_there(probe):
    answer = probe.get("/readyz").json()
    assert answer["ready"] and set(answer["checks"]) == {"database", "redis", "qdrant", "worker", "delivery"}


def test_no_worker_is_not_ready(probe):
    redis_client().set(HEARTBEAT_KEY, str(time.time() - 60))
    assert failing(probe) == {"worker"}
    redis_client().delete(HEARTBEAT_KEY)
    assert failing(probe) == {"worker"}


def test_redis_away_is_told_without_its_address(probe, settings, monkeypatch):
    with monkeypatch.context() as away:
        away.setattr("omnisupport.lib.redis._silent_until", 0.0)
        settings.REDIS_URL = "redis://127.0.0.1:1/0"
        redis_client.cache_clear()
        assert failing(probe) == {"redis", "worker"}
        assert "127.0.0.1" not in probe.get("/readyz").content.decode()
    redis_client.cache_clear()


def test_a_message_that_does_not_leave_is_not_ready(probe, shop):
    ticket = shop.customer_writes().ticket
    message = post_message(ticket_id=ticket.id, client_id=uuid.uuid4(), text="Ответ", user=shop.agent)
    assert failing(probe) == set()
    Message.objects.filter(id=message.id).update(created_at=timezone.now() - timedelta(minutes=11))
    assert failing(probe) == {"delivery"}
    Message.objects.filter(id=message.id).update(due_at=timezone.now() + timedelta(hours=1))
    assert failing(probe) == set()


def test_whose_host_it_is(probe, shop):
    for ours in ("localhost", shop.host, f"{shop.host.upper()}."):
        assert probe.get("/hostz", {"domain": ours}).status_code == 200, ours
    for strange in ("", "nobody.localhost", "example.com", "x" * 5000, "\x00", f"{shop.host}.evil.example"):
        assert probe.get("/hostz", {"domain": strange}).status_code == 404, strange


def test_metrics_are_for_whoever_has_the_token(probe, settings):
    settings.METRICS_TOKEN = "the-token"
    assert probe.get("/metrics").status_code in {401, 403, 404}
    assert probe.get("/metrics", HTTP_AUTHORIZATION="Bearer another").status_code in {401, 403, 404}
    shown = probe.get("/metrics", HTTP_AUTHORIZATION="Bearer the-token")
    assert shown.status_code == 200
    for name in (
        "omni_queue_length",
        "omni_oldest_unsent_seconds",
        "omni_worker_heartbeat_timestamp",
        "django_http_requests",
    ):
        assert name in shown.content.decode(), name


def test_metrics_without_a_token_are_for_this_machine(probe, settings):
    settings.METRICS_TOKEN = ""
    assert probe.get("/metrics").status_code == 200
    assert probe.get("/metrics", REMOTE_ADDR="203.0.113.9").status_code in {401, 403, 404}
    # Behind a front on the same machine everybody comes from here.
    assert probe.get("/metrics", HTTP_X_FORWARDED_FOR="203.0.113.9").status_code in {401, 403, 404}
