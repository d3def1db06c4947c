"""For people who may not see phones and e-mail addresses: every answer to them is masked on its way out."""

import json
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils.functional import SimpleLazyObject

from omnisupport.lib.masking import veil, veil_html, veil_json
from tenants.accounts.models import User


def unveiled(response: HttpResponse) -> HttpResponse:
    """This one carries what the reader asked to see, which is in the log, or their own words back."""
    response.unveiled = True  # type: ignore[attr-defined]
    return response


class VeilMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        reader = _reader(request)
        if reader is None or reader.sees_contact_details or response.streaming or getattr(response, "unveiled", False):
            return response
        kind = response.get("Content-Type", "").partition(";")[0]
        if kind == "application/json" and response.content:
            response.content = json.dumps(
                veil_json(json.loads(response.content), spare=reader.email), ensure_ascii=False
            )
        elif kind.startswith("text/"):
            hide = veil_html if kind == "text/html" else veil
            response.content = hide(response.content.decode(), spare=reader.email)
        return response


def _reader(request: HttpRequest) -> User | None:
    """Whoever was asked about; nobody is looked up for what is public."""
    user = getattr(request, "user", None)
    if isinstance(user, SimpleLazyObject) and not hasattr(request, "_cached_user"):
        return None
    return user if isinstance(user, User) else None
