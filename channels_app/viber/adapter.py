"""Bots of Viber: one token an account, by webhook only. No edits, no reads, no typing; files leave as links."""

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, ClassVar
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from pydantic import BaseModel, Field, field_validator

from channels_app.base import Adapter as BaseAdapter
from channels_app.base import (
    Connected,
    FetchedFile,
    InboundResult,
    Limits,
    OutgoingMessage,
    SendResult,
    TransportError,
    UnknownOutcome,
    Unparsable,
)
from channels_app.download import download
from channels_app.parts import read
from channels_app.viber import client, outgoing
from channels_app.viber.incoming import event_key, parse_event, read_event
from channels_app.viber.outgoing import NAME_LIMIT
from channels_app.viber.payloads import AccountInfo, Token
from omnisupport.lib.errors import NotAuthenticated

EVENT_TYPES = ["delivered", "seen", "failed", "subscribed", "unsubscribed", "conversation_started"]


class Config(BaseModel):
    sender_name: str = Field(
        default="", max_length=NAME_LIMIT, title=gettext_noop("Name that customers see"),
        description=gettext_noop("Empty: the name of the bot in Viber."),
    )  # fmt: skip
    welcome: str = Field(
        default_factory=lambda: _("Hello! Write your question here and we will answer."), max_length=1000,
        title=gettext_noop("Welcome"),
        description=gettext_noop("Shown to whoever opens the chat for the first time. Empty: nothing."),
    )  # fmt: skip


class Secrets(BaseModel):
    token: str = Field(title=gettext_noop("Token of the bot from Viber"))

    @field_validator("token")
    @classmethod
    def _token(cls, value: str) -> str:
        value = value.strip()
        if not (len(value) >= 20 and value.isascii() and value.replace("-", "").isalnum()):
            raise ValueError(_("copy the whole token, like 4453b6ac12345678-e02c…"))
        return value


class _Sent(BaseModel):
    message_token: Token = ""


class Adapter(BaseAdapter):
    title = "Viber"
    icon = "phone"
    vouches = True
    limits: ClassVar[Limits] = Limits(
        text=outgoing.TEXT_LIMIT,
        caption=outgoing.CAPTION_LIMIT,
        file_bytes=50 * 1024 * 1024,
        buttons=outgoing.ROWS_LIMIT,
    )
    Config = Config
    Secrets = Secrets

    @property
    def _token(self) -> str:
        return str(self.channel.secrets.get("token", ""))

    @property
    def _sender(self) -> dict[str, str]:
        name = self.channel.config.get("sender_name") or self.channel.config.get("account_name") or _("Support")
        return {"name": str(name)[:NAME_LIMIT]}

    def _ask(self, method: str, data: Mapping[str, Any]) -> Mapping[str, Any]:
        """For set-up: a lost answer is as good as a fault, the call may be repeated."""
        try:
            return client.call(self._token, method, data)
        except UnknownOutcome as error:
            raise TransportError(str(error)) from None

    # -- inbound

    def verify(self, headers: Mapping[str, str], body: bytes) -> None:
        expected = hmac.new(self._token.encode(), body, hashlib.sha256).hexdigest()
        given = headers.get("x-viber-content-signature", "").lower()
        if not self._token or not hmac.compare_digest(given.encode(), expected.encode()):
            raise NotAuthenticated("wrong signature")

    def event_key(self, headers: Mapping[str, str], body: bytes) -> str:
        try:
            key = event_key(read_event(body))
        except Unparsable:
            key = ""
        return key if 0 < len(key) <= 200 else super().event_key(headers, body)

    def reply(self, headers: Mapping[str, str], body: bytes) -> bytes | None:
        """Viber tries our address while `set_webhook` still waits."""
        return b"" if self._is(body, "webhook") else None

    def acknowledge(self, body: bytes) -> bytes:
        """To whoever is no subscriber yet, one message may be said, and only here."""
        welcome = str(self.channel.config.get("welcome", "")).strip()
        if not welcome or not self._is(body, "conversation_started"):
            return b""
        message = {"sender": self._sender, "type": "text", "text": welcome[: outgoing.TEXT_LIMIT]}
        return json.dumps(message, ensure_ascii=False).encode()

    @staticmethod
    def _is(body: bytes, event: str) -> bool:
        # Most bodies are spared a second reading.
        if event.encode() not in body:
            return False
        try:
            return read_event(body).event == event
        except Unparsable:
            return False

    def parse(self, headers: Mapping[str, str], body: bytes) -> Sequence[InboundResult]:
        return parse_event(body)

    def fetch_file(self, remote: Mapping[str, Any]) -> FetchedFile:
        """Addresses are good for about an hour."""
        url = str(remote.get("url", ""))
        if not _is_vibers(url):
            raise TransportError(_("This address is not one of Viber's."), permanent=True)
        return download(url)

    # -- outbound

    def send(self, message: OutgoingMessage) -> SendResult:
        """Several calls where one is not enough; each that went through is noted, so that no later try repeats it."""
        steps = outgoing.steps_of(message)
        if not steps:
            raise TransportError(_("There is nothing in this message that Viber could show."), permanent=True)
        sent = list(message.sent_parts)
        base = {"receiver": message.address, "min_api_version": 1, "sender": self._sender}
        for step in steps[len(sent) :]:
            sent.append(self._send_step({**base, **step}))
            if len(steps) > 1:
                message.note_part(sent[-1])
        return SendResult(external_id=sent[0])

    def _send_step(self, data: Mapping[str, Any]) -> str:
        """The token of the message."""
        try:
            answer = client.call(self._token, "send_message", data)
        except client.WebhookMissing:
            # The message waits some seconds for the next try.
            with suppress(TransportError):
                self._set_webhook(self.channel.webhook_url)
            raise
        found = read(_Sent, answer)
        return found.message_token if found else ""

    # -- set-up

    def deep_link(self, code: str) -> str:
        # Its address has a query already.
        link = str(self.channel.config.get("link", ""))
        return f"{link}&context={code}" if link else ""

    def connect(self) -> Connected:
        account = self._account()
        link = {"link": f"viber://pa?chatURI={account.uri}"} if account.uri else {}
        return Connected(account.id, account.name or account.uri, {"account_name": account.name, **link})

    def _account(self) -> AccountInfo:
        account = read(AccountInfo, self._ask("get_account_info", {}))
        if account is None or not account.id:
            raise TransportError(_("Viber did not say who this bot is. Try again in a minute."))
        return account

    def start_receiving(self) -> str:
        url = urlsplit(self.channel.webhook_url)
        if not settings.PUBLIC_URL_REACHABLE or url.scheme != "https":
            reason = _("Viber only calls a public https:// address, which this installation does not have.")
            raise TransportError(reason, permanent=True, breaks_channel=True)
        self._set_webhook(self.channel.webhook_url)
        return _("Viber calls our webhook.")

    def _set_webhook(self, url: str) -> None:
        wish: dict[str, Any] = {"url": url}
        if url:
            wish |= {"event_types": EVENT_TYPES, "send_name": True, "send_photo": True}
        self._ask("set_webhook", wish)

    def disconnect(self) -> None:
        # One address an account: another one is somebody else's by now.
        if self._account().webhook == self.channel.webhook_url:
            self._set_webhook("")

    def check_health(self) -> str:
        """After long failures Viber forgets an address: then we give it anew."""
        if self._account().webhook == self.channel.webhook_url:
            return _("Viber calls our webhook.")
        self.start_receiving()
        return _("Viber had another address for this bot; it calls our webhook again.")


def _is_vibers(url: str) -> bool:
    """Or a stand-in's that the operator has opened."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return False
    return host.endswith(".viber.com") or host == "viber.com" or f"{host}:{port}" in settings.OUTBOUND_ALLOWED_HOSTS
