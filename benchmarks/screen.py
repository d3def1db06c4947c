"""What an agent sees in Chromium, and how soon: measured in the page (screen.js), from the press of a key or button to the
frame that shows the change; of a customer's message from its request. Web process, worker, browser and this share the machine.

First alone with the workspace, then while customers write 20 messages a second, half of them in the chat of the site and half
through Telegram's webhook; every 15th of them in the conversation that is open.
"""

import itertools
import json
import math
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import psutil
from playwright.sync_api import Browser, Page
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from benchmarks.big_inbox import Desk, open_desk
from benchmarks.bulk import WORKER, until
from benchmarks.callers import CALLERS
from benchmarks.fanout import p95
from benchmarks.harness import (
    Flood,
    Result,
    flood,
    free_port,
    http_request,
    median,
    process,
    tree_cpu_seconds,
    uvicorn_command,
    wait_for_port,
)

TICKETS = int(os.environ.get("SCREEN_TICKETS", "34000"))
TIMES = int(os.environ.get("SCREEN_TIMES", "40"))
RATE = 20
SECONDS = int(os.environ.get("SCREEN_SECONDS", "60"))
# A visitor of the site may write 30 messages a minute.
VISITORS, CHATS = 30, 60
LOSSES, LOSS = 5, 10.0
LOADS = 10


def run(folder: Path) -> list[Result]:
    desk = open_desk("live", TICKETS)
    port = free_port()
    reachable = {"PORT": str(port), "PUBLIC_URL_REACHABLE": "true"}
    with (
        process(uvicorn_command("omnisupport.asgi:application", port), log=folder / "web.log", **reachable) as web,
        process(WORKER, log=folder / "worker.log") as worker,
    ):
        wait_for_port(port, 120)
        time.sleep(4)  # the worker connects to its broker
        return story(desk, port, {"web": web.pid, "worker": worker.pid})


def story(desk: Desk, port: int, servers: dict[str, int]) -> list[Result]:
    from tests.chromium import launch_chromium

    customers = Customers(desk, port)
    with launch_chromium() as chromium:
        results = _first_loads(chromium, desk, port)
        page = _sit_down(chromium, desk, port)
        open_number = customers.number_of_first()
        page.goto(f"http://{desk.host}:{port}/inbox/{open_number}/?view=open")
        page.locator(".inbox[data-live=yes]").wait_for()
        # The palette's code comes a moment after the page.
        page.wait_for_timeout(3000)
        results += _own_messages(page)
        results += _palette(page)
        results += _typing(page, customers)
        results += _conversations(page, f"/inbox/{open_number}/")
        results += _views(page)
        page.goto(f"http://{desk.host}:{port}/inbox/{open_number}/?view=open")
        page.locator(".inbox[data-live=yes]").wait_for()
        results += _news(page, customers, servers)
        results += _losses(page, customers)
    return results


def _result(name: str, times: list[float], limit: float, **details: Any) -> Result:
    about = {"median": round(median(times)), "least": round(min(times))} if times else {}
    return Result(
        f"{name}, p95",
        p95(times) if times else math.inf,
        "ms",
        limit,
        details={**about, "times": len(times), **details},
    )


# ---- Customers -------------------------------------------------------------------------------------------------------


class Customers:
    """Visitors of the site and people in Telegram. The words of each say who wrote them and count on."""

    def __init__(self, desk: Desk, port: int) -> None:
        from channels_app.models import Channel
        from tenants.db import tenant_context

        self.desk, self.port, self.host = desk, port, f"{desk.host}:{port}"
        self.counter = itertools.count(1)
        with tenant_context(desk.schema):
            self.site = Channel.objects.filter(kind="widget").earliest("name")
            self.bot = Channel.objects.create(
                kind="telegram", name="bot", external_id="7", **CALLERS["telegram"].fields
            )
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{port}", headers={"Host": self.host}, timeout=20)
        url = f"/widget/{self.site.id}/session/"
        self.tokens = [self.client.post(url, json={}).json()["token"] for _ in range(VISITORS)]
        flood([port], [self.request(who) for who in range(VISITORS + CHATS)], per_second=10, connections=4)
        until(self._greeted, lambda count: count >= VISITORS + CHATS)

    def request(self, who: int, number: int = 0) -> bytes:
        """The first ones are visitors of the site; the others write to the bot."""
        text = f"Где мой заказ? к{who}-м{number}."
        if who < VISITORS:
            body = json.dumps({"client_id": str(uuid.uuid4()), "text": text}).encode()
            path, proof = f"/widget/{self.site.id}/messages/", {"Authorization": f"Visitor {self.tokens[who]}"}
        else:
            count = next(self.counter)
            message = {"message_id": count, "date": 1790008407, "text": text,
                       "from": {"id": who, "first_name": f"Марина {who}"}, "chat": {"id": who, "type": "private"}}  # fmt: skip
            body = json.dumps({"update_id": count, "message": message}).encode()
            path, proof = f"/hooks/telegram/{self.bot.id}/", CALLERS["telegram"].headers(self.bot, body)
        return http_request("POST", path, self.host, body, Content_Type="application/json", **proof)

    def _greeted(self) -> int:
        from tenants.db import tenant_context
        from tickets.models import Message

        with tenant_context(self.desk.schema):
            return Message.objects.filter(text__endswith="-м0.").count()

    def number_of_first(self) -> int:
        from tenants.db import tenant_context
        from tickets.models import Message

        with tenant_context(self.desk.schema):
            return Message.objects.filter(text__contains="к0-м0.").latest("id").ticket.number

    def connect(self) -> ClientConnection:
        """Of the first visitor."""
        return connect(
            f"ws://{self.host}/ws/widget/",
            sock=socket.create_connection(("127.0.0.1", self.port)),
            origin=Origin(f"http://{self.host}"),
            subprotocols=[Subprotocol("omni.v1"), Subprotocol(f"token.{self.tokens[0]}")],
        )


# ---- The page --------------------------------------------------------------------------------------------------------


def _sit_down(chromium: Browser, desk: Desk, port: int) -> Page:
    url = f"http://{desk.host}:{port}"
    page = chromium.new_context(viewport={"width": 1440, "height": 900}, locale="ru-RU").new_page()
    session = desk.client().cookies["session"].value
    page.context.add_cookies([{"name": "session", "value": session, "url": url}])
    page.add_init_script(path=str(Path(__file__).with_suffix(".js")))
    return page


def _timed(page: Page, kind: str, act: Callable[[], object], *wanted: tuple[str, str]) -> list[float]:
    """From the event that `act` causes."""
    page.evaluate("(asked) => { window.result = window.timed(...asked); }", [kind, [list(one) for one in wanted]])
    act()
    times: list[float] = page.evaluate("window.result")
    return times


def _rest(page: Page) -> None:
    page.wait_for_timeout(150)
    page.locator(".htmx-request, .htmx-settling, .item--pending").first.wait_for(state="detached")


def _first_loads(chromium: Browser, desk: Desk, port: int) -> list[Result]:
    """Each with an empty cache."""
    times = []
    for _load in range(LOADS):
        page = _sit_down(chromium, desk, port)
        page.goto(f"http://{desk.host}:{port}/inbox/?view=open", wait_until="load")
        page.wait_for_timeout(500)
        times.append(page.evaluate("window.largest"))
        page.context.close()
    return [_result("first load, largest contentful paint", times, 2000)]


def _own_messages(page: Page) -> list[Result]:
    shown, sent, unheard = [], [], []
    for number in range(TIMES):
        page.locator("#text").fill(f"Уже в пути, м{number}!")
        page.keyboard.down("Control")
        wanted = [(f"#thread > .item--out{state}", f"м{number}!") for state in ("", ":not(.item--pending)")]
        first, ticked = _timed(page, "keydown", lambda: page.keyboard.press("Enter"), *wanted)
        page.keyboard.up("Control")
        shown.append(first)
        sent.append(ticked - first)
        _rest(page)
    for number in range(TIMES // 4):
        page.context.set_offline(True)
        page.locator("#text").fill(f"Без сети, м{number}!")
        page.keyboard.down("Control")
        unheard += _timed(
            page, "keydown", lambda: page.keyboard.press("Enter"), ("#thread > .item--pending", f"м{number}!")
        )
        page.keyboard.up("Control")
        page.context.set_offline(False)
        _rest(page)
    return [
        _result("own message on the screen", shown, 100),
        _result("own message on the screen, without a network", unheard, 100),
        _result("from there to the tick of the server", sent, 300),
    ]


def _palette(page: Page) -> list[Result]:
    opened, found = [], []
    for number in range(TIMES):
        page.keyboard.down("Control")
        opened += _timed(
            page, "keydown", lambda: page.keyboard.press("KeyK"), ("#palette:popover-open [role=option]", "")
        )
        page.keyboard.up("Control")
        asked = str(TICKETS - number)
        found += _timed(
            page, "input", lambda asked=asked: page.keyboard.insert_text(asked),  # type: ignore[misc]
            ("#palette-list [role=option]", f"№{asked} "),
        )  # fmt: skip
        page.keyboard.press("Escape")
        _rest(page)
    return [_result("palette", opened, 50), _result("what the palette finds", found, 150)]


def _typing(page: Page, customers: Customers) -> list[Result]:
    times = []
    with customers.connect() as visitor:
        for _turn in range(TIMES):
            page.evaluate("() => { window.result = window.shown('#typing', ''); }")
            begun = time.time() * 1000
            visitor.send('{"type":"typing","on":true}')
            times.append(page.evaluate("window.result.then((at) => performance.timeOrigin + at)") - begun)
            visitor.send('{"type":"typing","on":false}')
            page.locator("#typing").wait_for(state="hidden")
    return [_result("“… is writing”", times, 300)]


def _conversations(page: Page, path: str) -> list[Result]:
    clicked, walked = [], []
    for number in range(TIMES):
        row = page.locator("#rows > .ticket").nth(1 + number % 20)
        wanted = (f"#talk[data-ticket='{row.get_attribute('data-id')}'] #thread > .item", "")
        clicked += _timed(page, "click", row.locator("a").click, wanted)
        _rest(page)
    for number in range(TIMES):
        row = page.locator("#rows > .ticket").nth(2 + number % 20)
        page.locator("#rows > .ticket").nth(1 + number % 20).locator("a").focus()
        page.keyboard.press("KeyJ")
        # As long as it takes to read the row.
        page.wait_for_timeout(250)
        wanted = (f"#talk[data-ticket='{row.get_attribute('data-id')}'] #thread > .item", "")
        walked += _timed(page, "keydown", lambda: page.keyboard.press("Enter"), wanted)
        _rest(page)
    return [
        _result("conversation opened by a click", clicked, 400),
        _result("conversation opened by J, Enter", walked, 400),
    ]


def _views(page: Page) -> list[Result]:
    times = []
    for number in range(TIMES):
        view = ("mine", "unassigned", "waiting", "open")[number % 4]
        wanted = (f"#list[data-address*='view={view}']", "")
        times += _timed(page, "click", page.locator(f"#view-{view}").click, wanted)
        _rest(page)
    return [_result("another view", times, 400)]


# ---- While customers write -------------------------------------------------------------------------------------------


def _news(page: Page, customers: Customers, servers: dict[str, int]) -> list[Result]:
    writers = [0 if number % 40 == 0 else _writer(number) for number in range(RATE * SECONDS)]
    requests = [customers.request(who, number) for number, who in enumerate(writers, 1)]
    found: list[Flood] = []
    sender = threading.Thread(
        target=lambda: found.append(flood([customers.port], requests, per_second=RATE, connections=8))
    )
    page.evaluate("() => { window.seen = { bubbles: {}, rows: [] }; }")
    before = _cpu(servers)
    sender.start()
    # Waiting in the page would not let this thread's events through.
    while sender.is_alive():
        page.wait_for_timeout(500)
    page.wait_for_timeout(3000)
    worked = {f"{name}_cpu_ms": round((at - before[name]) * 1000 / len(writers)) for name, at in _cpu(servers).items()}
    seen = page.evaluate("window.seen")
    begun = {place + 1: at * 1000 for place, at in found[0].begun.items()}
    rows, missed = [], 0
    for number, who in enumerate(writers, 1):
        # What followed within the same refresh has taken its place.
        later = [at for customer, shown, at in seen["rows"] if customer == who and shown >= number]
        rows += [later[0] - begun[number]] if later else []
        missed += not later
    bubbles = [at - begun[int(number)] for number, at in seen["bubbles"].items() if int(number) in begun]
    # The first two seconds warm caches and pools.
    about = {"missed": missed, "refused": len(found[0].refused), "acknowledged_p95": round(p95(found[0].latencies))}
    about |= worked
    return [
        _result("customer's message in the list", rows[2 * RATE :], 500, **about),
        _result(
            "customer's message in the open conversation", bubbles[1:], 500, missed=writers.count(0) - len(bubbles)
        ),
    ]


def _cpu(servers: dict[str, int]) -> dict[str, float]:
    """Seconds so far."""
    children = psutil.Process().children(recursive=True)
    browser = [child.cpu_times() for child in children if "chrom" in child.name() or "headless" in child.name()]
    return {
        **{name: tree_cpu_seconds(pid) for name, pid in servers.items()},
        "browser": sum(times.user + times.system for times in browser),
    }


def _writer(number: int) -> int:
    """In turn, one of the site and one of Telegram."""
    return 1 + number // 2 % (VISITORS - 1) if number % 2 else VISITORS + number // 2 % CHATS


def _losses(page: Page, customers: Customers) -> list[Result]:
    """Three messages come while the line is cut; all are there once, and the screen is live again."""
    times, wrong = [], 0
    for turn in range(LOSSES):
        page.context.set_offline(True)
        page.wait_for_timeout(LOSS * 500)
        numbers = [100_000 + turn * 10 + place for place in range(3)]
        missed = [customers.request(0, number) for number in numbers]
        # Playwright's event loop runs in this thread.
        sender = threading.Thread(target=flood, args=([customers.port], missed), kwargs={"connections": 1})
        sender.start()
        sender.join()
        page.wait_for_timeout(LOSS * 500)
        wanted = [(".inbox[data-live=yes]", ""), *(("#thread .bubble__text", f"м{number}.") for number in numbers)]
        times.append(max(_timed(page, "online", lambda: page.context.set_offline(False), *wanted)))
        for number in numbers:
            wrong += page.locator("#thread .bubble__text", has_text=f"м{number}.").count() != 1
    return [_result("caught up after 10 s without a network", times, 2000, **{"missed or doubled": wrong})]
