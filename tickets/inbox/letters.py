"""A letter as its sender laid it out: a page of its own for a frame of its own, which belongs to no site."""

from csp.constants import NONE, SELF
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_GET

from omnisupport.lib.errors import NotFound
from tenants.accounts.access import agent_required, signed_in
from tickets import queries

# Even opened by itself the page is a stranger here: without our cookies, forms and storage. The one script that may run is ours
# and tells the frame's height, for a strange page cannot be measured from outside.
_POLICY = {
    "default-src": [NONE],
    "script-src": [SELF],
    "style-src": [SELF, "'unsafe-inline'"],
    "img-src": ["data:"],
    "base-uri": [NONE],
    "form-action": [NONE],
    "frame-ancestors": [SELF],
    "sandbox": ["allow-scripts", "allow-popups", "allow-popups-to-escape-sandbox"],
}


@require_GET
@agent_required
@xframe_options_sameorigin
def letter(request: HttpRequest, message_id: int) -> HttpResponse:
    """Pictures that lie elsewhere are fetched only with `pictures=1`: their sender sees that the letter is read."""
    html = queries.get_message(message_id, signed_in(request)).content.get("html")
    if not html:
        raise NotFound(_("There is no such message."))
    context = {"html": mark_safe(html)}  # noqa: S308  # cleaned when it came (channels_app/email/plain.py)
    response = render(request, "inbox/letter.html", context)
    pictures = {"img-src": ["data:", "https:", "http:"]} if request.GET.get("pictures") else {}
    response._csp_replace = {**_POLICY, **pictures}  # type: ignore[attr-defined]
    response["Referrer-Policy"] = "no-referrer"
    response["Cache-Control"] = "private, no-cache"
    return response
