"""What the composer asks for while an agent writes: drafts, and whom a note may name."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_GET, require_http_methods

from tenants.accounts.access import agent_required, signed_in
from tenants.accounts.veil import unveiled
from tickets import queries
from tickets.inbox.forms import DraftForm, checked, read_uuids
from tickets.models import MessageKind
from tickets.services.drafts import save_draft


@require_http_methods(["GET", "POST"])
@agent_required
def draft(request: HttpRequest, number: int) -> HttpResponse:
    """What is stored: all kinds by GET; by POST what came of saving one, 409 when other words are there by now."""
    user = signed_in(request)
    ticket = queries.get_conversation(number, user)
    if request.method == "GET":
        return unveiled(JsonResponse({"drafts": [one.shape for one in queries.drafts_of(ticket, user)]}))
    data = checked(DraftForm(request.POST))
    stored, is_kept = save_draft(
        ticket,
        user,
        kind=MessageKind(data["kind"]),
        text=data["text"],
        version=data["version"],
        reply_to=data["reply_to"],
        quote=data["quote"],
        mentions=data["mentions"],
        macro=data["macro"],
        attachment_ids=read_uuids(request.POST.getlist("attachments")),
    )
    return unveiled(JsonResponse({"draft": stored.shape if stored else None}, status=200 if is_kept else 409))


@require_GET
@agent_required
def colleagues(request: HttpRequest) -> JsonResponse:
    """Whom a note may name; `reference` as the hidden field `mentions` has it."""
    people = [
        {"reference": f"u:{person.id}", "name": str(person), "team": False}
        for person in queries.assignable_people()
        if not person.is_assistant
    ]
    teams = [{"reference": f"t:{team.pk}", "name": team.name, "team": True} for team in queries.all_teams()]
    return JsonResponse({"colleagues": people + teams})
