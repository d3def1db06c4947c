"""ENVIRONMENT=production starts only on safe ground, and says in one line what is wrong."""

import subprocess
import sys

import pytest

from omnisupport import production
from omnisupport.lib.redis import redis_client
from omnisupport.production import RefusedToStart, refuse_unsafe_production
from tests.servers import ROOT, test_environment


@pytest.fixture
def safe(settings, db):
    settings.PRODUCTION = True
    settings.SECRET_KEY, settings.JWT_SECRET_KEY, settings.FIELD_ENCRYPTION_KEYS = "a" * 50, "b" * 50, ["c" * 50]
    settings.QDRANT_URL = "http://qdrant:6333"
    return settings


def refusal() -> str:
    with pytest.raises(RefusedToStart) as caught:
        refuse_unsafe_production()
    return str(caught.value)


def test_safe_settings_start(safe):
    refuse_unsafe_production()


@pytest.mark.parametrize("name", ["SECRET_KEY", "JWT_SECRET_KEY"])
@pytest.mark.parametrize("value", ["short", "default"])
def test_weak_secrets(safe, name, value):
    setattr(safe, name, safe.INSECURE_DEFAULT if value == "default" else value)
    assert name in refusal()


def test_one_secret_for_everything(safe):
    safe.JWT_SECRET_KEY = safe.SECRET_KEY
    assert "differ" in refusal()


def test_debug_memory_layers_and_embedded_index(safe):
    safe.DEBUG = True
    safe.QDRANT_URL = ""
    safe.CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
    text = refusal()
    assert all(word in text for word in ("DEBUG", "QDRANT_URL", "channel layer"))


def test_stand_ins(safe):
    safe.FAKE_PROVIDERS = True
    assert "FAKE_PROVIDERS" in refusal()


def test_an_evicting_broker(safe):
    redis_client().config_set("maxmemory-policy", "allkeys-lru")
    try:
        assert "allkeys-lru" in refusal()
    finally:
        redis_client().config_set("maxmemory-policy", "noeviction")


def test_a_transaction_pooler(safe, monkeypatch):
    """Stands for PgBouncer: every statement may run on another connection, so the setting that comes back is foreign."""

    class Pooled:
        def __init__(self, connection):
            self.connection = connection

        def __enter__(self):
            return self

        def __exit__(self, *_exc):
            self.connection.close()

        def execute(self, query, parameters=None):
            if "current_setting" in query:
                self.connection.execute("SELECT set_config('application_name', 'somebody else', false)")
            return self.connection.execute(query, parameters)

    real = production.psycopg.connect
    monkeypatch.setattr(production.psycopg, "connect", lambda *a, **k: Pooled(real(*a, **k)))
    assert "transaction-mode pooler" in refusal()


@pytest.mark.parametrize(
    "command", [["-m", "celery", "-A", "omnisupport", "worker", "-P", "solo"], ["-c", "import omnisupport.asgi"]]
)
def test_processes_do_not_start(command, db):
    environment = test_environment(ENVIRONMENT="production", SECRET_KEY="")
    done = subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode != 0
    assert "SECRET_KEY is missing" in done.stdout + done.stderr
