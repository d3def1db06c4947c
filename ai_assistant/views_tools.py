"""Pages of the tools: the list with a form for a new one, one of them, and a call to try it."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from ai_assistant.forms_tools import ToolForm, TryToolForm
from ai_assistant.models import Tool
from ai_assistant.services.tools import ToolCall, ToolResult, delete_tool, run_tool, save_tool
from ai_assistant.tasks import run_saved_questions
from ai_assistant.tool_schema import read_parameters
from omnisupport.lib.errors import AppError
from omnisupport.lib.forms import show_refusal
from tenants.accounts.access import agent_required, signed_in_admin
from tenants.tasking import wake


@agent_required
def tools(request: HttpRequest) -> HttpResponse:
    signed_in_admin(request)
    form = ToolForm(request.POST or None)
    if request.method == "POST" and form.is_valid() and (saved := _saved(request, form, None)):
        return redirect("ai_assistant:tool", saved.id)
    context = {"form": form, "tools": Tool.objects.order_by("title", "id")}
    return render(request, "ai_assistant/tools.html", context, status=400 if form.errors else 200)


@agent_required
def tool(request: HttpRequest, tool_id: int) -> HttpResponse:
    signed_in_admin(request)
    found = get_object_or_404(Tool, id=tool_id)
    # The form writes into its instance, also where it is refused.
    form = ToolForm(request.POST or None, instance=Tool.objects.get(id=tool_id))
    if request.method == "POST" and form.is_valid() and _saved(request, form, found):
        return redirect("ai_assistant:tool", tool_id)
    return _page(request, found, form)


def _page(
    request: HttpRequest,
    found: Tool,
    form: ToolForm,
    trial: TryToolForm | None = None,
    result: ToolResult | None = None,
) -> HttpResponse:
    trial = trial or TryToolForm(read_parameters(found.parameters))
    context = {"form": form, "tool": found, "trial": trial, "result": result}
    status = 400 if form.errors or trial.errors else 200
    return render(request, "ai_assistant/tool.html", context, status=status)


def _saved(request: HttpRequest, form: ToolForm, found: Tool | None) -> Tool | None:
    try:
        saved = save_tool(found, **form.changes())
    except AppError as error:
        if error.field == "fields":
            error.field = "fields_seen"
        show_refusal(form, error)
        return None
    messages.success(request, _("Saved."))
    wake(run_saved_questions)
    return saved


@agent_required
@require_POST
def test(request: HttpRequest, tool_id: int) -> HttpResponse:
    """A real call with what an admin fills in; its answer is shown as the model would see it."""
    signed_in_admin(request)
    found = get_object_or_404(Tool, id=tool_id)
    trial = TryToolForm(read_parameters(found.parameters), request.POST)
    result = run_tool(ToolCall(found, trial.arguments())) if trial.is_valid() else None
    return _page(request, found, ToolForm(instance=Tool.objects.get(id=tool_id)), trial, result)


@agent_required
@require_POST
def delete(request: HttpRequest, tool_id: int) -> HttpResponse:
    signed_in_admin(request)
    delete_tool(get_object_or_404(Tool, id=tool_id))
    messages.success(request, _("Deleted."))
    wake(run_saved_questions)
    return redirect("ai_assistant:tools")
