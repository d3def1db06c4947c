"""Host → schema for ordinary requests: one cached look-up instead of a query and two SETs."""

from collections.abc import Callable

import structlog
from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import set_urlconf
from django.utils import translation
from django.utils.translation import gettext as _

from omnisupport.lib.errors import NotFound
from omnisupport.lib.errors_middleware import answer_error
from tenants.hosts import cached_tenant, find_tenant, host_name


class TenantMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        try:
            host = host_name(request.get_host())
        except DisallowedHost:
            return _nobody_here(request)
        known, tenant = cached_tenant(host)
        if not known:
            connection.set_schema_to_public()  # type: ignore[attr-defined]
            tenant = find_tenant(host)
        if tenant is None:
            return _nobody_here(request)
        request.tenant = tenant  # type: ignore[attr-defined]
        connection.set_tenant(tenant)  # type: ignore[attr-defined]
        structlog.contextvars.bind_contextvars(schema=tenant.schema_name)
        return self._answer(request, settings.PUBLIC_SCHEMA_URLCONF if tenant.is_public else settings.ROOT_URLCONF)

    def _answer(self, request: HttpRequest, urlconf: str) -> HttpResponse:
        request.urlconf = urlconf
        set_urlconf(urlconf)
        try:
            return self.get_response(request)
        finally:
            # Threads are shared between tenants: none may inherit this request's schema.
            connection.set_schema_to_public()  # type: ignore[attr-defined]
            structlog.contextvars.unbind_contextvars("schema")


def _nobody_here(request: HttpRequest) -> HttpResponse:
    """The same for a host that never was, one that may not be and one that is switched off."""
    wanted = translation.get_language_from_request(request) if "Accept-Language" in request.headers else ""
    with translation.override(wanted or settings.LANGUAGE_CODE):
        return answer_error(request, NotFound(_("There is no workspace at this address."), code="no_workspace"))
