"""Sitemaps (sitemaps.org), as text or gzip: the addresses in them. Expressions only, so no XML is ever expanded."""

import re
import zlib
from html import unescape

_MAX_BYTES = 10 * 1024 * 1024
_ROOT = re.compile(rb"<(?:\w+:)?(?:urlset|sitemapindex)\b")
_LOC = re.compile(r"<(?:\w+:)?loc>\s*(?:<!\[CDATA\[)?\s*([^<>\]\s]{1,2000})\s*(?:\]\]>)?\s*</(?:\w+:)?loc>")


def addresses_of(body: bytes) -> list[str] | None:
    """Of pages or of further sitemaps; None when `body` is no sitemap."""
    if body.startswith(b"\x1f\x8b"):
        try:
            body = zlib.decompressobj(wbits=31).decompress(body, _MAX_BYTES)
        except zlib.error:
            return None
    if not _ROOT.search(body[:4096]):
        return None
    return [unescape(found) for found in _LOC.findall(body[:_MAX_BYTES].decode(errors="replace"))]
