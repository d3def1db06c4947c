"""What no page needs to look at: bodies too long or of unknown length, encodings but UTF-8, NUL in addresses and cookies."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from omnisupport.lib.errors import AppError, InvalidInput, LengthRequired, TooLarge, Unsupported
from omnisupport.lib.errors_middleware import answer_error


class FenceMiddleware:
    """Behind the reader's language, before anything reads the request."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        error = _fault_of(request)
        return self.get_response(request) if error is None else answer_error(request, error)


def _fault_of(request: HttpRequest) -> AppError | None:
    length = request.META.get("CONTENT_LENGTH") or "0"
    if "CONTENT_LENGTH" not in request.META and "HTTP_TRANSFER_ENCODING" in request.META:
        # WSGI has no end of a body but its length: the view would see nothing of it.
        return LengthRequired(_("Say by Content-Length how long the data is."))
    if not length.isdecimal() or _over(length):
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
