"""The pictures of README and docs: `make screenshots`. A run of its own with the demo data, in both languages.

docs/screenshots/<screen>-<ru|en>-<light|dark>-<desktop|phone>.webp of each screen in tests/screens.py, all shown by
docs/screens.md. `python -m tests.screenshots --run DATA_DIR PORT [screen …]`: of a run that is up; of some screens only.
"""

import argparse
import io
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, FrameLocator, Page, expect

from tests.chromium import launch_chromium
from tests.screens import GROUPS, Screen, Who, arrive, screens
from tests.servers import ROOT, free_port

TARGET = ROOT / "docs" / "screenshots"
SIZES = {"desktop": {"width": 1440, "height": 900}, "phone": {"width": 390, "height": 844}}
THEMES = ("light", "dark")
# A page that is longer is cut: what is below says nothing new.
LONGEST = 1_800
QUALITY = 30
# A wide window is kept a little smaller: its pictures are many.
WIDEST = 1_200
CHAT_GROUP = "For customers"
# A visitor asks these in the chat of the demo shop, one is answered and one handed over.
WORDS = {"ru": "рюкзак", "en": "grinder"}
QUESTIONS = {
    "ru": ("Здравствуйте! Какая гарантия на рюкзаки?", "Продаёте ли вы снегоходы?"),
    "en": ("Hello! What is the warranty on hand grinders?", "Do you repair old espresso machines?"),
}


@dataclass(frozen=True)
class Stage:
    """One demo workspace of a run, and who sits down there: role → (e-mail, password)."""

    language: str
    host: str
    platform: str
    logins: dict[Who, tuple[str, str]] = field(repr=False)


def main() -> None:
    parser = argparse.ArgumentParser(description="Pictures of every screen into docs/screenshots.")
    parser.add_argument(
        "--run", nargs=2, metavar=("DATA_DIR", "PORT"), help="a run with the demo data that is up already"
    )
    parser.add_argument("names", nargs="*", help="of screens; all when none is named")
    wanted = parser.parse_args()
    running = nullcontext(stages_of(Path(wanted.run[0]), int(wanted.run[1]))) if wanted.run else demo_run()
    names = wanted.names
    TARGET.mkdir(parents=True, exist_ok=True)
    with running as stages, launch_chromium() as browser:
        for stage in stages:
            picture(browser, stage, names)
    write_page()


def picture(browser: Browser, stage: Stage, names: list[str]) -> None:
    for who in Who:
        for size in SIZES:
            chosen = [one for one in screens(who) if size in one.sizes and (not names or one.name in names)]
            if chosen:
                page = sit_down(browser, stage, who, size)
                for screen in chosen:
                    shoot(page, stage, screen, size)
                page.context.close()
    # Last: its visitors would stand above everybody else.
    if not names or "chat" in names:
        shoot_chat(browser, stage)


@contextmanager
def demo_run() -> Iterator[list[Stage]]:
    """`make run` in a folder and on a port of its own."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="omni-shots-") as name:
        Path(name).chmod(0o755)
        data = Path(name) / "data"
        environment = {**os.environ, "DATA_DIR": str(data), "PORT": str(port), "FAKE_PROVIDERS": "1"}
        run = subprocess.Popen(
            [sys.executable, "-m", "omnisupport.embedded"], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
        )
        try:
            wait_until_ready(run)
            yield stages_of(data, port)
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


def stages_of(data: Path, port: int) -> list[Stage]:
    logins = json.loads((data / "demo.json").read_text(encoding="utf-8"))
    platform = f"http://localhost:{port}"

    def login(host: str, role: str, index: int = 0) -> tuple[str, str]:
        found = [one for one in logins if one["host"] == host and one["role"] == role][index]
        return found["email"], found["password"]

    return [
        Stage(
            language,
            f"http://{slug}.localhost:{port}",
            platform,
            {
                Who.ADMIN: login(slug, "admin"),
                Who.AGENT: login(slug, "agent"),
                Who.MASKED: login(slug, "agent", 1),
                Who.OPERATOR: login("", "operator"),
            },
        )
        for language, slug in (("ru", "shop"), ("en", "harbor"))
    ]


def sit_down(browser: Browser, stage: Stage, who: Who, size: str) -> Page:
    context = browser.new_context(viewport=SIZES[size], locale=stage.language, reduced_motion="reduce")
    host = stage.platform if who is Who.OPERATOR else stage.host
    context.add_cookies(
        [{"name": "language", "value": stage.language, "url": url} for url in (stage.host, stage.platform)]
    )
    page = context.new_page()
    if who in stage.logins:
        email, password = stage.logins[who]
        page.goto(f"{host}/admin/" if who is Who.OPERATOR else f"{host}/inbox/")
        page.locator("input[type=email], input[name=username]").first.fill(email)
        page.locator("input[type=password]").fill(password)
        page.keyboard.press("Enter")
        page.wait_for_url(lambda url: "login" not in url)
    return page


def shoot(page: Page, stage: Stage, screen: Screen, size: str) -> None:
    """Light and dark in one visit."""
    page.emulate_media(color_scheme="light")
    arrive(page, stage.platform if screen.is_of_platform else stage.host, screen, WORDS[stage.language])
    for theme in THEMES:
        page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
        save(page, f"{screen.name}-{stage.language}-{theme}-{size}", is_window=screen.is_window)


def shoot_chat(browser: Browser, stage: Stage) -> None:
    """The demo shop with its chat, on a desktop and a phone; each visitor asks a question of their own."""
    for size, question in zip(SIZES, QUESTIONS[stage.language], strict=True):
        page = sit_down(browser, stage, Who.VISITOR, size)
        page.goto(f"{stage.host}/demo-shop/")
        page.locator("button[aria-haspopup=dialog]").click()
        ask(page.frame_locator("iframe"), question)
        for theme in THEMES:
            page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
            save(page, f"chat-{stage.language}-{theme}-{size}", is_window=True)
        page.context.close()


def ask(chat: FrameLocator, question: str) -> None:
    chat.get_by_role("textbox").fill(question)
    chat.get_by_role("textbox").press("Enter")
    # Behind the visitor's words: an answer, or the notice of a hand-over.
    expect(chat.locator(".visitor ~ .assistant:has(.meta), .visitor ~ .notice").last).to_be_visible()


def save(page: Page, name: str, *, is_window: bool) -> None:
    page.wait_for_timeout(400)
    height = SIZES["desktop" if page.viewport_size["width"] > 900 else "phone"]["height"]
    if not is_window:
        height = max(height, min(LONGEST, page.evaluate("document.documentElement.scrollHeight")))
    raw = page.screenshot(
        full_page=not is_window, clip={"x": 0, "y": 0, "width": page.viewport_size["width"], "height": height}
    )
    path = TARGET / f"{name}.webp"
    image = Image.open(io.BytesIO(raw)).convert("RGB")
    image.thumbnail((WIDEST, image.height), Image.Resampling.LANCZOS)
    image.save(path, "WEBP", quality=QUALITY, method=6)
    print(f"{path.relative_to(ROOT)} {path.stat().st_size // 1000} kB", flush=True)


def write_page() -> None:
    """docs/screens.md: every screen that has been pictured."""
    lines = [
        "# Screens",
        "",
        "Made by `make screenshots` (`tests/screenshots.py`) from a run with the demo data; the screens are those of",
        "`tests/screens.py`. Names of the files: screen, language, theme, size.",
    ]
    chat = Screen("chat", "The chat of the site", "/demo-shop/")
    for title, group in GROUPS.items():
        lines += ["", f"## {title}"]
        for screen in (chat, *group) if title == CHAT_GROUP else group:
            lines += ["", f"### {screen.title}", ""]
            lines += ["| | light, Russian | dark, Russian | light, English | dark, English |", "|---|---|---|---|---|"]
            for size in screen.sizes:
                names = [f"{screen.name}-{language}-{theme}-{size}" for language in QUESTIONS for theme in THEMES]
                lines.append(
                    f"| {size} | " + " | ".join(f"![{name}](screenshots/{name}.webp)" for name in names) + " |"
                )
    (ROOT / "docs" / "screens.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
