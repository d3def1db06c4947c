"""The part of a turn that belongs to tools: what the model wants is checked, called or asked back about."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from ai_assistant.services.exchange import Exchange, Task
from ai_assistant.services.tool_use import (
    OpenTool,
    Pending,
    arguments_of,
    ask_for,
    ask_to_confirm,
    receipt_of,
)
from ai_assistant.services.tools import ToolCall, ToolResult, run_tool
from ai_assistant.tool_schema import Scalar


@dataclass
class ToolTurn:
    """All empty: no tool is wanted. `sources` go before the passages; with `text` or `reason` the turn is over."""

    text: str = ""
    reason: str = ""
    checks: list[dict[str, Any]] = field(default_factory=list)
    calls: list[dict[str, Any]] = field(default_factory=list)
    sources: list[dict[str, Any]] = field(default_factory=list)
    pending: Pending | None = None


def use_tool(exchange: Exchange, task: Task, tools: Sequence[OpenTool]) -> ToolTurn:
    """Raises LLMError."""
    choice = exchange.choose_tool(tools)
    wanted = next((one for one in tools if one.tool.name == choice.tool), None)
    if wanted is None:
        return ToolTurn()
    said = "\n".join([*task.said, task.question])
    arguments, missing = arguments_of(choice, wanted, said, exchange.mask)
    if missing:
        return ToolTurn(text=ask_for(wanted, missing, task.language))
    if wanted.tool.changes_something:
        pending = Pending(wanted.tool, arguments)
        calls = [receipt_of(wanted.tool, arguments, "waiting", exchange.mask)]
        return ToolTurn(text=ask_to_confirm(pending, task.language), calls=calls, pending=pending)
    return _called(exchange, wanted, arguments)


def _called(exchange: Exchange, wanted: OpenTool, arguments: Mapping[str, Scalar]) -> ToolTurn:
    tool = wanted.tool
    result = run_tool(ToolCall(tool, arguments, uuid.uuid4().hex), exchange.seconds_left)
    turn = ToolTurn(calls=[receipt_of(tool, arguments, result.state, exchange.mask, result)])
    if result.state == "done":
        turn.sources = [_source(wanted, exchange.mask.hide(result.text))]
    elif result.state == "not_found" and tool.not_found_text:
        turn.text = tool.not_found_text
    else:
        turn.reason = "tool"
        turn.checks = [complaint_of(wanted.tool.title, result)]
    return turn


def complaint_of(title: str, result: ToolResult) -> dict[str, Any]:
    """For the receipt and the note that agents get."""
    words = _("%(tool)s: %(problem)s") % {"tool": title, "problem": result.message}
    if result.state == "uncertain":
        words += " " + _("It may have been done all the same: look before it is done again.")
    return {"code": f"tool_{result.state}", "message": words}


def _source(wanted: OpenTool, text: str) -> dict[str, Any]:
    """In the shape of a passage; data like any other, between the same fences."""
    return {
        "title": wanted.tool.title, "section": "", "page": None, "url": "", "text": text, "score": 1.0,
        "document": "", "used": False, "tool": wanted.tool.name,
    }  # fmt: skip
