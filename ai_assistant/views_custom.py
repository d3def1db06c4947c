"""Pages of the custom answers: the list with a form for a new one, and one of them. Agents read, admins write."""

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from ai_assistant.forms import CustomAnswerForm
from ai_assistant.models import CustomAnswer
from ai_assistant.services.custom_answers import delete_custom_answer, save_custom_answer, set_file
from ai_assistant.tasks import run_saved_questions
from omnisupport.lib.errors import AppError
from omnisupport.lib.forms import show_refusal
from tenants.accounts.access import agent_required, signed_in_admin
from tenants.tasking import wake


@agent_required
def custom_answers(request: HttpRequest) -> HttpResponse:
    form = CustomAnswerForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and _saved(request, form, None):
        return redirect("ai_assistant:custom-answers")
    context = {"form": form, "answers": CustomAnswer.objects.order_by("-uses", "-id")}
    return render(request, "ai_assistant/custom_answers.html", context, status=400 if form.errors else 200)


@agent_required
def custom_answer(request: HttpRequest, custom_id: int) -> HttpResponse:
    custom = get_object_or_404(CustomAnswer, id=custom_id)
    initial = {"questions": "\n".join(custom.questions), "text": custom.text, "is_active": custom.is_active}
    form = CustomAnswerForm(request.POST or None, request.FILES or None, initial=initial, file_name=custom.file_name)
    if request.method == "POST" and _saved(request, form, custom):
        return redirect("ai_assistant:custom-answers")
    context = {"form": form, "custom": custom}
    return render(request, "ai_assistant/custom_answer.html", context, status=400 if form.errors else 200)


def _saved(request: HttpRequest, form: CustomAnswerForm, custom: CustomAnswer | None) -> bool:
    user = signed_in_admin(request)
    if not form.is_valid():
        return False
    data: dict[str, Any] = form.cleaned_data
    try:
        # Both or neither.
        with transaction.atomic():
            saved = save_custom_answer(custom, questions=data["questions"].splitlines(), text=data["text"],
                                       is_active=data["is_active"], user=user)  # fmt: skip
            if data["file"] or data.get("without_file"):
                set_file(saved, data["file"] or None)
    except AppError as error:
        show_refusal(form, error)
        return False
    messages.success(request, _("Saved."))
    wake(run_saved_questions)
    return True


@agent_required
@require_POST
def delete(request: HttpRequest, custom_id: int) -> HttpResponse:
    signed_in_admin(request)
    delete_custom_answer(get_object_or_404(CustomAnswer, id=custom_id))
    messages.success(request, _("Deleted."))
    wake(run_saved_questions)
    return redirect("ai_assistant:custom-answers")
