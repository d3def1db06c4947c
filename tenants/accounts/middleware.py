"""Language and time zone of the reader: the person's own choice, then the cookie, then the workspace's."""

import zoneinfo
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation

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
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        tenant = getattr(request, "tenant", None)
        name = tenant.timezone if tenant else "UTC"
        try:
            zone = zoneinfo.ZoneInfo(name)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError):
            zone = zoneinfo.ZoneInfo("UTC")
        with timezone.override(zone):
            return self.get_response(request)
