"""Who looks at a conversation and who is here: told to every open screen, and forgotten when a screen is gone."""

import asyncio
import json
import time
import uuid

import pytest

from omnisupport.lib.redis import redis_client
from tenants.names import tenant_key
from tests.test_agent_socket import dial, frame, session_cookie
from tickets.presence import move_screen, present_people, snapshot, viewers_of


def cookies(workspace, *users):
    return [{"Cookie": session_cookie(workspace, user)} for user in users]


def look(ticket: object = "", *, idle: bool = False) -> str:
    return json.dumps({"type": "viewing", "ticket": str(ticket), "idle": idle})


def test_colleagues_see_who_looks_until_the_last_of_their_tabs_is_closed(live_shop, web):
    oleg, vera = live_shop.agent, live_shop.colleague
    one, two = cookies(live_shop, oleg, vera)
    shown = [{"user": str(oleg.id), "name": oleg.name}]

    async def story() -> None:
        async with dial(web, live_shop, **two) as watcher:
            await frame(watcher, "hello")
            async with dial(web, live_shop, **one) as tab:
                await tab.send(look(7))
                assert await frame(watcher, "viewing") == {"type": "viewing", "ticket": "7", "who": shown}
                async with dial(web, live_shop, **one) as second:
                    await second.send(look(7))
                    assert (await frame(watcher, "viewing"))["who"] == shown
                    await tab.send(look(8))
                    assert (await frame(watcher, "viewing"), await frame(watcher, "viewing")) in [
                        ({"type": "viewing", "ticket": a, "who": shown}, {"type": "viewing", "ticket": b, "who": shown})
                        for a, b in (("7", "8"), ("8", "7"))
                    ]
                assert await frame(watcher, "viewing") == {"type": "viewing", "ticket": "7", "who": []}
                # A screen that comes now begins with the same.
                await watcher.send('{"type":"here"}')
                here = await frame(watcher, "here")
                assert here["viewing"] == {"8": shown} and here["presence"][str(oleg.id)] == "online"
            assert await frame(watcher, "viewing") == {"type": "viewing", "ticket": "8", "who": []}
            assert await frame(watcher, "presence") == {"type": "presence", "user": str(oleg.id), "state": "offline"}

    asyncio.run(story())


@pytest.fixture
def sees(shop):
    """Frames that agents' screens get; the workspace's screens are forgotten afterwards."""
    listener = redis_client().pubsub(ignore_subscribe_messages=True)
    listener.subscribe(f"rt:{shop.schema}.agents.all")
    key = tenant_key("screens")

    def told() -> list[dict]:
        found, last = [], time.monotonic() + 0.5
        while time.monotonic() < last:
            if got := listener.get_message(timeout=0.1):
                found.append(json.loads(got["data"]))
        return found

    redis_client().delete(key)
    yield told
    redis_client().delete(key)
    listener.close()


def test_a_process_that_died_leaves_no_ghosts(shop, sees):
    oleg, vera = shop.agent, shop.colleague
    move_screen(shop.schema, "dead", user_id=oleg.id, name=oleg.name, ticket="7")
    key = tenant_key("screens")
    (ghost,) = redis_client().zrange(key, 0, -1)
    redis_client().zadd(key, {ghost: time.time() - 1})
    # Whoever reads does not count it; whoever comes next tells everybody.
    assert (viewers_of(7), present_people()) == (set(), {})
    sees()
    move_screen(shop.schema, "alive", user_id=vera.id, name=vera.name)
    frames = sees()
    assert {"type": "viewing", "ticket": "7", "who": []} in frames
    assert {"type": "presence", "user": str(oleg.id), "state": "offline"} in frames
    assert redis_client().zcard(key) == 1


def test_a_screen_that_nobody_touches_is_away_unless_another_is_touched(shop, sees):
    oleg = shop.agent
    move_screen(shop.schema, "desk", user_id=oleg.id, name=oleg.name, ticket="7", idle=True)
    assert present_people() == {str(oleg.id): "idle"} and viewers_of(7) == set()
    move_screen(shop.schema, "phone", user_id=oleg.id, name=oleg.name)
    assert present_people() == {str(oleg.id): "online"}
    move_screen(shop.schema, "phone", user_id=oleg.id, name=oleg.name, leaves=True)
    assert [f["state"] for f in sees() if f["type"] == "presence"] == ["idle", "online", "idle"]


def test_a_sign_of_life_is_no_news(shop, sees):
    for _ping in range(3):
        move_screen(shop.schema, "desk", user_id=shop.agent.id, name="Олег | «Агент»", ticket="7")
    frames = sees()
    assert [f["type"] for f in frames if f["type"] == "viewing"] == ["viewing"]
    assert frames[0]["who"] == [{"user": str(shop.agent.id), "name": "Олег   «Агент»"}]


def test_workspaces_do_not_see_each_other(shop, rival, sees):
    move_screen(rival.schema, uuid.uuid4().hex, user_id=rival.agent.id, name="Чужой", ticket="7")
    try:
        assert sees() == [] and json.loads(snapshot())["viewing"] == {}
    finally:
        redis_client().delete(tenant_key("screens", schema=rival.schema))
