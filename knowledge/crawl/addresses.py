"""Which addresses belong to a site, and when two of them are one."""

import re
from urllib.parse import parse_qsl, quote, urlencode, urljoin, urlsplit, urlunsplit

# Visits are counted with them; the page is the same.
_TRACKING = re.compile(r"utm_\w+|gclid|yclid|fbclid|_openstat", re.IGNORECASE)
_NOT_PAGES = re.compile(
    r"\.(?:jpe?g|png|gif|webp|avif|svg|ico|bmp|css|js|mjs|json|map|woff2?|ttf|eot|mp[34]|m4[av]|webm|ogg|wav|avi|mov|zip|rar|7z"
    r"|gz|tgz|bz2|exe|dmg|msi|apk|iso|rss|atom)$",
    re.IGNORECASE,
)


def normal_url(url: str, base: str = "") -> str:
    """Absolute, without fragment and tracking; "" for what is no address of a page."""
    try:
        parts = urlsplit(urljoin(base, url.strip()))
        port = f":{parts.port}" if parts.port and parts.port != {"http": 80, "https": 443}.get(parts.scheme) else ""
        # Letters outside ASCII in one spelling, whichever way a link has them.
        host = (parts.hostname or "").encode("idna").decode()
    except (ValueError, UnicodeError):
        return ""
    if parts.scheme not in {"http", "https"} or not host:
        return ""
    pairs = [pair for pair in parse_qsl(parts.query, keep_blank_values=True) if not _TRACKING.fullmatch(pair[0])]
    query = parts.query if not _TRACKING.search(parts.query) else urlencode(pairs)
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
    normal = urlunsplit((parts.scheme, host + port, path, quote(query, safe="=&%+/?:@!$'()*,;~-._"), ""))
    return normal if len(normal) <= 2000 else ""


def is_page(url: str) -> bool:
    return not _NOT_PAGES.search(urlsplit(url).path)


def is_same_site(url: str, other: str) -> bool:
    """The same host and port, with or without `www.`; the scheme may differ, as sites move from one to the other."""
    return _site(url) == _site(other)


def _site(url: str) -> str:
    return urlsplit(url).netloc.lower().removeprefix("www.")
