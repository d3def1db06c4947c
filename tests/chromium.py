"""Chromium for stories told in a real browser: the one on the path, else Playwright's own."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

# No QUIC and no calls home: tests talk to this machine only.
ARGUMENTS = ["--no-sandbox", "--disable-quic", "--disable-background-networking"]


@contextmanager
def launch_chromium() -> Iterator[Browser]:
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()
