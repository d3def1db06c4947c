"""The agents' websocket, `/ws/agent/`: session cookie of the same origin, or a single-use ticket from the API."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.http import parse_cookie
from django.utils.crypto import constant_time_compare

from omnisupport.lib.hub import RESYNC, Socket
from tenants.accounts.models import User
from tenants.accounts.tickets import spend_socket_ticket
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
from tickets.models import Ticket
from tickets.notices.services import note_seen
from tickets.presence import move_screen, snapshot
from tickets.realtime import AGENTS, event_frame
from tickets.rights import may_see, sees_all
from tickets.services.reading import note_read
from tickets.sieve import Sieve, needs_sieve, sifted
from tickets.signals import agent_typing

RESYNC_LIMIT = 500


@dataclass
class Screen:
    """One socket, and what its person has before their eyes."""

    schema: str
    user: User
    id: str
    ticket: str = ""
    idle: bool = False

    async def move(self, *, leaves: bool = False) -> None:
        await in_tenant(
            self.schema,
            move_screen,
            self.schema,
            self.id,
            user_id=self.user.id,
            name=str(self.user),
            ticket=self.ticket,
            idle=self.idle,
            leaves=leaves,
        )


def user_of_session(cookie_header: str) -> User | None:
    """The agent behind the session cookie; the same checks as Django's own `get_user`, without a request."""
    key = parse_cookie(cookie_header).get(settings.SESSION_COOKIE_NAME, "")
    if not key.isalnum():
        return None
    session = import_module(settings.SESSION_ENGINE).SessionStore(key)
    if BACKEND_SESSION_KEY not in session:
        return None
    user = agent_by_id(str(session.get(SESSION_KEY, "")))
    if user is None or not constant_time_compare(session.get(HASH_SESSION_KEY, ""), user.get_session_auth_hash()):
        return None
    return user


def agent_by_id(user_id: str) -> User | None:
    try:
        user = User.objects.filter(id=UUID(user_id), is_active=True).first()
    except ValueError:
        return None
    return user if user is not None and user.is_agent else None


async def agent_socket(scope: Mapping[str, Any], receive: Any, send: Any) -> None:
    headers = scope_headers(scope)
    tenant = await socket_tenant(headers)
    if tenant is None:
        return await refuse(receive, send)
    schema = tenant.schema_name
    cookie = headers.get("cookie", "")
    user = None
    ticket = token_from_subprotocol(scope)
    if ticket:
        user = await in_tenant(schema, spend_socket_ticket, ticket)
    elif is_same_origin(headers):
        user = await in_tenant(schema, user_of_session, cookie)
    if user is None or not user.is_agent:
        return await refuse(receive, send)
    user_id, rights = str(user.id), _rights(user)

    async def still_allowed() -> bool:
        asked = (agent_by_id, user_id) if ticket else (user_of_session, cookie)
        # With other rights it is another socket: the client comes back at once.
        return _rights(await in_tenant(schema, *asked)) == rights

    async def look(texts: list[str]) -> list[str]:
        return await in_tenant(schema, sifted, user, texts)

    screen = Screen(schema, user, uuid4().hex[:12])

    async def on_frame(socket: Socket, frame: dict[str, Any]) -> None:
        await _handle(screen, socket, frame)

    async def on_end() -> None:
        await screen.move(leaves=True)

    await serve_socket(
        scope,
        receive,
        send,
        groups=[group_name(AGENTS, schema=schema), group_name("user", user_id, schema=schema)],
        hello={"type": "hello", "seq": str(await in_tenant(schema, newest_seq))},
        on_frame=on_frame,
        still_allowed=still_allowed,
        on_end=on_end,
        make_socket=partial(Sieve, look=look) if needs_sieve(user) else Socket,
    )


def _rights(user: User | None) -> tuple[bool, str, bool] | None:
    return (sees_all(user), user.access, user.sees_contact_details) if user else None


async def _handle(screen: Screen, socket: Socket, frame: dict[str, Any]) -> None:
    schema, user = screen.schema, screen.user
    if frame.get("ticket") and not sees_all(user) and not await in_tenant(schema, _sees, user, str(frame["ticket"])):
        return
    match frame:
        case {"type": "ping"}:
            await screen.move()
        case {"type": "here"}:
            socket.offer(await in_tenant(schema, snapshot))
        case {"type": "viewing", "ticket": str(ticket), "idle": bool(idle)} if not ticket or is_id(ticket):
            screen.ticket, screen.idle = ticket, idle
            await screen.move()
            if ticket and not idle:
                await in_tenant(schema, note_seen, int(ticket), user)
        case {"type": "read", "ticket": str(ticket), "message": str(message)} if is_id(ticket) and is_id(message):
            await in_tenant(schema, note_read, int(ticket), int(message), user)
        case {"type": "since", "seq": str(seq)} if is_id(seq):
            for text in await in_tenant(schema, frames_since, int(seq)):
                socket.offer(text)
        case {"type": "typing", "ticket": str(ticket), "on": bool(on)} if is_id(ticket):
            typing = {"type": "typing", "ticket": ticket, "who": user.name, "user": str(user.id), "on": on}
            await hub.publish(group_name(AGENTS, schema=schema), typing)
            await in_tenant(schema, _tell_customer, int(ticket), on, user)


def frames_since(seq: int) -> list[str]:
    """What the client missed, oldest first; too much of it becomes one `resync`."""
    import orjson

    events = list(Event.objects.filter(seq__gt=seq).order_by("seq")[: RESYNC_LIMIT + 1])
    if len(events) > RESYNC_LIMIT:
        return [RESYNC]
    return [orjson.dumps(event_frame(event)).decode() for event in events]


def _sees(user: User, ticket_id: str) -> bool:
    return is_id(ticket_id) and may_see(user, int(ticket_id))


def _tell_customer(ticket_id: int, on: bool, user: User) -> None:
    ticket = Ticket.objects.select_related("address").filter(id=ticket_id).first()
    if ticket is not None:
        agent_typing.send(sender=Ticket, ticket=ticket, user=user, on=on)
