"""Pages of the assistant: playground, receipts, unanswered questions, settings."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from ai_assistant.forms import FALLBACK_PREFIX, AssistantForm, CredentialsForm, TryForm, WrongForm
from ai_assistant.models import Answer, Assistant
from ai_assistant.providers import provider_names
from ai_assistant.services.assistants import ensure_assistant, test_connection
from ai_assistant.services.budget import spending_of_month
from ai_assistant.services.complaints import mark_wrong, take_back
from ai_assistant.services.publishing import (
    discard_draft,
    publish_draft,
    recent_changes,
    submit_settings,
    waiting_draft,
    with_draft,
)
from ai_assistant.services.saved_questions import regressions, running
from ai_assistant.services.unanswered import unanswered_groups
from ai_assistant.tasks import ask_in_worker, compare_in_worker, run_saved_questions
from omnisupport.lib.errors import AppError
from omnisupport.lib.forms import show_refusal
from tenants.accounts.access import agent_required, signed_in, signed_in_admin
from tenants.tasking import wake
from tickets.models import Ticket
from tickets.rights import about_visible


@agent_required
def playground(request: HttpRequest) -> HttpResponse:
    """Asks for real and shows every stage; makes no conversation and no statistics. Admins may try other settings beside."""
    question = request.POST.get("question", "").strip()[:4000]
    compares = "compare" in request.POST and bool(signed_in_admin(request))
    context: dict[str, Any] = {"question": question, "compares": compares}
    if signed_in(request).is_admin:
        context["draft"] = waiting_draft()
        context["form"] = TryForm(request.POST if compares else None, instance=with_draft(ensure_assistant()))
    if request.method == "POST" and question:
        try:
            context["results"] = _compared(question, context["form"]) if compares else [ask_in_worker(question)]
        except AppError as error:
            context["error"] = error
    return render(request, "ai_assistant/playground.html", context)


def _compared(question: str, form: TryForm) -> list[dict[str, Any]]:
    """What is published, and what is tried; nothing where the form is refused."""
    return list(compare_in_worker(question, form.cleaned_data)) if form.is_valid() else []


@agent_required
def answers(request: HttpRequest) -> HttpResponse:
    outcome, wrong = request.GET.get("outcome", ""), request.GET.get("wrong", "")
    rows = _seen(request).order_by("-created_at").defer("prompt", "passages")
    if outcome in Answer.Outcome.values:
        rows = rows.filter(outcome=outcome)
    if wrong == "any":
        rows = rows.exclude(wrong="")
    elif wrong in Answer.Wrong.values:
        rows = rows.filter(wrong=wrong)
    page = Paginator(rows, 50).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "outcome": outcome,
        "outcomes": Answer.Outcome.choices,
        "wrong": wrong,
        "wrongs": Answer.Wrong.choices,
        "numbers": _numbers(page.object_list),
    }
    return render(request, "ai_assistant/answers.html", context)


@agent_required
def answer(request: HttpRequest, answer_id: UUID) -> HttpResponse:
    return _receipt(request, get_object_or_404(_seen(request), id=answer_id))


def _seen(request: HttpRequest) -> QuerySet[Answer]:
    return Answer.objects.filter(about_visible(signed_in(request)))


def _receipt(request: HttpRequest, found: Answer, form: WrongForm | None = None) -> HttpResponse:
    context = {
        "form": form or WrongForm(instance=found),
        "answer": found,
        "answered": found.outcome == Answer.Outcome.ANSWERED,
        "number": _numbers([found]).get(found.ticket_id),
    }
    return render(request, "ai_assistant/answer.html", context, status=400 if form else 200)


@agent_required
@require_POST
def wrong(request: HttpRequest, answer_id: UUID) -> HttpResponse:
    found = get_object_or_404(_seen(request), id=answer_id)
    # The form writes into its instance, also where it is refused.
    form = WrongForm(request.POST, instance=Answer(id=found.id))
    if not form.is_valid():
        return _receipt(request, found, form)
    mark_wrong(
        found, reason=form.cleaned_data["wrong"], comment=form.cleaned_data["wrong_comment"], user=signed_in(request)
    )
    messages.success(request, _("Marked as wrong."))
    return redirect("ai_assistant:answer", answer_id)


@agent_required
@require_POST
def right(request: HttpRequest, answer_id: UUID) -> HttpResponse:
    take_back(get_object_or_404(_seen(request), id=answer_id), user=signed_in(request))
    return redirect("ai_assistant:answer", answer_id)


@agent_required
def unanswered(request: HttpRequest) -> HttpResponse:
    return render(request, "ai_assistant/unanswered.html", {"groups": unanswered_groups(_seen(request))})


def _numbers(rows: Any) -> dict[int, int]:
    ids = {row.ticket_id for row in rows}
    return dict(Ticket.objects.filter(id__in=ids).values_list("id", "number"))


@agent_required
def settings_page(request: HttpRequest) -> HttpResponse:
    """Models, keys, persona, budget. «Test» makes a real call to each model with what is stored."""
    signed_in_admin(request)
    # What is edited is the draft, where one waits.
    assistant = with_draft(ensure_assistant())
    if request.method == "POST" and "test" in request.POST:
        return _test(request, assistant)
    if request.method == "POST":
        forms = _bound_forms(request, assistant)
        if all(form.is_valid() for form in forms) and _saved(request, *forms):
            return redirect("ai_assistant:settings")
    else:
        provider = _known(request.GET.get("provider", ""), assistant.provider)
        form = AssistantForm(instance=assistant, initial={"provider": provider})
        forms = (form, *_credentials_forms(assistant, provider, assistant.fallback_provider))
    form, keys, second_keys = forms
    context = {
        "form": form,
        "keys": keys,
        "second_keys": second_keys,
        "assistant": assistant,
        "draft": waiting_draft(),
        "run": running(),
        "history": recent_changes(),
        "spending": spending_of_month(),
        "regressions": regressions(),
    }
    status = 400 if any(form.errors for form in forms) else 200
    return render(request, "ai_assistant/settings.html", context, status=status)


def _known(provider: str, otherwise: str) -> str:
    return provider if provider in provider_names() else otherwise


def _credentials_forms(
    assistant: Assistant, provider: str, second: str, data: Any = None
) -> tuple[CredentialsForm, CredentialsForm]:
    stored = assistant.credentials if provider == assistant.provider else {}
    stored_second = assistant.fallback_credentials if second == assistant.fallback_provider else {}
    return CredentialsForm(provider, stored, data), CredentialsForm(second, stored_second, data, prefix=FALLBACK_PREFIX)


def _bound_forms(request: HttpRequest, assistant: Assistant) -> tuple[AssistantForm, CredentialsForm, CredentialsForm]:
    provider = _known(request.POST.get("provider", ""), assistant.provider)
    second = _known(request.POST.get("fallback_provider", ""), "")
    keys = _credentials_forms(assistant, provider, second, request.POST)
    return (AssistantForm(request.POST, instance=with_draft(ensure_assistant())), *keys)


def _saved(
    request: HttpRequest,
    form: AssistantForm,
    keys: CredentialsForm,
    second_keys: CredentialsForm,
) -> bool:
    try:
        is_published = submit_settings(
            changes=form.cleaned_data,
            credentials=keys.values(),
            fallback_credentials=second_keys.values(),
            user=signed_in_admin(request),
        )
    except AppError as error:
        field = f"credential_{error.field}"
        bound = next((keys_form for keys_form in (keys, second_keys) if field in keys_form.fields), None)
        if bound:
            bound.add_error(field, str(error))
        else:
            show_refusal(form, error)
        return False
    waits = _("Saved as a draft. It is published when the test questions are not worse with it.")
    messages.success(request, _("Saved.") if is_published else waits)
    wake(run_saved_questions)
    return True


@agent_required
@require_POST
def publish(request: HttpRequest) -> HttpResponse:
    user = signed_in_admin(request)
    try:
        publish_draft(user=user, reason=request.POST.get("reason", ""))
    except AppError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("Published."))
        wake(run_saved_questions)
    return redirect("ai_assistant:settings")


@agent_required
@require_POST
def discard(request: HttpRequest) -> HttpResponse:
    user = signed_in_admin(request)
    try:
        discard_draft(user=user)
    except AppError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("Discarded."))
    return redirect("ai_assistant:settings")


def _test(request: HttpRequest, assistant: Assistant) -> HttpResponse:
    for works, sentence in test_connection(assistant):
        (messages.success if works else messages.error)(request, sentence)
    return redirect("ai_assistant:settings")
