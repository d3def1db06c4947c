"""Spam, and contacts who are blocked."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from tenants.accounts.access import agent_required, signed_in
from tickets import queries
from tickets.inbox.views import show_facts
from tickets.services.spam import block_contact, mark_spam


@require_POST
@agent_required
def mark(request: HttpRequest, number: int) -> HttpResponse:
    """`value` empty: not spam after all."""
    ticket = queries.get_conversation(number, signed_in(request))
    mark_spam(ticket.id, is_spam=bool(request.POST.get("value")), actor=signed_in(request))
    return show_facts(request, number)


@require_POST
@agent_required
def block(request: HttpRequest, number: int) -> HttpResponse:
    """`value` empty: no longer."""
    ticket = queries.get_conversation(number, signed_in(request))
    block_contact(ticket.contact_id, is_blocked=bool(request.POST.get("value")), actor=signed_in(request))
    return show_facts(request, number)
