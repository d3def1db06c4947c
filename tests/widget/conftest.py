"""A shop page with the chat in it, and a stand-in of the workspace behind it (widget/dev/server.mjs), in a real browser."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Frame, FrameLocator, Locator, Page, expect

from tests.chromium import PATIENCE, launch_chromium
from tests.servers import free_port

ROOT = Path(__file__).resolve().parent.parent.parent
# What a lost connection writes into the console is what the story is about, not a mistake of ours.
_NETWORK = ("net::ERR_", "WebSocket connection to", "Failed to load resource")


@dataclass
class Desk:
    """The workspace: what it was sent, and what it is told to do."""

    shop: str
    origin: str

    def do(self, verb: str, **body: Any) -> Any:
        return httpx.post(f"{self.origin}/control/{verb}/", json=body, timeout=5).json()

    def messages(self) -> list[dict[str, Any]]:
        return self.do("state")["messages"]

    def texts(self, author: str = "visitor") -> list[str]:
        return [message["text"] for message in self.messages() if message["author"] == author]

    def typing(self) -> list[bool]:
        """What the visitor's window said of their writing."""
        return [frame["on"] for frame in self.calls("frame") if frame["type"] == "typing"]

    def calls(self, verb: str) -> list[Any]:
        return [call["body"] for call in self.do("state")["calls"] if call["verb"] == verb]


@dataclass
class Visit:
    """One visitor in one browser. `problems` must stay empty: policy violations, script errors."""

    page: Page
    desk: Desk
    russian: bool
    problems: list[str] = field(default_factory=list)

    @property
    def context(self) -> BrowserContext:
        return self.page.context

    @property
    def chat(self) -> FrameLocator:
        return self.page.frame_locator("iframe")

    @property
    def frame(self) -> Frame:
        found = next(frame for frame in self.page.frames if frame.parent_frame)
        return found

    @property
    def launcher(self) -> Locator:
        return self.page.locator("button[aria-haspopup=dialog]")

    @property
    def field(self) -> Locator:
        return self.chat.get_by_role("textbox", name="Ваше сообщение" if self.russian else "Your message")

    @property
    def log(self) -> Locator:
        return self.chat.get_by_role("log")

    def open(self) -> "Visit":
        self.launcher.click()
        expect(self.field).to_be_visible()
        return self

    def say(self, text: str) -> None:
        self.field.fill(text)
        self.field.press("Enter")

    def call(self, script: str) -> Any:
        """Runs a call of the host page: `visit.call("OmniSupport.show()")`."""
        return self.page.evaluate(script)


# Not longer than a module: while Playwright's event loop runs in this thread, no asynchronous test can.
@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with launch_chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def running_desk() -> Iterator[Desk]:
    node = shutil.which("node")
    assert node, "Node.js is needed for the stories of the widget."
    assert (ROOT / "static/widget/app.js").exists(), "Build the widget first: cd widget && npm run build"
    shop, desk = free_port(), free_port()
    environment = {**os.environ, "SHOP_PORT": str(shop), "DESK_PORT": str(desk)}
    command = [node, "dev/server.mjs"]
    process = subprocess.Popen(command, cwd=ROOT / "widget", env=environment, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline(), "the stand-in of the workspace did not start"
        yield Desk(f"http://127.0.0.1:{shop}/", f"http://localhost:{desk}")
    finally:
        process.terminate()
        process.wait(5)


@pytest.fixture
def desk(running_desk: Desk) -> Desk:
    running_desk.do("reset")
    return running_desk


@pytest.fixture
def visit(chromium: Browser, desk: Desk) -> Iterator[Callable[..., Visit]]:
    visits: list[Visit] = []

    def go(*, lang: str = "ru", before: str = "", path: str = "", **options: Any) -> Visit:
        options.setdefault("viewport", {"width": 1000, "height": 760})
        context = chromium.new_context(locale="ru-RU", timezone_id="Europe/Moscow", **options)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        new = Visit(page, desk, russian=lang == "ru")
        page.on("console", lambda line: new.problems.append(line.text) if line.type in {"error", "warning"} else None)
        page.on("pageerror", lambda error: new.problems.append(str(error)))
        if before:
            page.add_init_script(f"if (window === top) {{ {before} }}")
        page.goto(f"{desk.shop}{path}?lang={lang}")
        visits.append(new)
        return new

    yield go
    for each in visits:
        each.context.close()
        assert [text for text in each.problems if not any(sign in text for sign in _NETWORK)] == []
