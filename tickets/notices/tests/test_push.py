"""Web Push: readable for one browser only, signed, sent to those who have no page open; a browser that is gone is forgotten."""

import base64
import json
import struct
import uuid

import jwt
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from omnisupport.lib.http import Fetched
from omnisupport.lib.redis import redis_client
from omnisupport.lib.webpush import encrypt, is_subscription, public_key
from tenants.events.dispatch import dispatch_new_events
from tenants.events.models import Event
from tenants.names import tenant_key
from tickets.notices.models import PushSubscription
from tickets.notices.push import push_to_absent
from tickets.presence import move_screen
from tickets.services.tickets import assign_ticket

ENDPOINT = "https://push.example.com/send/abc"


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Browser:
    """The other side: has a key and a secret, and reads what it gets (RFC 8291)."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.secret = uuid.uuid4().bytes
        self.point = self.key.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )

    def subscription(self) -> dict:
        return {"endpoint": ENDPOINT, "keys": {"p256dh": b64(self.point), "auth": b64(self.secret)}}

    def read(self, body: bytes) -> bytes:
        salt, (_size, length) = body[:16], struct.unpack("!IB", body[16:21])
        theirs, sealed = body[21 : 21 + length], body[21 + length :]
        shared = self.key.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), theirs))
        secret = HKDF(hashes.SHA256(), 32, self.secret, b"WebPush: info\0" + self.point + theirs).derive(shared)
        key = HKDF(hashes.SHA256(), 16, salt, b"Content-Encoding: aes128gcm\0").derive(secret)
        nonce = HKDF(hashes.SHA256(), 12, salt, b"Content-Encoding: nonce\0").derive(secret)
        return AESGCM(key).decrypt(nonce, sealed, None).rstrip(b"\x02")


def test_the_example_of_the_standard():
    """RFC 8291, section 5 and appendix A."""
    private = int.from_bytes(unb64("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"), "big")
    body = encrypt(
        b"When I grow up, I want to be a watermelon",
        "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
        "BTBZMqHH6r4Tts7J_aSIgg",
        key=ec.derive_private_key(private, ec.SECP256R1()),
        salt=unb64("DGv6ra1nlYgDCS1FRnbzlw"),
    )
    assert b64(body) == (
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_"
        "yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )


@pytest.mark.parametrize(
    ("p256dh", "auth"), [("", ""), ("!!!", "x"), (b64(b"\x04" + b"1" * 64), b64(b"1" * 16)), ("я", "я")]
)
def test_what_is_no_key_is_no_subscription(p256dh, auth):
    assert not is_subscription(p256dh, auth)


@pytest.fixture
def browser():
    return Browser()


@pytest.fixture
def sent(monkeypatch):
    """Requests that would have left; `sent.status` is what the push service says."""

    class Sent(list):
        status = 201

    requests = Sent()

    def post(url, body, *, headers, **_limits):
        requests.append((url, body, headers))
        return Fetched(url, requests.status, {}, b"")

    monkeypatch.setattr("omnisupport.lib.webpush.post", post)
    monkeypatch.setattr("tickets.notices.services.check_url", lambda _url: None)
    monkeypatch.setattr("tickets.notices.subscribers.wake", lambda *_args: True)
    return requests


def subscribe(shop, browser, method="post"):
    client = shop.client(shop.agent)
    return getattr(client, method)(
        "/notices/browser/", json.dumps(browser.subscription()), content_type="application/json"
    )


def assigned(shop):
    ticket = shop.customer_writes("Тайна").ticket
    assign_ticket(ticket.id, assignee_id=shop.agent.id, actor=shop.admin)
    dispatch_new_events()
    return ticket, Event.objects.get(type="ticket.assigned", ticket_id=ticket.id)


def test_an_absent_person_is_told_and_only_their_browser_can_read_it(shop, browser, sent):
    assert subscribe(shop, browser).status_code == 200
    ticket, event = assigned(shop)
    assert push_to_absent(event.pk) == 1
    ((url, body, headers),) = sent
    words = json.loads(browser.read(body))
    assert words["title"] == "Марина" and words["number"] == str(ticket.number) and "Тайна" not in json.dumps(words)
    scheme, token, key = headers["Authorization"].replace(",", "").split()
    assert (url, scheme, key) == (ENDPOINT, "vapid", f"k={public_key()}")
    point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), unb64(public_key()))
    claims = jwt.decode(token.removeprefix("t="), point, algorithms=["ES256"], audience="https://push.example.com")
    assert claims["sub"].startswith("mailto:")


def test_somebody_with_a_page_open_is_told_by_the_page(shop, browser, sent):
    subscribe(shop, browser)
    _ticket, event = assigned(shop)
    move_screen(shop.schema, "desk", user_id=shop.agent.id, name="Олег")
    try:
        assert push_to_absent(event.pk) == 0 and sent == []
    finally:
        redis_client().delete(tenant_key("screens"))


def test_a_browser_that_is_gone_is_forgotten_and_one_that_is_busy_is_not(shop, browser, sent):
    subscribe(shop, browser)
    _ticket, event = assigned(shop)
    sent.status = 503
    push_to_absent(event.pk)
    assert PushSubscription.objects.count() == 1
    sent.status = 410
    push_to_absent(event.pk)
    assert PushSubscription.objects.count() == 0


def test_a_browser_can_be_taken_back_and_belongs_to_who_used_it_last(shop, browser, sent):
    subscribe(shop, browser)
    client = shop.client(shop.colleague)
    client.post("/notices/browser/", json.dumps(browser.subscription()), content_type="application/json")
    assert PushSubscription.objects.get().user == shop.colleague
    subscribe(shop, browser, "delete")
    assert PushSubscription.objects.count() == 1
    client.delete("/notices/browser/", json.dumps(browser.subscription()), content_type="application/json")
    assert PushSubscription.objects.count() == 0


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://push.example.com/",
        "https://127.0.0.1/",
        "https://10.0.0.1:8443/x",
        "https://localhost/",
        "",
        "file:///x",
    ],
)
def test_addresses_inside_are_refused(shop, browser, endpoint):
    body = {**browser.subscription(), "endpoint": endpoint}
    answer = shop.client(shop.agent).post("/notices/browser/", json.dumps(body), content_type="application/json")
    assert answer.status_code == 400 and not PushSubscription.objects.exists()


@pytest.mark.parametrize(
    "body", ["", "[]", "{", '{"endpoint": 5}', '{"endpoint": "https://push.example.com/", "keys": 5}']
)
def test_garbage_is_refused(shop, body):
    answer = shop.client(shop.agent).post("/notices/browser/", body, content_type="application/json")
    assert answer.status_code == 400
