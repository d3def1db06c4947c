"""Signed JSON between us and a customer's own program, the same in both directions.

X-Omni-Timestamp: seconds since 1970. X-Omni-Signature: hex HMAC-SHA256 of the secret over `<timestamp>.<raw body>`.
"""

import hashlib
import hmac
import secrets
import time
from collections.abc import Mapping

from django.utils.translation import gettext as _

from omnisupport.lib.errors import NotAuthenticated

TIMESTAMP = "X-Omni-Timestamp"
SIGNATURE = "X-Omni-Signature"
# Seconds, to both sides: clocks differ. Later a copied request is worth nothing.
MAX_AGE = 300


def make_secret() -> str:
    return "whsec_" + secrets.token_urlsafe(32)


def sign(secret: str, timestamp: str, body: bytes) -> str:
    return hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def signed_headers(secret: str, body: bytes) -> dict[str, str]:
    timestamp = str(int(time.time()))
    return {TIMESTAMP: timestamp, SIGNATURE: sign(secret, timestamp, body)}


def check_signature(secret: str, headers: Mapping[str, str], body: bytes) -> None:
    """`headers` in lower case. Raises NotAuthenticated with what is wrong."""
    timestamp = headers.get(TIMESTAMP.lower(), "").strip()
    given = headers.get(SIGNATURE.lower(), "").strip().lower()
    if not (secret and timestamp and given):
        raise NotAuthenticated(_("The headers X-Omni-Timestamp and X-Omni-Signature are needed."), code="unsigned")
    if not (timestamp.isascii() and timestamp.isdecimal() and len(timestamp) <= 12):
        raise NotAuthenticated(_("X-Omni-Timestamp must be seconds since 1970."), code="bad_timestamp")
    if not hmac.compare_digest(given.encode(), sign(secret, timestamp, body).encode()):
        raise NotAuthenticated(_("The signature does not match."), code="bad_signature")
    if abs(time.time() - int(timestamp)) > MAX_AGE:
        raise NotAuthenticated(_("The signature is older than five minutes."), code="stale_signature")
