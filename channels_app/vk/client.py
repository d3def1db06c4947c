"""Calls to VK's API: form-encoded, the token in a header. It answers 200 even to what it refuses; the code says why.

A refusal repeats what we sent, the customer's words among it (`request_params`): only its code and message are read.
"""

import time
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import httpx
from django.conf import settings
from django.utils.translation import gettext as _

from channels_app.base import TransportError, UnknownOutcome, lost_answer
from channels_app.parts import mapping, number, words
from channels_app.upload import bring
from omnisupport.lib.errors import AppError
from omnisupport.lib.http import check_url, service_client, until

VERSION = "5.199"
# For a whole call.
DEADLINE = 45.0
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
TOO_MANY = 6
_AGAIN = {1, 10}
_SPAM = {9, 29, 984}
_CAPTCHA = 14
_BROKEN = {5, 7, 15, 27, 28}
_UNREACHABLE = {900, 901, 902, 1021}
_FIXED = {909, 920, 924}
SPAM_PAUSE = 600.0


class Refusal(TransportError):
    """`code` is VK's own, for telling refusals apart."""

    def __init__(self, reason: str, code: int = 0, **flags: Any) -> None:
        super().__init__(reason, **flags)
        self.code = code


@lru_cache(maxsize=1)
def _http() -> httpx.Client:
    """One pool of connections a process; threads share it."""
    return service_client(timeout=20)


def _request(token: str, method: str, data: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "url": f"{settings.VK_API_URL}/method/{method}",
        "data": {**data, "v": VERSION},
        "headers": {"Authorization": f"Bearer {token}"},
    }


def call(token: str, method: str, data: Mapping[str, Any], *, seconds: float = DEADLINE) -> Any:
    """What stands in `response`. Raises TransportError (not done) or UnknownOutcome (the answer was lost)."""
    try:
        with until(time.monotonic() + seconds):
            answer = _http().post(**_request(token, method, data))
    except _NOT_SENT:
        raise TransportError(_("VK cannot be reached."), retry_after=5) from None
    except httpx.HTTPError as error:
        raise lost_answer("VK", error) from None
    return result_of(answer)


async def call_async(token: str, method: str, data: Mapping[str, Any]) -> Mapping[str, Any]:
    """For polling; a lost answer is as good as a fault. Raises TransportError."""
    request = _request(token, method, data)
    request["headers"]["User-Agent"] = settings.USER_AGENT
    try:
        async with httpx.AsyncClient(timeout=httpx.Timeout(15, connect=5), trust_env=False) as http:
            return mapping(result_of(await http.post(**request)))
    except (httpx.HTTPError, UnknownOutcome):
        raise TransportError(_("VK cannot be reached."), retry_after=5) from None


async def get_updates(server: str, query: Mapping[str, Any]) -> Mapping[str, Any]:
    """One round of long polling, up to `query["wait"]` seconds: {ts, updates} or {failed, …}. Raises TransportError.

    The address comes from VK, so it is vetted like any other; the token does not go there.
    """
    timeout = httpx.Timeout(float(query["wait"]) + 10, connect=5)
    try:
        check_url(server)
        async with httpx.AsyncClient(timeout=timeout, trust_env=False) as http:
            answer = await http.get(server, params=dict(query), headers={"User-Agent": settings.USER_AGENT})
    except AppError as error:
        raise TransportError(str(error), retry_after=60) from None
    except httpx.HTTPError:
        raise TransportError(_("VK cannot be reached."), retry_after=5) from None
    found = _object(answer)
    if not found:
        raise TransportError(_("VK sent half an answer."), retry_after=5)
    return found


def _object(answer: httpx.Response) -> Mapping[str, Any]:
    try:
        return mapping(answer.json())
    except ValueError:
        return {}


def result_of(answer: httpx.Response) -> Any:
    """Raises TransportError or UnknownOutcome as `call`."""
    body = _object(answer)
    if "error" in body:
        error = mapping(body["error"])
        raise error_of(number(error.get("error_code")), words(error.get("error_msg")))
    if answer.is_success and "response" in body:
        return body["response"]
    if answer.status_code == 429:
        raise Refusal(_("VK asks for a pause."), TOO_MANY, retry_after=2, whole_channel=True)
    if answer.status_code == 413:
        raise Refusal(_("The message is too large for VK."), permanent=True)
    if answer.status_code >= 400:
        raise UnknownOutcome(_("VK answers with an error (%(status)s).") % {"status": answer.status_code})
    raise UnknownOutcome(_("VK sent half an answer."))


def error_of(code: int, said: str) -> Refusal:
    if code == TOO_MANY:
        return Refusal(_("VK asks for a pause."), code, retry_after=1, whole_channel=True)
    if code in _AGAIN:
        return Refusal(_("VK answers with an error (%(status)s).") % {"status": code}, code)
    if code in _SPAM:
        reason = _(
            "VK takes the messages of this community for spam or too many (%(code)s); we rest before the next try."
        )
        return Refusal(
            reason % {"code": code}, code, retry_after=SPAM_PAUSE, whole_channel=True, breaks_channel=True
        )  # fmt: skip
    if code == _CAPTCHA:
        reason = _(
            "VK asks for a captcha before it takes more messages. Write one in VK as the community, then try again."
        )
        return Refusal(reason, code, permanent=True, breaks_channel=True)
    if code in _BROKEN:
        reason = _(
            "VK does not accept the access key or its rights: %(reason)s. Make a new key in the settings of the community"
            " and save it here."
        )
        return Refusal(reason % {"reason": _words(code, said)}, code, permanent=True, breaks_channel=True)
    if code in _UNREACHABLE:
        reason = _("The customer does not let this community write, or has blocked it.")
        return Refusal(reason, code, permanent=True, unreachable=True)
    return Refusal(_refused(code, said), code, permanent=True)


def _refused(code: int, said: str) -> str:
    """What a person can do about a message that VK will not take as it is."""
    if code == 914:
        return _("The message is too long for VK.")
    if code == 911:
        return _("VK does not accept the buttons of this message.")
    if code == 912:
        return _("Buttons are off in this community: switch on “Bot capabilities” in its message settings in VK.")
    if code in _FIXED:
        return _("VK does not let this message be changed any more.")
    return _("VK refused: %(reason)s") % {"reason": _words(code, said)}


def _words(code: int, said: str) -> str:
    return f"{said[:200]} ({code})".strip()


# ---- Files -----------------------------------------------------------------------------------------------------------


def put(url: str, field: str, name: str, data: bytes, mime: str) -> Mapping[str, Any]:
    """Brings a file to an upload server of VK. Raises TransportError: nothing was sent to the customer so far."""
    answer = bring(url, field, name, data, mime, seconds=DEADLINE)
    found = _object(answer)
    if answer.status_code == 413:
        raise TransportError(_("The file is too large for VK."), permanent=True)
    if not answer.is_success or not found:
        raise TransportError(_("The file could not be brought to the messenger."))
    if found.get("error"):
        # Of executables, and of what VK takes for another kind of file.
        reason = words(found.get("error_descr")) or words(found.get("error"))
        said = _("VK did not take the file “%(name)s”: %(reason)s")
        raise TransportError(said % {"name": name, "reason": reason[:200]}, permanent=True)
    return found
