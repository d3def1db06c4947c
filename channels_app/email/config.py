"""Settings of a mailbox: who keeps it, how letters come in and how they leave."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from pydantic import BaseModel, Field, ValidationInfo, field_validator
from pydantic.config import JsonDict

from channels_app.base import GENERATED
from channels_app.email.letter import is_address

Security = Literal["tls", "starttls", "none"]
IMAP_PORTS, SMTP_PORTS = {143, 993}, {25, 465, 587, 2525}


@dataclass(frozen=True)
class Server:
    host: str
    port: int
    security: str


# Of the keepers that we know: where letters are fetched, where they are handed in.
_KNOWN = {
    "yandex": (Server("imap.yandex.ru", 993, "tls"), Server("smtp.yandex.ru", 465, "tls")),
    "mailru": (Server("imap.mail.ru", 993, "tls"), Server("smtp.mail.ru", 465, "tls")),
    "google": (Server("imap.gmail.com", 993, "tls"), Server("smtp.gmail.com", 465, "tls")),
    "microsoft": (Server("outlook.office365.com", 993, "tls"), Server("smtp.office365.com", 587, "starttls")),
}
_SECURITY: JsonDict = {
    "labels": {
        "tls": gettext_noop("TLS from the first byte"),
        "starttls": gettext_noop("STARTTLS"),
        "none": gettext_noop("none (only inside the own network)"),
    },
    "rare": True,
}


class Config(BaseModel):
    provider: Literal["yandex", "mailru", "google", "microsoft", "own"] = Field(
        "yandex",
        title=gettext_noop("Who keeps the mailbox"),
        json_schema_extra={
            "secrets_go_there": True,
            "labels": {
                "yandex": gettext_noop("Yandex 360"),
                "mailru": gettext_noop("Mail.ru"),
                "google": gettext_noop("Gmail, Google Workspace"),
                "microsoft": gettext_noop("Microsoft 365, Outlook"),
                "own": gettext_noop("Own server, or another provider"),
            },
        },
    )
    address: str = Field(title=gettext_noop("Address of the mailbox"))
    sender_name: str = Field(
        "", max_length=80, title=gettext_noop("Name that customers see"),
        description=gettext_noop("Empty: the address alone."),
    )  # fmt: skip
    receive: Literal["imap", "mailgun", "postmark", "mailjet", "own"] = Field(
        "imap",
        title=gettext_noop("How letters come in"),
        json_schema_extra={
            "labels": {
                "imap": gettext_noop("we fetch them from the mailbox (IMAP)"),
                "mailgun": gettext_noop("Mailgun posts them"),
                "postmark": gettext_noop("Postmark posts them"),
                "mailjet": gettext_noop("Mailjet posts them"),
                "own": gettext_noop("the own mail server posts them"),
            }
        },
    )
    imap_host: str = Field(
        "", title=gettext_noop("IMAP server"), description=gettext_noop("Only for an own server."),
        json_schema_extra={"secrets_go_there": True},
    )  # fmt: skip
    smtp_host: str = Field(
        "", title=gettext_noop("SMTP server"), description=gettext_noop("Only for an own server."),
        json_schema_extra={"secrets_go_there": True},
    )  # fmt: skip
    login: str = Field(
        "", max_length=200, title=gettext_noop("Login"), description=gettext_noop("Empty: the address."),
        json_schema_extra={"rare": True},
    )  # fmt: skip
    imap_port: int = Field(993, title=gettext_noop("Port of the IMAP server"), json_schema_extra={"rare": True})
    imap_security: Security = Field("tls", title=gettext_noop("Encryption of IMAP"), json_schema_extra=_SECURITY)
    smtp_port: int = Field(465, title=gettext_noop("Port of the SMTP server"), json_schema_extra={"rare": True})
    smtp_security: Security = Field("tls", title=gettext_noop("Encryption of SMTP"), json_schema_extra=_SECURITY)
    folder: str = Field(
        "INBOX", max_length=100, title=gettext_noop("Folder that is read"), json_schema_extra={"rare": True}
    )
    reply_to: Literal["address", "plus"] = Field(
        "address",
        title=gettext_noop("Where answers go"),
        json_schema_extra={
            "rare": True,
            "labels": {
                "address": gettext_noop("to the address"),
                "plus": gettext_noop("to address+number (the mail server must deliver such addresses to the mailbox)"),
            },
        },
    )
    oauth_client_id: str = Field(
        "", max_length=200, title=gettext_noop("Client ID of an own app at Google or Microsoft"),
        description=gettext_noop("Empty: the one of this installation."), json_schema_extra={"rare": True},
    )  # fmt: skip

    @field_validator("address")
    @classmethod
    def _address(cls, value: str) -> str:
        value = value.strip().lower()
        if not is_address(value) or not value.isascii() or "+" in value:
            raise ValueError(_("write it like support@company.example"))
        return value

    @field_validator("sender_name", "login", "folder", "oauth_client_id")
    @classmethod
    def _line(cls, value: str) -> str:
        if not value.isprintable():
            raise ValueError(_("it must be one line of text"))
        return value.strip()

    @field_validator("imap_host", "smtp_host")
    @classmethod
    def _host(cls, value: str) -> str:
        value = value.strip().lower().removesuffix(".")
        if value and not re.fullmatch(r"[a-z0-9]([a-z0-9.-]{0,250}[a-z0-9])?", value):
            raise ValueError(_("give the name of the server alone, like imap.company.example"))
        return value

    @field_validator("smtp_host", "imap_host", mode="after")
    @classmethod
    def _needed(cls, value: str, info: ValidationInfo) -> str:
        fetched = info.field_name == "smtp_host" or info.data.get("receive") == "imap"
        if not value and fetched and info.data.get("provider") == "own":
            raise ValueError(_("an own server needs its name here"))
        return value

    @field_validator("imap_port", "smtp_port")
    @classmethod
    def _port(cls, value: int, info: ValidationInfo) -> int:
        protocol = str(info.field_name).partition("_")[0]
        usual = IMAP_PORTS if protocol == "imap" else SMTP_PORTS
        if value not in usual and not is_opened(str(info.data.get(f"{protocol}_host", "")), value):
            raise ValueError(_("one of %(ports)s") % {"ports": ", ".join(map(str, sorted(usual)))})
        return value

    @field_validator("imap_security", "smtp_security")
    @classmethod
    def _encrypted(cls, value: str, info: ValidationInfo) -> str:
        protocol = str(info.field_name).partition("_")[0]
        host, port = str(info.data.get(f"{protocol}_host", "")), int(info.data.get(f"{protocol}_port") or 0)
        if value == "none" and not is_opened(host, port):
            raise ValueError(
                _("only for servers that the operator has opened: the password would be readable on its way")
            )
        return value


class Secrets(BaseModel):
    password: str = Field(
        "", title=gettext_noop("Password"),
        description=gettext_noop("Of the mailbox; at Yandex, Mail.ru and Google an app password, made for this purpose."),
    )  # fmt: skip
    refresh_token: str = Field(
        "", title=gettext_noop("Refresh token (OAuth)"),
        description=gettext_noop("In place of a password: at Microsoft always, at Google if you wish."),
        json_schema_extra={"rare": True},
    )  # fmt: skip
    oauth_client_secret: str = Field(
        "", title=gettext_noop("Client secret of the own app"), json_schema_extra={"rare": True}
    )
    signing_key: str = Field("", title=gettext_noop("Signing key of Mailgun"), json_schema_extra={"rare": True})
    secret: str = Field("", json_schema_extra=GENERATED)

    @field_validator("password", "refresh_token", "oauth_client_secret", "signing_key")
    @classmethod
    def _one_line(cls, value: str) -> str:
        if not value.isprintable():
            raise ValueError(_("it must be one line of text"))
        return value.strip()

    @field_validator("signing_key")
    @classmethod
    def _ascii(cls, value: str) -> str:
        if not value.isascii():
            raise ValueError(_("only Latin letters, digits and signs"))
        return value


def is_opened(host: str, port: int) -> bool:
    return f"{host}:{port}" in settings.OUTBOUND_ALLOWED_HOSTS


def imap_server(config: Mapping[str, Any]) -> Server:
    return _server(config, "imap", 0)


def smtp_server(config: Mapping[str, Any]) -> Server:
    return _server(config, "smtp", 1)


def _server(config: Mapping[str, Any], protocol: str, place: int) -> Server:
    known = _KNOWN.get(config.get("provider", ""))
    if known is not None:
        return known[place]
    usual = (993, 465)[place]
    host, port = config.get(f"{protocol}_host", ""), int(config.get(f"{protocol}_port") or usual)
    return Server(host, port, config.get(f"{protocol}_security") or "tls")
