"""Calls to Viber's REST API. It always answers 200; what became of a call stands in `status`."""

import json
import time
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import httpx
from django.conf import settings
from django.utils.translation import gettext as _

from channels_app.base import TransportError, UnknownOutcome, lost_answer
from channels_app.parts import mapping, words
from omnisupport.lib.http import service_client, until

# For a whole call; a claimed message counts as abandoned some seconds later (delivery.STALE_AFTER).
DEADLINE = 60.0
# Of one call, in bytes.
BODY_LIMIT = 30 * 1024
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_BROKEN, _UNREACHABLE, _NO_WEBHOOK, _TOO_MANY = {2, 7, 8, 9, 15}, {5, 6, 11}, 10, 12


class WebhookMissing(TransportError):
    """Viber sends for nobody whom it cannot call."""


@lru_cache(maxsize=1)
def _http() -> httpx.Client:
    """One pool of connections a process; threads share it."""
    return service_client(timeout=30)


def call(token: str, method: str, data: Mapping[str, Any]) -> Mapping[str, Any]:
    """The answer, whose status is 0. Raises TransportError (not done) or UnknownOutcome (the answer was lost)."""
    # Escapes would make every Cyrillic letter six bytes of the limit.
    body = json.dumps(data, ensure_ascii=False).encode("utf-8", "replace")
    if len(body) > BODY_LIMIT:
        raise TransportError(_("The message is too large for Viber."), permanent=True)
    headers = {"X-Viber-Auth-Token": token, "Content-Type": "application/json"}
    try:
        with until(time.monotonic() + DEADLINE):
            answer = _http().post(f"{settings.VIBER_API_URL}/pa/{method}", content=body, headers=headers)
    except _NOT_SENT:
        raise TransportError(_("Viber cannot be reached.")) from None
    except httpx.HTTPError as error:
        raise lost_answer("Viber", error) from None
    return result_of(answer)


def result_of(answer: httpx.Response) -> Mapping[str, Any]:
    """Raises TransportError or UnknownOutcome as `call`."""
    try:
        body = mapping(answer.json())
    except ValueError:
        body = {}
    status = body.get("status")
    if isinstance(status, int) and not isinstance(status, bool):
        if status == 0:
            return body
        raise error_of(status, words(body.get("status_message")))
    if answer.status_code == 429:
        raise TransportError(_("Viber asks for a pause."), retry_after=60, whole_channel=True)
    if 400 <= answer.status_code < 500:
        raise TransportError(
            _("Viber answers with an error (%(status)s).") % {"status": answer.status_code}, permanent=True
        )
    raise UnknownOutcome(_("Viber sent half an answer."))


def error_of(status: int, said: str) -> TransportError:
    if status in _BROKEN:
        reason = _(
            "Viber does not let this bot work: %(reason)s. Look at the account in Viber and save the token anew."
        )
        return TransportError(reason % {"reason": said or status}, permanent=True, breaks_channel=True)
    if status in _UNREACHABLE:
        reason = _("The customer cannot be written to before writing to the bot.")
        return TransportError(reason, permanent=True, unreachable=True)
    if status == _NO_WEBHOOK:
        return WebhookMissing(_("Viber has lost the address of this bot."), retry_after=10)
    if status == _TOO_MANY:
        # A hundred messages an hour for one person who does not answer; nobody says which limit it was.
        return TransportError(_("Viber asks for a pause: too many messages without a reply."), retry_after=120)
    return TransportError(_("Viber refused: %(reason)s") % {"reason": f"{said} ({status})".strip()}, permanent=True)
