"""The database of a test session: migrated and filled once, by whichever process comes first; each process takes a copy.

Loaded by `tests.cast` behind pytest-django, so that this `django_db_setup` stands in the place of its own.
"""

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from psycopg import sql

MODEL = "test_model"


@pytest.fixture(scope="session")
def django_db_setup(
    django_test_environment: None, django_db_modify_db_settings: None, django_db_blocker: Any
) -> Iterator[None]:
    from tenants.lease import lease

    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.SPARE_SCHEMAS = 1
    creation: Any = connection.creation
    with django_db_blocker.unblock():
        _take_database(creation._get_test_db_name())
    yield
    # A session of another process would wait for a lease that a test took.
    lease.release()


def _take_database(name: str) -> None:
    from tests.cast import fill_database

    made = Path(os.environ["TEST_ENGINES_DIR"]) / "model.made"
    with made.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            _replace(MODEL)
            _connect(MODEL)
            fill_database()
            made.touch()
        _replace(name, model=MODEL)
    _connect(name)


def _connect(name: str) -> None:
    _let_go()
    settings.DATABASES["default"]["NAME"] = name
    connection.settings_dict["NAME"] = name


def _replace(name: str, model: str = "template0") -> None:
    _let_go()
    creation: Any = connection.creation
    with creation._nodb_cursor() as cursor:
        cursor.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        cursor.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(model)))


def _let_go() -> None:
    connection.close()
    pooled: Any = connection
    pooled.close_pool()
