"""Pages of the forbidden topics."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from ai_assistant.forms import TopicForm
from ai_assistant.models import ForbiddenTopic
from ai_assistant.services.topics import all_topics, delete_topic, save_topic
from ai_assistant.tasks import run_saved_questions
from omnisupport.lib.errors import AppError
from omnisupport.lib.forms import show_refusal
from tenants.accounts.access import agent_required, signed_in_admin
from tenants.tasking import wake


@agent_required
def topics(request: HttpRequest) -> HttpResponse:
    signed_in_admin(request)
    form = TopicForm(request.POST or None)
    if request.method == "POST" and form.is_valid() and _saved(request, form, None):
        return redirect("ai_assistant:topics")
    context = {"form": form, "topics": all_topics()}
    return render(request, "ai_assistant/topics.html", context, status=400 if form.errors else 200)


@agent_required
def topic(request: HttpRequest, topic_id: int) -> HttpResponse:
    signed_in_admin(request)
    found = get_object_or_404(ForbiddenTopic, id=topic_id)
    initial = {"name": found.name, "phrases": "\n".join(found.phrases), "answer": found.answer}
    form = TopicForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid() and _saved(request, form, found):
        return redirect("ai_assistant:topics")
    return render(
        request, "ai_assistant/topic.html", {"form": form, "topic": found}, status=400 if form.errors else 200
    )


def _saved(request: HttpRequest, form: TopicForm, found: ForbiddenTopic | None) -> bool:
    data: dict[str, Any] = form.cleaned_data
    try:
        save_topic(found, name=data["name"], phrases=data["phrases"].splitlines(), answer=data["answer"])
    except AppError as error:
        show_refusal(form, error)
        return False
    messages.success(request, _("Saved."))
    wake(run_saved_questions)
    return True


@agent_required
@require_POST
def delete(request: HttpRequest, topic_id: int) -> HttpResponse:
    signed_in_admin(request)
    delete_topic(get_object_or_404(ForbiddenTopic, id=topic_id))
    messages.success(request, _("Deleted."))
    wake(run_saved_questions)
    return redirect("ai_assistant:topics")
