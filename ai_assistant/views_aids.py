"""What agents ask a model for in a conversation: begun, looked at until it is there, cancelled, accepted; and the receipts."""

from typing import Any
from uuid import UUID

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET, require_POST

from ai_assistant.models import Aid
from ai_assistant.services import aids as services
from ai_assistant.tasks import help_agent
from tenants.accounts.access import agent_required, signed_in
from tenants.tasking import wake
from tickets.models import Author, Message, MessageKind, Priority, Ticket
from tickets.queries import get_conversation, get_message
from tickets.rights import about_visible

# Asked for a whole conversation or for the composer; a message has an address of its own.
_KINDS = frozenset({Aid.Kind.REWRITE, Aid.Kind.REPLY_TRANSLATION, Aid.Kind.SUMMARY, Aid.Kind.TRIAGE})


@require_POST
@agent_required
def begin(request: HttpRequest, number: int, kind: str) -> HttpResponse:
    ticket = get_conversation(number, signed_in(request))
    if kind == Aid.Kind.TRANSLATION:
        return _translate(request, _newest_of_customer(ticket))
    if kind not in _KINDS:
        raise Http404
    text = request.POST.get("text", "")
    aid = services.begin_aid(
        ticket, Aid.Kind(kind), user=signed_in(request), text=text, style=request.POST.get("style", "")
    )
    return _show(request, _sent_off(aid, text if kind in services.OF_THE_COMPOSER else ""))


def _newest_of_customer(ticket: Ticket) -> Message:
    rows = ticket.messages.filter(author=Author.CONTACT, kind=MessageKind.PUBLIC, deleted_at=None).exclude(text="")
    message: Message | None = rows.select_related("ticket").order_by("-id").first()
    if message is None:
        raise Http404
    return message


@require_POST
@agent_required
def translate_message(request: HttpRequest, message_id: int) -> HttpResponse:
    return _translate(request, get_message(message_id, signed_in(request)))


def _translate(request: HttpRequest, message: Message) -> HttpResponse:
    user = signed_in(request)
    aid = services.known_translation(message, user.language)
    if aid is None:
        aid = services.begin_aid(message.ticket, Aid.Kind.TRANSLATION, user=user, message=message)
        _sent_off(aid, "")
    return _show(request, aid)


def _sent_off(aid: Aid, text: str) -> Aid:
    if not wake(help_agent, str(aid.id), text):
        services.give_up(aid)
    return aid


def _seen(request: HttpRequest) -> QuerySet[Aid]:
    return Aid.objects.filter(about_visible(signed_in(request)))


@require_GET
@agent_required
def look(request: HttpRequest, aid_id: UUID) -> HttpResponse:
    aid = get_object_or_404(_seen(request), id=aid_id)
    services.settle_lost(aid)
    return _show(request, aid)


@require_POST
@agent_required
def cancel(request: HttpRequest, aid_id: UUID) -> HttpResponse:
    """Also closes what is there already."""
    aid = get_object_or_404(_seen(request), id=aid_id, user=signed_in(request))
    services.cancel_aid(aid)
    return _show(request, aid, closed=True)


@require_POST
@agent_required
def accept(request: HttpRequest, aid_id: UUID) -> HttpResponse:
    priority = request.POST.get("priority", "")
    aid = services.accept_suggestion(
        get_object_or_404(_seen(request), id=aid_id), tag=request.POST.get("tag", ""),
        priority=int(priority) if priority in map(str, Priority.values) else None, user=signed_in(request),
    )  # fmt: skip
    return _show(request, aid)


@require_POST
@agent_required
def keep(request: HttpRequest, aid_id: UUID) -> HttpResponse:
    aid = get_object_or_404(_seen(request), id=aid_id)
    services.keep_summary(aid, signed_in(request))
    return _show(request, aid, closed=True)


def _show(request: HttpRequest, aid: Aid, *, closed: bool = False) -> HttpResponse:
    priority = aid.suggestion.get("priority")
    accepted = aid.suggestion.get("accepted", [])
    # With the place that a tag keeps when others are gone.
    tags = [(place, tag) for place, tag in enumerate(aid.suggestion.get("tags", [])) if tag not in accepted]
    context: dict[str, Any] = {
        "aid": aid, "closed": closed, "tags": tags, "priority": Priority(priority) if priority else None,
    }  # fmt: skip
    response = render(request, "ai_assistant/_aid.html", context)
    response.headers["Cache-Control"] = "no-store"
    return response


# ---- Receipts -------------------------------------------------------------------------------------------------------


@require_GET
@agent_required
def aids(request: HttpRequest) -> HttpResponse:
    kind = request.GET.get("kind", "")
    rows = _seen(request).select_related("user").defer("prompt", "text", "checks").order_by("-created_at")
    if kind in Aid.Kind.values:
        rows = rows.filter(kind=kind)
    page = Paginator(rows, 50).get_page(request.GET.get("page"))
    context = {"page": page, "kind": kind, "kinds": Aid.Kind.choices, "numbers": _numbers(page.object_list)}
    return render(request, "ai_assistant/aids.html", context)


@require_GET
@agent_required
def receipt(request: HttpRequest, aid_id: UUID) -> HttpResponse:
    aid = get_object_or_404(_seen(request).select_related("user"), id=aid_id)
    return render(request, "ai_assistant/aid_receipt.html", {"aid": aid, "number": _numbers([aid]).get(aid.ticket_id)})


def _numbers(rows: Any) -> dict[int, int]:
    ids = {row.ticket_id for row in rows}
    return dict(Ticket.objects.filter(id__in=ids).values_list("id", "number"))
