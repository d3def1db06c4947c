"""Pages of the channels: list with health, set-up with a real test."""

import secrets
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from django.contrib import messages
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import select_template
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from channels_app.base import Adapter, TransportError
from channels_app.forms import ChannelForm, ClientIdForm
from channels_app.kinds import adapter_class, kind_choices
from channels_app.models import Channel, MessageTemplate
from channels_app.registry import adapter_for
from channels_app.services.channels import (
    accept_consent,
    change_channel,
    connect_channel,
    create_channel,
    disconnect_channel,
    renew_secret,
)
from channels_app.services.delivery import last_fault
from channels_app.services.inbound import count_failed, replay_failed
from channels_app.services.reconcile import can_be_asked
from channels_app.services.templates import send_template
from channels_app.tasks import drain_inbound
from omnisupport.lib.errors import AppError
from tenants.accounts.access import agent_required, signed_in, signed_in_admin
from tenants.accounts.models import Role, User
from tenants.tasking import wake
from tickets.inbox.forms import checked
from tickets.queries import get_conversation

_CONSENT = "channel_consent"
_CONSENT_TIME = timedelta(minutes=15)
_STATES = signing.TimestampSigner(salt="channel-consent")


@agent_required
def channel_list(request: HttpRequest) -> HttpResponse:
    rows = [
        (channel, adapter_class(channel.kind).title) for channel in Channel.objects.select_related("first_assignee")
    ]
    return render(request, "channels_app/list.html", {"rows": rows, "kinds": kind_choices()})


@agent_required
def add_channel(request: HttpRequest, kind: str) -> HttpResponse:
    signed_in_admin(request)
    adapter = adapter_class(kind)
    assistant = User.objects.filter(role=Role.ASSISTANT).first()
    form = ChannelForm(
        adapter, {}, (), request.POST or None, initial={"name": str(adapter.title), "first_assignee": assistant}
    )
    if request.method == "POST" and form.is_valid():
        try:
            channel = create_channel(
                kind=kind, name=form.cleaned_data["name"], first_assignee_id=_assignee(form), **_given(form)
            )
        except AppError as error:
            form.add_error(None, str(error))
        else:
            return _connect(request, channel.id)
    return _form_page(request, form, kind, None)


@agent_required
def channel_page(request: HttpRequest, channel_id: UUID) -> HttpResponse:
    signed_in_admin(request)
    channel = get_object_or_404(Channel, id=channel_id)
    form = _edit_form(channel, request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            change_channel(channel, name=form.cleaned_data["name"], first_assignee_id=_assignee(form), **_given(form))
        except AppError as error:
            form.add_error(None, str(error))
        else:
            return _connect(request, channel.id)
    return _form_page(request, form, channel.kind, channel)


def _assignee(form: ChannelForm) -> UUID | None:
    person = form.cleaned_data["first_assignee"]
    return person.id if person else None


def _given(form: ChannelForm) -> dict[str, Any]:
    config, secrets = form.settings()
    return {"config": config, "secrets": secrets, "assistant_mode": form.cleaned_data["assistant_mode"]}


def _edit_form(channel: Channel, data: Any = None) -> ChannelForm:
    initial = {
        "name": channel.name,
        "first_assignee": channel.first_assignee_id,
        "assistant_mode": channel.assistant_mode,
    }
    stored = {name for name, value in channel.secrets.items() if value}
    return ChannelForm(adapter_class(channel.kind), channel.config, stored, data, initial=initial)


def _form_page(
    request: HttpRequest, form: ChannelForm, kind: str, channel: Channel | None, secret: str = ""
) -> HttpResponse:
    # A kind may explain its own steps; others get the plain form.
    steps = select_template([f"channels_app/{kind}/_setup.html", "channels_app/_setup.html"])
    snippet = f"{request.scheme}://{request.get_host()}/static/widget/loader.js"
    context = {
        "form": form,
        "kind": kind,
        "title": adapter_class(kind).title,
        "channel": channel,
        "steps": steps,
        "snippet": snippet,
        "values": adapter_for(channel).setup_values() if channel else {},
        "secret": secret,
        "failed": count_failed(channel.id) if channel else 0,
        "can_be_asked": can_be_asked(kind),
        "reports": adapter_class(kind).report is not Adapter.report,
        "last_fault": last_fault(channel.id) if channel else None,
    }
    return render(request, "channels_app/channel.html", context, status=400 if form.errors else 200)


@require_GET
@never_cache
@agent_required
def provider_report(request: HttpRequest, channel_id: UUID) -> HttpResponse:
    """What the provider says of us now: the channel page fetches it when it is drawn, and does not wait for it."""
    signed_in_admin(request)
    adapter = adapter_for(get_object_or_404(Channel, id=channel_id))
    try:
        context = {"lines": adapter.report(), "fault": ""}
    except TransportError as error:
        context = {"lines": (), "fault": error.reason}
    return render(request, "channels_app/_report.html", context)


@require_POST
@never_cache
@agent_required
def new_secret(request: HttpRequest, channel_id: UUID) -> HttpResponse:
    """Shown in this very answer and never again: neither the session nor the address may keep it."""
    signed_in_admin(request)
    channel = get_object_or_404(Channel, id=channel_id)
    secret = renew_secret(channel.id)
    return _form_page(request, _edit_form(channel), channel.kind, channel, secret)


@require_POST
@agent_required
def connect(request: HttpRequest, channel_id: UUID) -> HttpResponse:
    signed_in_admin(request)
    return _connect(request, channel_id)


@require_GET
@never_cache
@agent_required
def consent(request: HttpRequest, channel_id: UUID) -> HttpResponse:
    """To the provider's own page, where the account says that we may act for it."""
    signed_in_admin(request)
    request.session[_CONSENT] = nonce = secrets.token_urlsafe(16)
    url = adapter_for(get_object_or_404(Channel, id=channel_id)).consent_url(
        _STATES.sign_object([str(channel_id), nonce])
    )
    return redirect(url or reverse("channels:channel", args=[channel_id]))


@require_GET
@never_cache
@agent_required
def consented(request: HttpRequest) -> HttpResponse:
    """And back. Only who went may come: a code of somebody else's account would bring us their mail."""
    signed_in_admin(request)
    nonce = request.session.pop(_CONSENT, "")
    try:
        channel_id, known = _STATES.unsign_object(request.GET.get("state", ""), max_age=_CONSENT_TIME)
    except (signing.BadSignature, ValueError, TypeError):
        channel_id, known = "", None
    if not nonce or known != nonce:
        messages.error(request, _("This sign-in has expired. Begin it anew."))
        return redirect("channels:list")
    code = request.GET.get("code", "")
    if not code:
        messages.error(request, _("Nothing was allowed there, so nothing has changed here."))
        return redirect("channels:channel", channel_id)
    return _connect(request, UUID(channel_id), lambda: accept_consent(UUID(channel_id), code))


def _connect(request: HttpRequest, channel_id: UUID, how: Callable[[], Channel] | None = None) -> HttpResponse:
    try:
        channel = how() if how else connect_channel(channel_id)
    except AppError as error:
        messages.error(request, str(error))
    else:
        if channel.health == Channel.Health.OK:
            messages.success(request, channel.health_note or _("The channel works."))
        else:
            messages.error(request, channel.health_note)
    return redirect("channels:channel", channel_id)


@require_POST
@agent_required
def replay_all_failed(request: HttpRequest, channel_id: UUID) -> HttpResponse:
    signed_in_admin(request)
    count = replay_failed(channel_id)
    wake(drain_inbound, str(channel_id))
    text = ngettext("%(n)d event is being processed again.", "%(n)d events are being processed again.", count)
    messages.success(request, text % {"n": count})
    return redirect("channels:channel", channel_id)


@require_POST
@agent_required
def disconnect(request: HttpRequest, channel_id: UUID) -> HttpResponse:
    signed_in_admin(request)
    disconnect_channel(channel_id)
    messages.success(request, _("The channel is switched off; its conversations stay."))
    return redirect("channels:list")


@require_GET
@agent_required
def template_picker(request: HttpRequest, number: int) -> HttpResponse:
    """The approved templates of a conversation's channel, each with a form for its variables."""
    ticket = get_conversation(number, signed_in(request))
    templates = MessageTemplate.objects.filter(channel_id=ticket.channel_id, status__iexact="approved")
    context = {"ticket": ticket, "templates": templates, "client_id": uuid4()}
    return render(request, "channels_app/_templates.html", context)


@require_POST
@agent_required
def post_template(request: HttpRequest, number: int, template_id: int) -> HttpResponse:
    ticket = get_conversation(number, signed_in(request))
    variables = {name.removeprefix("var_"): str(value) for name, value in request.POST.items() if name[:4] == "var_"}
    client_id = checked(ClientIdForm(request.POST))["client_id"]
    send_template(
        ticket_id=ticket.id,
        template_id=template_id,
        variables=variables,
        client_id=client_id,
        user=signed_in(request),
    )
    if request.headers.get("HX-Request"):
        return render(request, "channels_app/_template_sent.html")
    return redirect("inbox:conversation", number)
