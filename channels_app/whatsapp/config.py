"""Settings of a WhatsApp channel: Meta's Cloud API, a gateway that passes it on, or one with the older flat API."""

import re
from typing import Literal

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from pydantic import BaseModel, Field, ValidationInfo, field_validator

from omnisupport.lib.errors import InvalidInput
from omnisupport.lib.http import check_url

Provider = Literal["meta", "360dialog", "on-premises"]
META: Provider = "meta"
DIALOG: Provider = "360dialog"
FLAT: Provider = "on-premises"


class Config(BaseModel):
    provider: Provider = Field(
        META,
        title=gettext_noop("Who carries the messages"),
        json_schema_extra={
            "labels": {
                META: gettext_noop("Meta (Cloud API)"),
                DIALOG: gettext_noop("360dialog or another gateway to the Cloud API"),
                FLAT: gettext_noop("A gateway with the older API (/v1/messages)"),
            }
        },
    )
    phone_number_id: str = Field(
        "",
        title=gettext_noop("Phone number ID"),
        description=gettext_noop("From the page “API Setup”; not the phone number itself. Gateways do without it."),
        validate_default=True,
    )
    waba_id: str = Field(
        "",
        title=gettext_noop("WhatsApp Business Account ID"),
        description=gettext_noop("From the same page. Needed for templates and for receiving messages by itself."),
    )
    base_url: str = Field(
        default_factory=lambda: settings.WHATSAPP_API_URL,
        title=gettext_noop("Address of the API"),
        json_schema_extra={"secrets_go_there": True, "rare": True},
    )
    api_version: str = Field("v25.0", title=gettext_noop("Version of the API"), json_schema_extra={"rare": True})
    auth_header: str = Field(
        "",
        title=gettext_noop("Header of the access token"),
        description=gettext_noop("Empty: Authorization, or D360-API-KEY for 360dialog."),
        json_schema_extra={"rare": True},
    )
    webhook_check: Literal["usual", "signature", "token", "address"] = Field(
        "usual",
        title=gettext_noop("How calls of the webhook are proved"),
        json_schema_extra={
            "rare": True,
            "labels": {
                "usual": gettext_noop("as usual: Meta signs them, a gateway alone knows the secret address"),
                "signature": gettext_noop("signed with the app secret (Meta)"),
                "token": gettext_noop("the verify token in a header (gateways)"),
                "address": gettext_noop("the secret address alone (gateways without headers)"),
            },
        },
    )

    @field_validator("phone_number_id", "waba_id")
    @classmethod
    def _number(cls, value: str, info: ValidationInfo) -> str:
        value = value.strip()
        if value and not (value.isascii() and value.isdecimal()):
            raise ValueError(_("this is a number of about 15 digits; copy it from the page “API Setup”"))
        if not value and info.field_name == "phone_number_id" and info.data.get("provider") == META:
            raise ValueError(_("copy it from the page “API Setup” of the app"))
        return value

    @field_validator("base_url")
    @classmethod
    def _base_url(cls, value: str) -> str:
        value = value.strip().rstrip("/") or settings.WHATSAPP_API_URL
        if value != settings.WHATSAPP_API_URL:
            try:
                check_url(value)
            except InvalidInput as error:
                raise ValueError(str(error)) from None
        return value

    @field_validator("api_version")
    @classmethod
    def _version(cls, value: str) -> str:
        if not re.fullmatch(r"v\d{1,3}\.\d{1,2}", value.strip()):
            raise ValueError(_("write it like v25.0"))
        return value.strip()

    @field_validator("auth_header")
    @classmethod
    def _header(cls, value: str) -> str:
        if not re.fullmatch(r"[A-Za-z0-9-]{0,60}", value.strip()):
            raise ValueError(_("this is no name of a header"))
        return value.strip()


class Secrets(BaseModel):
    access_token: str = Field(
        default_factory=lambda: settings.WHATSAPP_API_TOKEN,
        title=gettext_noop("Access token"),
        description=gettext_noop("Of a system user, without an end date; or the key of the gateway."),
        validate_default=True,
    )
    app_secret: str = Field(
        "",
        title=gettext_noop("App secret"),
        description=gettext_noop("From “App settings → Basic”. It proves that a call of the webhook is Meta's."),
    )
    verify_token: str = Field(
        "",
        title=gettext_noop("Verify token"),
        description=gettext_noop("Leave empty: we make one and show it above after saving."),
    )

    @field_validator("access_token")
    @classmethod
    def _token(cls, value: str) -> str:
        value = value.strip()
        if not value or not value.isascii() or not value.isprintable():
            raise ValueError(_("copy the whole token"))
        return value

    @field_validator("app_secret", "verify_token")
    @classmethod
    def _secret(cls, value: str) -> str:
        value = value.strip()
        if not value.isascii() or not (value.isprintable() or not value):
            raise ValueError(_("only Latin letters, digits and signs"))
        return value
