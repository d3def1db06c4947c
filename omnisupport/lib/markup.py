"""The little markup that agents write, translated to what a place can carry.

Understood: **bold**, _italic_, ~~strike~~, `code`, ```blocks``` and [words](address). A single asterisk and two underscores
stay what they are, as do lists, quotes and everything else: people write prices, file names and sums.
"""

import html
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from markdown_it import MarkdownIt
from markdown_it.token import Token

_FENCE = re.compile(r"^```[^\n`]*\n(.*?)\n?^```[ \t]*$", re.DOTALL | re.MULTILINE)
# An address keeps its underscores and tildes; one inside [words](address) is the parser's business.
_ADDRESS = re.compile(r"(?<!\]\()(?<!\[)https?://[^\s<>\[\]()*]+")
_MARK = re.compile(r"[*_~`\[]")
_KEPT = re.compile("\ue000(\\d+)\ue001")
_SAFE_LINK = re.compile(r"(?:https?://|mailto:|tel:)", re.IGNORECASE)


def _label_and_address(label: str, address: str) -> str:
    return address if label == address else f"{label} ({address})"


def _same(text: str) -> str:
    return text


@dataclass(frozen=True)
class Dialect:
    """How one place writes it: pairs around the words. The default is plain text, with the marks left out."""

    bold: tuple[str, str] = ("", "")
    italic: tuple[str, str] = ("", "")
    strike: tuple[str, str] = ("", "")
    code: tuple[str, str] = ("", "")
    block: tuple[str, str] = ("", "")
    # Of the rendered words and the address.
    link: Callable[[str, str], str] = _label_and_address
    escape: Callable[[str], str] = _same


PLAIN = Dialect()


def escape_html(text: str) -> str:
    return html.escape(text, quote=False)


def _html_link(label: str, address: str) -> str:
    return f'<a href="{html.escape(address)}">{label}</a>'


# The tags that Telegram, MAX and letters have in common.
HTML = Dialect(
    bold=("<b>", "</b>"),
    italic=("<i>", "</i>"),
    strike=("<s>", "</s>"),
    code=("<code>", "</code>"),
    block=("<pre>", "</pre>"),
    link=_html_link,
    escape=escape_html,
)


# For cutting a text: one character of its own for every mark that the parser has found, and for the ends of links and code.
OPENING, CLOSING = "\ue010\ue012\ue014\ue016", "\ue011\ue013\ue015\ue017"
BLOCK = OPENING[3]
# These are not cut.
UNBROKEN = {"\ue018": "\ue019"}
_START, _END = next(iter(UNBROKEN.items()))
_WRITTEN: dict[str, str | int | None] = {
    "\ue010": "**", "\ue011": "**", "\ue012": "_", "\ue013": "_", "\ue014": "~~", "\ue015": "~~",
    "\ue016": "```\n", "\ue017": "\n```",
    _START: "", _END: "",
}  # fmt: skip
_PRIVATE = dict.fromkeys(range(0xE000, 0xE01A))
_MARKED = Dialect(
    bold=("\ue010", "\ue011"),
    italic=("\ue012", "\ue013"),
    strike=("\ue014", "\ue015"),
    code=(f"{_START}`", f"`{_END}"),
    block=("\ue016", "\ue017"),
    link=lambda label, address: f"{_START}[{label}]({address}){_END}",
)


def marked(text: str) -> str:
    """The text with OPENING and CLOSING characters in the place of its marks."""
    return translate(text, _MARKED)


def unmarked(text: str) -> str:
    """As people write it."""
    return text.translate(str.maketrans(_WRITTEN))


def open_marks(text: str) -> tuple[str, str]:
    """Of a marked text that breaks off: what its continuation begins with, and what ends it."""
    open_ones: list[str] = []
    for character in text:
        if character in OPENING:
            open_ones.append(character)
        elif character in CLOSING and open_ones:
            open_ones.pop()
    opening = "".join(open_ones)
    return opening, opening[::-1].translate(str.maketrans(OPENING, CLOSING))


def translate(text: str, dialect: Dialect) -> str:
    """The text in that dialect. Marks that do not close, or stand inside a word, stay as they were typed."""
    text = text.translate(_PRIVATE)
    if not _MARK.search(text):
        return dialect.escape(text)
    parts: list[str] = []
    end = 0
    for block in _FENCE.finditer(text):
        parts.append(_inline(text[end : block.start()], dialect))
        parts.append(dialect.block[0] + dialect.escape(block[1]) + dialect.block[1])
        end = block.end()
    parts.append(_inline(text[end:], dialect))
    return "".join(parts)


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    return MarkdownIt("zero").enable(["emphasis", "strikethrough", "backticks", "link"])


def _inline(text: str, dialect: Dialect) -> str:
    if not text:
        return ""
    addresses: list[str] = []

    def keep(match: re.Match[str]) -> str:
        addresses.append(match[0])
        return f"\ue000{len(addresses) - 1}\ue001"

    hidden = _ADDRESS.sub(keep, text)
    shown = _render(_parser().parseInline(hidden)[0].children or [], dialect)
    return _KEPT.sub(lambda match: dialect.escape(addresses[int(match[1])]), shown)


def _render(tokens: list[Token], dialect: Dialect) -> str:
    out: list[str] = []
    # Where the words of an open link begin, and its address.
    links: list[tuple[int, str]] = []
    for token in tokens:
        match token.type:
            case "link_open":
                links.append((len(out), str(token.attrGet("href") or "")))
            case "link_close":
                start, address = links.pop()
                label = "".join(out[start:])
                del out[start:]
                out.append(dialect.link(label, address) if _SAFE_LINK.match(address) else label)
            case "code_inline":
                out.append(dialect.code[0] + dialect.escape(token.content) + dialect.code[1])
            case _:
                out.append(_mark(token, dialect) or dialect.escape(token.content))
    return "".join(out)


def _mark(token: Token, dialect: Dialect) -> str:
    pairs = {"strong": dialect.bold, "em": dialect.italic, "s": dialect.strike}
    name, _underscore, side = token.type.rpartition("_")
    if name not in pairs:
        return ""
    # Sums, and the names of Python.
    if token.markup in {"*", "__"}:
        return token.markup
    return pairs[name][0 if side == "open" else 1]
