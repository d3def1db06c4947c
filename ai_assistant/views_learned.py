"""Pages of what was learned from solved conversations: the proposals, and one of them to change, approve or reject."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from ai_assistant.forms import LearnedForm
from ai_assistant.models import LearnedAnswer
from ai_assistant.reusable import GAP
from ai_assistant.services import learning
from ai_assistant.tasks import run_saved_questions
from knowledge.tasks import ingest_document_task
from omnisupport.lib.errors import AppError
from omnisupport.lib.forms import show_refusal
from tenants.accounts.access import agent_required, signed_in_admin
from tenants.tasking import wake
from tickets.models import Ticket


@require_GET
@agent_required
def proposals(request: HttpRequest) -> HttpResponse:
    signed_in_admin(request)
    rows = LearnedAnswer.objects.filter(state=LearnedAnswer.State.PROPOSED).order_by("-id")
    page = Paginator(rows, 20).get_page(request.GET.get("page"))
    ids = [learned.ticket_id for learned in page.object_list]
    numbers = dict(Ticket.objects.filter(id__in=ids).values_list("id", "number"))
    return render(request, "ai_assistant/learned.html", {"page": page, "numbers": numbers})


@agent_required
def proposal(request: HttpRequest, learned_id: int) -> HttpResponse:
    signed_in_admin(request)
    learned = get_object_or_404(LearnedAnswer, id=learned_id, state=LearnedAnswer.State.PROPOSED)
    initial = {"questions": learned.question, "text": learned.text}
    form = LearnedForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid() and _approved(request, learned, form):
        return redirect("ai_assistant:learned")
    number = Ticket.objects.filter(id=learned.ticket_id).values_list("number", flat=True).first()
    context = {"form": form, "learned": learned, "number": number, "gap": GAP}
    return render(request, "ai_assistant/learned_answer.html", context, status=400 if form.errors else 200)


def _approved(request: HttpRequest, learned: LearnedAnswer, form: LearnedForm) -> bool:
    questions = [line.strip() for line in form.cleaned_data["questions"].splitlines() if line.strip()]
    given = {"questions": questions, "text": form.cleaned_data["text"], "user": signed_in_admin(request)}
    try:
        if request.POST.get("as") == "article":
            document_id = learning.approve_as_article(learned.id, **given)
            wake(ingest_document_task, str(document_id))
            messages.success(request, _("Saved as an article."))
        else:
            learning.approve_as_custom(learned.id, **given)
            messages.success(request, _("Saved as a custom answer."))
            wake(run_saved_questions)
    except AppError as error:
        show_refusal(form, error)
        return False
    return True


@require_POST
@agent_required
def reject(request: HttpRequest, learned_id: int) -> HttpResponse:
    try:
        learning.reject(learned_id, signed_in_admin(request))
        messages.success(request, _("Rejected. Nothing like it will be proposed again."))
    except AppError as error:
        messages.error(request, str(error))
    return redirect("ai_assistant:learned")
