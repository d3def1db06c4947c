"""What an agent sees in Chromium while 20 messages a second come: the customer's words, their own, a conversation, a view.

Times are the page's own, from the press of a key or button to the frame after the change; of a customer's message from
its POST.
"""

import itertools
import sys
import threading
import time
import uuid
from pathlib import Path
from typing import Any

import httpx

from benchmarks.fanout import p95
from benchmarks.harness import Result, free_port, median, process, uvicorn_command, wait_for_port

RATE = 20
SECONDS = 20
VISITORS = 10
TIMES = 8
# `timed(kind, selector, words)`: from the next event of that kind to the frame with such an element that has these words.
_WATCH = """
window.arrived = {};
new MutationObserver(() => {
  for (const text of document.querySelectorAll("#thread .item--in .bubble__text")) {
    const mark = /м-(\\d+)/.exec(text.textContent)?.[1];
    if (mark && !(mark in window.arrived)) window.arrived[mark] = Date.now();
  }
}).observe(document, { childList: true, subtree: true, characterData: true });
window.timed = (kind, selector, words) => new Promise((done) => {
  addEventListener(kind, (event) => {
    const there = () => [...document.querySelectorAll(selector)].some((element) => element.textContent.includes(words));
    const look = () => requestAnimationFrame(() => there() ? done(performance.now() - event.timeStamp) : look());
    look();
  }, { capture: true, once: true });
});
"""


def run(folder: Path) -> list[Result]:
    from channels_app.models import Channel
    from tenants.accounts.models import User
    from tenants.db import tenant_context
    from tenants.provisioning import create_workspace
    from tests.cast import HostClient

    create_workspace(slug="live", name="Live", owner_email="o@live.example", owner_password="a long password")
    with tenant_context("t_live"):
        channel = Channel.objects.create(kind="widget", name="Site", config={})
        browser = HostClient(HTTP_HOST="live.localhost")
        browser.force_login(User.objects.get())
        session = browser.cookies["session"].value
    port = free_port()
    worker = [
        sys.executable, "-m", "celery", "-A", "omnisupport", "worker", "-P", "threads", "-c", "8", "-l", "ERROR",
        "-Q", "sweeps,inbound,outbound,webhooks,assistant,ingestion,default", "--without-gossip", "--without-mingle",
    ]  # fmt: skip
    with (
        process(uvicorn_command("omnisupport.asgi:application", port), log=folder / "web.log", PORT=str(port)),
        process(worker, log=folder / "worker.log"),
    ):
        wait_for_port(port)
        return _story(port, str(channel.id), session)


class Customers(threading.Thread):
    """They write in turn, 20 messages a second; `sent` is when each was begun."""

    def __init__(self, port: int, channel: str) -> None:
        super().__init__(daemon=True)
        host = f"live.localhost:{port}"
        self.client = httpx.Client(
            base_url=f"http://127.0.0.1:{port}/widget/{channel}", headers={"Host": host}, timeout=20
        )
        self.tokens = [self.client.post("/session/", json={}).json()["token"] for _ in range(VISITORS)]
        self.sent: dict[int, float] = {}
        for token in self.tokens:
            self.write(token, "Здравствуйте!")

    def write(self, token: str, text: str) -> None:
        body = {"client_id": str(uuid.uuid4()), "text": text}
        self.client.post("/messages/", json=body, headers={"Authorization": f"Visitor {token}"}).raise_for_status()

    def run(self) -> None:
        started = time.time()
        for number, token in zip(range(RATE * SECONDS), itertools.cycle(self.tokens), strict=False):
            time.sleep(max(0.0, started + number / RATE - time.time()))
            self.sent[number] = time.time() * 1000
            self.write(token, f"Где мой заказ? м-{number}.")


def _story(port: int, channel: str, session: str) -> list[Result]:
    from tests.chromium import launch_chromium

    customers = Customers(port, channel)
    url = f"http://live.localhost:{port}"
    with launch_chromium() as chromium:
        page = chromium.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce").new_page()
        page.context.add_cookies([{"name": "session", "value": session, "url": url}])
        page.add_init_script(_WATCH)
        page.goto(f"{url}/inbox/?view=unassigned")
        page.locator(".inbox[data-live=yes]").wait_for()
        page.locator("#rows > .ticket a").first.click()
        page.locator("#talk").wait_for()
        customers.start()
        done = _actions(page)
        customers.join()
        page.wait_for_timeout(2000)
        arrived: dict[str, float] = page.evaluate("window.arrived")
    # The first two seconds warm caches and pools.
    news = [at - customers.sent[int(mark)] for mark, at in arrived.items() if int(mark) >= 2 * RATE]
    return [
        Result("customer's message on the agent's screen, p95", p95(news), "ms", 500, details=_about(news)),
        *(Result(name, p95(times), "ms", limit, details=_about(times)) for name, limit, times in done),
    ]


def _about(times: list[float]) -> dict[str, Any]:
    return {"median": round(median(times), 1), "least": round(min(times), 1), "times": len(times)}


def _actions(page: Any) -> list[tuple[str, float, list[float]]]:
    """While the customers write: own messages, then conversations, then views in turn."""
    own, opened, switched = [], [], []
    for number in range(TIMES):
        words = f"Уже в пути {number}!"
        page.locator("#text").fill(words)
        own.append(_timed(page, "keydown", "#thread .item--out", words, lambda: page.keyboard.press("Control+Enter")))
        page.wait_for_timeout(300)
    _settled(page, lambda: page.locator("#view-open").click())
    for number in range(TIMES):
        row = page.locator("#rows > .ticket").nth(number % VISITORS)
        ticket = row.get_attribute("data-id")
        opened.append(_timed(page, "click", f"#talk[data-ticket='{ticket}'] #thread", "м-", row.locator("a").click))
        _settled(page)
    for number in range(TIMES):
        view = ("unassigned", "open")[number % 2]
        asked = f"#list[data-address*='view={view}']"
        switched.append(_timed(page, "click", asked, "", page.locator(f"#view-{view}").click))
        _settled(page)
    return [
        ("own message on the screen, p95", 100, own),
        ("conversation opened, p95", 400, opened),
        ("another view, p95", 400, switched),
    ]


def _settled(page: Any, act: Any = None) -> None:
    if act:
        act()
    page.wait_for_timeout(200)
    page.locator(".htmx-request, .htmx-settling").first.wait_for(state="detached")


def _timed(page: Any, kind: str, selector: str, words: str, act: Any) -> float:
    page.evaluate("(asked) => { window.result = window.timed(...asked); }", [kind, selector, words])
    act()
    return float(page.evaluate("window.result"))
