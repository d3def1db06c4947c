"""An article's Markdown as a public page: safe, headings below the title and with anchors, nothing loaded from elsewhere."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from typing import Any

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.token import Token

from knowledge.extract.clean import without_hidden
from omnisupport.lib.slugs import slug_of

_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_FRONT_MATTER = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)
# As the reader of documents takes them: «## Delivery {#delivery}».
_OWN_ANCHOR = re.compile(r"\s*\{#([\w-]+)\}\s*$")
_FOREIGN = re.compile(r"(?:https?:)?//", re.IGNORECASE)
_SAFE = re.compile(r"(?:https?://|mailto:|tel:|/(?!/)|#)", re.IGNORECASE)
_TAGS = {
    "p", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "strong", "em", "s", "code", "pre", "blockquote", "a", "br", "hr",
    "div", "table", "thead", "tbody", "tr", "th", "td",
}  # fmt: skip
_ATTRIBUTES = {
    "a": {"href", "rel"}, "div": {"class", "tabindex"}, "ol": {"start"}, "th": {"class"}, "td": {"class"},
    **{f"h{level}": {"id"} for level in range(2, 7)},
}  # fmt: skip
_BREAKS = {"softbreak", "hardbreak"}
_SAID = {"text", "code_inline", *_BREAKS}
_DESCRIPTION = 160


@dataclass(frozen=True)
class Heading:
    level: int
    text: str
    anchor: str


@dataclass(frozen=True)
class Rendered:
    """`description` is the beginning of its text, for those who only show that there is such a page."""

    html: SafeString
    headings: list[Heading] = field(default_factory=list)
    description: str = ""


def anchor_of(heading: str) -> str:
    """The address of a section inside its page."""
    own = _OWN_ANCHOR.search(heading)
    return own[1] if own else slug_of(heading) or "section"


def render_article(text: str, title: str = "") -> Rendered:
    """A first heading that repeats the title is left out: the page has it already."""
    text = _FRONT_MATTER.sub("", _COMMENT.sub("", without_hidden(text.replace("\r\n", "\n"))))
    parser = _parser()
    tokens = _without_title(parser.parse(text), title)
    headings = _placed_headings(tokens)
    for token in tokens:
        token.children = _inline(token.children or []) if token.type == "inline" else token.children
    html = _tables_that_scroll(parser.renderer.render(tokens, parser.options, {}))
    safe = nh3.clean(
        html, tags=_TAGS, attributes=_ATTRIBUTES, url_schemes={"http", "https", "mailto", "tel"}, link_rel=None
    )
    # Cleaned by a list of what may stay.
    return Rendered(mark_safe(safe), headings, _description(tokens))  # noqa: S308


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])


def _without_title(tokens: list[Token], title: str) -> list[Token]:
    if len(tokens) > 2 and tokens[0].type == "heading_open" and _words(tokens[1]) == " ".join(title.split()):
        return tokens[3:]
    return tokens


def _placed_headings(tokens: Sequence[Token]) -> list[Heading]:
    """The highest one becomes an h2, and each gets an anchor of its own."""
    found = [(at, int(token.tag[1])) for at, token in enumerate(tokens) if token.type == "heading_open"]
    if not found:
        return []
    shift = 2 - min(level for _at, level in found)
    headings: list[Heading] = []
    taken: set[str] = set()
    for at, level in found:
        anchor = _different(anchor_of(_words(tokens[at + 1])), taken)
        _drop_own_anchor(tokens[at + 1])
        placed = min(6, level + shift)
        tokens[at].tag = tokens[at + 2].tag = f"h{placed}"
        tokens[at].attrs["id"] = anchor
        headings.append(Heading(placed, _words(tokens[at + 1]), anchor))
    return headings


def _different(anchor: str, taken: set[str]) -> str:
    name, number = anchor, 1
    while name in taken:
        number += 1
        name = f"{anchor}-{number}"
    taken.add(name)
    return name


def _drop_own_anchor(inline: Token) -> None:
    last = (inline.children or [])[-1:]
    if last and last[0].type == "text":
        last[0].content = _OWN_ANCHOR.sub("", last[0].content)


def _inline(tokens: list[Token]) -> list[Token]:
    """A picture would tell its server who reads: a link stands in its place. Foreign links take no word of us along."""
    kept: list[Token] = []
    for token in tokens:
        if token.type == "image":
            kept += _link_to(str(token.attrs.get("src", "")), token.content)
            continue
        if token.type == "link_open":
            _settle_link(token)
        kept.append(token)
    return kept


def _link_to(address: str, words: str) -> list[Token]:
    opening = Token("link_open", "a", 1, attrs={"href": address})
    _settle_link(opening)
    return [opening, Token("text", "", 0, content=words or address), Token("link_close", "a", -1)]


def _settle_link(token: Token) -> None:
    address = str(token.attrs.get("href", ""))
    attributes: dict[str, Any] = {"href": address} if _SAFE.match(address) else {}
    if _FOREIGN.match(address):
        attributes["rel"] = "noopener noreferrer nofollow"
    token.attrs = attributes


def _tables_that_scroll(html: str) -> str:
    """A wide table must not widen the page of a phone; the box takes the keyboard's focus, or nobody else could scroll it."""
    html = html.replace("<table>", '<div class="scroll" tabindex="0"><table>').replace("</table>", "</table></div>")
    # The policy forbids styles in the markup.
    return re.sub(r' style="text-align:(\w+)"', r' class="\1"', html)


def _words(inline: Token) -> str:
    parts = (" " if child.type in _BREAKS else child.content for child in inline.children or [] if child.type in _SAID)
    return " ".join("".join(parts).split())


def _description(tokens: Sequence[Token]) -> str:
    texts = (
        _words(token)
        for before, token in pairwise(tokens)
        if token.type == "inline" and before.type == "paragraph_open"
    )
    text = next((text for text in texts if text), "")
    return text if len(text) <= _DESCRIPTION else text[:_DESCRIPTION].rpartition(" ")[0] + "…"
