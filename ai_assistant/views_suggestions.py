"""What agents do with a suggested reply: take it into the composer, or discard it."""

import json
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from ai_assistant.answer_text import MARK
from ai_assistant.models import Answer
from ai_assistant.services.suggesting import note_draft
from tenants.accounts.access import agent_required, signed_in
from tickets.models import Ticket
from tickets.rights import about_visible


def _answer(request: HttpRequest, answer_id: UUID) -> Answer:
    return get_object_or_404(Answer.objects.filter(about_visible(signed_in(request))), id=answer_id)


@require_POST
@agent_required
def insert(request: HttpRequest, answer_id: UUID) -> HttpResponse:
    answer = _answer(request, answer_id)
    response = _settle(request, answer, Answer.Draft.INSERTED)
    # The inbox puts words back into its composer on this event.
    response["HX-Trigger"] = json.dumps({"taken-back": {"text": MARK.sub("", answer.text)}})
    return response


@require_POST
@agent_required
def discard(request: HttpRequest, answer_id: UUID) -> HttpResponse:
    return _settle(request, _answer(request, answer_id), Answer.Draft.DISCARDED)


def _settle(request: HttpRequest, answer: Answer, draft: Answer.Draft) -> HttpResponse:
    note_draft(answer, draft=draft, user=signed_in(request))
    if request.headers.get("HX-Request"):
        return render(request, "ai_assistant/_suggestion_gone.html")
    return redirect("inbox:conversation", get_object_or_404(Ticket, id=answer.ticket_id).number)
