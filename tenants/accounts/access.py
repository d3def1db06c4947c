"""Who may see the agents' pages."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import resolve_url
from django.utils.http import urlencode

from tenants.accounts.models import User

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]


def agent_required(view: View[P]) -> View[P]:
    """Sends strangers to the log-in page (scripts are told to go there), refuses those who are no agents."""

    @wraps(view)
    def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if not request.user.is_authenticated:
            return _ask_to_log_in(request)
        if not request.user.is_agent:
            raise PermissionDenied
        return view(request, *args, **kwargs)

    return guarded


def _ask_to_log_in(request: HttpRequest) -> HttpResponse:
    if request.headers.get("HX-Request"):
        # Where the person was, on this host; the log-in page checks it once more.
        here = current_path(request) or "/"
        query = urlencode({REDIRECT_FIELD_NAME: here})
        return HttpResponse(status=401, headers={"HX-Redirect": f"{resolve_url(settings.LOGIN_URL)}?{query}"})
    return redirect_to_login(request.get_full_path())


def current_path(request: HttpRequest) -> str:
    """The path of the page that a script works in; empty where the header makes no sense."""
    try:
        return urlsplit(request.headers.get("HX-Current-URL", "")).path
    except ValueError:
        return ""


def signed_in(request: HttpRequest) -> User:
    """The person behind a request that `agent_required` let through."""
    assert isinstance(request.user, User)
    return request.user


def signed_in_admin(request: HttpRequest) -> User:
    """The same where only admins may go. Raises PermissionDenied."""
    user = signed_in(request)
    if not user.is_admin:
        raise PermissionDenied
    return user
