"""WhatsApp: one phone number a channel, at Meta's Cloud API or behind a gateway. Facts: Meta's pages of 2026 (Graph v25)."""

import base64
import hashlib
import hmac
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from django.utils.translation import gettext as _

from channels_app.base import Adapter as BaseAdapter
from channels_app.base import (
    Connected,
    FetchedFile,
    InboundResult,
    Limits,
    OutgoingFile,
    OutgoingMessage,
    Rate,
    SendResult,
    Template,
    TransportError,
    UnknownOutcome,
    Unparsable,
)
from channels_app.parts import items, mapping, words
from channels_app.whatsapp import account, outgoing
from channels_app.whatsapp.client import DEADLINE, Client
from channels_app.whatsapp.config import FLAT, META, Config, Secrets
from channels_app.whatsapp.errors import FORM_CODES, Refused
from channels_app.whatsapp.incoming import parse_webhook
from channels_app.whatsapp.outgoing import Step
from channels_app.whatsapp.payloads import name, values_of
from omnisupport.lib.crypto import derive_secret
from omnisupport.lib.errors import Forbidden, NotAuthenticated
from omnisupport.lib.http import until

# WhatsApp keeps an uploaded file for 30 days.
_REUSE_FOR = timedelta(days=29)


class Adapter(BaseAdapter):
    title = "WhatsApp"
    icon = "whatsapp"
    vouches = True
    limits: ClassVar[Limits] = Limits(text=4096, caption=1024, file_bytes=outgoing.FILE_LIMIT, buttons=10)
    # 80 a second with what comes in; one customer gets about one message in six seconds, with some patience at first.
    rate = Rate(per_second=60, burst=60)
    chat_rate = Rate(per_second=1 / 6, burst=10)
    window = timedelta(hours=24)
    has_templates = True
    formats: ClassVar[frozenset[str]] = frozenset({"bold", "italic", "strike", "code", "list"})
    Config = Config
    Secrets = Secrets

    @property
    def _client(self) -> Client:
        return Client.of(self.channel.config, self.channel.secrets)

    @property
    def _verify_token(self) -> str:
        return str(self.channel.secrets.get("verify_token") or derive_secret(f"whatsapp:{self.channel.id}"))

    @property
    def _webhook_check(self) -> str:
        chosen = str(self.channel.config.get("webhook_check") or "usual")
        if chosen != "usual":
            return chosen
        # Gateways hand on bodies of their own making, which nobody has signed with a secret of Meta's.
        is_signed = self._client.provider == META or self.channel.secrets.get("app_secret")
        return "signature" if is_signed else "address"

    # -- inbound

    def verify(self, headers: Mapping[str, str], body: bytes) -> None:
        match self._webhook_check:
            case "signature":
                proved = self._is_signed(headers.get("x-hub-signature-256", ""), body)
            case "token":
                proved = any(_same(given, self._verify_token) for given in _tokens(headers))
            case check:
                # The address holds 122 random bits and is known to the gateway alone.
                proved = check == "address"
        if not proved:
            raise NotAuthenticated("wrong signature")

    def _is_signed(self, given: str, body: bytes) -> bool:
        secret = str(self.channel.secrets.get("app_secret") or "")
        expected = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        return bool(secret) and _same(given.strip().lower(), f"sha256={expected}")

    def answer_check(self, query: Mapping[str, str]) -> bytes | None:
        if query.get("hub.mode") is None:
            return None
        if query["hub.mode"] != "subscribe" or not _same(query.get("hub.verify_token", ""), self._verify_token):
            raise Forbidden("wrong verify token")
        return query.get("hub.challenge", "")[:500].encode()

    def event_key(self, headers: Mapping[str, str], body: bytes) -> str:
        """Of what the body holds: the same message may come again in other bytes."""
        try:
            keys = [key for value in values_of(body) for key in _keys(value)]
        except Unparsable:
            keys = []
        if not keys or not all(keys):
            return super().event_key(headers, body)
        return "ids:" + hashlib.sha256("\n".join(sorted(keys)).encode()).hexdigest()

    def parse(self, headers: Mapping[str, str], body: bytes) -> Sequence[InboundResult]:
        return parse_webhook(body, str(self.channel.config.get("phone_number_id") or ""))

    def fetch_file(self, remote: Mapping[str, Any]) -> FetchedFile:
        body, told = self._client.file(str(remote.get("id") or ""), str(remote.get("url") or ""))
        expected = _hash(words(told.get("sha256"))) or _hash(str(remote.get("sha256") or ""))
        if expected and hashlib.sha256(body).digest() != expected:
            raise TransportError(_("The file came damaged from WhatsApp."))
        return FetchedFile(body, mime=words(told.get("mime_type")))

    # -- outbound

    @staticmethod
    def length(text: str) -> int:
        return outgoing.units(text)

    def send(self, message: OutgoingMessage) -> SendResult:
        """One call a piece, noted as it leaves. Asked again after all have left (WhatsApp refused later), it begins anew."""
        steps = outgoing.steps_of(message)
        if not steps:
            raise TransportError(_("There is nothing in this message that WhatsApp could show."), permanent=True)
        done = len(message.sent_parts) % len(steps)
        sent, remote = list(message.sent_parts[len(message.sent_parts) - done :]), {}
        for place, step in enumerate(steps[done:], done):
            envelope = {**self._recipient(message), **self._tag(message, place, len(steps))}
            # Upload and message together must end before the claim counts as abandoned.
            with until(time.monotonic() + DEADLINE):
                wamid, media = self._send_step(step, envelope)
            sent.append(wamid)
            if len(steps) > 1:
                message.note_part(wamid)
            if step.file and media:
                remote[step.file.id] = media
        return SendResult(external_id=sent[0], remote_files=remote)

    def _recipient(self, message: OutgoingMessage) -> dict[str, str]:
        """The number where we know it; else the person's id for this company."""
        product = {} if self._client.provider == FLAT else {"messaging_product": "whatsapp"}
        numbers = [given for given in (message.address, message.alias) if given.isascii() and given.isdecimal()]
        to = {"to": numbers[0]} if numbers else {"recipient": message.address}
        return {**product, "recipient_type": "individual", **to}

    def _tag(self, message: OutgoingMessage, place: int, pieces: int) -> dict[str, str]:
        if self._client.provider == FLAT:
            return {}
        return {"biz_opaque_callback_data": outgoing.tag(message.key, place, pieces)}

    def _send_step(self, step: Step, envelope: Mapping[str, str]) -> tuple[str, Mapping[str, Any]]:
        """The message's id and where its file is. What WhatsApp dislikes about the form is tried once in a simpler one."""
        kept = self._kept(step.file)
        try:
            return self._send_once(step, envelope, kept)
        except Refused as error:
            if error.code not in FORM_CODES or not (kept or "context" in step.data):
                raise
        return self._send_once(step.without_quote(), envelope, {})

    def _send_once(
        self, step: Step, envelope: Mapping[str, str], kept: Mapping[str, Any]
    ) -> tuple[str, Mapping[str, Any]]:
        media = kept
        if step.file and not kept:
            try:
                media_id = self._client.upload(step.file, outgoing.mime_of(step.file))
            except Refused as error:
                if error.code not in FORM_CODES or not step.file.url:
                    raise
                step = step.as_link()
            else:
                media = {"id": media_id, "at": datetime.now(UTC).isoformat(), "number": self._number}
        answer = self._client.post(self._client.own_path("messages"), {**envelope, **step.content(media.get("id", ""))})
        wamid = name(mapping(next(iter(items(answer.get("messages"))), None)).get("id"))
        if not wamid:
            raise UnknownOutcome(_("WhatsApp sent half an answer."))
        return wamid, media

    @property
    def _number(self) -> str:
        """Ids of files are good for the number that uploaded them."""
        return self._client.number or self.channel.id.hex

    def _kept(self, file: OutgoingFile | None) -> Mapping[str, Any]:
        """Where an earlier send has left the file, while WhatsApp keeps it."""
        if file is None or not file.remote.get("id") or file.remote.get("number") != self._number:
            return {}
        try:
            fresh = datetime.now(UTC) - datetime.fromisoformat(str(file.remote.get("at"))) < _REUSE_FOR
        except (ValueError, TypeError):
            return {}
        return file.remote if fresh else {}

    def mark_read(self, address: str, details: Mapping[str, Any], external_id: str) -> None:
        client = self._client
        if client.provider == FLAT:
            client.ask("PUT", client.path("messages", external_id), json={"status": "read"})
        else:
            client.ask("POST", client.own_path("messages"), json=_read_mark(external_id))

    def send_typing(self, address: str, details: Mapping[str, Any]) -> None:
        """WhatsApp shows it under the customer's last message, which becomes read by that."""
        last = str(details.get("last_message") or "")
        if last and self._client.provider != FLAT:
            mark = {**_read_mark(last), "typing_indicator": {"type": "text"}}
            self._client.ask("POST", self._client.own_path("messages"), json=mark)

    def fetch_templates(self) -> Sequence[Template]:
        return account.fetch_templates(self._client)

    # -- set-up

    def setup_values(self) -> Mapping[str, str]:
        # One that was given stays as secret as every other.
        token = "" if self.channel.secrets.get("verify_token") else self._verify_token
        return {"webhook_url": self.channel.webhook_url, "verify_token": token}

    def connect(self) -> Connected:
        if self._webhook_check == "signature" and not self.channel.secrets.get("app_secret"):
            raise TransportError(
                _("Save the app secret too: without it nobody can tell Meta's calls from forged ones.")
            )
        return account.identify(self._client)

    def start_receiving(self) -> str:
        return account.start_receiving(self._client, self.channel.webhook_url, self._verify_token)

    def disconnect(self) -> None:
        account.stop_receiving(self._client)

    def check_health(self) -> str:
        return account.check(self._client, self.channel.webhook_url)

    def report(self) -> Sequence[tuple[str, str]]:
        return account.report(self._client, self.channel.webhook_url)


def _same(given: str, expected: str) -> bool:
    return bool(expected) and hmac.compare_digest(given.encode(), expected.encode())


def _tokens(headers: Mapping[str, str]) -> list[str]:
    """What a gateway may prove itself with: a header of its own, Bearer, or the password of Basic."""
    scheme, _space, value = headers.get("authorization", "").partition(" ")
    found = [headers.get("x-verify-token", "")]
    if scheme.lower() == "bearer":
        found.append(value.strip())
    if scheme.lower() == "basic":
        with suppress(ValueError):
            found.append(base64.b64decode(value, validate=True).decode().partition(":")[2])
    return found


def _keys(value: Mapping[str, Any]) -> list[str]:
    """The ids of everything in a value; an empty one for whatever has none."""
    found = [
        name(mapping(item).get("id")) for kind in ("messages", "message_echoes") for item in items(value.get(kind))
    ]
    for status in map(mapping, items(value.get("statuses"))):
        id, state = name(status.get("id")), words(status.get("status"))
        found.append(f"{id}:{state}" if id and state else "")
    # What is neither has no ids at all.
    return found or [""]


def _read_mark(external_id: str) -> dict[str, Any]:
    return {"messaging_product": "whatsapp", "status": "read", "message_id": external_id}


def _hash(text: str) -> bytes:
    """Of a SHA-256 in hex (the API) or in base64 (webhooks); empty when it is none."""
    try:
        found = bytes.fromhex(text) if len(text) == 64 else base64.b64decode(text, validate=True)
    except ValueError:
        return b""
    return found if len(found) == 32 else b""
