"""Incidents: linking a conversation, the page of an incident, answering all of its conversations at once."""

from typing import Any
from uuid import uuid4

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from omnisupport.lib.errors import InvalidInput
from tenants.accounts.access import agent_required, signed_in
from tenants.accounts.models import User
from tenants.tasking import wake
from tickets import queries
from tickets.inbox.forms import checked
from tickets.inbox.views import show_facts
from tickets.models import Incident, Status
from tickets.services.bulk import begin_bulk, recent_bulk
from tickets.services.incidents import get_incident, link_incident, open_incident, set_incident_open
from tickets.tasks import change_in_bulk
from tickets.variables import KNOWN


class LinkForm(forms.Form):
    """An open incident, or the title of a new one; neither takes the conversation out."""

    incident = forms.IntegerField(min_value=1, max_value=2**63 - 1, required=False)
    title = forms.CharField(max_length=200, required=False)


class AnswerForm(forms.Form):
    client_id = forms.UUIDField()
    text = forms.CharField(max_length=20_000, strip=False)
    solve = forms.BooleanField(required=False)


@require_http_methods(["GET", "POST"])
@agent_required
def link(request: HttpRequest, number: int) -> HttpResponse:
    user = signed_in(request)
    ticket = queries.get_conversation(number, user)
    if request.method == "GET":
        return render(request, "inbox/_incident_link.html", {"ticket": ticket, "incidents": queries.open_incidents()})
    data = checked(LinkForm(request.POST))
    incident_id = open_incident(data["title"], user=user).id if data["title"] else data["incident"]
    link_incident(ticket.id, incident_id=incident_id, actor=user)
    return show_facts(request, number)


@require_GET
@agent_required
def incidents(request: HttpRequest) -> HttpResponse:
    return render(request, "inbox/incidents.html", {"incidents": queries.list_incidents(signed_in(request))})


@require_GET
@agent_required
def incident(request: HttpRequest, incident_id: int) -> HttpResponse:
    return render(request, "inbox/incident.html", _context(get_incident(incident_id), signed_in(request)))


def _context(incident: Incident, viewer: User) -> dict[str, Any]:
    bulk = recent_bulk(viewer)
    conversations = queries.conversations_of(incident, viewer)
    return {
        "incident": incident,
        "conversations": conversations,
        "answerable": len(queries.ids_of_incident(incident, viewer)),
        "unsolved": len(queries.ids_of_incident(incident, viewer, [Status.OPEN, Status.WAITING])),
        "client_id": uuid4(),
        "variables": [(f"{{{{{name}}}}}", words) for name, words in KNOWN.items()],
        "bulk": bulk,
    }


@require_POST
@agent_required
def answer(request: HttpRequest, incident_id: int) -> HttpResponse:
    """The same form twice sends nothing twice."""
    data = checked(AnswerForm(request.POST))
    user = signed_in(request)
    changes = {"answer": data["text"]} | ({"status": str(Status.SOLVED)} if data["solve"] else {})
    ids = queries.ids_of_incident(get_incident(incident_id), user)
    bulk = begin_bulk(ids, changes=changes, user=user, client_id=data["client_id"])
    wake(change_in_bulk, bulk.id)
    return redirect("inbox:incident", incident_id=incident_id)


@require_POST
@agent_required
def state(request: HttpRequest, incident_id: int) -> HttpResponse:
    """`value`: close, solve (closes it and solves its conversations) or open."""
    user, value = signed_in(request), request.POST.get("value")
    if value not in {"open", "close", "solve"}:
        raise InvalidInput(_("This cannot be chosen."), field="value")
    incident = set_incident_open(incident_id, is_open=value == "open", user=user)
    ids = queries.ids_of_incident(incident, user, [Status.OPEN, Status.WAITING]) if value == "solve" else []
    if ids:
        bulk = begin_bulk(ids, changes={"status": str(Status.SOLVED)}, user=user)
        wake(change_in_bulk, bulk.id)
    return redirect("inbox:incident", incident_id=incident_id)


@require_GET
@agent_required
def job(request: HttpRequest, incident_id: int) -> HttpResponse:
    """How far the answer is, asked again and again while the page is open."""
    return render(request, "inbox/_incident_job.html", _context(get_incident(incident_id), signed_in(request)))
