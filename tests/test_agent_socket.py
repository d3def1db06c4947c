"""The agents' websocket: who may connect, what arrives, and that a gap is healed."""

import asyncio
import json
import uuid
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus

from tenants.accounts.models import User
from tenants.accounts.tickets import issue_socket_ticket
from tenants.events.dispatch import dispatch_new_events
from tenants.events.models import Event
from tests.cast import Workspace
from tests.servers import LiveServer
from tickets.services.post import post_message


def session_cookie(workspace: Workspace, user: Any) -> str:
    return f"session={workspace.client(user).cookies['session'].value}"


def dial(
    server: LiveServer, workspace: Workspace, *, origin: str | None = "same", ticket: str = "", **headers: str
) -> Any:
    if origin == "same":
        origin = f"http://{workspace.host}:{server.port}"
    return connect(
        f"ws://{workspace.host}:{server.port}/ws/agent/",
        host="127.0.0.1",
        port=server.port,
        origin=origin,
        additional_headers=headers,
        subprotocols=["omni.v1", f"token.{ticket}"] if ticket else ["omni.v1"],
    )


async def frame(socket: ClientConnection, type: str = "") -> dict[str, Any]:
    """The next frame (of a type)."""
    while True:
        got = json.loads(await asyncio.wait_for(socket.recv(), 10))
        if not type or got["type"] == type:
            return got


async def refused(server: LiveServer, workspace: Workspace, **how: Any) -> bool:
    try:
        async with dial(server, workspace, **how):
            return False
    except InvalidStatus:
        return True


def test_only_agents_of_this_workspace_and_this_origin_get_in(live_shop, live_rival, web):
    cookie = {"Cookie": session_cookie(live_shop, live_shop.agent)}
    foreign = {"Cookie": session_cookie(live_rival, live_rival.agent)}
    assistant = {"Cookie": session_cookie(live_shop, live_shop.assistant)}
    with live_shop.enter():
        spent = issue_socket_ticket(live_shop.agent)

    async def story() -> None:
        async with dial(web, live_shop, **cookie) as socket:
            assert (await frame(socket))["type"] == "hello"
        async with dial(web, live_shop, ticket=spent, origin=None) as socket:
            assert (await frame(socket))["type"] == "hello"
        assert await refused(web, live_shop, ticket=spent, origin=None)
        assert await refused(web, live_shop)
        assert await refused(web, live_shop, **foreign)
        assert await refused(web, live_shop, **assistant)
        assert await refused(web, live_shop, origin="https://evil.test", **cookie)
        assert await refused(web, live_shop, origin=None, **cookie)
        assert await refused(web, live_rival, **cookie)

    asyncio.run(story())


def test_events_arrive_in_order_and_a_gap_is_healed(live_shop, live_rival, web):
    cookie = {"Cookie": session_cookie(live_shop, live_shop.agent)}
    foreign = {"Cookie": session_cookie(live_rival, live_rival.agent)}

    def write() -> None:
        message = live_shop.customer_writes(address=uuid.uuid4().hex)
        with live_shop.enter():
            post_message(ticket_id=message.ticket_id, client_id=uuid.uuid4(), text="ok", user=live_shop.agent)
            dispatch_new_events()

    async def story() -> None:
        async with (
            dial(web, live_shop, **cookie) as socket,
            dial(web, live_rival, **foreign) as stranger,
        ):
            start = int((await frame(socket, "hello"))["seq"])
            await asyncio.to_thread(write)
            events = [await frame(socket, "event") for _ in range(4)]
            assert [int(e["seq"]) for e in events] == list(range(start + 1, start + 5))
            assert [e["event"] for e in events] == [
                "ticket.created", "message.received", "ticket.assigned", "message.posted",
            ]  # fmt: skip
            await socket.send(json.dumps({"type": "since", "seq": str(start + 2)}))
            missed = [await frame(socket, "event") for _ in range(2)]
            assert missed == events[2:]
            await stranger.send('{"type":"ping"}')
            assert (await frame(stranger))["type"] == "hello"
            assert (await frame(stranger))["type"] == "pong"

    asyncio.run(story())


def test_too_much_missed_becomes_a_resync(live_shop, web):
    with live_shop.enter():
        Event.objects.bulk_create([Event(type="test.bulk", seq=n) for n in range(1, 602)])
    cookie = {"Cookie": session_cookie(live_shop, live_shop.agent)}

    async def story() -> None:
        async with dial(web, live_shop, **cookie) as socket:
            await socket.send('{"type":"since","seq":"0"}')
            assert (await frame(socket, "resync"))["type"] == "resync"

    asyncio.run(story())


@pytest.mark.parametrize(
    "garbage", ["", "{", "[]", '"x"', '{"type":5}', '{"type":"since","seq":"-1"}', '{"type":"typing"}', "x" * 5000]
)
def test_garbage_is_ignored(live_shop, web, garbage):
    cookie = {"Cookie": session_cookie(live_shop, live_shop.agent)}

    async def story() -> None:
        async with dial(web, live_shop, **cookie) as socket:
            await frame(socket, "hello")
            await socket.send(garbage)
            await socket.send('{"type":"ping"}')
            assert (await frame(socket))["type"] == "pong"

    asyncio.run(story())


def test_typing_is_shown_to_colleagues_with_a_name(live_shop, web):
    ticket = live_shop.customer_writes().ticket
    cookies = [{"Cookie": session_cookie(live_shop, user)} for user in (live_shop.agent, live_shop.colleague)]

    async def story() -> None:
        async with dial(web, live_shop, **cookies[0]) as one, dial(web, live_shop, **cookies[1]) as two:
            await frame(two, "hello")
            await one.send(json.dumps({"type": "typing", "ticket": str(ticket.id), "on": True}))
            assert (await frame(two, "typing"))["who"] == live_shop.agent.name

    asyncio.run(story())


def test_somebody_switched_off_cannot_connect_again(live_shop, web):
    cookie = {"Cookie": session_cookie(live_shop, live_shop.agent)}
    with live_shop.enter():
        User.objects.filter(id=live_shop.agent.id).update(is_active=False)
    assert asyncio.run(refused(web, live_shop, **cookie))


def test_whoever_sees_only_their_own_hears_nothing_of_the_rest(live_shop, web):
    with live_shop.enter():
        live_shop.agent.access = "own"
        live_shop.agent.save()
        others = live_shop.customer_writes(address="a").ticket
        mine = live_shop.customer_writes(address="b", assign_to=live_shop.agent.id).ticket
        dispatch_new_events()
    cookies = [{"Cookie": session_cookie(live_shop, user)} for user in (live_shop.agent, live_shop.colleague)]

    def write() -> None:
        for address in "ab":
            live_shop.customer_writes(address=address)
        with live_shop.enter():
            dispatch_new_events()

    def typing(ticket: Any) -> str:
        return json.dumps({"type": "typing", "ticket": str(ticket.id), "on": True})

    async def story() -> None:
        async with dial(web, live_shop, **cookies[0]) as agent, dial(web, live_shop, **cookies[1]) as colleague:
            start = int((await frame(agent, "hello"))["seq"])
            await frame(colleague, "hello")
            await asyncio.to_thread(write)
            heard = [await frame(agent, "event") for _ in range(2)]
            assert [(int(one["seq"]) - start, one["event"], one["ticket"]) for one in heard] == [
                (1, "hidden", None), (2, "message.received", str(mine.id)),
            ]  # fmt: skip
            await agent.send(json.dumps({"type": "since", "seq": str(start)}))
            assert [await frame(agent, "event") for _ in range(2)] == heard
            for ticket in (others, mine):
                await colleague.send(typing(ticket))
            assert (await frame(agent, "typing"))["ticket"] == str(mine.id)
            for ticket in (others, mine):
                await agent.send(typing(ticket))
            written = [await frame(colleague, "typing") for _ in range(3)]
            assert [one["ticket"] for one in written if one["who"] == live_shop.agent.name] == [str(mine.id)]

    asyncio.run(story())
