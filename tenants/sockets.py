"""What every websocket of a workspace shares: host → tenant, origin, the token in the subprotocol, the socket's life."""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from omnisupport.lib.hub import Hub, Socket
from tenants.db import in_tenant
from tenants.events.models import Event
from tenants.hosts import TenantInfo, cached_tenant, find_tenant, host_name
from tenants.names import PUBLIC

PROTOCOL = "omni.v1"
# A client pings every 20 s; one that is silent for three times that is gone without saying so.
SILENCE = 65.0
MAX_FRAME = 16 * 1024

hub = Hub()


def scope_headers(scope: Mapping[str, Any]) -> dict[str, str]:
    return {k.decode("latin-1"): v.decode("latin-1") for k, v in scope["headers"]}


async def socket_tenant(headers: Mapping[str, str]) -> TenantInfo | None:
    host = host_name(headers.get("host", ""))
    known, tenant = cached_tenant(host)
    if not known:
        tenant = await in_tenant(PUBLIC, find_tenant, host)
    return None if tenant is None or tenant.is_public else tenant


def token_from_subprotocol(scope: Mapping[str, Any]) -> str:
    """The credential of `Sec-WebSocket-Protocol: omni.v1, token.<value>`; never in the URL, so never in a log."""
    for offered in scope.get("subprotocols", ()):
        if offered.startswith("token."):
            return str(offered[len("token.") :])
    return ""


def is_same_origin(headers: Mapping[str, str]) -> bool:
    """Browsers always send Origin; a page of another site must not use our cookie."""
    origin = urlsplit(headers.get("origin", ""))
    return bool(origin.netloc) and origin.netloc.lower() == headers.get("host", "").lower()


def is_id(text: str) -> bool:
    """A number that fits into a bigint."""
    return text.isascii() and text.isdecimal() and len(text) <= 18


async def refuse(receive: Any, send: Any) -> None:
    """Closes before accepting: the browser sees a 403."""
    await receive()
    await send({"type": "websocket.close", "code": 4401})


async def serve_socket(
    scope: Mapping[str, Any],
    receive: Any,
    send: Any,
    *,
    groups: list[str],
    hello: Mapping[str, Any],
    on_frame: Callable[[Socket, dict[str, Any]], Awaitable[None]],
    still_allowed: Callable[[], Awaitable[bool]],
    make_socket: Callable[[Any], Socket] = Socket,
    on_end: Callable[[], Awaitable[None]] | None = None,
) -> None:
    """Runs one accepted socket until it ends. `still_allowed` is asked again every minute; `on_frame` also hears of pings,
    which are answered already."""
    await receive()
    socket = make_socket(send)
    subprotocol = PROTOCOL if PROTOCOL in scope.get("subprotocols", ()) else None
    await send({"type": "websocket.accept", "subprotocol": subprotocol})
    for group in groups:
        await hub.join(socket, group)
    socket.offer(json.dumps(hello))
    try:
        await _read_frames(receive, socket, on_frame, still_allowed)
    finally:
        await hub.leave_all(socket)
        if on_end is not None:
            await on_end()
    with contextlib.suppress(Exception):
        await send({"type": "websocket.close", "code": 1000})


async def _read_frames(receive: Any, socket: Socket, on_frame: Any, still_allowed: Any) -> None:
    loop = asyncio.get_running_loop()
    next_check = loop.time() + 60
    while True:
        try:
            async with asyncio.timeout(SILENCE):
                message = await receive()
        except TimeoutError:
            return
        if message["type"] == "websocket.disconnect":
            return
        if loop.time() > next_check:
            next_check = loop.time() + 60
            if not await still_allowed():
                return
        text = message.get("text") or ""
        if len(text) > MAX_FRAME:
            return
        try:
            frame = json.loads(text)
        except (ValueError, RecursionError):
            continue
        if not isinstance(frame, dict):
            continue
        if frame.get("type") == "ping":
            socket.offer('{"type":"pong"}')
        await on_frame(socket, frame)


def newest_seq() -> int:
    return Event.objects.filter(seq__isnull=False).order_by("-seq").values_list("seq", flat=True).first() or 0
