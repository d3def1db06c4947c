"""The web chat: our own channel. What is posted is delivered by being stored; the socket only says that it is there."""

import re
from collections.abc import Mapping
from typing import Any, ClassVar, Literal
from urllib.parse import urlsplit

from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop
from pydantic import BaseModel, Field, field_validator

from channels_app.base import Adapter as BaseAdapter
from channels_app.base import GENERATED, Connected, FetchedFile, Limits, OutgoingMessage, SendResult, TransportError

_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")


class Secrets(BaseModel):
    """`secret` signs the company's word on who a visitor is (identity.py)."""

    secret: str = Field("", json_schema_extra=GENERATED)


class Config(BaseModel):
    """How the chat looks, and on which sites it may stand."""

    greeting: str = Field("", max_length=500, title=gettext_noop("Greeting"))
    accent: str = Field("#1F5FD6", title=gettext_noop("Colour"))
    language: Literal["auto", "ru", "en"] = Field(
        "auto",
        title=gettext_noop("Language"),
        json_schema_extra={"labels": {"auto": gettext_noop("the visitor's"), "ru": "Русский", "en": "English"}},
    )
    position: Literal["right", "left"] = Field(
        "right",
        title=gettext_noop("Side of the page"),
        json_schema_extra={"labels": {"right": gettext_noop("right"), "left": gettext_noop("left")}},
    )
    # Origins such as https://shop.example; the workspace's own host is always allowed.
    allowed_sites: list[str] = Field(default_factory=list, max_length=50, title=gettext_noop("Allowed sites"))

    @field_validator("accent")
    @classmethod
    def _accent(cls, value: str) -> str:
        if not _COLOUR.fullmatch(value):
            raise ValueError(_("give the colour as #1F5FD6"))
        return value

    @field_validator("allowed_sites")
    @classmethod
    def _sites(cls, value: list[str]) -> list[str]:
        return [site_origin(site) for site in value]


def site_origin(site: str) -> str:
    """`https://Shop.example/path` → `https://shop.example`. Raises ValueError."""
    parts = urlsplit(site.strip())
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username or "*" in site or ";" in site:
        raise ValueError(_("give each site as https://shop.example"))
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname.lower()}{port}"


class Adapter(BaseAdapter):
    title = _("Web chat")
    icon = "chat"
    limits: ClassVar[Limits] = Limits(text=20_000, caption=20_000, file_bytes=25 * 1024 * 1024)
    idempotent = True
    has_webhook = False
    Config = Config
    Secrets = Secrets

    def send(self, message: OutgoingMessage) -> SendResult:
        return SendResult(external_id=str(message.key))

    def edit(self, address: str, external_id: str, text: str) -> None:
        """The visitor's window shows what is stored, and hears when that changes."""

    def delete(self, address: str, external_id: str) -> None:
        """Likewise."""

    def connect(self) -> Connected:
        return Connected(external_id="", title=str(self.title))

    def fetch_file(self, remote: Mapping[str, Any]) -> FetchedFile:
        raise TransportError("Files of the web chat are uploaded, not fetched.", permanent=True)
