"""Language and time zone of the reader: the person's own choice, then the cookie, then the workspace's."""

from collections.abc import Callable
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import translation

from omnisupport.lib.zones import use_zones, zone_named

_LANGUAGES = dict(settings.LANGUAGES)


class UserLocaleMiddleware:
    """Runs before authentication, so it must not touch `request.user`; login copies the person's language to the cookie."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with translation.override(self._language(request)):
            request.LANGUAGE_CODE = translation.get_language()
            response = self.get_response(request)
            response.headers.setdefault("Content-Language", translation.get_language() or "ru")
            return response

    def _language(self, request: HttpRequest) -> str:
        cookie = request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, "")
        if cookie in _LANGUAGES:
            return cookie
        accepted = request.headers.get("Accept-Language", "")
        if request.path.startswith((settings.API_V1_PREFIX, "/widget/")) and accepted:
            found = translation.get_language_from_request(request)
            return found if found in _LANGUAGES else settings.LANGUAGE_CODE
        tenant = getattr(request, "tenant", None)
        return tenant.language if tenant and not tenant.is_public else settings.LANGUAGE_CODE


class UserTimezoneMiddleware:
    """After authentication: the person's own zone, else the workspace's."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        tenant = getattr(request, "tenant", None)
        home = zone_named(tenant.timezone if tenant else "") or ZoneInfo("UTC")
        with use_zones(home, zone_named(self._own(request)) or home):
            return self.get_response(request)

    def _own(self, request: HttpRequest) -> str:
        # Without a session nobody is logged in, and nothing is looked up.
        if settings.SESSION_COOKIE_NAME not in request.COOKIES or request.path.startswith(("/widget/", "/help/")):
            return ""
        return str(getattr(request.user, "timezone", ""))
