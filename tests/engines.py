"""Real PostgreSQL and Redis for every test session, started before Django reads its settings.

Loaded by `-p tests.engines` (pyproject.toml). One PostgreSQL serves all pytest-xdist workers, a database for each (see
tests/database.py); each worker has its own Redis, so that a test may flush or stop it. Two sessions at once take two folders.
"""

import itertools
import os
import shutil
from collections.abc import Generator
from pathlib import Path

import pytest

from omnisupport.embedded import DataDirInUse, Engines, start_engines

ROOT = Path(__file__).resolve().parent.parent
_STARTED: list[Engines] = []
_WORKER = os.environ.get("PYTEST_XDIST_WORKER", "")
# Nothing of the shell or of a developer's .env may steer a test.
_SETTINGS = {
    "ENVIRONMENT": "test",
    "DEBUG": "false",
    "BASE_DOMAIN": "localhost",
    "PORT": "8000",
    "SECRET_KEY": "secret-key-of-the-tests-secret-key-of-the-tests",
    "JWT_SECRET_KEY": "jwt-secret-key-of-the-tests-jwt-secret-key-of-the-tests",
    "FIELD_ENCRYPTION_KEY": "field-encryption-key-of-the-tests",
    "METRICS_TOKEN": "metrics-token-of-the-tests",
    "QDRANT_PATH": "",
    "DJANGO_SETTINGS_MODULE": "omnisupport.settings",
    "QDRANT_URL": "",
    "QDRANT_HOST": "",
    "S3_ENDPOINT_URL": "",
    "SMTP_HOST": "",
    "TELEGRAM_BOT_TOKEN": "",
    "WHATSAPP_API_TOKEN": "",
    "YANDEX_GPT_API_KEY": "",
    "GIGACHAT_CLIENT_ID": "",
    "OPENAI_COMPATIBLE_API_URL": "",
}


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests() -> Generator[None, object, object]:
    """Wraps pytest-django's hook, which loads the settings."""
    _start()
    return (yield)


def pytest_unconfigure() -> None:
    while _STARTED:
        _STARTED.pop().stop()


def _start() -> None:
    """The main process starts PostgreSQL, every process its Redis; addresses reach the workers by the environment."""
    engines = _start_worker() if _WORKER else _start_main()
    _STARTED.append(engines)
    data = engines.data_dir / "data"
    shutil.rmtree(data, ignore_errors=True)
    os.environ.update({**_SETTINGS, "DATA_DIR": str(data), "REDIS_URL": engines.redis_url})


def _start_main() -> Engines:
    home = Path(os.environ.get("TEST_DATA_DIR") or ROOT / "var" / "test")
    for number in itertools.count(1):
        try:
            engines = start_engines(home / f"run{number}", durable=False)
        except DataDirInUse:  # by another test session: take the next folder
            continue
        os.environ["DATABASE_URL"] = engines.database_url
        os.environ["TEST_ENGINES_DIR"] = str(engines.data_dir)
        (engines.data_dir / "model.made").unlink(missing_ok=True)
        return engines
    raise AssertionError("unreachable: count() does not end")


def _start_worker() -> Engines:
    return start_engines(Path(os.environ["TEST_ENGINES_DIR"]) / _WORKER, postgres=False)
