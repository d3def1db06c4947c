"""Rows of a plain HTML table, spans unrolled."""

from lxml import etree, html  # type: ignore[import-untyped]


def rows_of_html_table(markup: str) -> list[list[str]]:
    """`markup` is one `<table>` without nested ones, as `unstructured` gives it in `text_as_html`."""
    if not markup:
        return []
    try:
        table = html.fragment_fromstring(markup)
    except (etree.ParserError, etree.XMLSyntaxError):
        return []
    rows: list[list[str]] = []
    for row in table.iter("tr"):
        cells: list[str] = []
        for cell in row.iterchildren("td", "th"):
            cells.append(" ".join(cell.itertext()))
            # The text of a spanning cell stands once: repeated, it would weigh more in the search than it says.
            cells += [""] * (_span(cell.get("colspan")) - 1)
        rows.append(cells)
    return rows


def _span(value: str | None) -> int:
    return min(int(value), 50) if value and value.isdigit() else 1
