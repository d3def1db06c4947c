"""Chromium for stories told in a real browser: the one on the path, else Playwright's own."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, expect, sync_playwright

# No QUIC and no calls home: tests talk to this machine only.
ARGUMENTS = ["--no-sandbox", "--disable-quic", "--disable-background-networking"]


# A machine that is busy with other things must not fail a story; where all is well nobody waits for it.
PATIENCE = 30_000
expect.set_options(timeout=PATIENCE)


@contextmanager
def launch_chromium() -> Iterator[Browser]:
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    with sync_playwright() as playwright:
        # Playwright keeps an event loop in this thread, so Django would refuse the test its database.
        os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        try:
            yield browser
        finally:
            os.environ.pop("DJANGO_ALLOW_ASYNC_UNSAFE", None)
            browser.close()
