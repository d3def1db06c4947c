"""Pages of the test questions: the list with its last results, one question, and the history of runs."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from ai_assistant.forms import QuestionForm
from ai_assistant.models import EvaluationRun, SavedQuestion
from ai_assistant.services import saved_questions
from ai_assistant.tasks import run_saved_questions
from omnisupport.lib import charts
from omnisupport.lib.errors import AppError
from tenants.accounts.access import agent_required, signed_in
from tenants.tasking import wake

_SHOWN_RUNS = 20


@agent_required
def questions(request: HttpRequest) -> HttpResponse:
    run = saved_questions.running()
    context = {
        "questions": SavedQuestion.objects.order_by("-id"),
        "results": saved_questions.last_results(),
        "regressions": saved_questions.regressions(),
        "has_changed": saved_questions.has_changed(),
        "run": run,
        "left": saved_questions.open_questions(run).count() if run else 0,
        "done": run.results.count() if run else 0,
        "last": saved_questions.last_run(),
        **_history(),
    }
    context["total"] = context["done"] + context["left"]
    return render(request, "ai_assistant/questions.html", context)


def _history() -> dict[str, Any]:
    """The newest runs as bars, oldest first, and as a table."""
    runs = list(EvaluationRun.objects.filter(is_running=False).order_by("-started_at")[:_SHOWN_RUNS])
    labels = [date_format(localtime(run.started_at), "j M H:i") for run in reversed(runs)]
    drafts = _("%(when)s, settings that wait")
    told = [
        drafts % {"when": label} if run.is_draft else label for run, label in zip(reversed(runs), labels, strict=True)
    ]
    stacks = [_stack(run.summary, label) for run, label in zip(reversed(runs), told, strict=True)]
    return {"runs": runs, "chart": charts.stacked_bars(labels, stacks)}


def _stack(summary: dict[str, Any], label: str) -> list[tuple[int, str]]:
    passed, failed = summary["passed"], summary["questions"] - summary["passed"]
    return [
        (passed, _("%(when)s: %(n)d as expected") % {"when": label, "n": passed}),
        (failed, _("%(when)s: %(n)d otherwise") % {"when": label, "n": failed}),
    ]


@agent_required
@require_POST
def run(request: HttpRequest) -> HttpResponse:
    try:
        saved_questions.start_run(signed_in(request))
        wake(run_saved_questions)
    except AppError as error:
        messages.error(request, str(error))
    return redirect("ai_assistant:questions")


@agent_required
@require_POST
def save(request: HttpRequest) -> HttpResponse:
    """From the playground, a receipt or the list; what is expected can be changed on the question's own page, which follows."""
    try:
        saved, is_new = saved_questions.save_question(
            question=request.POST.get("question", ""),
            answerable="answerable" in request.POST,
            expected_sources=request.POST.getlist("source"),
            user=signed_in(request),
        )
    except AppError as error:
        messages.error(request, str(error))
        return redirect("ai_assistant:questions")
    told = _("Saved. Say below what has to be answered.") if is_new else _("There is such a question already.")
    messages.success(request, told)
    return redirect("ai_assistant:question", saved.id)


@agent_required
def question(request: HttpRequest, question_id: int) -> HttpResponse:
    saved = get_object_or_404(SavedQuestion, id=question_id)
    # The form writes into its instance, also where it is refused.
    form = QuestionForm(request.POST or None, instance=SavedQuestion.objects.get(id=saved.id))
    if request.method == "POST" and form.is_valid():
        try:
            saved_questions.change_question(saved, **form.cleaned_data)
        except AppError as error:
            form.add_error(error.field or None, str(error))
        else:
            return redirect("ai_assistant:questions")
    history = saved.results.select_related("run").order_by("-run_id")[:10]
    context = {"form": form, "saved": saved, "history": history}
    return render(request, "ai_assistant/question.html", context, status=400 if form.errors else 200)


@agent_required
@require_POST
def delete(request: HttpRequest, question_id: int) -> HttpResponse:
    get_object_or_404(SavedQuestion, id=question_id).delete()
    messages.success(request, _("Deleted."))
    return redirect("ai_assistant:questions")
