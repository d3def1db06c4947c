"""What a crawl asks of a web page: where it leads, whether it may be indexed, and a fingerprint of what it says."""

import hashlib
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urldefrag, urljoin

from lxml import etree, html  # type: ignore[import-untyped]

from knowledge.extract.charset import decode
from knowledge.extract.clean import one_line
from knowledge.extract.errors import ExtractionError

_UNSEEN = ("script", "style", "noscript", "template", "svg", "head", "input")
_MAX_CHARACTERS = 5_000_000
_MAX_LINKS = 2000


@dataclass
class PageScan:
    """`links` are as the page gives them (a `<base>` applied), in its order; `fingerprint` changes only with visible text."""

    fingerprint: str
    may_index: bool = True
    may_follow: bool = True
    links: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def scan_page(path: Path) -> PageScan:
    """Raises ExtractionError."""
    text = decode(path.read_bytes())
    if len(text) > _MAX_CHARACTERS:
        raise ExtractionError("too_large", characters=len(text), limit=_MAX_CHARACTERS)
    try:
        root = html.document_fromstring(re.sub(r"^\s*<\?xml[^>]*\?>", "", text))
    except (etree.ParserError, etree.XMLSyntaxError, ValueError) as error:
        raise ExtractionError("empty") from error
    wishes = {
        word.strip()
        for node in root.iter("meta")
        if (node.get("name") or "").lower() == "robots"
        for word in (node.get("content") or "").lower().split(",")
    }
    links = _links(root)
    title = one_line(root.findtext(".//title") or "")
    etree.strip_elements(root, etree.Comment, etree.ProcessingInstruction, *_UNSEEN, with_tail=False)
    seen = f"{title}\n{' '.join(' '.join(root.itertext()).split())}"
    return PageScan(
        hashlib.sha256(seen.encode(errors="replace")).hexdigest(),
        may_index=not wishes & {"noindex", "none"},
        may_follow=not wishes & {"nofollow", "none"},
        links=links,
    )


def _links(root: Any) -> list[str]:
    base = next((node.get("href") for node in root.iter("base") if node.get("href")), "")
    found: dict[str, None] = {}
    for node in root.iter("a", "area"):
        target = (node.get("href") or "").strip()
        if target and "nofollow" not in (node.get("rel") or "").lower().split():
            try:
                found.setdefault(urldefrag(urljoin(base, target) if base else target).url)
            except ValueError:
                continue
        if len(found) == _MAX_LINKS:
            break
    return [link for link in found if link]
