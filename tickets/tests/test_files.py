"""Files of conversations: who gets them, and that no browser runs what a customer sent."""

import uuid

import pytest
from django.core.files.base import ContentFile

from tickets.models import Attachment

BODY = b"0123456789"


def keep(message, mime="image/png", name="фото 1.png", **fields) -> Attachment:
    return Attachment.objects.create(
        message=message, mime=mime, name=name, size=len(BODY), file=ContentFile(BODY, "x.bin"), **fields
    )


@pytest.fixture
def picture(shop):
    return keep(shop.customer_writes())


def test_agents_see_a_picture_and_nothing_in_it_can_run(shop, picture):
    answer = shop.client(shop.colleague).get(f"/files/{picture.id}/")
    assert (answer.status_code, answer.content) == (200, BODY)
    assert answer["Content-Type"] == "image/png"
    assert answer["Content-Disposition"].startswith("inline; filename*=utf-8''")
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert "private" in answer["Cache-Control"]


@pytest.mark.parametrize("mime", ["text/html", "image/svg+xml", "application/pdf", "application/xhtml+xml", ""])
def test_whatever_a_browser_might_run_is_a_download_of_bytes(shop, mime):
    file = keep(shop.customer_writes(), mime, 'a"b\r\nX-Evil: 1.html')
    answer = shop.client(shop.agent).get(f"/files/{file.id}/")
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["Content-Disposition"].startswith("attachment;")
    assert "X-Evil" not in answer.headers


def test_strangers_get_nothing(shop, rival, picture):
    assert shop.client().get(f"/files/{picture.id}/").status_code == 302
    assert rival.client(rival.owner).get(f"/files/{picture.id}/").status_code == 404
    assert rival.client().get(
        f"/files/{picture.id}/", HTTP_AUTHORIZATION=f"Bearer {shop.token(shop.agent)}"
    ).status_code in {401, 404}
    assert shop.client(shop.agent).get(f"/files/{uuid.uuid4()}/").status_code == 404


def test_the_api_token_opens_files_of_its_own_workspace(shop, rival, picture):
    client = shop.client()
    good = client.get(f"/files/{picture.id}/", HTTP_AUTHORIZATION=f"Bearer {shop.token(shop.agent)}")
    assert good.status_code == 200
    for token in (rival.token(rival.agent), "nonsense", ""):
        assert client.get(f"/files/{picture.id}/", HTTP_AUTHORIZATION=f"Bearer {token}").status_code == 401


def test_an_upload_without_a_message_is_its_owners(shop):
    file = Attachment.objects.create(
        uploaded_by=shop.agent, mime="image/png", name="a", size=len(BODY), file=ContentFile(BODY, "a.png")
    )
    assert shop.client(shop.agent).get(f"/files/{file.id}/").status_code == 200
    assert shop.client(shop.colleague).get(f"/files/{file.id}/").status_code == 404


def test_a_file_on_its_way_or_lost_is_not_found(shop, picture):
    pending = keep(picture.message, state=Attachment.State.PENDING)
    assert shop.client(shop.agent).get(f"/files/{pending.id}/").status_code == 404
    picture.file.storage.delete(picture.file.name)
    assert shop.client(shop.agent).get(f"/files/{picture.id}/").status_code == 404


@pytest.mark.parametrize(
    ("asked", "status", "body", "said"),
    [
        ("bytes=0-3", 206, b"0123", "bytes 0-3/10"),
        ("bytes=4-", 206, b"456789", "bytes 4-9/10"),
        ("bytes=-2", 206, b"89", "bytes 8-9/10"),
        ("bytes=8-99", 206, b"89", "bytes 8-9/10"),
        ("bytes=10-", 416, b"", "bytes */10"),
        ("bytes=5-2", 200, BODY, None),
        ("bytes=-", 200, BODY, None),
        ("bytes=0-1,3-4", 200, BODY, None),
        ("lines=1-2", 200, BODY, None),
    ],
)
def test_players_seek_by_ranges(shop, picture, asked, status, body, said):
    answer = shop.client(shop.agent).get(f"/files/{picture.id}/", HTTP_RANGE=asked)
    assert (answer.status_code, answer.content, answer.get("Content-Range")) == (status, body, said)
