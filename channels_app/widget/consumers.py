"""The visitors' websocket, `/ws/widget/`: the visitor's token in the subprotocol, from the workspace's own frame only."""

from collections.abc import Mapping
from typing import Any

import orjson

from channels_app.models import Channel
from channels_app.widget.serializers import public_message, visible_messages
from channels_app.widget.sessions import read_token
from omnisupport.lib.errors import NotAuthenticated
from omnisupport.lib.hub import RESYNC, Socket
from tenants.db import in_tenant
from tenants.events.models import Event
from tenants.names import group_name
from tenants.sockets import (
    hub,
    is_id,
    is_same_origin,
    newest_seq,
    refuse,
    scope_headers,
    serve_socket,
    socket_tenant,
    token_from_subprotocol,
)
from tickets.models import Status, Ticket
from tickets.realtime import AGENTS, visitor_group

RESYNC_LIMIT = 100
_EVENTS = ("message.received", "message.posted", "message.edited", "message.deleted", "message.delivery_changed")


def find_visitor(token: str) -> tuple[str, str] | None:
    try:
        channel_id, address, _until = read_token(token)
    except NotAuthenticated:
        return None
    known = Channel.objects.filter(id=channel_id, kind="widget", is_active=True).exists()
    return (channel_id, address) if known else None


async def widget_socket(scope: Mapping[str, Any], receive: Any, send: Any) -> None:
    headers = scope_headers(scope)
    tenant = await socket_tenant(headers)
    token = token_from_subprotocol(scope)
    # The frame is served from this host, so a page of another site cannot use a stolen token from a browser.
    if tenant is None or not token or not is_same_origin(headers):
        return await refuse(receive, send)
    schema = tenant.schema_name
    visitor = await in_tenant(schema, find_visitor, token)
    if visitor is None:
        return await refuse(receive, send)
    channel_id, address = visitor

    async def still_allowed() -> bool:
        return await in_tenant(schema, find_visitor, token) is not None

    async def on_frame(socket: Socket, frame: dict[str, Any]) -> None:
        match frame:
            case {"type": "since", "seq": str(seq)} if is_id(seq):
                for text in await in_tenant(schema, frames_since, channel_id, address, int(seq)):
                    socket.offer(text)
            case {"type": "typing", "on": bool(on)}:
                typing = await in_tenant(schema, _typing_frame, channel_id, address, on)
                if typing is not None:
                    await hub.publish(group_name(AGENTS, schema=schema), typing)

    await serve_socket(
        scope,
        receive,
        send,
        groups=[visitor_group(channel_id, address, schema)],
        hello={"type": "hello", "seq": str(await in_tenant(schema, newest_seq))},
        on_frame=on_frame,
        still_allowed=still_allowed,
    )


def frames_since(channel_id: str, address: str, seq: int) -> list[str]:
    """The visitor's messages that changed after `seq`, in order; too many become one `resync`."""
    tickets = Ticket.objects.filter(address__channel_id=channel_id, address__address=address).values("id")
    events = Event.objects.filter(seq__gt=seq, type__in=_EVENTS, ticket_id__in=tickets).order_by("seq")
    newest: dict[str, int] = {str(event.payload["message_id"]): event.seq or 0 for event in events[: RESYNC_LIMIT + 1]}
    if len(newest) > RESYNC_LIMIT:
        return [RESYNC]
    rows = visible_messages(address, channel_id).filter(id__in=list(newest))
    frames = [(newest[str(row.id)], public_message(row, address)) for row in rows]
    return [
        orjson.dumps({"type": "message", "seq": str(number), "message": message}).decode()
        for number, message in sorted(frames, key=lambda pair: pair[0])
    ]


def _typing_frame(channel_id: str, address: str, on: bool) -> dict[str, Any] | None:
    tickets = Ticket.objects.filter(address__channel_id=channel_id, address__address=address)
    ticket = tickets.exclude(status=Status.CLOSED).select_related("contact").first()
    if ticket is None:
        return None
    return {"type": "typing", "ticket": str(ticket.id), "who": str(ticket.contact), "visitor": True, "on": on}
