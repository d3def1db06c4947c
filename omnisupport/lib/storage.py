"""Files of a workspace lie under its own schema name; names are unguessable; nothing is served without a check."""

import os
import secrets
from pathlib import PurePath

from django.core.files.storage import FileSystemStorage
from django.db import connection


def tenant_path(name: str) -> str:
    """Where a file of the current workspace lies."""
    schema = str(getattr(connection, "schema_name", "public"))
    # Absolute and parent paths never leave the workspace's folder.
    clean = os.path.normpath("/" + name).lstrip("/")
    return clean if clean.startswith(f"{schema}/") else f"{schema}/{clean}"


def random_name(_instance: object, filename: str) -> str:
    """`upload_to`: 128 random bits and the original extension (≤ 10 characters, letters and digits)."""
    extension = PurePath(filename).suffix.lower()
    safe = "".join(c for c in extension[1:11] if c.isascii() and c.isalnum())
    token = secrets.token_hex(16)
    return f"{token[:2]}/{token}{'.' + safe if safe else ''}"


class TenantFileStorage(FileSystemStorage):
    def path(self, name: str) -> str:
        return super().path(tenant_path(name))

    def url(self, name: str | None) -> str:
        raise ValueError("Files are served by views that check who asks; there is no public URL.")
