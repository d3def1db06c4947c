"""Calls to MAX's Bot API. The token goes into a header and into nothing else.

Its host has a certificate of the Russian Ministry of Digital Development, which no usual bundle knows: MAX_CA_FILE is
trusted besides the usual roots, for this host only.
"""

import ssl
import time
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import certifi
import httpx
from django.conf import settings
from django.utils.translation import gettext as _

from channels_app.base import TransportError, UnknownOutcome, lost_answer
from channels_app.parts import mapping, words
from channels_app.upload import bring
from omnisupport.lib.http import pause_asked, service_client, until

# For a whole call.
DEADLINE = 45.0
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
# MAX writes these into either field.
_GONE = ("chat.denied", "dialog.suspended", "dialog.notfound", "chat.not.found")
NOT_READY = "attachment.not.ready"


class Refusal(TransportError):
    """`words` are MAX's own code and message, for telling refusals apart."""

    def __init__(self, reason: str, *, words: str = "", **flags: Any) -> None:
        super().__init__(reason, **flags)
        self.words = words


@lru_cache(maxsize=2)
def _trust(ca_file: str) -> ssl.SSLContext:
    """Raises TransportError for a file that cannot be read."""
    trust = ssl.create_default_context(cafile=certifi.where())
    if ca_file:
        try:
            trust.load_verify_locations(cafile=ca_file)
        except (OSError, ssl.SSLError):
            reason = _("The certificate file %(path)s cannot be read. Check MAX_CA_FILE.") % {"path": ca_file}
            raise TransportError(reason, breaks_channel=True) from None
    return trust


@lru_cache(maxsize=2)
def _http(ca_file: str) -> httpx.Client:
    """One pool of connections a process; threads share it."""
    return service_client(timeout=20, ssl_context=_trust(ca_file))


def call(
    token: str, method: str, path: str, *, query: Mapping[str, Any] | None = None, body: Mapping[str, Any] | None = None
) -> Mapping[str, Any]:
    """The answer's object. Raises TransportError (not done) or UnknownOutcome (the answer was lost)."""
    http = _http(settings.MAX_CA_FILE)
    try:
        with until(time.monotonic() + DEADLINE):
            answer = http.request(
                method,
                settings.MAX_API_URL + path,
                params=dict(query or {}),
                json=body,
                headers={"Authorization": token},
            )
    except _NOT_SENT as error:
        raise _unreached(error) from None
    except httpx.HTTPError as error:
        raise lost_answer("MAX", error) from None
    return result_of(answer)


async def get_updates(token: str, query: Mapping[str, Any]) -> Mapping[str, Any]:
    """Waits up to `query["timeout"]` seconds. Raises TransportError."""
    timeout = httpx.Timeout(float(query["timeout"]) + 10, connect=5)
    headers = {"Authorization": token, "User-Agent": settings.USER_AGENT}
    trust = _trust(settings.MAX_CA_FILE)
    try:
        async with httpx.AsyncClient(timeout=timeout, trust_env=False, verify=trust) as http:
            return result_of(await http.get(f"{settings.MAX_API_URL}/updates", params=dict(query), headers=headers))
    except _NOT_SENT as error:
        raise _unreached(error) from None
    except (httpx.HTTPError, UnknownOutcome):
        raise TransportError(_("MAX cannot be reached."), retry_after=5) from None


def _unreached(error: Exception) -> TransportError:
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        reason = _("The certificate of MAX is not trusted. Put the root certificate in place as the set-up page says.")
        return TransportError(reason, breaks_channel=True)
    return TransportError(_("MAX cannot be reached."), retry_after=5)


def result_of(answer: httpx.Response) -> Mapping[str, Any]:
    """Raises TransportError or UnknownOutcome as `call`."""
    body = _object(answer)
    if answer.status_code >= 400:
        raise error_of(answer.status_code, body, _pause(answer))
    if not body:
        raise UnknownOutcome(_("MAX sent half an answer."))
    if body.get("success") is False:
        raise error_of(200, body, _pause(answer))
    return body


def _object(answer: httpx.Response) -> Mapping[str, Any]:
    try:
        return mapping(answer.json())
    except ValueError:
        return {}


def error_of(status: int, body: Mapping[str, Any], pause: float) -> TransportError | UnknownOutcome:
    said = f"{words(body.get('code'))} {words(body.get('message'))}".strip()
    lower = said.lower()
    if status == 429 or "too.many.requests" in lower:
        return Refusal(_("MAX asks for a pause."), retry_after=pause, whole_channel=True)
    if status == 401 or "verify.token" in lower:
        reason = _("MAX does not accept the token. Copy it again from the settings of the bot and save it here.")
        return Refusal(reason, words=lower, permanent=True, breaks_channel=True)
    if NOT_READY in lower:
        return Refusal(_("MAX is still working on the file."), words=lower, retry_after=15)
    if any(word in lower for word in _GONE):
        reason = _("The customer has stopped the bot or deleted the chat; or MAX has not yet approved the bot.")
        return Refusal(reason, words=lower, permanent=True, unreachable=True)
    if status >= 500:
        # An error in MAX's own words was not done; of a gateway's page nobody knows.
        if said or status == 503:
            return Refusal(_("MAX answers with an error (%(status)s).") % {"status": status}, words=lower)
        return UnknownOutcome(_("MAX answers with an error (%(status)s).") % {"status": status})
    if status == 413:
        return Refusal(_("The file is too large for MAX."), words=lower, permanent=True)
    if status == 404:
        return Refusal(_("MAX does not find this chat or message."), words="404 " + lower, permanent=True)
    reason = _("MAX refused: %(reason)s") % {"reason": said[:200] or status}
    return Refusal(reason, words=lower, permanent=True)


def _pause(answer: httpx.Response) -> float:
    return pause_asked(answer.headers.get("retry-after", "")) or 2.0


# ---- Files -----------------------------------------------------------------------------------------------------------


def upload(token: str, kind: str, name: str, data: bytes, mime: str) -> str:
    """The token under which a message can carry the file. Raises TransportError: nothing was sent so far."""
    try:
        slot = call(token, "POST", "/uploads", query={"type": kind})
        url, given = words(slot.get("url")), words(slot.get("token"))
        answer = _put(url, name, data, mime)
    except UnknownOutcome as error:
        raise TransportError(str(error)) from None
    found = given if kind in {"video", "audio"} else _token_of(_object(answer)) or given
    if not found:
        raise TransportError(_("MAX did not take the file “%(name)s”.") % {"name": name}, permanent=answer.is_success)
    return found


def _put(url: str, name: str, data: bytes, mime: str) -> httpx.Response:
    answer = bring(url, "data", name, data, mime, seconds=DEADLINE)
    if answer.status_code >= 400:
        raise error_of(answer.status_code, _object(answer), _pause(answer))
    return answer


def _token_of(answer: Mapping[str, Any]) -> str:
    """Of a file it stands at the top, of an image under a key that nobody can know beforehand."""
    photos = mapping(answer.get("photos")).values()
    return words(answer.get("token")) or next((words(mapping(photo).get("token")) for photo in photos), "")
