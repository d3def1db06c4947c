"""The page of the working hours."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from ai_assistant.forms_hours import HoursForm
from omnisupport.lib.errors import AppError
from omnisupport.lib.forms import show_refusal
from tenants.accounts.access import agent_required, signed_in_admin
from tickets.services.hours import clear_hours, closed_notice, set_hours, working_hours


@agent_required
def hours(request: HttpRequest) -> HttpResponse:
    signed_in_admin(request)
    if request.method == "POST" and "clear" in request.POST:
        clear_hours()
        messages.success(request, _("People are always there."))
        return redirect("ai_assistant:hours")
    stored = working_hours()
    form = HoursForm(stored, timezone.get_current_timezone_name(), request.POST or None)
    if request.method == "POST" and form.is_valid() and _saved(form):
        messages.success(request, _("Saved."))
        return redirect("ai_assistant:hours")
    context = {"form": form, "stored": stored, "notice": closed_notice(get_language() or "en")}
    return render(request, "ai_assistant/hours.html", context, status=400 if form.errors else 200)


def _saved(form: HoursForm) -> bool:
    data: dict[str, Any] = form.values()
    try:
        set_hours(**data)
    except AppError as error:
        show_refusal(form, error)
        return False
    return True
