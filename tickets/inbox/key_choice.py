"""A person gives a command of the inbox another key."""

from django import forms
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from tenants.accounts.access import agent_required, signed_in
from tenants.accounts.services import set_keys
from tickets.inbox.forms import checked
from tickets.inbox.keys import choose_key, key_sheet


class KeyForm(forms.Form):
    """Without `does`: all as they were made; without `keys`: this one."""

    does = forms.CharField(max_length=80, required=False)
    keys = forms.CharField(max_length=40, required=False)


@require_POST
@agent_required
def choose(request: HttpRequest) -> HttpResponse:
    user = signed_in(request)
    data = checked(KeyForm(request.POST))
    set_keys(user, choose_key(user.keys, data["does"], data["keys"]) if data["does"] else {})
    return HttpResponse(key_sheet(user.keys))
