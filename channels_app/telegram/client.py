"""Calls to the Bot API. The token stands in every URL, so no URL and no exception of the HTTP client leaves this file."""

import ssl
import time
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import httpx
from django.conf import settings
from django.utils.translation import gettext as _

from channels_app.base import TransportError, UnknownOutcome, lost_answer
from omnisupport.lib.http import service_client, until

MAX_DOWNLOAD = 20 * 1024 * 1024
# For a whole call, uploads included; a claimed message counts as abandoned some seconds later (delivery.STALE_AFTER).
DEADLINE = 60.0
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


@lru_cache(maxsize=1)
def _http() -> httpx.Client:
    """One pool of connections a process; threads share it."""
    return service_client(timeout=20)


def call(token: str, method: str, data: Mapping[str, Any] | None = None, files: Mapping[str, Any] | None = None) -> Any:
    """`result` of the answer. Raises TransportError (not done) or UnknownOutcome (the answer was lost)."""
    url = f"{settings.TELEGRAM_API_URL}/bot{token}/{method}"
    try:
        with until(time.monotonic() + DEADLINE):
            if files:
                answer = _http().post(
                    url, data=dict(data or {}), files=dict(files), timeout=httpx.Timeout(50, connect=5)
                )
            else:
                answer = _http().post(url, json=data or {})
    except _NOT_SENT:
        raise TransportError(_("Telegram cannot be reached.")) from None
    except httpx.HTTPError as error:
        raise lost_answer("Telegram", error) from None
    return result_of(answer)


async def get_updates(token: str, query: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Waits up to `query["timeout"]` seconds. Raises TransportError."""
    url = f"{settings.TELEGRAM_API_URL}/bot{token}/getUpdates"
    timeout = httpx.Timeout(float(query["timeout"]) + 10, connect=5)
    try:
        async with httpx.AsyncClient(timeout=timeout, trust_env=False, verify=_roots()) as http:
            updates = result_of(await http.post(url, json=dict(query), headers={"User-Agent": settings.USER_AGENT}))
    except httpx.HTTPError:
        raise TransportError(_("Telegram cannot be reached."), retry_after=5) from None
    except UnknownOutcome as error:
        raise TransportError(str(error), retry_after=5) from None
    return [update for update in updates if isinstance(update, dict)] if isinstance(updates, list) else []


@lru_cache(maxsize=1)
def _roots() -> ssl.SSLContext:
    """Loading the certificates takes about 40 ms of the event loop."""
    return httpx.create_ssl_context()


def result_of(answer: httpx.Response) -> Any:
    """Raises TransportError or UnknownOutcome as `call`."""
    try:
        body = answer.json()
    except ValueError:
        body = None
    if isinstance(body, dict):
        if body.get("ok"):
            return body.get("result")
        parameters = body.get("parameters")
        code = body.get("error_code")
        raise error_of(
            code if isinstance(code, int) else answer.status_code,
            str(body.get("description", "")),
            parameters if isinstance(parameters, Mapping) else {},
        )
    # Not Telegram itself but something before it; whatever it is, it has told that nothing was done.
    if answer.status_code >= 400:
        raise error_of(answer.status_code, answer.reason_phrase, {})
    raise UnknownOutcome(_("Telegram sent half an answer."))


def error_of(code: int, description: str, parameters: Mapping[str, Any]) -> TransportError:
    """By code first, by words second: descriptions are not a promise."""
    lower = description.lower()
    if code == 429:
        # The same words for a chat that gets too much and for a bot that sends too much.
        return TransportError(_("Telegram asks for a pause."), retry_after=_pause(parameters), whole_channel=None)
    if code == 401 or (code == 404 and "chat" not in lower):
        reason = _("Telegram does not accept the token. Get a new one from @BotFather and save it here.")
        return TransportError(reason, permanent=True, breaks_channel=True)
    if code == 409:
        reason = _("Another program receives the messages of this bot. Stop it, then connect again.")
        return TransportError(reason, breaks_channel=True, retry_after=15)
    if code >= 500:
        return TransportError(_("Telegram answers with an error (%(status)s).") % {"status": code})
    if code == 413:
        return TransportError(_("The file is too large for Telegram."), permanent=True)
    reason = _unreachable(code, lower)
    if reason:
        return TransportError(reason, permanent=True, unreachable=True)
    return TransportError(_("Telegram refused: %(reason)s") % {"reason": description[:200]}, permanent=True)


def _pause(parameters: Mapping[str, Any]) -> float:
    seconds = parameters.get("retry_after")
    return float(seconds) if isinstance(seconds, int | float) and 0 < seconds < 86400 else 5.0


def _unreachable(code: int, lower: str) -> str:
    """Why nothing can be written to this chat. Strings of the servers behind come in capitals, with 400 for 403."""
    if "blocked" in lower:
        return _("The customer has blocked the bot.")
    if code == 403 and "initiate" in lower:
        return _("The customer has not started the bot yet.")
    if code == 403 or "chat not found" in lower or "deactivated" in lower or "peer_id_invalid" in lower:
        return _("The customer cannot be written to.")
    return ""


def download(token: str, file_path: str) -> bytes:
    """Raises TransportError; permanent when the file is too large."""
    url = f"{settings.TELEGRAM_API_URL}/file/bot{token}/{file_path}"
    body = bytearray()
    try:
        with until(time.monotonic() + DEADLINE), _http().stream("GET", url) as answer:
            if answer.status_code != 200:
                raise TransportError(
                    _("Telegram does not give the file (%(status)s).") % {"status": answer.status_code}
                )
            for chunk in answer.iter_bytes():
                body += chunk
                if len(body) > MAX_DOWNLOAD:
                    raise TransportError(_("The file is larger than 20 MB."), permanent=True)
    except httpx.HTTPError:
        raise TransportError(_("Telegram cannot be reached.")) from None
    return bytes(body)
