"""What the chat asks of the server. No cookies: the visitor's token comes in a header."""

import json
from collections.abc import Callable
from typing import Any, TypeVar
from uuid import UUID

from csp.constants import NONE, SELF
from django.core.exceptions import RequestDataTooBig, TooManyFilesSent
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.multipartparser import MultiPartParserError
from django.shortcuts import render
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe
from pydantic import BaseModel, Field, ValidationError

from channels_app.models import Channel
from channels_app.widget import services
from channels_app.widget.adapter import Config
from channels_app.widget.identity import identify, read_identity
from channels_app.facts import read_facts
from channels_app.widget.limits import count_address, count_visitor
from channels_app.widget.serializers import public_message, visible_messages
from channels_app.widget.sessions import Visitor, check_file_signature, issue_token, new_visitor, visitor_of
from omnisupport.lib.errors import AppError, InvalidInput, RateLimited, TooLarge
from tenants.accounts.throttle import client_address
from tickets.files import file_response
from tickets.models import Attachment, MessageKind
from tickets.realtime import publish_visited
from tickets.services.trail import note_page

HISTORY = 200


class NewMessage(BaseModel):
    client_id: UUID
    text: str = Field("", max_length=5000)
    attachments: list[UUID] = Field(default_factory=list, max_length=10)
    reply_to: str | None = None
    page: Any = None
    attributes: Any = None


class Opening(BaseModel):
    """`identity`: who the visitor is, signed by the company's server (identity.py)."""

    identity: str = Field("", max_length=4096)


class Page(BaseModel):
    url: str = Field(max_length=2000)
    title: str = Field("", max_length=1000)


class LastRead(BaseModel):
    last: str = Field(pattern=r"^\d{1,18}$")


Shape = TypeVar("Shape", bound=BaseModel)
View = Callable[..., HttpResponse]


def endpoint(method: str) -> Callable[[View], View]:
    """JSON in, JSON out, errors in one shape, no session: the token is the whole authentication, so CSRF does not apply."""

    def decorate(view: View) -> View:
        @csrf_exempt
        def wrapped(request: HttpRequest, channel_id: UUID, **arguments: Any) -> HttpResponse:
            with translation.override(_language(request)):
                try:
                    if request.method != method:
                        refusal = _problem(405, "method", _("Use %(method)s here.") % {"method": method})
                        refusal["Allow"] = method
                        return refusal
                    try:
                        channel = Channel.objects.get(id=channel_id, kind="widget", is_active=True)
                    except Channel.DoesNotExist:
                        return _problem(404, "not_found", _("There is no such chat."))
                    return view(request, channel, **arguments)
                except AppError as error:
                    answer = _problem(error.status, error.code, str(error))
                    if isinstance(error, RateLimited):
                        answer["Retry-After"] = str(int(error.retry_after))
                    return answer

        return wrapped

    return decorate


def _language(request: HttpRequest) -> str:
    wanted = request.headers.get("Accept-Language", "")[:2]
    return wanted if wanted in {"ru", "en"} else request.tenant.language  # type: ignore[attr-defined]


def _problem(status: int, code: str, message: str) -> JsonResponse:
    return JsonResponse({"error": {"code": code, "message": message}}, status=status)


def _body(request: HttpRequest, shape: type[Shape]) -> Shape:
    try:
        return shape.model_validate(json.loads(request.body or b"{}"))
    except ValidationError as error:
        field = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise InvalidInput(_("The field “%(field)s” is not right.") % {"field": field}, field=field) from None
    except RequestDataTooBig:
        raise TooLarge(_("This is too large")) from None
    except (ValueError, RecursionError):
        raise InvalidInput(_("The request is not valid JSON.")) from None


def _visitor(request: HttpRequest, channel: Channel, what: str) -> Visitor:
    """Who asks, counted against what one visitor may. Raises NotAuthenticated, RateLimited."""
    visitor = visitor_of(channel, request.headers.get("Authorization", ""))
    count_visitor(what, visitor.address)
    return visitor


def _writer(request: HttpRequest, channel: Channel, what: str) -> Visitor:
    """A visitor who adds to the workspace, counted with everybody of the same internet address too."""
    visitor = _visitor(request, channel, what)
    address = client_address(request)
    count_address(what, address)
    if not visitor.has_written():
        count_address("conversation", address)
    return visitor


@endpoint("GET")
def config(request: HttpRequest, channel: Channel) -> HttpResponse:
    """Public: the launcher asks for it from the customer's page."""
    settings = Config(**channel.config)
    tenant = request.tenant  # type: ignore[attr-defined]
    answer = JsonResponse(
        {
            "name": tenant.name,
            "greeting": settings.greeting,
            "accent": settings.accent,
            "language": tenant.language if settings.language == "auto" else settings.language,
            "position": settings.position,
        }
    )
    origin = request.headers.get("Origin", "")
    if origin in settings.allowed_sites:
        answer["Access-Control-Allow-Origin"] = origin
    answer["Vary"] = "Origin"
    answer["Cache-Control"] = "public, max-age=60"
    return answer


@endpoint("POST")
def session(request: HttpRequest, channel: Channel) -> HttpResponse:
    """Begins a visit or goes on with the one of the token: history, unread, where the events stand."""
    if request.headers.get("Authorization"):
        visitor = _visitor(request, channel, "session")
    else:
        count_address("session", client_address(request))
        visitor = new_visitor(channel)
    if identity := _body(request, Opening).identity:
        known = visitor if request.headers.get("Authorization") else None
        visitor = identify(channel, read_identity(channel, identity), known, _language(request))
    state = services.open_session(visitor)
    return JsonResponse({"token": issue_token(visitor), "visitor": visitor.address, **state})


@csrf_exempt
def messages(request: HttpRequest, channel_id: UUID) -> HttpResponse:
    return (post_message if request.method == "POST" else list_messages)(request, channel_id=channel_id)


@endpoint("GET")
def list_messages(request: HttpRequest, channel: Channel) -> HttpResponse:
    visitor = _visitor(request, channel, "list")
    after = request.GET.get("after", "0")
    if not after.isdecimal() or len(after) > 18:
        raise InvalidInput(_("“after” must be the id of a message."), field="after")
    rows = visible_messages(visitor.address, channel.id).filter(id__gt=int(after))[:HISTORY]
    return JsonResponse(
        {"messages": [public_message(row, visitor.address) for row in rows], "seq": services.newest_seq()}
    )


@endpoint("POST")
def post_message(request: HttpRequest, channel: Channel) -> HttpResponse:
    visitor = _writer(request, channel, "message")
    new = _body(request, NewMessage)
    message = services.write(
        visitor,
        client_id=new.client_id,
        text=new.text,
        attachment_ids=new.attachments,
        language=_language(request),
        facts=read_facts(new.page, new.attributes),
    )
    return JsonResponse(public_message(message, visitor.address, files=None if new.attachments else ()), status=201)


@endpoint("POST")
def upload(request: HttpRequest, channel: Channel) -> HttpResponse:
    visitor = _writer(request, channel, "upload")
    try:
        file = request.FILES.get("file")
    except (MultiPartParserError, TooManyFilesSent):
        file = None
    if file is None:
        raise InvalidInput(_("Send the file as multipart/form-data in the field “file”."), field="file")
    attachment = services.keep_upload(visitor, file)
    return JsonResponse(
        {"id": str(attachment.id), "name": attachment.name, "mime": attachment.mime, "size": attachment.size},
        status=201,
    )


@endpoint("POST")
def handoff(request: HttpRequest, channel: Channel) -> HttpResponse:
    visitor = _writer(request, channel, "handoff")
    said = services.call_person(visitor, _language(request))
    return JsonResponse(public_message(said, visitor.address), status=201)


@endpoint("GET")
def elsewhere(request: HttpRequest, channel: Channel) -> HttpResponse:
    return JsonResponse({"ways": services.other_ways(_visitor(request, channel, "list"))})


@endpoint("POST")
def visited(request: HttpRequest, channel: Channel) -> HttpResponse:
    """The page that the visitor looks at now; kept of those who have written."""
    visitor = _visitor(request, channel, "page")
    seen = _body(request, Page)
    address_id = note_page(channel_id=channel.id, address=visitor.address, url=seen.url, title=seen.title)
    if address_id is not None:
        publish_visited(address_id)
    return JsonResponse({})


@endpoint("POST")
def read(request: HttpRequest, channel: Channel) -> HttpResponse:
    visitor = _visitor(request, channel, "read")
    services.mark_read(visitor, int(_body(request, LastRead).last))
    return JsonResponse({})


@require_safe
def file(request: HttpRequest, channel_id: UUID, attachment_id: UUID) -> HttpResponse:
    """A short-lived signed link, because an image tag cannot send a header."""
    address = check_file_signature(request.GET.get("sig", ""), attachment_id)
    attachment = Attachment.objects.filter(
        id=attachment_id,
        message__kind=MessageKind.PUBLIC,
        message__deleted_at=None,
        message__address__channel_id=channel_id,
        message__address__address=address or "-",
    ).first()
    if address is None or attachment is None or attachment.state != Attachment.State.READY:
        raise Http404
    return file_response(attachment, request.headers.get("Range", ""))


@require_safe
@xframe_options_exempt
def page(request: HttpRequest, channel_id: UUID) -> HttpResponse:
    """The document inside the frame; only the channel's own sites may hold it."""
    channel = Channel.objects.filter(id=channel_id, kind="widget", is_active=True).first()
    if channel is None:
        raise Http404
    settings = Config(**channel.config)
    language = request.tenant.language if settings.language == "auto" else settings.language  # type: ignore[attr-defined]
    answer = render(request, "channels_app/widget/page.html", {"channel": channel, "chat_language": language})
    answer._csp_replace = {"frame-ancestors": [SELF, *settings.allowed_sites], "form-action": [NONE]}  # type: ignore[attr-defined]
    return answer
