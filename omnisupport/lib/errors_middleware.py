"""Turns an AppError that leaves a page view into an answer: JSON where JSON was asked, else a small page or fragment."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from omnisupport.lib.errors import AppError, RateLimited


class AppErrorMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, AppError):
            return None
        response: HttpResponse
        if request.headers.get("HX-Request"):
            response = render(request, "_error.html", {"error": exception}, status=exception.status)
        elif "text/html" in request.headers.get("Accept", ""):
            response = render(request, "error.html", {"error": exception}, status=exception.status)
        else:
            response = JsonResponse(
                {"error": {"code": exception.code, "message": str(exception), "field": exception.field}},
                status=exception.status,
            )
        if isinstance(exception, RateLimited):
            response["Retry-After"] = str(int(exception.retry_after))
        return response
