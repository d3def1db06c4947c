"""Merging conversations in two steps, parting them, and splitting messages off."""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from omnisupport.lib.errors import InvalidInput
from tenants.accounts.access import agent_required, signed_in
from tickets import queries
from tickets.inbox.forms import checked, read_selection
from tickets.inbox.views import conversation_context
from tickets.models import Status, Ticket
from tickets.queries import Selection
from tickets.services.ticket_merges import merge_tickets, split_ticket, undo_ticket_merge

_MOST_FOUND = 12


class MergeForm(forms.Form):
    """Numbers: the other conversation, and which of the two goes on."""

    other = forms.IntegerField(min_value=1, max_value=2**63 - 1)
    keep = forms.IntegerField(min_value=1, max_value=2**63 - 1)


@require_http_methods(["GET", "POST"])
@agent_required
def merge(request: HttpRequest, number: int) -> HttpResponse:
    viewer = signed_in(request)
    ticket = queries.get_conversation(number, viewer)
    if request.method == "POST":
        data = checked(MergeForm(request.POST))
        pair = {ticket.number: ticket, data["other"]: queries.get_conversation(data["other"], viewer)}
        if data["keep"] not in pair:
            raise InvalidInput(_("Choose which of the two goes on."), field="keep")
        kept = pair.pop(data["keep"])
        gone = next(iter(pair.values()), kept)
        merge_tickets(kept_id=kept.id, gone_id=gone.id, user=viewer)
        return _show_conversation(request, kept.number)
    other = request.GET.get("with", "")
    if other.isdecimal() and len(other) <= 18:
        return render(
            request, "inbox/_merge_preview.html", _preview(ticket, queries.get_conversation(int(other), viewer))
        )
    q = request.GET.get("q", "").replace("\x00", "").strip()[:200]
    found = queries.list_tickets(Selection(viewer, text=q)).tickets if q else queries.past_tickets(ticket, viewer)
    context = {"ticket": ticket, "q": q, "found": [one for one in found if _fits(one, ticket)][:_MOST_FOUND]}
    is_step = request.headers.get("HX-Target") == "merge-found"
    return render(request, "inbox/_merge_found.html" if is_step else "inbox/_merge.html", context)


def _fits(other: Ticket, ticket: Ticket) -> bool:
    return other.id != ticket.id and not other.is_spam and not other.merged_into_id


def _preview(ticket: Ticket, other: Ticket) -> dict[str, Any]:
    sides = [{"ticket": one, **queries.size_of(one)} for one in (ticket, other)]
    # The older one, for that is where it began; a closed one cannot go on.
    living = sorted((one for one in (ticket, other) if one.status != Status.CLOSED), key=lambda one: one.id)
    return {"ticket": ticket, "other": other, "sides": sides, "suggested": living[0] if living else None}


@require_POST
@agent_required
def unmerge(request: HttpRequest, merge_id: int) -> HttpResponse:
    viewer = signed_in(request)
    queries.get_merged(merge_id, viewer)
    merged = undo_ticket_merge(merge_id, viewer)
    back = request.GET.get("back", "")
    numbers = {str(merged.kept.number), str(merged.gone.number)}
    return _show_conversation(request, int(back) if back in numbers else merged.kept.number)


@require_http_methods(["GET", "POST"])
@agent_required
def split(request: HttpRequest, message_id: int) -> HttpResponse:
    message = queries.get_message(message_id, signed_in(request))
    if request.method == "POST":
        made = split_ticket(message.id, with_later=bool(request.POST.get("later")), user=signed_in(request))
        return _show_conversation(request, made.number)
    later = message.ticket.messages.filter(id__gt=message.id).count()
    return render(request, "inbox/_split.html", {"message": message, "later": later})


@agent_required
def split_newest(request: HttpRequest, number: int) -> HttpResponse:
    """The dialog for the newest message of the customer."""
    message_id = queries.newest_inbound(queries.get_conversation(number, signed_in(request)))
    if message_id is None:
        raise InvalidInput(_("There is no message of the customer here."))
    return split(request, message_id)


def _show_conversation(request: HttpRequest, number: int) -> HttpResponse:
    if not request.headers.get("HX-Request"):
        return redirect("inbox:conversation", number=number)
    viewer = signed_in(request)
    selection = read_selection(request.GET, viewer)
    context = conversation_context(number, viewer, selection)
    response = render(request, "inbox/_conversation.html", context)
    response["HX-Push-Url"] = f"{reverse('inbox:conversation', args=[number])}?{context['address']}"
    return response
