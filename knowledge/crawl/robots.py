"""robots.txt of a site (RFC 9309)."""

from urllib.parse import urlsplit

from django.conf import settings
from protego import Protego

from omnisupport.lib.errors import TooLarge
from omnisupport.lib.http import fetch

_MAX_BYTES = 500 * 1024
_MAX_PAUSE = 5.0


class Robots:
    """Without a file (any 4xx) everything is allowed. `pause` is in seconds between two pages."""

    def __init__(self, text: str = "") -> None:
        self._rules = Protego.parse(text)
        # What stands before the slash is our name there.
        self._agent = settings.USER_AGENT.partition("/")[0]
        self.sitemaps = list(self._rules.sitemaps)
        self.pause = min(float(self._rules.crawl_delay(self._agent) or 0), _MAX_PAUSE)

    def allows(self, url: str) -> bool:
        return bool(self._rules.can_fetch(url, self._agent))


class RobotsUnavailable(Exception):
    """The site is in trouble: then nothing may be read. `status` is its answer."""

    def __init__(self, status: int) -> None:
        super().__init__(str(status))
        self.status = status


def fetch_robots(url: str) -> Robots:
    """Of the host of `url`. Raises RobotsUnavailable, and as `fetch` does."""
    parts = urlsplit(url)
    try:
        fetched = fetch(f"{parts.scheme}://{parts.netloc}/robots.txt", max_bytes=_MAX_BYTES)
    except TooLarge:
        return Robots()
    if fetched.status >= 500 or fetched.status == 429:
        raise RobotsUnavailable(fetched.status)
    return Robots(fetched.body.decode(errors="replace") if fetched.status == 200 else "")
