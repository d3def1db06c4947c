"""A letter's HTML: as text for the conversation, and cleaned for whoever wants to see it as it was."""

import re
from html.parser import HTMLParser

import nh3

LONGEST_HTML = 100_000
_SILENT = {
    "head",
    "style",
    "script",
    "title",
    "noscript",
    "template",
    "svg",
    "math",
    "object",
    "iframe",
    "select",
    "textarea",
}
_LINES = {"br", "p", "div", "tr", "li", "ul", "ol", "table", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "hr", "section",
          "article", "header", "footer", "dl", "dt", "dd", "center", "address"}  # fmt: skip
_APART = {"p", "h1", "h2", "h3", "h4", "h5", "h6", "table", "ul", "ol", "blockquote", "hr"}
_EMPTY = {"br", "hr", "img", "meta", "link", "input", "base", "area", "col", "wbr", "source", "embed", "param", "track"}
_QUOTING = {"gmail_quote", "gmail_quote_container", "yahoo_quoted", "moz-cite-prefix"}
# Outlook marks only where the earlier letter begins.
_FROM_HERE = {"divrplyfwdmsg", "appendonsend", "mail-editor-reference-message-container"}
# What letters are laid out with; nothing that fetches or leaves its place.
_STYLES = {
    "background-color", "border", "border-bottom", "border-collapse", "border-color", "border-left", "border-radius",
    "border-right", "border-spacing", "border-style", "border-top", "border-width", "color", "display", "font", "font-family",
    "font-size", "font-style", "font-weight", "height", "letter-spacing", "line-height", "list-style-type", "margin",
    "margin-bottom", "margin-left", "margin-right", "margin-top", "max-width", "min-width", "padding", "padding-bottom",
    "padding-left", "padding-right", "padding-top", "text-align", "text-decoration", "text-indent", "text-transform",
    "vertical-align", "white-space", "width", "word-break",
}  # fmt: skip
_ATTRIBUTES = {
    **nh3.ALLOWED_ATTRIBUTES,
    "*": {"style", "align", "valign", "bgcolor", "width", "height", "dir", "lang", "title"},
    "a": {"href"},
    "font": {"color", "face", "size"},
    "img": {"src", "alt"},
    "table": {"border", "cellpadding", "cellspacing"},
}
DIVIDER = "-----Original Message-----"


def html_to_text(source: str, *, mark_quotes: bool = True) -> str:
    """The words with their lines; quoted parts begin their lines with `>`, so that the text can be split like any other."""
    reader = _Reader(mark_quotes)
    try:
        reader.feed(source)
        reader.close()
    except (AssertionError, ValueError):
        pass  # what was read so far is better than nothing
    return reader.text()


def clean_html(source: str) -> str:
    """Without scripts, style sheets and forms: nothing in it runs. Pictures that lie elsewhere keep their address, which tells
    the sender when it is fetched: whoever shows this asks the reader first (tickets/inbox/letters.py)."""
    return nh3.clean(
        source[:LONGEST_HTML],
        tags=(nh3.ALLOWED_TAGS | {"font"}) - {"map", "area"},
        attributes=_ATTRIBUTES,
        attribute_filter=_kept_value,
        filter_style_properties=_STYLES,
        url_schemes={"http", "https", "mailto", "tel"},
        url_relative="deny",
        link_rel="noopener noreferrer nofollow",
    )


def _kept_value(tag: str, attribute: str, value: str) -> str | None:
    if attribute == "style" and ("(" in value.replace("rgb(", "").replace("rgba(", "") or "\\" in value):
        return None
    if (tag, attribute) == ("img", "src") and not value.startswith(("https://", "http://")):
        return None
    return value


class _Reader(HTMLParser):
    def __init__(self, mark_quotes: bool) -> None:
        super().__init__(convert_charrefs=True)
        self._mark_quotes = mark_quotes
        self._lines: list[tuple[int, list[str]]] = [(0, [])]
        # Open tags, with whether each keeps silent and whether it quotes.
        self._open: list[tuple[str, bool, bool]] = []
        self._silent = self._quoted = self._pre = 0
        self._link = ""
        self._gap = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag in _LINES or tag == "blockquote":
            self._break(blank=tag in _APART)
        if _FROM_HERE & {given.get("id", "").lower()} and self._mark_quotes:
            self._say(DIVIDER)
            self._break()
        if tag == "li":
            self._say("• ")
        if tag in _EMPTY:
            return
        silent, quotes = tag in _SILENT, self._mark_quotes and _quotes(tag, given)
        self._open.append((tag, silent, quotes))
        self._silent += silent
        self._quoted += quotes
        self._pre += tag == "pre"
        if tag == "a":
            self._link = given.get("href", "")
        if quotes:
            self._break()

    def handle_endtag(self, tag: str) -> None:
        if tag == "a":
            self._close_link()
        # Tags are closed in any order: what stands open above goes with it, one that nobody opened says nothing.
        place = next((n for n in range(len(self._open) - 1, -1, -1) if self._open[n][0] == tag), None)
        if place is not None and len(self._open) - place < 200:
            for name, silent, quotes in self._open[place:]:
                self._silent -= silent
                self._quoted -= quotes
                self._pre -= name == "pre"
            del self._open[place:]
        if tag in _LINES or tag == "blockquote":
            self._break(blank=tag in _APART)

    def handle_data(self, data: str) -> None:
        if self._silent:
            return
        if self._pre:
            for number, line in enumerate(data.split("\n")):
                if number:
                    self._lines.append((self._quoted, []))
                self._say(line)
            return
        self._say(re.sub(r"\s+", " ", data))

    def text(self) -> str:
        found: list[str] = []
        for depth, parts in self._lines:
            words = "".join(parts).replace("\xa0", " ")
            line = f"{'> ' * min(depth, 1)}{words.strip() if not self._pre else words}".rstrip()
            # Tables of a layout leave heaps of empty lines.
            if line.strip("> ") or (found and found[-1].strip("> ")):
                found.append(line)
        while found and not found[-1].strip("> "):
            found.pop()
        return "\n".join(found).strip()

    def _say(self, words: str) -> None:
        if not words.strip() and not self._lines[-1][1]:
            return
        if self._gap and not self._lines[-1][1]:
            # Between what stands apart, and never at the beginning.
            self._lines += [(self._quoted, []), (self._quoted, [])]
        self._gap = False
        depth, parts = self._lines[-1]
        if depth != self._quoted:
            self._lines.append((self._quoted, [words]))
        else:
            parts.append(words)

    def _break(self, blank: bool = False) -> None:
        if self._lines[-1][1]:
            self._lines.append((self._quoted, []))
        self._gap = self._gap or blank

    def _close_link(self) -> None:
        """Its address behind the words, where they do not show it."""
        link, self._link = self._link.strip(), ""
        said = "".join(self._lines[-1][1])
        if link.startswith(("http://", "https://")) and not self._silent and link.rstrip("/") not in said:
            self._say(f" ({link})" if said.strip() else link)


def _quotes(tag: str, given: dict[str, str]) -> bool:
    if tag == "blockquote":
        return True
    return bool(_QUOTING & set(given.get("class", "").lower().split()))
