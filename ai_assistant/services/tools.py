"""The tools of a workspace: what an admin sets up, and one call to one of them."""

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import structlog
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from ai_assistant.models import Tool
from ai_assistant.tool_schema import Parameters, Scalar, read_parameters, visible_text
from omnisupport.lib import http
from omnisupport.lib.errors import AppError, Conflict, InvalidInput, TooLarge

log = structlog.get_logger(__name__)

MOST_TOOLS = 20
MOST_SECONDS = 10
# Less than this is no time for a call.
_LEAST_SECONDS = 0.5
_MAX_BYTES = 256 * 1024
_NAME = re.compile(r"[a-z][a-z0-9_]{1,39}")
_PLACE = re.compile(r"\{(\w+)\}")
_HEADER = re.compile(r"[A-Za-z0-9-]{1,60}")
# The client's own business.
_OUR_HEADERS = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "content-type", "idempotency-key"}
)


# ---- Setting up ------------------------------------------------------------------------------------------------------


def save_tool(tool: Tool | None, *, headers: Mapping[str, str] | None = None, **changes: Any) -> Tool:
    """Makes one (None) or changes it. `headers` None keeps what is stored. Raises InvalidInput with `field`, Conflict."""
    host_before = _host(tool.url) if tool else ""
    tool = tool or Tool()
    for name, value in changes.items():
        setattr(tool, name, value)
    if headers is not None:
        tool.headers = dict(headers)
    elif tool.headers and _host(tool.url) != host_before:
        # A stored secret must not travel to another address.
        raise InvalidInput(_("Give the headers again: the address leads to another host."), field="headers")
    _check(tool)
    try:
        with transaction.atomic():
            tool.save()
    except IntegrityError:
        raise Conflict(_("There is a tool of this name already."), field="name") from None
    return tool


def delete_tool(tool: Tool) -> None:
    tool.delete()


def _check(tool: Tool) -> None:
    if not _NAME.fullmatch(tool.name):
        raise InvalidInput(_("A name has small Latin letters, digits and _, like order_status."), field="name")
    if tool.pk is None and Tool.objects.count() >= MOST_TOOLS:
        raise InvalidInput(_("There are %(n)d tools already; delete one first.") % {"n": MOST_TOOLS})
    parameters = read_parameters(tool.parameters)
    _check_address(tool.url, parameters)
    for name, value in tool.headers.items():
        if not _HEADER.fullmatch(name) or name.lower() in _OUR_HEADERS or not (value.isascii() and value.isprintable()):
            raise InvalidInput(_("“%(name)s” cannot be sent as a header.") % {"name": name[:60]}, field="headers")
    if not tool.fields:
        raise InvalidInput(_("Name at least one field of the answer."), field="fields")
    if not 1 <= tool.timeout <= MOST_SECONDS:
        raise InvalidInput(_("Give 1 to %(n)d seconds.") % {"n": MOST_SECONDS}, field="timeout")
    if not tool.needs_verified and (tool.changes_something or parameters.filled_by_server()):
        raise InvalidInput(
            _("A tool that changes something, or is told who the customer is, needs a verified customer."),
            field="needs_verified",
        )


def _check_address(url: str, parameters: Parameters) -> None:
    """The host stands in it as it is: no argument decides where a call goes."""
    named = _PLACE.findall(url)
    fixed = url.partition("://")[2].partition("/")[0].partition("?")[0]
    if "{" in fixed:
        raise InvalidInput(_("The host of the address must be fixed."), field="url")
    strange = next((name for name in named if name not in parameters.properties), None)
    if strange:
        raise InvalidInput(_("The address names {%(name)s}, which is no parameter.") % {"name": strange}, field="url")
    optional = next((name for name in named if name not in parameters.required), None)
    if optional:
        raise InvalidInput(
            _("{%(name)s} stands in the address, so it must be required.") % {"name": optional}, field="url"
        )
    try:
        _check_https(_PLACE.sub("x", url))
    except InvalidInput as error:
        error.field = "url"
        raise


def _check_https(url: str) -> None:
    http.check_url(url)
    if not url.startswith("https://") and not http.is_opened(url):
        raise InvalidInput(_("Give a full address that begins with https://"), code="bad_url")


def _host(url: str) -> str:
    return url.partition("://")[2].partition("/")[0].partition("?")[0].lower()


# ---- Calling ---------------------------------------------------------------------------------------------------------


@dataclass
class ToolResult:
    """`state`: done, not_found, failed or uncertain (it may have been done). `text`: what may be seen of the answer."""

    state: str
    text: str = ""
    status: int | None = None
    ms: int = 0
    message: str = ""


@dataclass(frozen=True)
class ToolCall:
    """`key` tells the service a repeated call from a new one."""

    tool: Tool
    arguments: Mapping[str, Scalar] = field(default_factory=dict)
    key: str = ""


def run_tool(call: ToolCall, seconds: float = MOST_SECONDS) -> ToolResult:
    """One call, never repeated. Never raises for a fault of the service: that is a result."""
    started = time.monotonic()
    if seconds < _LEAST_SECONDS:
        return ToolResult("failed", message=_("There was no time left for it."))
    try:
        result = _fetch(call, min(call.tool.timeout, seconds))
    except TooLarge:
        result = ToolResult("failed", message=_("The answer is too long."))
    except InvalidInput as error:
        result = ToolResult("failed", message=str(error))
    except AppError as error:
        # What was sent may have arrived.
        state = "uncertain" if call.tool.changes_something else "failed"
        result = ToolResult(state, message=str(error))
    result.ms = round((time.monotonic() - started) * 1000)
    log.info("tool_called", tool=call.tool.name, state=result.state, status=result.status, ms=result.ms)
    return result


def _fetch(call: ToolCall, timeout: float) -> ToolResult:
    tool = call.tool
    url, rest = _filled(tool.url, call.arguments)
    if tool.method == Tool.Method.GET:
        url = _with_query(url, rest)
        _check_https(url)
        # A redirect is not followed: the headers were given for this host.
        got = http.fetch(url, max_bytes=_MAX_BYTES, timeout=timeout, redirects=0, headers=_headers(tool))
    else:
        _check_https(url)
        headers = {
            **_headers(tool),
            "Content-Type": "application/json",
            **({"Idempotency-Key": call.key} if call.key else {}),
        }
        body = json.dumps(rest, ensure_ascii=False).encode()
        got = http.post(url, body, headers=headers, timeout=timeout, max_bytes=_MAX_BYTES)
    return _read(tool, got)


def _headers(tool: Tool) -> dict[str, str]:
    return {"Accept": "application/json", **tool.headers}


def _filled(url: str, arguments: Mapping[str, Scalar]) -> tuple[str, dict[str, Scalar]]:
    """The address with its places filled, and the arguments that have none."""
    named = set(_PLACE.findall(url))
    filled = _PLACE.sub(lambda match: quote(_word(arguments[match[1]]), safe=""), url)
    return filled, {name: value for name, value in arguments.items() if name not in named}


def _with_query(url: str, arguments: Mapping[str, Scalar]) -> str:
    if not arguments:
        return url
    parts = urlsplit(url)
    query = urlencode([*parse_qsl(parts.query, keep_blank_values=True), *((n, _word(v)) for n, v in arguments.items())])
    return parts._replace(query=query).geturl()


def _word(value: Scalar) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _read(tool: Tool, got: http.Fetched) -> ToolResult:
    if got.status == 404:
        return ToolResult("not_found", status=404, message=_("Nothing was found."))
    if not 200 <= got.status < 300:
        # What a refused call changed, nobody knows after a 5xx.
        state = "uncertain" if tool.changes_something and got.status >= 500 else "failed"
        return ToolResult(
            state, status=got.status, message=_("The service answered with %(status)s.") % {"status": got.status}
        )
    # After a success nothing of this changes that it was done.
    otherwise = "done" if tool.changes_something else "failed"
    try:
        data = json.loads(got.body)
    except (ValueError, RecursionError):
        return ToolResult(otherwise, status=got.status, message=_("The answer is not JSON."))
    text = visible_text(data, tool.fields, _secrets(tool))
    if not text:
        message = _("The answer has none of the fields that may be seen.")
        return ToolResult(otherwise, status=got.status, message=message)
    return ToolResult("done", text, got.status)


def _secrets(tool: Tool) -> list[str]:
    """What the headers hold, whole and without a word like Bearer before it."""
    values = [part for value in tool.headers.values() for part in (value, *value.split()) if len(part) >= 8]
    return sorted(values, key=len, reverse=True)
