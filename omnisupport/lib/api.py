"""What every API view shares: errors in one shape, newest-first cursor pages."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.core.exceptions import ValidationError as DjangoValidationError
from django.http import Http404
from django.utils.translation import gettext as _
from rest_framework import exceptions
from rest_framework.pagination import CursorPagination
from rest_framework.response import Response

from omnisupport.lib.errors import AppError, RateLimited


class NewestFirstPagination(CursorPagination):
    page_size = 50
    max_page_size = 200
    page_size_query_param = "limit"
    ordering = "-id"


def _body(code: str, message: str, field: str = "", details: Any = None) -> dict[str, Any]:
    error: dict[str, Any] = {"code": code, "message": message}
    if field:
        error["field"] = field
    if details:
        error["details"] = details
    return {"error": error}


def _from_validation(detail: Any) -> dict[str, Any]:
    """The first complaint as the sentence; all of them under `details`."""
    field, first = "", detail
    while isinstance(first, dict | list) and first:
        if isinstance(first, dict):
            key = next(iter(first))
            field = field or (key if key != "non_field_errors" else "")
            first = first[key]
        else:
            first = first[0]
    return _body("invalid", str(first), field, detail if isinstance(detail, dict) else None)


def handle_exception(exc: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's EXCEPTION_HANDLER: `{"error": {"code", "message", "field"?, "details"?}}` for whatever went wrong."""
    if isinstance(exc, AppError):
        headers = {"Retry-After": str(int(exc.retry_after))} if isinstance(exc, RateLimited) else None
        return Response(_body(exc.code, str(exc), exc.field), status=exc.status, headers=headers)
    if isinstance(exc, Http404):
        return Response(_body("not_found", _("There is no such object in this workspace.")), status=404)
    if isinstance(exc, PermissionDenied):
        return Response(_body("forbidden", _("You may not do this.")), status=403)
    if isinstance(exc, DjangoValidationError):
        return Response(_from_validation(exc.message_dict if hasattr(exc, "error_dict") else exc.messages), status=400)
    if isinstance(exc, exceptions.ValidationError):
        return Response(_from_validation(exc.detail), status=400)
    if isinstance(exc, exceptions.APIException):
        codes = exc.get_codes()
        headers = {}
        if getattr(exc, "auth_header", None):
            headers["WWW-Authenticate"] = exc.auth_header  # type: ignore[attr-defined]
        if getattr(exc, "wait", None):
            headers["Retry-After"] = str(int(exc.wait))  # type: ignore[attr-defined]
        detail = exc.detail.get("detail", exc.detail) if isinstance(exc.detail, dict) else exc.detail
        code = codes if isinstance(codes, str) else "not_authenticated" if exc.status_code == 401 else "error"
        return Response(_body(code, str(detail)), status=exc.status_code, headers=headers)
    return None
