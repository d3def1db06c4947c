"""What every API view shares: errors in one shape, newest-first cursor pages."""

import json
from typing import IO, Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import DataError, IntegrityError
from django.http import Http404
from django.utils.translation import gettext as _
from psycopg.errors import UniqueViolation
from rest_framework import exceptions
from rest_framework.pagination import CursorPagination
from rest_framework.parsers import JSONParser
from rest_framework.response import Response

from omnisupport.lib.errors import AppError, Conflict, Forbidden, InvalidInput, NotFound, RateLimited, TooLarge
from omnisupport.lib.errors_middleware import unstorable
from omnisupport.lib.text import can_be_stored

MAX_DEPTH = 32


class StrictJSONParser(JSONParser):
    """UTF-8, within DATA_UPLOAD_MAX_MEMORY_SIZE, not too deep, and without text that PostgreSQL cannot store."""

    def parse(self, stream: IO[bytes], media_type: str | None = None, parser_context: Any = None) -> Any:
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 0
        raw = stream.read(limit + 1)
        if len(raw) > limit:
            raise TooLarge(_("JSON may have up to %(limit)s MB.") % {"limit": limit // 1024 // 1024})
        try:
            value = json.loads(raw.decode(), parse_constant=_refuse_constant)
        except (ValueError, RecursionError):
            raise InvalidInput(_("The request is not valid JSON."), code="parse_error") from None
        _check_text(value)
        return value


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _check_text(value: Any) -> None:
    """Raises InvalidInput for NUL, halves of surrogate pairs, and what is nested too deep."""
    level = [value]
    for _depth in range(MAX_DEPTH):
        texts = [one for one in level if isinstance(one, str)]
        level = [
            part
            for one in level
            if isinstance(one, dict | list)
            for part in ([*one.keys(), *one.values()] if isinstance(one, dict) else one)
        ]
        if not all(map(can_be_stored, texts)):
            raise InvalidInput(_("Texts must not have NUL or half characters in them."))
        if not level:
            return
    raise InvalidInput(_("This JSON is nested too deep."))


class NewestFirstPagination(CursorPagination):
    page_size = 50
    max_page_size = 200
    page_size_query_param = "limit"
    ordering = "-id"

    def paginate_queryset(self, queryset: Any, request: Any, view: Any = None) -> Any:
        try:
            return super().paginate_queryset(queryset, request, view)
        except (ValueError, DjangoValidationError, DataError):
            # The position inside a cursor that was not made here.
            raise NotFound(_("This page of the list does not exist. Begin at the first one.")) from None


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


def _as_ours(exc: Exception) -> AppError | None:
    if isinstance(exc, AppError):
        return exc
    if isinstance(exc, Http404):
        return NotFound(_("There is no such object in this workspace."))
    if isinstance(exc, PermissionDenied):
        return Forbidden(_("You may not do this."))
    if isinstance(exc, DataError):
        return unstorable()
    if isinstance(exc, IntegrityError) and isinstance(exc.__cause__, UniqueViolation):
        return Conflict(_("There is one like this already."))
    return None


def handle_exception(exc: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's EXCEPTION_HANDLER: `{"error": {"code", "message", "field"?, "details"?}}` for whatever went wrong."""
    error = _as_ours(exc)
    if error is not None:
        headers = {"Retry-After": str(int(error.retry_after))} if isinstance(error, RateLimited) else None
        return Response(_body(error.code, str(error), error.field), status=error.status, headers=headers)
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
