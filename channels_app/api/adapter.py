"""A customer's own app or messenger: it posts signed events in, and we post signed replies to its callback URL."""

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar
from uuid import uuid4

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop
from pydantic import BaseModel, Field, field_validator

from channels_app.api.incoming import find_file, parse_body
from channels_app.api.payloads import Taken
from channels_app.base import (
    GENERATED,
    Connected,
    FetchedFile,
    InboundResult,
    Limits,
    OutgoingFile,
    OutgoingMessage,
    SendResult,
    TransportError,
    Unparsable,
)
from channels_app.base import Adapter as BaseAdapter
from channels_app.download import download
from channels_app.parts import read
from omnisupport.lib.errors import AppError, InvalidInput
from omnisupport.lib.http import Fetched, check_url, pause_asked, post
from omnisupport.lib.signing import check_signature, signed_headers

TIMEOUT = 15.0
MAX_FILE = 25 * 1024 * 1024
# Of their answer: only an id is looked for in it.
MAX_ANSWER = 64 * 1024
_MAY_WORK_LATER = {408, 425, 429}
_WRONG_SET_UP = {401, 403, 410}


class Config(BaseModel):
    callback_url: str = Field(title=gettext_noop("Callback URL: where we post replies"), max_length=500)

    @field_validator("callback_url")
    @classmethod
    def _url(cls, value: str) -> str:
        value = value.strip()
        try:
            check_url(value)
        except InvalidInput as error:
            raise ValueError(str(error)) from None
        return value


class Secrets(BaseModel):
    secret: str = Field("", json_schema_extra=GENERATED)


class Adapter(BaseAdapter):
    title = gettext_lazy("Own app (API)")
    icon = "code"
    vouches = True
    limits: ClassVar[Limits] = Limits(text=20_000, caption=20_000, file_bytes=MAX_FILE, buttons=20)
    idempotent = True
    # Files inside an event grow by a third in base64.
    max_body: ClassVar[int] = 16 * 1024 * 1024
    kept_headers: ClassVar[frozenset[str]] = frozenset({"content-type", "user-agent", "idempotency-key"})
    formats: ClassVar[frozenset[str]] = frozenset({"link"})
    Config = Config
    Secrets = Secrets

    @property
    def _secret(self) -> str:
        return str(self.channel.secrets.get("secret", ""))

    # -- inbound

    def verify(self, headers: Mapping[str, str], body: bytes) -> None:
        check_signature(self._secret, headers, body)

    def event_key(self, headers: Mapping[str, str], body: bytes) -> str:
        key = headers.get("idempotency-key", "").strip()
        return f"key:{key}"[:200] if key else super().event_key(headers, body)

    def parse(self, headers: Mapping[str, str], body: bytes) -> Sequence[InboundResult]:
        return parse_body(body)

    def fetch_file(self, remote: Mapping[str, Any]) -> FetchedFile:
        return download(str(remote.get("url", "")), max_bytes=MAX_FILE)

    def unpack_file(self, headers: Mapping[str, str], body: bytes, remote: Mapping[str, Any]) -> FetchedFile:
        try:
            file = find_file(body, str(remote.get("part", "")))
            data = file.data.partition(";base64,")[2] if file.data.startswith("data:") else file.data
            return FetchedFile(base64.b64decode("".join(data.split()), validate=True))
        except (LookupError, ValueError, Unparsable, binascii.Error):
            raise TransportError(_("The file inside the event is not base64."), permanent=True) from None

    # -- outbound

    def send(self, message: OutgoingMessage) -> SendResult:
        answer = self._post(_message(message), str(message.key))
        try:
            taken = read(Taken, json.loads(answer.body or b"null"))
        except (ValueError, RecursionError):
            taken = None
        return SendResult(external_id=(taken.external_id[:255] if taken else "") or str(message.key))

    def edit(self, address: str, external_id: str, text: str) -> None:
        self._post({"type": "edit", "to": address, "message_id": external_id, "text": text}, str(uuid4()))

    def delete(self, address: str, external_id: str) -> None:
        self._post({"type": "delete", "to": address, "message_id": external_id}, str(uuid4()))

    def mark_read(self, address: str, details: Mapping[str, Any], external_id: str) -> None:
        self._post({"type": "read", "to": address, "message_id": external_id}, str(uuid4()))

    def send_typing(self, address: str, details: Mapping[str, Any]) -> None:
        self._post({"type": "typing", "to": address}, str(uuid4()))

    def _post(self, event: Mapping[str, Any], key: str) -> Fetched:
        """Their answer of 2xx. Raises TransportError; a repeat under the same key is theirs to recognise."""
        if not self._secret:
            raise TransportError(_("Make the secret and put it into your app, then press “Check now”."), permanent=True)
        body = json.dumps({"id": key, **event}, ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json", "Idempotency-Key": key, **signed_headers(self._secret, body)}
        url = str(self.channel.config.get("callback_url", ""))
        try:
            answer = post(url, body, headers=headers, timeout=TIMEOUT, max_bytes=MAX_ANSWER)
        except InvalidInput as error:
            raise TransportError(str(error), permanent=True, breaks_channel=True) from None
        except AppError as error:
            raise TransportError(str(error)) from None
        if not 200 <= answer.status < 300:
            raise _refusal(answer)
        return answer

    # -- set-up

    def setup_values(self) -> Mapping[str, str]:
        return {"webhook_url": self.channel.webhook_url}

    def connect(self) -> Connected:
        self.check_health()
        return Connected(external_id=str(self.channel.id), title=str(self.title))

    def check_health(self) -> str:
        self._post({"type": "ping"}, str(uuid4()))
        return _("The callback URL answers.")

    def disconnect(self) -> None:
        pass


def _refusal(answer: Fetched) -> TransportError:
    reason = _("Your app answers with %(status)s: %(words)s") % {
        "status": answer.status, "words": answer.body[:200].decode("utf-8", "replace").strip()
    }  # fmt: skip
    if answer.status >= 500 or answer.status in _MAY_WORK_LATER:
        pause = pause_asked(answer.headers.get("retry-after", ""))
        return TransportError(reason, retry_after=pause, whole_channel=answer.status == 429 and pause is not None)
    # A redirect is not followed: the signature was made for the address that an admin gave.
    return TransportError(reason, permanent=True, breaks_channel=answer.status in _WRONG_SET_UP)


def _message(message: OutgoingMessage) -> dict[str, Any]:
    return {
        "type": "message",
        "to": message.address,
        "text": message.text,
        "files": [_file(file) for file in message.files],
        "buttons": [dict(button) for button in message.buttons],
        "citations": [dict(source) for source in message.citations],
        "reply_to": message.reply_to_external_id,
        "ticket": message.ticket_number,
        "automatic": message.automatic,
    }


def _file(file: OutgoingFile) -> dict[str, Any]:
    return {
        "id": str(file.id),
        "kind": file.kind,
        "name": file.name,
        "mime": file.mime,
        "size": file.size,
        "url": file.url,
    }
