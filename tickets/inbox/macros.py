"""Macros: what the composer offers of them, running one, and the pages on which they are written."""

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from omnisupport.lib.errors import AppError, Forbidden
from tenants.accounts.access import agent_required, signed_in
from tenants.accounts.models import User
from tickets import queries
from tickets.inbox.macro_forms import MacroForm
from tickets.inbox.views import show_facts
from tickets.models import Macro, Ticket
from tickets.services.macros import Wordings, delete_macro, may_change, run_macro, save_macro
from tickets.variables import KNOWN, fill, unfilled, values_for

_OFFERED = 300


def values(request: HttpRequest, ticket: Ticket) -> dict[str, str]:
    """What the names in a macro stand for here."""
    return values_for(ticket, signed_in(request), str(request.tenant.name))  # type: ignore[attr-defined]


@require_GET
@agent_required
def offered(request: HttpRequest, number: int) -> JsonResponse:
    """Those that may be used, with their texts filled for this conversation."""
    user = signed_in(request)
    ticket = queries.get_conversation(number, user)
    known, wordings = values(request, ticket), Wordings.read()
    language = ticket.contact.language or user.language
    macros = []
    for macro in queries.usable_macros(user)[:_OFFERED]:
        text = macro.text_for(language)
        told = wordings.tell(macro.actions)
        macros.append(
            {
                "id": str(macro.pk),
                "name": macro.name,
                "text": fill(text, known),
                "open": unfilled(text, known),
                "actions": [{"key": key, "value": macro.actions[key], "words": words} for key, words in told],
            }
        )
    return JsonResponse({"macros": macros})


@require_POST
@agent_required
def run(request: HttpRequest, number: int, macro_id: int) -> HttpResponse:
    user = signed_in(request)
    ticket = queries.get_conversation(number, user)
    run_macro(queries.get_macro(macro_id, queries.usable_macros(user)), ticket.id, user)
    return show_facts(request, number)


# ---- Pages -----------------------------------------------------------------------------------------------------------


@require_GET
@agent_required
def macros(request: HttpRequest) -> HttpResponse:
    user, wordings = signed_in(request), Wordings.read()
    rows = [
        {
            "macro": macro,
            "told": [words for _name, words in wordings.tell(macro.actions)],
            "mine": may_change(macro, user),
        }
        for macro in queries.managed_macros(user)
    ]
    return render(request, "inbox/macros.html", {"rows": rows})


@require_http_methods(["GET", "POST"])
@agent_required
def macro(request: HttpRequest, macro_id: int | None = None) -> HttpResponse:
    """One macro, or a new one."""
    user = signed_in(request)
    stored = _changeable(macro_id, user) if macro_id else None
    form = MacroForm(request.POST or None, instance=_copy(stored), user=user)
    if request.method == "POST" and form.is_valid():
        try:
            save_macro(stored, changes=form.changes, user=user)
            return redirect("inbox:macros")
        except AppError as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
    context: dict[str, Any] = {"form": form, "macro": stored, "known": KNOWN.items()}
    return render(request, "inbox/macro.html", context, status=400 if form.errors else 200)


def _copy(stored: Macro | None) -> Macro:
    """The form writes into what it is given; the service is to see what is stored."""
    return Macro.objects.get(id=stored.pk) if stored else Macro()


def _changeable(macro_id: int, user: User) -> Macro:
    found = queries.get_macro(macro_id, queries.managed_macros(user))
    if not may_change(found, user):
        raise Forbidden(_("Only administrators change what others use."))
    return found


@require_POST
@agent_required
def drop_macro(request: HttpRequest, macro_id: int) -> HttpResponse:
    user = signed_in(request)
    delete_macro(_changeable(macro_id, user), user)
    return redirect("inbox:macros")
