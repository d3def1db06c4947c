"""The list of notices, and how a person wants to be told."""

import json

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from omnisupport.lib.errors import InvalidInput
from omnisupport.lib.webpush import public_key
from tenants.accounts.access import agent_required, signed_in
from tickets.notices import services
from tickets.notices.models import Kind, Way


@require_GET
@agent_required
def notices(request: HttpRequest) -> HttpResponse:
    before = request.GET.get("before", "")
    found = services.list_notices(signed_in(request), int(before) if before.isdecimal() and len(before) <= 18 else None)
    rows = [{"notice": notice, **services.words_of(notice)} for notice in found]
    context = {"rows": rows, "older": found[-1].id if len(found) == 50 else None}
    return render(request, "notices/list.html", context)


@require_POST
@agent_required
def all_seen(request: HttpRequest) -> HttpResponse:
    services.note_all_seen(signed_in(request))
    return redirect("notices:list")


@require_http_methods(["GET", "POST"])
@agent_required
def settings_page(request: HttpRequest) -> HttpResponse:
    user = signed_in(request)
    if request.method == "POST":
        services.choose_ways(user, {kind: request.POST.getlist(kind) for kind in Kind.values})
        messages.success(request, _("Saved."))
        return redirect("notices:settings")
    rows = [{"kind": kind, "cells": [(way, way in services.ways_of(user, kind)) for way in Way]} for kind in Kind]
    return render(request, "notices/settings.html", {"rows": rows, "ways": Way, "push_key": public_key()})


@require_http_methods(["POST", "DELETE"])
@agent_required
def browser(request: HttpRequest) -> JsonResponse:
    """The subscription of this browser as its own JSON; DELETE takes it back."""
    try:
        subscription = json.loads(request.body[:4000])
    except ValueError:
        subscription = None
    if not isinstance(subscription, dict):
        raise InvalidInput(_("The browser gave no address to send notices to. Try again."), field="endpoint")
    if request.method == "DELETE":
        services.remove_browser(signed_in(request), str(subscription.get("endpoint", "")))
    else:
        services.add_browser(signed_in(request), subscription)
    return JsonResponse({})
