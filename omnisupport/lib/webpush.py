"""Web Push: a few bytes that only one browser can read (RFC 8291, aes128gcm), signed as coming from us (RFC 8292, VAPID)."""

import base64
import os
import struct
import time
from functools import lru_cache
from urllib.parse import urlsplit

import jwt
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from omnisupport.lib.http import post

_CURVE = ec.SECP256R1()
_RECORD = 4096
# What the encryption adds to a record.
MOST_BYTES = _RECORD - 17 - 86
_SIGNED_FOR = 12 * 3600


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _point(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)


def _derived(secret: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(hashes.SHA256(), length, salt, info).derive(secret)


@lru_cache(maxsize=1)
def _signing_key() -> ec.EllipticCurvePrivateKey:
    """The installation's own, made from its secret: one thing less to keep, and the same in every process."""
    secret = (settings.WEB_PUSH_KEY or settings.SECRET_KEY).encode()
    number = int.from_bytes(_derived(secret, b"", b"omnisupport web push", 40), "big")
    # The order of the curve, less one: forty bytes leave no bias worth the name.
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    return ec.derive_private_key(number % (order - 1) + 1, _CURVE)


def public_key() -> str:
    """What a browser subscribes with (`applicationServerKey`)."""
    return _encode(_point(_signing_key().public_key()))


def is_subscription(p256dh: str, auth: str) -> bool:
    """Whether these are the keys of a browser."""
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(_CURVE, _decode(p256dh))
        return len(_decode(auth)) == 16
    except ValueError:
        return False


def encrypt(
    data: bytes, p256dh: str, auth: str, *, key: ec.EllipticCurvePrivateKey | None = None, salt: bytes = b""
) -> bytes:
    """The body of the request. `key` and `salt` are of one use; given only to check known values."""
    key, salt = key or ec.generate_private_key(_CURVE), salt or os.urandom(16)
    theirs, ours = _decode(p256dh), _point(key.public_key())
    shared = key.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(_CURVE, theirs))
    secret = _derived(shared, _decode(auth), b"WebPush: info\0" + theirs + ours, 32)
    content_key = _derived(secret, salt, b"Content-Encoding: aes128gcm\0", 16)
    nonce = _derived(secret, salt, b"Content-Encoding: nonce\0", 12)
    header = salt + struct.pack("!IB", _RECORD, len(ours)) + ours
    return header + AESGCM(content_key).encrypt(nonce, data + b"\x02", None)


def _authorization(endpoint: str) -> str:
    parts = urlsplit(endpoint)
    claims = {
        "aud": f"{parts.scheme}://{parts.netloc}",
        "exp": int(time.time()) + _SIGNED_FOR,
        "sub": f"mailto:{settings.DEFAULT_FROM_EMAIL}",
    }
    return f"vapid t={jwt.encode(claims, _signing_key(), algorithm='ES256')}, k={public_key()}"


def send_push(endpoint: str, p256dh: str, auth: str, data: bytes, *, ttl: int) -> bool:
    """False when the browser is no longer there and is to be forgotten. Raises InvalidInput (address), Unavailable."""
    headers = {
        "Authorization": _authorization(endpoint),
        "Content-Encoding": "aes128gcm",
        "Content-Type": "application/octet-stream",
        "TTL": str(ttl),
        "Urgency": "high",
    }
    answer = post(endpoint, encrypt(data[:MOST_BYTES], p256dh, auth), headers=headers, timeout=10, max_bytes=1000)
    return answer.status not in {401, 403, 404, 410}
