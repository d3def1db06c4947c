"""Host → schema for ordinary requests: one cached look-up instead of a query and two SETs."""

from collections.abc import Callable

import structlog
from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.db import connection
from django.http import HttpRequest, HttpResponse, HttpResponseNotFound
from django.urls import set_urlconf

from tenants.hosts import cached_tenant, find_tenant, host_name


class TenantMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        try:
            host = host_name(request.get_host())
        except DisallowedHost:
            return HttpResponseNotFound("Not found")
        known, tenant = cached_tenant(host)
        if not known:
            connection.set_schema_to_public()  # type: ignore[attr-defined]
            tenant = find_tenant(host)
        if tenant is None:
            return HttpResponseNotFound("Not found")
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
