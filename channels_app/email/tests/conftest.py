from collections.abc import Iterator

import pytest
from django.utils import translation

from channels_app.email import oauth, reading
from channels_app.email.tests.scene import Office
from tests.standins.mailbox import MailServer


@pytest.fixture(autouse=True)
def in_english() -> Iterator[None]:
    """Reasons are sentences for people; these stories read them as they stand in the source."""
    with translation.override("en"):
        yield


@pytest.fixture(autouse=True)
def nobody_waits(monkeypatch):
    """Looks into an empty mailbox end at once."""
    monkeypatch.setattr(reading, "WAIT", 0.01)
    monkeypatch.setattr(reading, "PAUSE", 0.0)


@pytest.fixture(autouse=True)
def nobody_remembers():
    """Access tokens and refusals are kept in the process."""
    oauth._kept.clear()
    reading._refused.clear()


@pytest.fixture
def mail(settings):
    with MailServer() as server:
        settings.OUTBOUND_ALLOWED_HOSTS = server.hosts
        yield server


@pytest.fixture
def office(shop, mail):
    return Office.open(shop, mail)
