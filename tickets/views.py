"""Files of conversations for agents: who asks is checked each time."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe
from rest_framework_simplejwt.exceptions import InvalidToken

from omnisupport.lib.errors import NotAuthenticated, NotFound
from tenants.accounts.access import agent_required, signed_in
from tenants.accounts.models import User
from tenants.accounts.tokens import authenticate_access_token
from tickets.files import file_response
from tickets.links import linked_attachment
from tickets.queries import get_attachment


@require_safe
def attachment(request: HttpRequest, attachment_id: UUID) -> HttpResponse:
    """By session, or by the API's bearer token. Raises NotFound for a file of another workspace."""
    scheme, _space, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return _serve(request, attachment_id, _user_of_token(token))
    return _for_session(request, attachment_id)


@agent_required
def _for_session(request: HttpRequest, attachment_id: UUID) -> HttpResponse:
    return _serve(request, attachment_id, signed_in(request))


def _user_of_token(token: str) -> User:
    try:
        user = authenticate_access_token(token)
    except InvalidToken:
        user = None
    if user is None or not user.is_agent:
        raise NotAuthenticated(_("The token is not valid. Log in again."))
    return user


def _serve(request: HttpRequest, attachment_id: UUID, viewer: User) -> HttpResponse:
    return file_response(get_attachment(attachment_id, viewer), request.headers.get("Range", ""))


@require_safe
def linked(request: HttpRequest, token: str, name: str) -> HttpResponse:
    """Without a session, for whoever holds the link. Raises NotFound."""
    attachment = linked_attachment(token)
    if attachment is None:
        raise NotFound(_("This link is too old. Ask for the file again."))
    return file_response(attachment, request.headers.get("Range", ""))
