"""Many conversations at once: the dialog, the beginning, how far it is, and back."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from tenants.accounts.access import agent_required, signed_in
from tenants.tasking import wake
from tickets import queries
from tickets.inbox.forms import checked, read_ids, read_selection
from tickets.inbox.snoozing import REPLY, read_until
from tickets.models import BulkChange, Priority
from tickets.services.bulk import MOST, begin_bulk, can_undo, get_bulk, refused_items, undo_bulk
from tickets.services.incidents import open_incident
from tickets.tasks import change_in_bulk

NOBODY = "none"


class BulkForm(forms.Form):
    """Which conversations, and what to change of them; an empty field changes nothing, "none" empties what it names."""

    client_id = forms.UUIDField(required=False)
    ids = forms.CharField(max_length=20 * MOST, required=False)
    whole = forms.BooleanField(required=False)
    assignee = forms.CharField(max_length=36, required=False)
    team = forms.CharField(max_length=18, required=False)
    status = forms.CharField(max_length=20, required=False)
    priority = forms.IntegerField(min_value=1, max_value=9, required=False)
    add_tags = forms.CharField(max_length=2000, required=False)
    remove_tags = forms.CharField(max_length=2000, required=False)
    until = forms.CharField(max_length=40, required=False)
    text = forms.CharField(max_length=100, required=False)
    spam = forms.BooleanField(required=False)
    incident = forms.CharField(max_length=18, required=False)
    incident_title = forms.CharField(max_length=200, required=False)


@require_http_methods(["GET", "POST"])
@agent_required
def change(request: HttpRequest) -> HttpResponse:
    viewer = signed_in(request)
    if request.method == "GET":
        context = {
            "people": queries.assignable_people(),
            "teams": queries.all_teams(),
            "states": queries.states(),
            "priorities": Priority.choices,
            "incidents": queries.open_incidents(),
            "until_reply": REPLY,
        }
        return render(request, "inbox/_bulk.html", context)
    data = checked(BulkForm(request.POST))
    selection = read_selection(request.GET, viewer)
    ids = (
        queries.ids_in(selection, MOST) if data["whole"] else queries.seen_ids(read_ids(data["ids"], MOST + 1), viewer)
    )
    changes = _changes(request, data)
    bulk = begin_bulk(ids, changes=changes, user=viewer, client_id=data["client_id"])
    wake(change_in_bulk, bulk.id)
    return show_bulk(request, bulk)


def _changes(request: HttpRequest, data: dict[str, Any]) -> dict[str, Any]:
    readers: dict[str, Callable[[Any], Any]] = {
        "assignee": lambda value: None if value == NOBODY else _uuid(value),
        "team": lambda value: None if value == NOBODY else _number(value),
        "incident": lambda value: None if value == NOBODY else _number(value),
        "status": str,
        "priority": int,
        "add_tags": _names,
        "remove_tags": _names,
        "spam": bool,
    }
    changes = {name: read(data[name]) for name, read in readers.items() if data[name]}
    if data["until"] or data["text"]:
        until = read_until(request)
        changes["snooze"] = {"until": until.isoformat() if until else None}
    if data["incident_title"]:
        changes["incident"] = open_incident(data["incident_title"], user=signed_in(request)).id
    return changes


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _uuid(text: str) -> str:
    """As the service checks it: nobody has the id of a text that is none."""
    try:
        return str(UUID(text))
    except ValueError:
        return str(UUID(int=0))


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() else 0


@require_GET
@agent_required
def show(request: HttpRequest, bulk_id: int) -> HttpResponse:
    return show_bulk(request, get_bulk(bulk_id, signed_in(request)))


@require_POST
@agent_required
def undo(request: HttpRequest, bulk_id: int) -> HttpResponse:
    bulk = undo_bulk(bulk_id, user=signed_in(request))
    wake(change_in_bulk, bulk.id)
    return show_bulk(request, bulk)


@require_GET
@agent_required
def refused(request: HttpRequest, bulk_id: int) -> HttpResponse:
    bulk = get_bulk(bulk_id, signed_in(request))
    return render(request, "inbox/_bulk_refused.html", {"bulk": bulk, "items": refused_items(bulk)})


def show_bulk(request: HttpRequest, bulk: BulkChange) -> HttpResponse:
    if not request.headers.get("HX-Request"):
        return redirect("inbox:list")
    return render(request, "inbox/_bulk_job.html", {"bulk": bulk, "can_undo": can_undo(bulk)})
