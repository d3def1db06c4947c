"""What no page needs to look at: bodies over the limit, other encodings than UTF-8, NUL in addresses and cookies."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from omnisupport.lib.errors import AppError, InvalidInput, TooLarge, Unsupported
from omnisupport.lib.errors_middleware import answer_error

_TOO_LARGE = "omnisupport.body_too_large"
Receive = Callable[[], Awaitable[dict[str, Any]]]


def limited_body(scope: MutableMapping[str, Any], receive: Receive) -> Receive:
    """Throws away what goes over the limit while it comes, so that the sender hears our answer and nothing is kept of it.

    Under ASGI Django has written the whole body to a file before the first middleware runs.
    """
    declared = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    size = int(declared) if declared.isdigit() and int(declared) > settings.MAX_REQUEST_BYTES else 0

    async def next_part() -> dict[str, Any]:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > settings.MAX_REQUEST_BYTES:
            scope[_TOO_LARGE] = True
            return {**message, "body": b""}
        return message

    return next_part


class FenceMiddleware:
    """Behind the reader's language, before anything reads the request."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        error = _fault_of(request)
        return self.get_response(request) if error is None else answer_error(request, error)


def _fault_of(request: HttpRequest) -> AppError | None:
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdecimal() or getattr(request, "scope", {}).get(_TOO_LARGE) or _over(length):
        limit = settings.MAX_REQUEST_BYTES // 1024 // 1024
        return TooLarge(_("All that is sent at once may have up to %(limit)s MB.") % {"limit": limit})
    charset = (request.content_params or {}).get("charset", "utf-8").lower()
    if charset not in {"utf-8", "utf8"}:
        # Python would take any codec by name, those that unpack archives too.
        return Unsupported(_("Text must be sent in UTF-8."), code="charset")
    if "%00" in request.META.get("QUERY_STRING", "") or "\x00" in request.path:
        return InvalidInput(_("The address or the data sent are not right."))
    if any("\x00" in value for value in request.COOKIES.values()):
        return InvalidInput(_("A cookie of this site is damaged. Delete its cookies and log in again."))
    return None


def _over(length: str) -> bool:
    return len(length) > 15 or int(length) > settings.MAX_REQUEST_BYTES
