"""What went wrong, told to whoever asked: a fragment to scripts of the inbox, a page to browsers, JSON to everybody else."""

from collections.abc import Callable

import structlog
from django.conf import settings
from django.db import DataError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.views import defaults
from django.views.csrf import csrf_failure as csrf_page

from omnisupport.lib.errors import AppError, Forbidden, InvalidInput, NotFound, RateLimited, WrongMethod

log = structlog.get_logger(__name__)


def asks_for_page(request: HttpRequest) -> bool:
    """A browser in front of a person, which is no script and no client of an API."""
    if request.headers.get("HX-Request") or request.path.startswith(f"{settings.API_V1_PREFIX}/"):
        return False
    return "text/html" in request.headers.get("Accept", "")


def answer_error(request: HttpRequest, error: AppError) -> HttpResponse:
    response: HttpResponse
    if request.headers.get("HX-Request"):
        response = render(request, "_error.html", {"error": error}, status=error.status)
    elif asks_for_page(request):
        response = render(request, "error.html", {"error": error}, status=error.status)
    else:
        body = {"code": error.code, "message": str(error), "field": error.field}
        response = JsonResponse({"error": body}, status=error.status)
    if isinstance(error, RateLimited):
        response["Retry-After"] = str(int(error.retry_after))
    return response


class AppErrorMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code == 405 and not getattr(response, "content", b"full"):
            # Django's own answer to a wrong method is an empty page.
            explained = answer_error(request, WrongMethod(_("This address is not called in this way.")))
            explained["Allow"] = response.get("Allow", "")
            return explained
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if isinstance(exception, AppError):
            return answer_error(request, exception)
        if isinstance(exception, DataError):
            log.warning("unstorable_value", error=str(exception))
            return answer_error(request, unstorable())
        return None

    def process_template_response(self, request: HttpRequest, response: TemplateResponse) -> TemplateResponse:
        """A form that comes back with complaints is a refusal, Django's own forms included."""
        context = response.context_data or {}
        complaints = context.get("errors") or getattr(context.get("form"), "errors", None)
        if request.method == "POST" and response.status_code == 200 and complaints:
            response.status_code = 400
        return response


def unstorable() -> InvalidInput:
    """For a value that has the right type and that the database still cannot hold (NUL, a year out of range)."""
    return InvalidInput(_("One of the values cannot be stored. Check dates, numbers and special characters."))


# ---- Django's own refusals: pages from templates/4xx.html, the same shape as above for everybody else ------------------------


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if asks_for_page(request):
        return defaults.bad_request(request, exception)
    return answer_error(request, InvalidInput(_("The address or the data sent are not right.")))


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    if asks_for_page(request):
        return defaults.permission_denied(request, exception)
    return answer_error(request, Forbidden(_("You may not do this.")))


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if asks_for_page(request):
        return defaults.page_not_found(request, exception)
    return answer_error(request, NotFound(_("There is no such page.")))


def server_error(request: HttpRequest) -> HttpResponse:
    if asks_for_page(request):
        return defaults.server_error(request)
    return answer_error(request, AppError(_("Something broke on our side. Try again in a minute.")))


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    if asks_for_page(request):
        return csrf_page(request, reason)
    return answer_error(request, Forbidden(_("This page was open for too long. Reload it and repeat."), code="csrf"))
