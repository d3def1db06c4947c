"""The pictures of README and docs: `make screenshots`. A run of its own with the demo data, in both languages.

docs/screenshots/<screen>-<ru|en>-<light|dark>-<desktop|phone>.png
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, FrameLocator, Page, expect

from tests.chromium import launch_chromium
from tests.servers import ROOT, free_port

TARGET = ROOT / "docs" / "screenshots"
SIZES = {"desktop": {"width": 1440, "height": 900}, "phone": {"width": 390, "height": 844}}
# The demo people write in this order, so that the inbox has something to show; each pair is a question and the agent's reply.
STORIES = {
    "ru": (
        ("Здравствуйте! Какая гарантия на рюкзаки?", ""),
        ("Можно ли забрать заказ сегодня вечером?", ""),
        ("Продаёте ли вы снегоходы?", "Снегоходов нет, зато есть снегоступы: показать, какие остались?"),
    ),
    "en": (
        ("Hello! What is the warranty on hand grinders?", ""),
        ("Can I collect my order this evening?", ""),
        (
            "Do you repair old espresso machines?",
            "We do not, but I know a workshop in Leeds that does. Shall I ask them?",
        ),
    ),
}


@dataclass(frozen=True)
class Stage:
    """One demo workspace of a run and the person at its desk."""

    language: str
    address: str
    email: str
    password: str


def main() -> None:
    TARGET.mkdir(parents=True, exist_ok=True)
    with demo_run() as stages, launch_chromium() as browser:
        for stage in stages:
            for number, (question, reply) in enumerate(STORIES[stage.language]):
                tell(browser, stage, question, reply, picture=not number)
            for theme in ("light", "dark"):
                for size in SIZES:
                    show_desk(browser, stage, theme, size)


@contextmanager
def demo_run() -> Iterator[list[Stage]]:
    """`make run` in a folder and on a port of its own."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="omni-shots-") as name:
        Path(name).chmod(0o755)
        data = Path(name) / "data"
        environment = {**os.environ, "DATA_DIR": str(data), "PORT": str(port)}
        run = subprocess.Popen(
            [sys.executable, "-m", "omnisupport.embedded"], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
        )
        try:
            wait_until_ready(run)
            passwords = {login["email"]: login["password"] for login in json.loads((data / "demo.json").read_text())}
            yield [
                Stage(language, f"http://{slug}.localhost:{port}", email, passwords[email])
                for language, slug, email in (
                    ("ru", "shop", "admin@lavka.example"),
                    ("en", "harbor", "admin@harbor.example"),
                )
            ]
        finally:
            run.send_signal(signal.SIGINT)
            run.wait(60)


def wait_until_ready(run: "subprocess.Popen[str]") -> None:
    """Reads what the run says up to its block of addresses; the rest is read by nobody and fits into the pipe."""
    assert run.stdout is not None
    for line in run.stdout:
        print(line, end="", flush=True)
        if "Ready in" in line:
            return
    raise SystemExit("The run did not get ready.")


def tell(browser: Browser, stage: Stage, question: str, reply: str, *, picture: bool) -> None:
    """A visitor asks in the chat of the demo shop; an agent answers what the assistant has handed over."""
    context = browser.new_context(viewport=SIZES["phone"], color_scheme="light", locale=stage.language)
    page = context.new_page()
    page.goto(f"{stage.address}/demo-shop/")
    page.locator("button[aria-haspopup=dialog]").click()
    chat = page.frame_locator("iframe")
    ask(chat, question)
    settle(page)
    if picture:
        shoot(page, "widget", stage.language, "light", "phone")
    if reply:
        desk = sit_down(browser, stage, "light", "desktop")
        desk.goto(f"{stage.address}/inbox/?view=unassigned")
        desk.locator("#rows > .ticket a").first.click()
        desk.locator("#text").fill(reply)
        desk.locator("#text").press("Control+Enter")
        expect(chat.get_by_role("log").get_by_text(reply)).to_be_visible()
        desk.context.close()
    context.close()


def ask(chat: FrameLocator, question: str) -> None:
    chat.get_by_role("textbox").fill(question)
    chat.get_by_role("textbox").press("Enter")
    # Behind the visitor's words: an answer, or the notice of a hand-over.
    expect(chat.locator(".visitor ~ .assistant:has(.meta), .visitor ~ .notice").last).to_be_visible()


def show_desk(browser: Browser, stage: Stage, theme: str, size: str) -> None:
    page = sit_down(browser, stage, theme, size)
    for name, path in (("inbox", "/inbox/?view=open"), ("dashboard", "/dashboard/?days=7"), ("channels", "/channels/")):
        page.goto(stage.address + path)
        settle(page)
        if name == "inbox" and size == "desktop":
            page.locator("#rows > .ticket a").first.click()
            page.locator("#thread").wait_for()
            settle(page)
        shoot(page, name, stage.language, theme, size)
    page.context.close()


def sit_down(browser: Browser, stage: Stage, theme: str, size: str) -> Page:
    context = browser.new_context(
        viewport=SIZES[size],
        color_scheme="dark" if theme == "dark" else "light",
        locale=stage.language,
        reduced_motion="reduce",
    )
    page = context.new_page()
    page.goto(f"{stage.address}/inbox/")
    page.locator("input[type=email]").fill(stage.email)
    page.locator("input[type=password]").fill(stage.password)
    page.keyboard.press("Enter")
    page.locator(".inbox").wait_for()
    return page


def settle(page: Page) -> None:
    page.wait_for_load_state("load")
    page.wait_for_timeout(900)


def shoot(page: Page, screen: str, language: str, theme: str, size: str) -> None:
    path = TARGET / f"{screen}-{language}-{theme}-{size}.png"
    page.screenshot(path=str(path))
    print(path.relative_to(ROOT), flush=True)


if __name__ == "__main__":
    main()
