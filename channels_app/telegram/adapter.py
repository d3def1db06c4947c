"""Telegram bots: one token a channel. Facts: docs of the Bot API 10; limits and quirks are noted where they matter."""

import hmac
import json
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import httpx
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
    PartlySent,
    SendResult,
    TransportError,
    UnknownOutcome,
)
from channels_app.telegram import client, outgoing
from channels_app.telegram.incoming import parse_update
from omnisupport.lib.crypto import derive_secret
from omnisupport.lib.errors import NotAuthenticated

ALLOWED_UPDATES = ["message", "edited_message", "callback_query", "my_chat_member"]
POLL_SECONDS = 25


class Secrets(BaseModel):
    token: str = Field(title=gettext_noop("Token of the bot from @BotFather"))

    @field_validator("token")
    @classmethod
    def _token(cls, value: str) -> str:
        value = value.strip()
        number, colon, secret = value.partition(":")
        if not (
            number.isascii()
            and number.isdecimal()
            and colon
            and len(secret) >= 20
            and secret.replace("-", "").replace("_", "").isalnum()
        ):
            raise ValueError("copy the whole token, like 123456789:AAE…")
        return value


class Adapter(BaseAdapter):
    title = "Telegram"
    icon = "telegram"
    limits: ClassVar[Limits] = Limits(text=4096, caption=1024, file_bytes=50 * 1024 * 1024, buttons=100)
    can_poll = True
    Secrets = Secrets

    @property
    def _token(self) -> str:
        return str(self.channel.secrets.get("token") or settings.TELEGRAM_BOT_TOKEN)

    @property
    def _webhook_secret(self) -> str:
        return derive_secret(f"telegram:{self.channel.id}")

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
        try:
            found = self._call("getFile", {"file_id": remote.get("file_id", "")})
            path = str(found["file_path"])
            return FetchedFile(client.download(self._token, path))
        except UnknownOutcome as error:
            raise TransportError(str(error)) from None
        except (KeyError, TypeError):
            raise TransportError(_("Telegram does not give this file."), permanent=True) from None

    def answer_callback(self, callback_id: str) -> None:
        try:
            self._call("answerCallbackQuery", {"callback_query_id": callback_id})
        except (TransportError, UnknownOutcome):
            return  # too old to answer: the press itself is stored all the same

    # -- outbound

    def send(self, message: OutgoingMessage) -> SendResult:
        """Several calls where one is not enough; those that went through are remembered in `PartlySent`."""
        text = outgoing.with_sources(message.text, message.citations)
        steps = _steps(text, message)
        sent: list[str] = list(message.sent_parts)
        remote: dict[Any, Mapping[str, Any]] = {}
        for index, step in enumerate(steps):
            if index < len(sent):
                continue
            try:
                result = self._send_step(step)
            except (TransportError, UnknownOutcome) as error:
                if sent:
                    raise PartlySent(sent, error) from None
                raise
            sent.append(str(result.get("message_id", "")))
            if step.file is not None:
                file_id = _file_id(result)
                if file_id:
                    remote[step.file.id] = {"file_id": file_id}
        return SendResult(external_id=sent[0] if sent else "", remote_files=remote)

    def _send_step(self, step: "_Step") -> dict[str, Any]:
        if step.file is not None and not step.file.remote.get("file_id"):
            method, field = outgoing.file_call(step.file)
            files = {field: (step.file.name or "file", step.file.read(), step.file.mime or "application/octet-stream")}
            data = {k: json.dumps(v) if isinstance(v, dict | list) else v for k, v in step.data.items()}
            return dict(self._call(method, data, files))
        if step.file is not None:
            method, field = outgoing.file_call(step.file)
            return dict(self._call(method, {**step.data, field: step.file.remote["file_id"]}))
        try:
            return dict(self._call("sendMessage", step.data))
        except TransportError as error:
            if "parse entities" not in error.reason:
                raise
            plain = {key: value for key, value in step.data.items() if key != "parse_mode"}
            return dict(self._call("sendMessage", {**plain, "text": step.plain}))

    def edit(self, address: str, external_id: str, text: str) -> None:
        data = {
            "chat_id": int(address),
            "message_id": int(external_id),
            "text": outgoing.as_html(text),
            "parse_mode": "HTML",
        }
        try:
            self._call("editMessageText", data)
        except TransportError as error:
            if "not modified" not in error.reason:
                raise

    def send_typing(self, address: str, details: Mapping[str, Any]) -> None:
        data: dict[str, Any] = {"chat_id": int(address), "action": "typing"}
        if details.get("message_thread_id"):
            data["message_thread_id"] = details["message_thread_id"]
        self._call("sendChatAction", data)

    # -- set-up

    def connect(self) -> Connected:
        try:
            me = self._call("getMe")
            if settings.PUBLIC_URL_REACHABLE:
                self._call(
                    "setWebhook",
                    {
                        "url": self.channel.webhook_url,
                        "secret_token": self._webhook_secret,
                        "allowed_updates": ALLOWED_UPDATES,
                        "max_connections": 40,
                    },
                )
                note = _("Telegram calls our webhook.")
            else:
                # A webhook and polling exclude each other; what waits there is kept.
                self._call("deleteWebhook", {"drop_pending_updates": False})
                note = _("Messages are fetched by polling, because this installation has no public address.")
        except UnknownOutcome as error:
            raise TransportError(str(error)) from None
        username = str(me.get("username", ""))
        return Connected(
            external_id=str(me["id"]),
            title=f"@{username}",
            config={"username": username, "link": f"https://t.me/{username}"},
            note=note,
        )

    def disconnect(self) -> None:
        try:
            self._call("deleteWebhook", {"drop_pending_updates": False})
        except UnknownOutcome as error:
            raise TransportError(str(error)) from None

    def check_health(self) -> str:
        try:
            info = self._call("getWebhookInfo")
        except UnknownOutcome as error:
            raise TransportError(str(error)) from None
        if settings.PUBLIC_URL_REACHABLE and info.get("url") != self.channel.webhook_url:
            reason = _("Telegram calls another address. Press “Connect” to take the bot back.")
            raise TransportError(reason, breaks_channel=True)
        if info.get("last_error_message"):
            return _("Last error at Telegram: %(error)s; waiting updates: %(count)s") % {
                "error": str(info["last_error_message"])[:200],
                "count": info.get("pending_update_count", 0),
            }
        return ""

    async def poll(self, state: dict[str, Any]) -> tuple[list[bytes], dict[str, Any]]:
        url = f"{settings.TELEGRAM_API_URL}/bot{self._token}/getUpdates"
        query = {"offset": state.get("offset", 0), "timeout": POLL_SECONDS, "allowed_updates": ALLOWED_UPDATES}
        try:
            async with httpx.AsyncClient(timeout=httpx.Timeout(POLL_SECONDS + 10, connect=5), trust_env=False) as http:
                answer = await http.post(url, json=query)
        except httpx.HTTPError:
            raise TransportError(_("Telegram cannot be reached."), retry_after=5) from None
        try:
            updates = client.result_of(answer.status_code, answer)
        except UnknownOutcome as error:
            raise TransportError(str(error), retry_after=5) from None
        bodies = [json.dumps(update, ensure_ascii=False).encode() for update in updates]
        numbers = [int(update["update_id"]) for update in updates]
        return bodies, {"offset": max(numbers) + 1} if numbers else state


class _Step:
    """One call: a piece of text, or a file with its caption."""

    def __init__(self, data: dict[str, Any], plain: str = "", file: OutgoingFile | None = None) -> None:
        self.data, self.plain, self.file = data, plain, file


def _steps(text: str, message: OutgoingMessage) -> list[_Step]:
    base, reply = outgoing.base_of(message), outgoing.reply_of(message)
    steps: list[_Step] = []
    captioned = len(message.files) == 1 and text and outgoing.units(text) <= outgoing.CAPTION_LIMIT
    for index, file in enumerate(message.files):
        caption = {"caption": outgoing.as_html(text), "parse_mode": "HTML"} if captioned and index == 0 else {}
        steps.append(_Step({**base, **(reply if index == 0 else {}), **caption}, file=file))
    if text and not captioned:
        for index, piece in enumerate(outgoing.split_text(text)):
            data = {
                **base,
                **(reply if not steps and index == 0 else {}),
                "text": outgoing.as_html(piece),
                "parse_mode": "HTML",
            }
            steps.append(_Step({**data, "link_preview_options": {"is_disabled": True}}, plain=piece))
    markup = outgoing.keyboard(message.buttons)
    if markup and steps:
        steps[-1].data["reply_markup"] = markup
    return steps


def _file_id(result: Mapping[str, Any]) -> str:
    photo = result.get("photo")
    if isinstance(photo, list) and photo:
        return str(photo[-1].get("file_id", ""))
    for field in ("document", "voice", "audio", "video", "animation"):
        found = result.get(field)
        if isinstance(found, Mapping):
            return str(found.get("file_id", ""))
    return ""
