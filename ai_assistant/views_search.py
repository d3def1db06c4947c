"""The page of the search: its model, how far its vectors are, and the order of what is found."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from ai_assistant.forms import CredentialsForm
from ai_assistant.forms_search import SearchForm
from ai_assistant.models import Assistant
from ai_assistant.providers import embedding_choices
from ai_assistant.services.assistants import change_reranking, ensure_assistant
from ai_assistant.services.meaning import (
    choose_embeddings,
    chosen_model,
    progress_of_search,
    test_embeddings,
)
from ai_assistant.tasks import run_saved_questions
from knowledge.services.spaces import try_again
from knowledge.tasks import fill_space_task
from omnisupport.lib.errors import AppError
from omnisupport.lib.forms import show_refusal
from tenants.accounts.access import agent_required, signed_in_admin
from tenants.tasking import wake

PREFIX = "credential_search_"


@agent_required
def search_page(request: HttpRequest) -> HttpResponse:
    """«Test» makes a real call with what is stored; «Try again» goes on with what was given up."""
    signed_in_admin(request)
    assistant = ensure_assistant()
    if request.method == "POST" and "test" in request.POST:
        works, sentence = test_embeddings()
        (messages.success if works else messages.error)(request, sentence)
        return redirect("ai_assistant:search")
    if request.method == "POST" and "again" in request.POST:
        try_again()
        wake(fill_space_task)
        return redirect("ai_assistant:search")
    form, keys = _forms(request, assistant)
    if request.method == "POST" and form.is_valid() and keys.is_valid() and _saved(request, assistant, form, keys):
        return redirect("ai_assistant:search")
    context = {"form": form, "keys": keys, "model": chosen_model(), "progress": progress_of_search()}
    status = 400 if form.errors or keys.errors else 200
    return render(request, "ai_assistant/search.html", context, status=status)


def _forms(request: HttpRequest, assistant: Assistant) -> tuple[SearchForm, CredentialsForm]:
    data: Any = request.POST if request.method == "POST" else None
    stored = chosen_model()
    given = request.GET.get("provider", "") if data is None else data.get("embedding_provider", "")
    provider = given if given in dict(embedding_choices()) else (stored.provider if stored and data is None else "")
    is_stored = stored is not None and stored.provider == provider
    credentials = stored.credentials if stored and is_stored else {}
    keys = CredentialsForm(provider, credentials, data, prefix=PREFIX)
    # What is chosen here is not the model that answers.
    keys.fields.pop(f"{PREFIX}model", None)
    return SearchForm(assistant, provider, stored.price if stored and is_stored else None, data), keys


def _saved(request: HttpRequest, assistant: Assistant, form: SearchForm, keys: CredentialsForm) -> bool:
    chosen = form.cleaned_data
    try:
        choose_embeddings(chosen["embedding_provider"], keys.values(), chosen["embedding_price"])
    except AppError as error:
        field = f"{PREFIX}{error.field}"
        if field in keys.fields:
            keys.add_error(field, str(error))
        else:
            show_refusal(form, error)
        return False
    if "rerank_model" in chosen:
        change_reranking(
            assistant, reranks=chosen["reranks"], model=chosen["rerank_model"].strip(), price=chosen["rerank_price"]
        )
    messages.success(request, _("Saved."))
    wake(fill_space_task)
    wake(run_saved_questions)
    return True
