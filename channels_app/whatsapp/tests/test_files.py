"""Files both ways: uploaded once, as what WhatsApp takes; fetched with the token, which goes nowhere else."""

import hashlib
import uuid
from datetime import UTC, datetime, timedelta

import pytest

from channels_app.base import OutgoingFile, TransportError
from channels_app.whatsapp.outgoing import field_of
from channels_app.whatsapp.tests.scene import message
from tests.standins.server import Answer
from tests.standins.whatsapp import NUMBER, TOKEN, WhatsAppStandIn

MB = 1024 * 1024


def test_a_file_is_uploaded_captioned_and_sent_by_its_id(whatsapp, adapter, file):
    picture = file()
    result = adapter.send(message("**Вот**", files=[picture]))
    sent = whatsapp.sent[0]
    assert sent["image"] == {"id": sent["image"]["id"], "caption": "*Вот*"}
    assert whatsapp.media[sent["image"]["id"]] == (b"picture", "image/jpeg", "скол.jpg")
    assert result.remote_files[picture.id]["id"] == sent["image"]["id"]


def test_an_uploaded_file_is_used_again_while_whatsapp_keeps_it(whatsapp, adapter, file):
    picture = file()
    remote = adapter.send(message("", files=[picture])).remote_files[picture.id]
    for kept in (
        remote,
        {**remote, "number": "other"},
        {**remote, "at": (datetime.now(UTC) - timedelta(30)).isoformat()},
    ):
        adapter.send(message("", files=[file(remote=kept)]))
    ids = [sent["image"]["id"] for sent in whatsapp.sent]
    assert ids[0] == ids[1] and len(set(ids)) == 3


def test_a_file_that_whatsapp_has_lost_is_uploaded_anew(whatsapp, adapter, file):
    remote = {"id": "404", "number": NUMBER, "at": datetime.now(UTC).isoformat()}
    adapter.send(message("", files=[file(remote=remote)]))
    assert len(whatsapp.sent) == 1 and whatsapp.sent[0]["image"]["id"] != "404"


def test_documents_have_names_voices_have_none_and_words_go_beside_them(whatsapp, adapter, file):
    act = file("application/pdf", kind="document", name="Акт.pdf")
    voice = file("audio/ogg; codecs=opus", kind="voice")
    adapter.send(message("Прослушайте", files=[act, voice]))
    document, audio, text = whatsapp.sent
    assert document["document"]["filename"] == "Акт.pdf" and "caption" not in document["document"]
    assert audio["audio"]["voice"] is True and text["text"]["body"] == "Прослушайте"


def test_only_ogg_is_drawn_as_a_voice(whatsapp, adapter, file):
    adapter.send(message("", files=[file("audio/mpeg", kind="voice")]))
    assert "voice" not in whatsapp.sent[0]["audio"]


@pytest.mark.parametrize(
    ("mime", "kind", "size", "field"),
    [
        ("image/png", "photo", 5 * MB, "image"), ("image/png", "photo", 5 * MB + 1, "document"),
        ("image/gif", "photo", 10, "document"), ("image/jpeg", "document", 10, "document"),
        ("video/mp4", "video", 16 * MB, "video"), ("video/mp4", "video", 17 * MB, "document"),
        ("audio/x-m4a", "audio", 10, "audio"), ("audio/ogg", "voice", 17 * MB, "document"),
        ("image/webp", "sticker", 90_000, "sticker"), ("image/webp", "photo", 10, "document"), ("", "document", 10, "document"),
    ],
)  # fmt: skip
def test_each_file_goes_as_what_whatsapp_takes(mime, kind, size, field):
    assert field_of(OutgoingFile(uuid.uuid4(), kind, "f", mime, size, "p")) == field


def test_what_is_too_large_or_refused_goes_as_a_link(whatsapp, adapter, file):
    large = file(size=101 * MB, url="https://shop.example/f/1", name="фильм.mp4")
    strange = file("video/webm", kind="video", url="https://shop.example/f/2", name="ролик.webm")
    adapter.send(message("Смотрите", files=[large]))
    adapter.send(message("И это", files=[strange]))
    bodies = [sent["text"]["body"] for sent in whatsapp.sent]
    assert bodies[0] == "Смотрите\nфильм.mp4: https://shop.example/f/1"
    assert bodies[1:] == ["И это\nролик.webm: https://shop.example/f/2"]
    with pytest.raises(TransportError) as caught:
        adapter.send(message(files=[file("video/webm", kind="video")]))
    assert caught.value.permanent


# ---- Files of customers -----


def test_a_customers_file_is_fetched_with_the_token(whatsapp, adapter):
    media_id = whatsapp.add_media(b"voice", "audio/ogg")
    fetched = adapter.fetch_file({"id": media_id, "url": "https://lookaside.fbsbx.com/old", "sha256": "q1w2"})
    assert (fetched.body, fetched.mime) == (b"voice", "audio/ogg")
    assert all(request.headers["authorization"] == f"Bearer {TOKEN}" for request in whatsapp.requests)


def test_a_damaged_file_is_fetched_again_later(whatsapp, adapter):
    media_id = whatsapp.add_media(b"voice", "audio/ogg")
    whatsapp.script(Answer(body=b"vo"), path="/files/")
    with pytest.raises(TransportError) as caught:
        adapter.fetch_file({"id": media_id})
    assert not caught.value.permanent
    assert adapter.fetch_file({"id": media_id}).body == b"voice"


def test_an_old_address_is_asked_for_anew(whatsapp, adapter):
    media_id = whatsapp.add_media(b"voice", "audio/ogg")
    whatsapp.media_seconds = -1
    with pytest.raises(TransportError) as caught:
        adapter.fetch_file({"id": media_id})
    assert not caught.value.permanent


def test_a_file_at_a_strange_address_is_not_asked_for(whatsapp, adapter):
    media_id = whatsapp.add_media(b"x", "image/png")
    with WhatsAppStandIn() as thief:
        for url in (
            f"{thief.url}/files/1/0",
            "http://169.254.169.254/",
            "https://fbsbx.com.evil.test/",
            "",
            "file:///etc/passwd",
        ):
            whatsapp.script(Answer(json={"url": url}))
            with pytest.raises(TransportError):
                adapter.fetch_file({"id": media_id})
        with pytest.raises(TransportError):
            adapter.fetch_file({"url": f"{thief.url}/files/1/0"})
        assert thief.requests == []


def test_the_token_does_not_follow_a_redirect_elsewhere(whatsapp, adapter, settings):
    media_id = whatsapp.add_media(b"x" * 9, "image/png")
    expected = {"url": f"{whatsapp.url}/files/1/0", "sha256": hashlib.sha256(b"x" * 9).hexdigest()}
    with WhatsAppStandIn() as store:
        moved = Answer(302, html="moved", headers={"Location": f"{store.url}/signed"})
        whatsapp.script(Answer(json=expected), moved)
        with pytest.raises(TransportError):
            adapter.fetch_file({"id": media_id})
        assert store.requests == []
        settings.OUTBOUND_ALLOWED_HOSTS = [store.host]
        whatsapp.script(Answer(json=expected), moved)
        store.script(Answer(body=b"x" * 9))
        assert adapter.fetch_file({"id": media_id}).body == b"x" * 9
        assert "authorization" not in store.requests[0].headers
