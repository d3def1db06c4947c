"""Encryption at rest for secrets that we must be able to use again (bot tokens, mailbox passwords, model keys)."""

import base64
import hashlib
import hmac
import json
from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import models


@lru_cache(maxsize=4)
def _cipher(keys: tuple[str, ...]) -> MultiFernet:
    derived = [base64.urlsafe_b64encode(hashlib.sha256(f"field:{key}".encode()).digest()) for key in keys]
    return MultiFernet([Fernet(key) for key in derived])


def encrypt(text: str) -> str:
    return _cipher(tuple(settings.FIELD_ENCRYPTION_KEYS)).encrypt(text.encode()).decode()


def decrypt(token: str) -> str:
    try:
        return _cipher(tuple(settings.FIELD_ENCRYPTION_KEYS)).decrypt(token.encode()).decode()
    except InvalidToken:
        raise ImproperlyConfigured(
            "A stored secret cannot be decrypted: FIELD_ENCRYPTION_KEY has changed. "
            "Put the old key back, after the new one and a comma."
        ) from None


def derive_secret(purpose: str) -> str:
    """A stable secret for `purpose` (43 url-safe characters), so that there is no second one to store."""
    return _derived(settings.SECRET_KEY, purpose)


@lru_cache(maxsize=2000)
def _derived(key: str, purpose: str) -> str:
    """Kept: webhooks ask at every call."""
    digest = hmac.new(key.encode(), purpose.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


class EncryptedJSONField(models.TextField[dict[str, Any], dict[str, Any]]):
    """A JSON object stored as one encrypted text. Not searchable, never shown: forms write it, code reads it."""

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> dict[str, Any]:
        return json.loads(decrypt(value)) if value else {}

    def to_python(self, value: Any) -> dict[str, Any]:
        return value if isinstance(value, dict) else {}

    def get_prep_value(self, value: Any) -> str:
        return encrypt(json.dumps(value, ensure_ascii=False)) if value else ""

    def value_to_string(self, obj: models.Model) -> str:
        return self.get_prep_value(self.value_from_object(obj))
