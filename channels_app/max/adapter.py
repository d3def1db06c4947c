"""Bots of MAX: one token a channel. The Bot API on platform-api2.max.ru; limits and quirks are noted where they matter."""

import hashlib
import hmac
import json
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, ClassVar
from urllib.parse import quote, urlsplit

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
    OutgoingFile,
    OutgoingMessage,
    Rate,
    SendResult,
    TransportError,
    UnknownOutcome,
    Unparsable,
)
from channels_app.download import download
from channels_app.max import client, outgoing
from channels_app.max.incoming import event_key, parse_update, read_update
from channels_app.max.outgoing import Step
from channels_app.max.payloads import VideoLinks, read_user
from channels_app.parts import items, mapping, number, read, words
from omnisupport.lib.crypto import derive_secret
from omnisupport.lib.errors import NotAuthenticated
from omnisupport.lib.http import until

UPDATE_TYPES = [
    "message_created", "message_edited", "message_removed", "message_callback", "bot_started", "bot_stopped",
    "dialog_removed",
]  # fmt: skip
POLL_SECONDS = 25
# After an upload MAX needs some seconds before a message may carry the file.
NOT_READY_PAUSES = (1.0, 2.0, 4.0, 8.0)
# Two messages a second is all that one chat may get.
PIECE_PAUSE = 0.5
# Uploads and pauses included; a claimed message counts as abandoned some seconds later (delivery.STALE_AFTER).
STEP_SECONDS = 65


class Secrets(BaseModel):
    token: str = Field(title=gettext_noop("Token of the bot from MAX for business"))

    @field_validator("token")
    @classmethod
    def _token(cls, value: str) -> str:
        value = value.strip().removeprefix("Bearer ")
        if not (len(value) >= 20 and value.isascii() and value.isprintable() and " " not in value):
            raise ValueError(_("copy the whole token, without spaces"))
        return value


class Adapter(BaseAdapter):
    title = "MAX"
    icon = "chat"
    vouches = True
    limits: ClassVar[Limits] = Limits(
        text=outgoing.TEXT_LIMIT, caption=outgoing.TEXT_LIMIT, file_bytes=50 * 1024 * 1024, buttons=outgoing.ROWS_LIMIT
    )
    can_poll = True
    # Of 30 calls a second some are for typing, marks and uploads.
    rate = Rate(per_second=25, burst=5)
    chat_rate = Rate(per_second=2, burst=1)
    formats: ClassVar[frozenset[str]] = frozenset({"bold", "italic", "strike", "code", "link"})
    Secrets = Secrets

    @property
    def _token(self) -> str:
        return str(self.channel.secrets.get("token", ""))

    @property
    def _webhook_secret(self) -> str:
        return derive_secret(f"max:{self.channel.id}")

    def _call(
        self, method: str, path: str, query: Mapping[str, Any] | None = None, body: Mapping[str, Any] | None = None
    ) -> Mapping[str, Any]:
        return client.call(self._token, method, path, query=query, body=body)

    def _ask(
        self, method: str, path: str, query: Mapping[str, Any] | None = None, body: Mapping[str, Any] | None = None
    ) -> Mapping[str, Any]:
        """For set-up and files: a lost answer is as good as a fault, the call may be repeated."""
        try:
            return self._call(method, path, query, body)
        except UnknownOutcome as error:
            raise TransportError(str(error)) from None

    # -- inbound

    def verify(self, headers: Mapping[str, str], body: bytes) -> None:
        given = headers.get("x-max-bot-api-secret", "")
        if not hmac.compare_digest(given.encode(), self._webhook_secret.encode()):
            raise NotAuthenticated("wrong secret")

    def event_key(self, headers: Mapping[str, str], body: bytes) -> str:
        try:
            key = event_key(read_update(body))
        except Unparsable:
            key = ""
        # The ledger cuts its keys; a long id of a callback would lose the time that ends it.
        if len(key) > 200:
            key = "sha256:" + hashlib.sha256(key.encode()).hexdigest()
        return key or super().event_key(headers, body)

    def parse(self, headers: Mapping[str, str], body: bytes) -> Sequence[InboundResult]:
        return parse_update(body, self._token)

    def fetch_file(self, remote: Mapping[str, Any]) -> FetchedFile:
        """Addresses are good for some hours only."""
        url = words(remote.get("url"))
        if remote.get("video"):
            with suppress(TransportError):
                found = self._ask("GET", f"/videos/{quote(words(remote['video']), safe='')}")
                links = read(VideoLinks, found)
                url = (links.best if links else "") or url
        return download(url)

    def answer_callback(self, callback_id: str) -> None:
        # Too old to answer: the press itself is stored all the same.
        with suppress(TransportError, UnknownOutcome):
            self._call("POST", "/answers", {"callback_id": callback_id}, {"notification": _("Received")})

    # -- outbound

    def send(self, message: OutgoingMessage) -> SendResult:
        """Several calls where one is not enough; each that went through is noted, so that no later try repeats it."""
        steps = outgoing.steps_of(message)
        if not steps:
            raise TransportError(_("There is nothing in this message that MAX could show."), permanent=True)
        sent = list(message.sent_parts)
        for index, step in enumerate(steps[len(sent) :]):
            if index:
                time.sleep(PIECE_PAUSE)
            with until(time.monotonic() + STEP_SECONDS):
                sent.append(self._send_step(message, step))
            if len(steps) > 1:
                message.note_part(sent[-1])
        return SendResult(external_id=sent[0])

    def _send_step(self, message: OutgoingMessage, step: Step) -> str:
        """The id of the message at MAX."""
        media = [self._attachment(file) for file in step.files]
        chat_id = words(message.details.get("chat_id"))
        query = {"chat_id": chat_id} if chat_id else {"user_id": message.address}
        pauses = iter(NOT_READY_PAUSES if media else ())
        while True:
            try:
                answer = self._call("POST", "/messages", query, step.body(media))
                break
            except client.Refusal as error:
                if step.link and error.words.startswith("404"):
                    # What the answer hangs on is gone; the answer itself need not be.
                    step = step.without_link()
                    continue
                pause = next(pauses, None) if client.NOT_READY in error.words else None
                if pause is None:
                    raise
                time.sleep(pause)
        found = mapping(answer.get("message"))
        if not found:
            raise UnknownOutcome(_("MAX sent half an answer."))
        return words(mapping(found.get("body")).get("mid"))

    def _attachment(self, file: OutgoingFile) -> dict[str, Any]:
        kind = outgoing.upload_kind(file)
        return {"type": kind, "payload": {"token": client.upload(self._token, kind, file.name, file.read(), file.mime)}}

    def edit(self, address: str, external_id: str, text: str) -> None:
        # Without attachments, those that are there stay.
        self._call("PUT", "/messages", {"message_id": external_id}, {"text": outgoing.as_html(text), "format": "html"})

    def delete(self, address: str, external_id: str) -> None:
        try:
            self._call("DELETE", "/messages", {"message_id": external_id})
        except client.Refusal as error:
            if not error.words.startswith("404"):
                raise

    def send_typing(self, address: str, details: Mapping[str, Any]) -> None:
        self._act(details, "typing_on")

    def mark_read(self, address: str, details: Mapping[str, Any], external_id: str) -> None:
        self._act(details, "mark_seen")

    def _act(self, details: Mapping[str, Any], action: str) -> None:
        chat_id = words(details.get("chat_id"))
        # Not the same number as the person's.
        if chat_id:
            self._call("POST", f"/chats/{quote(chat_id, safe='')}/actions", body={"action": action})

    # -- set-up

    def deep_link(self, code: str) -> str:
        link = str(self.channel.config.get("link", ""))
        return f"{link}?start={code}" if link else ""

    def connect(self) -> Connected:
        me = read_user(self._ask("GET", "/me"))
        if not me.user_id:
            raise TransportError(_("MAX did not say who this bot is. Try again in a minute."))
        link = {"link": f"https://max.ru/{me.username}"} if me.username else {}
        return Connected(
            external_id=str(me.user_id),
            title=f"@{me.username}" if me.username else me.name,
            config={"username": me.username, **link},
        )

    def start_receiving(self) -> str:
        if settings.PUBLIC_URL_REACHABLE:
            self._subscribe()
        self._drop_subscriptions(keep=self._expected_url)
        if not settings.PUBLIC_URL_REACHABLE:
            self._refuse_other_receivers()
        return self._way()

    @property
    def _expected_url(self) -> str:
        return self.channel.webhook_url if settings.PUBLIC_URL_REACHABLE else ""

    def _subscribe(self) -> None:
        url = urlsplit(self.channel.webhook_url)
        if url.scheme != "https" or url.port not in {None, 443}:
            reason = _("MAX calls only https:// addresses on port 443; this installation is at %(url)s.")
            raise TransportError(reason % {"url": f"{url.scheme}://{url.netloc}"}, permanent=True, breaks_channel=True)
        wish = {"url": self.channel.webhook_url, "update_types": UPDATE_TYPES, "secret": self._webhook_secret}
        self._ask("POST", "/subscriptions", body=wish)

    def _subscriptions(self) -> dict[str, set[str]]:
        """Address → what is brought there; an empty set stands for everything."""
        rows = map(mapping, items(self._ask("GET", "/subscriptions").get("subscriptions")))
        return {words(row.get("url")): set(map(words, items(row.get("update_types")))) for row in rows}

    def _is_ours(self, url: str) -> bool:
        """Of this channel under any name that the installation had, or of an earlier channel of this workspace."""
        given, own = urlsplit(url), urlsplit(self.channel.webhook_url)
        folder = own.path.rstrip("/").rpartition("/")[0] + "/"
        return given.path == own.path or (given.netloc == own.netloc and given.path.startswith(folder))

    def _drop_subscriptions(self, keep: str = "") -> None:
        for url in self._subscriptions():
            if url != keep and self._is_ours(url):
                self._ask("DELETE", "/subscriptions", {"url": url})

    def _refuse_other_receivers(self) -> None:
        """A subscription, whoever made it, ends polling for all."""
        others = [urlsplit(url).netloc for url in self._subscriptions()]
        if others:
            reason = _("MAX brings the messages of this bot to %(host)s. Remove that subscription, then connect again.")
            raise TransportError(reason % {"host": others[0]}, breaks_channel=True)

    def disconnect(self) -> None:
        self._drop_subscriptions()

    def check_health(self) -> str:
        """MAX forgets an address that failed for eight hours, and says nothing: then we ask for its calls anew."""
        if not settings.PUBLIC_URL_REACHABLE:
            return self.start_receiving()
        known = self._subscriptions().get(self.channel.webhook_url)
        if known is not None and (not known or known >= set(UPDATE_TYPES)):
            return self._way()
        self._subscribe()
        return _("MAX had stopped calling our webhook; it calls it again.")

    @staticmethod
    def _way() -> str:
        if settings.PUBLIC_URL_REACHABLE:
            return _("MAX calls our webhook.")
        return _("Messages are fetched by polling, because this installation has no public address.")

    async def poll(self, state: dict[str, Any]) -> tuple[list[bytes], dict[str, Any]]:
        query: dict[str, Any] = {"limit": 100, "timeout": POLL_SECONDS, "types": ",".join(UPDATE_TYPES)}
        if state.get("marker"):
            query["marker"] = state["marker"]
        answer = await client.get_updates(self._token, query)
        bodies = [json.dumps(update).encode() for update in items(answer.get("updates")) if isinstance(update, dict)]
        # As text: beyond 2^53 not every reader of JSON keeps it whole.
        marker = number(answer.get("marker"))
        return bodies, {"marker": str(marker)} if marker else state
