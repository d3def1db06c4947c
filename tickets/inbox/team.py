"""The people of the inbox: who is here, how much each has, and handing their work back."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from tenants.accounts.access import agent_required, signed_in, signed_in_admin
from tenants.accounts.services import set_away, set_capacity
from tickets import queries
from tickets.inbox.forms import CapacityForm, TextChoice, UUIDChoice, checked
from tickets.presence import present_people, state_of
from tickets.services.leaving import return_work


@require_GET
@agent_required
def team(request: HttpRequest) -> HttpResponse:
    # Whoever reads this page is here.
    here = present_people() | {str(signed_in(request).id): "online"}
    rows = [
        {"person": person, "state": state_of(person, here)} for person in queries.people_at_work() if person.is_agent
    ]
    is_part = request.headers.get("HX-Request")
    return render(request, "inbox/_team_rows.html" if is_part else "inbox/team.html", {"rows": rows})


@require_POST
@agent_required
def away(request: HttpRequest) -> HttpResponse:
    """`value` is empty to be back."""
    set_away(signed_in(request), bool(checked(TextChoice(request.POST))["value"]))
    came_from = request.POST.get("next", "")
    return redirect(came_from if came_from.startswith("/") and not came_from.startswith(("//", "/\\")) else "/inbox/")


@require_POST
@agent_required
def capacity(request: HttpRequest) -> HttpResponse:
    admin = signed_in_admin(request)
    data = checked(CapacityForm(request.POST))
    set_capacity(data["person"], data["capacity"], actor=admin)
    return redirect("team:list")


@require_POST
@agent_required
def hand_back(request: HttpRequest) -> HttpResponse:
    admin = signed_in_admin(request)
    person = checked(UUIDChoice(request.POST))["value"]
    count = return_work(person, actor=admin)
    words = ngettext("%(count)s conversation has nobody now.", "%(count)s conversations have nobody now.", count)
    messages.success(request, words % {"count": count})
    return redirect("team:list")
