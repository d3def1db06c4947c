"""A message that has left, changed or taken away by its author within a few minutes."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from tenants.accounts.access import agent_required, signed_in
from tickets import queries
from tickets.inbox.actions import show_message
from tickets.inbox.forms import Words, checked
from tickets.models import Message
from tickets.services.changes import delete_message, drop_change, edit_message, retry_change


@require_POST
@agent_required
def edit(request: HttpRequest, message_id: int) -> HttpResponse:
    user = signed_in(request)
    message = queries.get_message(message_id, user)
    edit_message(message.id, text=checked(Words(request.POST))["text"], user=user)
    return _show(request, message)


@require_POST
@agent_required
def delete(request: HttpRequest, message_id: int) -> HttpResponse:
    user = signed_in(request)
    message = queries.get_message(message_id, user)
    delete_message(message.id, user=user)
    return _show(request, message)


@require_POST
@agent_required
def retry(request: HttpRequest, change_id: int) -> HttpResponse:
    user = signed_in(request)
    change = retry_change(change_id, user=user)
    return _show(request, queries.get_message(change.message_id, user))


@require_POST
@agent_required
def drop(request: HttpRequest, change_id: int) -> HttpResponse:
    user = signed_in(request)
    change = drop_change(change_id, user=user)
    return _show(request, queries.get_message(change.message_id, user))


def _show(request: HttpRequest, message: Message) -> HttpResponse:
    if not request.headers.get("HX-Request"):
        return redirect("inbox:conversation", number=message.ticket.number)
    return show_message(request, message.ticket, message)
