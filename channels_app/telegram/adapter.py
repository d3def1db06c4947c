"""Telegram bots: one token a channel. Facts: docs of the Bot API 10; limits and quirks are noted where they matter."""

import hmac
import json
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar
from urllib.parse import urlsplit

from django.conf import settings
from django.utils import timezone
from django.utils.formats import date_format
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
)
from channels_app.parts import mapping, number, read, words
from channels_app.telegram import client, outgoing
from channels_app.telegram.incoming import parse_update
from channels_app.telegram.outgoing import Step
from channels_app.telegram.payloads import User
from channels_app.text import split_marked
from omnisupport.lib.crypto import derive_secret
from omnisupport.lib.errors import NotAuthenticated

ALLOWED_UPDATES = [
    "message", "edited_message", "callback_query", "my_chat_member", "business_message", "edited_business_message",
    "deleted_business_messages", "message_reaction",
]  # fmt: skip
POLL_SECONDS = 25
RECENT_SECONDS = 3600
# A topic that the customer has closed or deleted.
_NO_TOPIC = ("thread not found", "topic_closed", "topic_deleted", "topic_id_invalid")
# An id of a file that Telegram does not know any more.
_NO_FILE = ("wrong file identifier", "wrong remote file", "file reference", "wrong file_id")
# Sides, proportions or bytes that are none of a photo's, or somebody who takes no voice: as a document the file passes.
_ONLY_AS_DOCUMENT = ("PHOTO_", "IMAGE_PROCESS_FAILED", "VOICE_MESSAGES_FORBIDDEN")


class Secrets(BaseModel):
    token: str = Field(
        default_factory=lambda: settings.TELEGRAM_BOT_TOKEN, title=gettext_noop("Token of the bot from @BotFather"),
        validate_default=True,
    )  # fmt: skip

    @field_validator("token")
    @classmethod
    def _token(cls, value: str) -> str:
        value = value.strip()
        number, _colon, secret = value.partition(":")
        plain = secret.replace("-", "").replace("_", "")
        # str.isalnum alone would let letters of any alphabet into the URL.
        if not (value.isascii() and number.isdecimal() and len(secret) >= 20 and plain.isalnum()):
            raise ValueError(_("copy the whole token, like 123456789:AAE…"))
        return value


class Adapter(BaseAdapter):
    title = "Telegram"
    icon = "telegram"
    vouches = True
    limits: ClassVar[Limits] = Limits(text=4096, caption=1024, file_bytes=50 * 1024 * 1024, buttons=100)
    can_poll = True
    numbers_anew = True
    # About thirty messages a second for a bot and one for a chat, where short bursts pass.
    rate = Rate(30, 30)
    chat_rate = Rate(1, 5)
    formats: ClassVar[frozenset[str]] = frozenset({"bold", "italic", "strike", "code", "link"})
    Secrets = Secrets

    @property
    def _token(self) -> str:
        return str(self.channel.secrets.get("token", ""))

    @property
    def _bot(self) -> str:
        """Ids of files are good for the bot that got them."""
        return self._token.partition(":")[0]

    @property
    def _webhook_secret(self) -> str:
        return derive_secret(f"telegram:{self.channel.id}")

    @staticmethod
    def length(text: str) -> int:
        return outgoing.units(text)

    def _call(self, method: str, data: Mapping[str, Any] | None = None, files: Mapping[str, Any] | None = None) -> Any:
        return client.call(self._token, method, data, files)

    # -- inbound

    def verify(self, headers: Mapping[str, str], body: bytes) -> None:
        given = headers.get("x-telegram-bot-api-secret-token", "")
        if not hmac.compare_digest(given.encode(), self._webhook_secret.encode()):
            raise NotAuthenticated("wrong secret token")

    def event_key(self, headers: Mapping[str, str], body: bytes) -> str:
        try:
            return str(int(json.loads(body)["update_id"]))
        except (ValueError, KeyError, TypeError, RecursionError):
            return super().event_key(headers, body)

    def parse(self, headers: Mapping[str, str], body: bytes) -> Sequence[InboundResult]:
        return parse_update(body)

    def fetch_file(self, remote: Mapping[str, Any]) -> FetchedFile:
        found = self._ask("getFile", {"file_id": remote.get("file_id", "")})
        path = found.get("file_path") if isinstance(found, Mapping) else None
        if not path:
            raise TransportError(_("Telegram does not give this file."), permanent=True)
        return FetchedFile(client.download(self._token, str(path)))

    def answer_callback(self, callback_id: str) -> None:
        try:
            self._call("answerCallbackQuery", {"callback_query_id": callback_id})
        except (TransportError, UnknownOutcome):
            return  # too old to answer: the press itself is stored all the same

    # -- outbound

    def send(self, message: OutgoingMessage) -> SendResult:
        """Several calls where one is not enough; each that went through is noted, so that no later try repeats it."""
        steps = outgoing.steps_of(message)
        if not steps:
            raise TransportError(_("There is nothing in this message that Telegram could show."), permanent=True)
        sent, remote = list(message.sent_parts), {}
        for step in steps[len(sent) :]:
            results = self._send_step(step)
            sent.append(str(results[0].get("message_id", "")))
            if len(steps) > 1:
                message.note_part(sent[-1])
            for file, result in zip(step.files, results, strict=False):
                file_id = _file_id(result)
                if file_id:
                    remote[file.id] = {"file_id": file_id, "bot": self._bot}
        return SendResult(external_id=sent[0], remote_files=remote)

    def _send_step(self, step: Step) -> list[Mapping[str, Any]]:
        """The messages that it became. What Telegram dislikes about the form is tried once in a simpler one."""
        try:
            return self._send_once(step)
        except TransportError as error:
            simpler = _simpler(step, error.reason)
            if simpler is None:
                raise
        return self._send_once(simpler)

    def _send_once(self, step: Step) -> list[Mapping[str, Any]]:
        if not step.files:
            return [self._call("sendMessage", step.data)]
        uploads: dict[str, tuple[str, bytes, str]] = {}
        if len(step.files) == 1:
            field = step.fields[0]
            media = self._media(step.files[0], uploads, field)
            data = {**step.data, **step.caption, **({} if uploads else {field: media})}
            return [self._call(f"send{field.capitalize()}", data if not uploads else _as_form(data), uploads)]
        album = []
        for index, (file, field) in enumerate(zip(step.files, step.fields, strict=True)):
            media = self._media(file, uploads, f"file{index}")
            album.append({"type": field, "media": media, **(step.caption if index == 0 else {})})
        data = {**step.data, "media": album}
        return list(self._call("sendMediaGroup", _as_form(data) if uploads else data, uploads))

    def _media(self, file: OutgoingFile, uploads: dict[str, tuple[str, bytes, str]], name: str) -> str:
        """The bot's own id of the file where it has one; else the file joins the uploads under `name`."""
        if file.remote.get("file_id") and file.remote.get("bot") == self._bot:
            return str(file.remote["file_id"])
        uploads[name] = (file.name or "file", file.read(), file.mime or "application/octet-stream")
        return f"attach://{name}"

    def edit(self, address: str, external_id: str, text: str) -> None:
        data = {**outgoing.chat_of(address, {}), "message_id": int(external_id), "parse_mode": "HTML"}
        words = outgoing.as_html(text)
        try:
            try:
                self._call("editMessageText", {**data, "text": words})
            except TransportError as error:
                # Of a file the words are its caption.
                if "no text in the message" not in error.reason:
                    raise
                self._call("editMessageCaption", {**data, "caption": words})
        except TransportError as error:
            if "not modified" not in error.reason:
                raise

    def delete(self, address: str, external_id: str) -> None:
        try:
            self._call("deleteMessage", {**outgoing.chat_of(address, {}), "message_id": int(external_id)})
        except TransportError as error:
            if "message to delete not found" not in error.reason:
                raise

    def send_typing(self, address: str, details: Mapping[str, Any]) -> None:
        self._call("sendChatAction", {**outgoing.chat_of(address, details), "action": "typing"})

    def show_draft(self, address: str, details: Mapping[str, Any], draft_id: int, text: str) -> None:
        """In private chats with the bot. Telegram animates what is added; it goes when the message comes, or after 30 s."""
        chat = outgoing.chat_of(address, details)
        if chat["chat_id"] > 0 and "business_connection_id" not in chat:
            first = split_marked(text, outgoing.TEXT_LIMIT, outgoing.units)[0] if text.strip() else ""
            self._call(
                "sendMessageDraft",
                {**chat, "draft_id": draft_id, "text": outgoing.as_html(first), "parse_mode": "HTML"},
            )

    # -- set-up

    def deep_link(self, code: str) -> str:
        link = str(self.channel.config.get("link", ""))
        return f"{link}?start={code}" if link else ""

    def connect(self) -> Connected:
        me = read(User, self._ask("getMe"))
        if me is None or not me.id:
            raise TransportError(_("Telegram did not say who this bot is. Try again in a minute."))
        username = me.username
        return Connected(
            external_id=str(me.id),
            title=f"@{username}",
            config={"username": username, "link": f"https://t.me/{username}"},
        )

    def start_receiving(self) -> str:
        if settings.PUBLIC_URL_REACHABLE:
            webhook = {
                "url": self.channel.webhook_url,
                "secret_token": self._webhook_secret,
                "allowed_updates": ALLOWED_UPDATES,
                "max_connections": 40,
            }
            self._ask("setWebhook", webhook)
        else:
            # A webhook and polling exclude each other; what waits there is kept.
            self._ask("deleteWebhook", {"drop_pending_updates": False})
        return self._way()

    def disconnect(self) -> None:
        self._ask("deleteWebhook", {"drop_pending_updates": False})

    def check_health(self) -> str:
        info = mapping(self._ask("getWebhookInfo"))
        expected = self.channel.webhook_url if settings.PUBLIC_URL_REACHABLE else ""
        if info.get("url") != expected:
            reason = _("The messages of this bot go to another address. Press “Check now” to take the bot back.")
            raise TransportError(reason, breaks_channel=True)
        # Telegram keeps its last error for ever; an old one says nothing.
        if info.get("last_error_message") and time.time() - number(info.get("last_error_date")) < RECENT_SECONDS:
            return _("Last error at Telegram: %(error)s; waiting updates: %(count)s") % {
                "error": str(info["last_error_message"])[:200],
                "count": info.get("pending_update_count", 0),
            }
        return self._way()

    def report(self) -> Sequence[tuple[str, str]]:
        info = mapping(self._ask("getWebhookInfo"))
        fault, at = words(info.get("last_error_message")), number(info.get("last_error_date"))
        if fault and 0 < at < 2**32:
            when = timezone.localtime(datetime.fromtimestamp(at, UTC))
            fault = f"{date_format(when, 'SHORT_DATETIME_FORMAT')} — {fault}"
        return [
            (_("Webhook"), self._webhook_in_words(words(info.get("url")))),
            (_("Waiting updates"), str(number(info.get("pending_update_count")))),
            (_("Last error"), fault or _("none")),
            (_("Token"), _("valid; tokens of bots have no end date")),
        ]

    def _webhook_in_words(self, url: str) -> str:
        if not url:
            return _("none; messages are fetched by polling") if not settings.PUBLIC_URL_REACHABLE else _("none")
        if url == self.channel.webhook_url:
            return _("leads here")
        return _("leads elsewhere: %(host)s") % {"host": urlsplit(url).hostname or "?"}

    @staticmethod
    def _way() -> str:
        if settings.PUBLIC_URL_REACHABLE:
            return _("Telegram calls our webhook.")
        return _("Messages are fetched by polling, because this installation has no public address.")

    def _ask(self, method: str, data: Mapping[str, Any] | None = None) -> Any:
        """For set-up: a lost answer is as good as a fault, the call may be repeated."""
        try:
            return self._call(method, data)
        except UnknownOutcome as error:
            raise TransportError(str(error)) from None

    async def poll(self, state: dict[str, Any]) -> tuple[list[bytes], dict[str, Any]]:
        query = {"offset": state.get("offset", 0), "timeout": POLL_SECONDS, "allowed_updates": ALLOWED_UPDATES}
        updates = await client.get_updates(self._token, query)
        numbers = [number(update.get("update_id")) for update in updates]
        bodies = [json.dumps(update, ensure_ascii=False).encode() for update in updates]
        return bodies, {"offset": max(numbers) + 1} if numbers else state


def _simpler(step: Step, reason: str) -> Step | None:
    """What may go through after this refusal; None: nothing of the kind."""
    lower = reason.lower()
    if "parse entities" in lower:
        return step.without_markup()
    if any(phrase in lower for phrase in _NO_TOPIC):
        return step.outside_topics()
    if step.files and any(phrase in lower for phrase in _NO_FILE):
        return step.with_uploads()
    if step.files and any(phrase in reason for phrase in _ONLY_AS_DOCUMENT):
        return step.as_documents()
    return None


def _as_form(data: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of a multipart body: what is no plain value goes as JSON."""
    return {name: json.dumps(value) if isinstance(value, dict | list) else value for name, value in data.items()}


def _file_id(result: Mapping[str, Any]) -> str:
    photo = result.get("photo")
    if isinstance(photo, list) and photo:
        return str(photo[-1].get("file_id", ""))
    for field in ("document", "voice", "audio", "video", "animation"):
        found = result.get(field)
        if isinstance(found, Mapping):
            return str(found.get("file_id", ""))
    return ""
