"""Agents at work in a real browser, against the real web process and worker."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.cast import Workspace
from tests.chromium import launch_chromium
from tests.servers import LiveServer, Process, worker_process

# What a cut connection writes into the console is what a story is about, not a mistake of ours.
_NETWORK = ("net::ERR_", "WebSocket connection to", "Failed to load resource")
_WATCH = """
addEventListener("securitypolicyviolation", (event) => console.error("POLICY", event.violatedDirective, event.blockedURI));
"""


@dataclass
class Desk:
    """One agent's window. `problems` must stay empty: policy violations, script errors."""

    page: Page
    workspace: Workspace
    server: LiveServer
    problems: list[str] = field(default_factory=list)

    def go(self, path: str) -> "Desk":
        self.page.goto(self.server.url(self.workspace, path))
        return self

    def sit(self, user: Any) -> "Desk":
        """The agent's session, as the log-in page would have made it."""
        cookies = {"session": self.workspace.client(user).cookies["session"].value, "language": user.language}
        url = self.server.url(self.workspace)
        self.page.context.add_cookies([{"name": name, "value": value, "url": url} for name, value in cookies.items()])
        return self.go("/inbox/").connected()

    def connected(self) -> "Desk":
        """The socket has said hello, so that whatever happens now arrives by itself."""
        self.page.locator(".inbox[data-live=yes]").wait_for()
        return self

    def open(self, ticket: Any) -> "Desk":
        self.page.locator(f"#open-{ticket.id}").click()
        expect(self.page.locator(f"#talk[data-ticket='{ticket.id}']")).to_be_visible()
        # For some milliseconds its buttons do nothing yet.
        expect(self.page.locator(".htmx-settling")).to_have_count(0)
        return self

    def view(self, name: str) -> "Desk":
        self.page.locator(f"#view-{name}").click()
        expect(self.page.locator(f"#view-{name}")).to_have_attribute("aria-current", "true")
        return self

    def write(self, text: str, *, note: bool = False) -> "Desk":
        self.page.locator(f".composer__mode input[value={'note' if note else 'public'}]").check(force=True)
        self.page.locator("#text").fill(text)
        self.page.locator("#text").press("Control+Enter")
        return self

    @property
    def thread(self) -> Locator:
        return self.page.locator("#thread")

    @property
    def rows(self) -> Locator:
        return self.page.locator("#rows > .ticket")

    def bubble(self, text: str) -> Locator:
        return self.page.locator("#thread > .item", has_text=text)

    def shown(self) -> dict[str, list[str]]:
        """What the eye sees of list and thread, without ages."""
        return self.page.evaluate("""() => {
            const words = (e) => e.innerText.replace(/\\s+/g, " ").trim();
            for (const time of document.querySelectorAll("time[data-ago]")) time.textContent = "";
            return {
                views: [...document.querySelectorAll("#views .nav__item")].map(words),
                rows: [...document.querySelectorAll("#rows > .ticket")].map((e) => `${e.id} ${words(e)}`),
                thread: [...document.querySelectorAll("#thread > .item")].map((e) => `${e.id} ${words(e)}`),
                facts: [...document.querySelectorAll("#details select")].map((e) => e.value),
                head: [...document.querySelectorAll("#conversation-head")].map(words),
            };
        }""")


# Not for the session: while Playwright runs, no other story in this process may run an event loop of its own.
@pytest.fixture(scope="module")
def chromium(web: LiveServer) -> Iterator[Browser]:
    with launch_chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def worker(_prepared: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """One worker for all stories of a file: it serves every workspace."""
    process = worker_process(tmp_path_factory.mktemp("worker")).start()
    try:
        yield process
    finally:
        process.stop()


@pytest.fixture
def sit_down(
    chromium: Browser, live_shop: Workspace, web: LiveServer, worker: Process
) -> Iterator[Callable[..., Desk]]:
    """`sit_down(user, **context)`: this agent at the inbox, with a browser of their own. Ends with a look at the problems."""
    desks: list[Desk] = []

    def make(user: Any, **context: Any) -> Desk:
        context = {"viewport": {"width": 1440, "height": 900}, "reduced_motion": "reduce", **context}
        page = chromium.new_context(**context).new_page()
        page.add_init_script(_WATCH)
        desk = Desk(page, live_shop, web)
        page.on("pageerror", lambda error: desk.problems.append(str(error)))
        page.on("console", lambda message: _note(desk, message))
        desks.append(desk)
        return desk.sit(user)

    yield make
    for desk in desks:
        desk.page.context.close()
        assert desk.problems == []


def _note(desk: Desk, message: Any) -> None:
    if message.type == "error" and not any(part in message.text for part in _NETWORK):
        desk.problems.append(message.text)
