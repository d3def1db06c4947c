"""Calls to the Bot API. The token stands in every URL, so no URL and no exception of the HTTP client leaves this file."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import httpx
from django.conf import settings
from django.utils.translation import gettext as _

from channels_app.base import TransportError, UnknownOutcome

MAX_DOWNLOAD = 20 * 1024 * 1024


@lru_cache(maxsize=1)
def _http() -> httpx.Client:
    """One pool of connections a process; threads share it."""
    return httpx.Client(
        timeout=httpx.Timeout(20, connect=5), headers={"User-Agent": settings.USER_AGENT}, trust_env=False
    )


def call(token: str, method: str, data: Mapping[str, Any] | None = None, files: Mapping[str, Any] | None = None) -> Any:
    """`result` of the answer. Raises TransportError (not done) or UnknownOutcome (the answer was lost)."""
    url = f"{settings.TELEGRAM_API_URL}/bot{token}/{method}"
    try:
        if files:
            answer = _http().post(url, data=dict(data or {}), files=dict(files), timeout=60)
        else:
            answer = _http().post(url, json=data or {})
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout):
        raise TransportError(_("Telegram cannot be reached.")) from None
    except httpx.HTTPError as error:
        raise UnknownOutcome(_("Telegram did not confirm: %(fault)s") % {"fault": type(error).__name__}) from None
    return result_of(answer.status_code, answer)


def result_of(status: int, answer: httpx.Response) -> Any:
    try:
        body = answer.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        if status >= 500:
            raise TransportError(_("Telegram answers with an error (%(status)s).") % {"status": status})
        raise UnknownOutcome(_("Telegram sent half an answer."))
    if body.get("ok"):
        return body.get("result")
    raise error_of(
        int(body.get("error_code") or status), str(body.get("description", "")), body.get("parameters") or {}
    )


def error_of(code: int, description: str, parameters: Mapping[str, Any]) -> TransportError:
    """By code first, by words second: descriptions are not a promise."""
    lower = description.lower()
    if code == 429:
        rest = float(parameters.get("retry_after") or 5)
        return TransportError(_("Telegram asks for a pause."), retry_after=rest, whole_channel=True)
    if code == 401 or (code == 404 and "not found" in lower and "chat" not in lower):
        reason = _("Telegram does not accept the token. Get a new one from @BotFather and save it here.")
        return TransportError(reason, permanent=True, breaks_channel=True)
    if code == 403:
        reason = (
            _("The customer has blocked the bot.") if "blocked" in lower else _("The customer cannot be written to.")
        )
        return TransportError(reason, permanent=True, unreachable=True)
    if code == 409:
        reason = _("Another program receives the messages of this bot. Stop it, then connect again.")
        return TransportError(reason, breaks_channel=True, retry_after=15)
    if code == 413:
        return TransportError(_("The file is too large for Telegram."), permanent=True)
    if code >= 500:
        return TransportError(_("Telegram answers with an error (%(status)s).") % {"status": code})
    permanent = TransportError(_("Telegram refused: %(reason)s") % {"reason": description[:200]}, permanent=True)
    permanent.unreachable = "chat not found" in lower
    return permanent


def download(token: str, file_path: str) -> bytes:
    url = f"{settings.TELEGRAM_API_URL}/file/bot{token}/{file_path}"
    body = bytearray()
    try:
        with _http().stream("GET", url, timeout=60) as answer:
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
