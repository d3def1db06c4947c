"""HTML: we take out what readers do not see and unwrap tables that only lay out; `unstructured` makes the elements."""

import re
from pathlib import Path
from typing import Any

from lxml import etree, html  # type: ignore[import-untyped]

from knowledge.extract.charset import decode
from knowledge.extract.clean import clean_text, one_line
from knowledge.extract.elements import (
    ITEM_MARK,
    Element,
    Extraction,
    Report,
    own_title,
    promote_headings,
    table_text,
)
from knowledge.extract.errors import ExtractionError
from knowledge.extract.html_tables import rows_of_html_table
from knowledge.extract.nano import NO_LANGUAGE, load_unstructured

_DROPPED = (
    "script", "style", "noscript", "template", "iframe", "object", "embed", "applet", "svg", "math", "canvas", "audio",
    "video", "map", "dialog", "nav", "form", "button", "input", "select", "textarea", "head", "link", "meta",
)  # fmt: skip
_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
# Inside a cell they mean that the table lays out a page rather than holds data.
_BLOCKS = {*_HEADINGS, "table", "ul", "ol", "article", "section", "pre", "blockquote"}
_TABLE_PARTS = ("thead", "tbody", "tfoot", "tr", "td", "th")
_INLINE = {"p", "span", "div", "b", "strong"}
_UNSEEN = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|font-size\s*:\s*0*(?:\.0+)?(?:px|pt|em|rem|%)?\s*(?:[;!}]|$)"
    r"|opacity\s*:\s*0*(?:\.0+)?\s*(?:[;!}]|$)|mso-hide\s*:\s*all|text-indent\s*:\s*-\d{3,}",
    re.IGNORECASE,
)
_RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
_SIMPLE_SELECTOR = re.compile(r"(?:[a-z][a-z0-9]*)?([.#])([\w-]+)", re.IGNORECASE)
# `unstructured` parses once more, with limits of libxml2 beyond which text is dropped without a word.
_MAX_DEPTH = 240
_MAX_CHARACTERS = 9_000_000


def read_html(path: Path, report: Report, *, declared: str = "") -> Extraction:
    text = decode(path.read_bytes(), declared=declared)
    # An XML declaration with an encoding is refused by lxml in a str.
    root = _parse(re.sub(r"^\s*<\?xml[^>]*\?>", "", text))
    title = one_line(root.findtext(".//title") or "")
    _remove_unseen(root, _hidden_names(root))
    _flatten_layout_tables(root)
    _number_items(root)
    anchors = _anchors(root)
    report(1, 2)
    markup = html.tostring(root, encoding="unicode")
    if len(markup) > _MAX_CHARACTERS:
        raise ExtractionError("too_large", characters=len(markup), limit=_MAX_CHARACTERS)
    elements = _partition(markup)
    for element in elements:
        if element.kind == "title":
            element.anchor = anchors.get(element.text, "")
    # The heading of the page names it better than <title>, which ends with the name of the site.
    title = own_title(elements) or title
    promote_headings(elements)
    return Extraction("html", title, elements)


def _parse(text: str) -> Any:
    try:
        root = html.document_fromstring(
            text or "<html></html>", parser=html.HTMLParser(no_network=True, huge_tree=True)
        )
    except (etree.ParserError, etree.XMLSyntaxError, ValueError) as error:
        raise ExtractionError("empty" if not text.strip() else "corrupt") from error
    if _depth(root) > _MAX_DEPTH:
        raise ExtractionError("bomb", depth=_MAX_DEPTH)
    return root


def _depth(root: Any) -> int:
    deepest = depth = 0
    for event, _node in etree.iterwalk(root, events=("start", "end")):
        depth += 1 if event == "start" else -1
        deepest = max(deepest, depth)
    return deepest


def _hidden_names(root: Any) -> set[str]:
    """`.class` and `#id` selectors that a style sheet of the page hides."""
    css = re.sub(r"/\*.*?\*/|<!--|-->", "", " ".join(root.xpath("//style/text()")), flags=re.DOTALL)
    # Rules for other media (print, narrow screens) would hide what a reader sees.
    css = re.sub(r"@media[^{]*\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}", "", css)
    names: set[str] = set()
    for selectors, body in _RULE.findall(css):
        if _UNSEEN.search(body):
            found = (_SIMPLE_SELECTOR.fullmatch(selector.strip()) for selector in selectors.split(","))
            names |= {f"{match[1]}{match[2]}" for match in found if match}
    return names


def _remove_unseen(root: Any, hidden: set[str]) -> None:
    etree.strip_elements(root, etree.Comment, etree.ProcessingInstruction, *_DROPPED, with_tail=False)
    for node in [n for n in root.iter() if _is_hidden(n, hidden)]:
        if node.getparent() is not None:
            node.drop_tree()
    for name in ("header", "footer", "aside"):
        # Those of the page; an article's own header holds its title.
        for node in root.xpath(f"//{name}[not(ancestor::main) and not(ancestor::article)]"):
            if not node.xpath(".//h1"):
                node.drop_tree()


def _is_hidden(node: Any, hidden: set[str]) -> bool:
    if node.get("hidden") is not None or _UNSEEN.search(node.get("style") or ""):
        return True
    if not hidden:
        return False
    return f"#{node.get('id')}" in hidden or any(f".{name}" in hidden for name in (node.get("class") or "").split())


def _flatten_layout_tables(root: Any) -> None:
    """Turns tables that place blocks on a page into blocks, innermost last, so that headings in them are seen."""
    for table in list(root.iter("table")):
        if not _is_layout(table):
            continue
        parts = [n for n in table.iter(*_TABLE_PARTS) if next(n.iterancestors("table")) is table]
        for node in (table, *parts):
            node.tag = "div"
            node.attrib.clear()


def _is_layout(table: Any) -> bool:
    if table.get("role") == "presentation":
        return True
    cells = [c for c in table.iter("td", "th") if next(c.iterancestors("table")) is table]
    if any(cell.tag == "th" for cell in cells):
        return False
    if any(node.tag in _BLOCKS for cell in cells for node in cell.iterdescendants()):
        return True
    rows = {id(cell.getparent()) for cell in cells}
    return len(cells) <= len(rows)  # one column


def _number_items(root: Any) -> None:
    """Writes the numbers that a browser draws before the items of an ordered list: steps are quoted by them."""
    for ordered in root.iter("ol"):
        start = ordered.get("start", "")
        for number, item in enumerate(ordered.iterchildren("li"), start=int(start) if start.isdigit() else 1):
            mark = f"{number}." if ordered.get("type") not in {"a", "A"} else f"{chr(96 + number % 27)})"
            holder = item
            while not (holder.text or "").strip() and len(holder) and holder[0].tag in _INLINE:
                holder = holder[0]
            if not ITEM_MARK.match((holder.text or "").lstrip() + " x"):
                holder.text = f"{mark} {(holder.text or '').lstrip()}"


def _anchors(root: Any) -> dict[str, str]:
    """Heading text → id of the heading, of something in it, or of the section it opens."""
    anchors: dict[str, str] = {}
    for heading in root.iter(*_HEADINGS):
        inner = heading.xpath("(.//@id | .//a/@name)[1]")
        parent = heading.getparent()
        outer = parent.get("id") if parent is not None and parent.index(heading) == 0 else None
        anchor = heading.get("id") or (inner[0] if inner else "") or outer or ""
        if anchor:
            anchors.setdefault(one_line(heading.text_content()), str(anchor))
    return anchors


def _partition(markup: str) -> list[Element]:
    load_unstructured()
    from unstructured.partition.html import partition_html

    try:
        parts = partition_html(text=markup, languages=NO_LANGUAGE)
    except RecursionError as error:
        raise ExtractionError("bomb", depth=_MAX_DEPTH) from error
    return [element for part in parts if (element := _from_part(part)) is not None and element.text]


def _from_part(part: Any) -> Element | None:
    depth = part.metadata.category_depth or 0
    if part.category == "Image":
        return None
    if part.category == "Table":
        return Element("table", table_text(rows_of_html_table(part.metadata.text_as_html or "")) or one_line(part.text))
    text = clean_text(part.text)
    if part.category == "Title":
        return Element("title", one_line(text), min(depth + 1, 6))
    if part.category == "ListItem":
        return Element("list", text if ITEM_MARK.match(text) else f"• {text}", depth)
    return Element("text", text)
