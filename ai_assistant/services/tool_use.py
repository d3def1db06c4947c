"""A tool in a turn: which ones stand open to this customer, which one the model wants, and what comes of it.

The model chooses before any document is read to it, from the customer's words alone: so no document can ask for a call.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils import translation
from django.utils.translation import gettext as _
from pydantic import BaseModel, ValidationError, field_validator

from ai_assistant.models import Tool
from ai_assistant.services.customers import Customer
from ai_assistant.services.tools import ToolResult
from ai_assistant.tool_schema import Parameters, Scalar, read_parameters, valid_argument
from omnisupport.lib.masking import Mask


@dataclass(frozen=True)
class OpenTool:
    """A tool that may be called now, and the arguments that the server fills in."""

    tool: Tool
    parameters: Parameters
    known: Mapping[str, Scalar] = field(default_factory=dict)


@dataclass(frozen=True)
class Pending:
    """A call for which the customer has to say yes first."""

    tool: Tool
    arguments: Mapping[str, Scalar]


class Choice(BaseModel):
    """What the model says; `arguments` as pairs, or as the object that many models give all the same."""

    tool: str = ""
    arguments: dict[str, Any] = {}

    @field_validator("arguments", mode="before")
    @classmethod
    def _as_object(cls, value: Any) -> Any:
        if isinstance(value, list):
            return {str(pair.get("name")): pair.get("value") for pair in value if isinstance(pair, dict)}
        return value if isinstance(value, dict) else {}


def open_tools(customer: Customer | None, *, may_confirm: bool) -> list[OpenTool]:
    """`may_confirm`: there is somebody who can be asked first."""
    customer = customer or Customer()
    found = []
    for tool in Tool.objects.filter(is_active=True).order_by("id"):
        if (tool.needs_verified and not customer.is_verified) or (tool.changes_something and not may_confirm):
            continue
        parameters = read_parameters(tool.parameters)
        known = known_arguments(parameters, customer)
        if known is not None:
            found.append(OpenTool(tool, parameters, known))
    return found


def known_arguments(parameters: Parameters, customer: Customer) -> dict[str, Scalar] | None:
    """None where something that the tool needs is not known of the customer."""
    known: dict[str, Scalar] = {}
    for name, source in parameters.filled_by_server().items():
        value = valid_argument(parameters.properties[name], customer.facts.get(source), None)
        if value is not None:
            known[name] = value
        elif name in parameters.required:
            return None
    return known


def read_choice(text: str) -> Choice:
    """Of a model; no tool where it cannot be read."""
    start, end = text.find("{"), text.rfind("}")
    try:
        return Choice.model_validate(json.loads(text[start : end + 1], strict=False))
    except (ValueError, ValidationError, RecursionError):
        return Choice()


def arguments_of(choice: Choice, wanted: OpenTool, said: str, mask: Mask) -> tuple[dict[str, Scalar], list[str]]:
    """What may be sent, and the names of what is still missing: what the customer did not say themselves counts for nothing."""
    arguments, missing = dict(wanted.known), []
    for name, one in wanted.parameters.told_to_model().items():
        given = choice.arguments.get(name)
        value = valid_argument(one, mask.restore(given) if isinstance(given, str) else given, said)
        if value is not None:
            arguments[name] = value
        elif name in wanted.parameters.required:
            missing.append(name)
    return arguments, missing


def receipt_of(
    tool: Tool, arguments: Mapping[str, Scalar], state: str, mask: Mask, result: ToolResult | None = None
) -> dict[str, Any]:
    """A line of the receipt: masked, and without the address and its headers."""
    result = result or ToolResult(state)
    return {
        "tool": tool.name,
        "title": tool.title,
        "arguments": {name: mask.hide(str(value)) for name, value in arguments.items()},
        "state": state,
        "status": result.status,
        "ms": result.ms,
        "message": result.message,
        "result": mask.hide(result.text),
    }


def ask_for(wanted: OpenTool, missing: Sequence[str], language: str) -> str:
    names = ", ".join(_named(wanted.parameters, name) for name in missing)
    with translation.override(language):
        return _("To look into this I need: %(what)s.") % {"what": names}


def ask_to_confirm(pending: Pending, language: str) -> str:
    parameters = read_parameters(pending.tool.parameters)
    told = [name for name in parameters.told_to_model() if name in pending.arguments]
    lines = [f"{_named(parameters, name)}: {pending.arguments[name]}" for name in told]
    with translation.override(language):
        ask = _("Shall I do this: %(title)s?") % {"title": pending.tool.title}
    return "\n".join([ask, *lines])


def _named(parameters: Parameters, name: str) -> str:
    return parameters.properties[name].title or parameters.properties[name].description or name
