"""Snoozing: the dialog, what the written moment means, and back again."""

from datetime import datetime

from django import forms
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from omnisupport.lib.dates import moment
from omnisupport.lib.errors import InvalidInput
from tenants.accounts.access import agent_required, signed_in
from tickets import queries
from tickets.inbox.forms import checked
from tickets.inbox.views import show_facts
from tickets.services.snoozing import presets, snooze_ticket, understand, wake_ticket

REPLY = "reply"


class MomentForm(forms.Form):
    """`until`: ISO 8601 with its zone, or "reply"; else `text` in people's words."""

    until = forms.CharField(max_length=40, required=False)
    text = forms.CharField(max_length=100, required=False)


def read_until(request: HttpRequest) -> datetime | None:
    """None: until the customer writes. Raises InvalidInput."""
    data = checked(MomentForm(request.POST))
    if data["until"] == REPLY:
        return None
    if not data["until"]:
        return understand(data["text"])
    try:
        at = parse_datetime(data["until"])
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise InvalidInput(_("This is not a time."), field="until")
    return at


@require_http_methods(["GET", "POST"])
@agent_required
def snooze(request: HttpRequest, number: int) -> HttpResponse:
    ticket = queries.get_conversation(number, signed_in(request))
    if request.method == "POST":
        snooze_ticket(ticket.id, until=read_until(request), actor=signed_in(request))
        return show_facts(request, number)
    return render(request, "inbox/_snooze.html", {"ticket": ticket, "presets": presets()})


@require_POST
@agent_required
def wake(request: HttpRequest, number: int) -> HttpResponse:
    wake_ticket(queries.get_conversation(number, signed_in(request)).id, actor=signed_in(request))
    return show_facts(request, number)


@require_GET
@agent_required
def read(request: HttpRequest) -> JsonResponse:
    """What a written moment means, while it is written: `at` is null where nothing is understood."""
    try:
        at = understand(request.GET.get("text", "")[:100])
    except InvalidInput:
        return JsonResponse({"at": None, "words": _("not understood")})
    return JsonResponse({"at": at.isoformat(), "words": moment(at)})
