import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import translation

from channels_app.base import OutgoingFile
from channels_app.whatsapp.tests.scene import adapter_of
from tests.standins.whatsapp import WhatsAppStandIn


@pytest.fixture(autouse=True)
def in_english() -> Iterator[None]:
    """Reasons are sentences for people; these stories read them as they stand in the source."""
    with translation.override("en"):
        yield


@pytest.fixture
def whatsapp(settings):
    with WhatsAppStandIn() as stand_in:
        settings.WHATSAPP_API_URL = stand_in.url
        yield stand_in


@pytest.fixture
def adapter():
    return adapter_of()


@pytest.fixture
def file(settings, tmp_path):
    settings.MEDIA_ROOT = str(tmp_path)

    def make(mime: str = "image/jpeg", body: bytes = b"picture", **fields: Any) -> OutgoingFile:
        path = default_storage.save(uuid.uuid4().hex, ContentFile(body))
        given = {"kind": "photo", "name": "скол.jpg", "size": len(body), "path": path, "mime": mime, **fields}
        return OutgoingFile(id=uuid.uuid4(), **given)

    return make
