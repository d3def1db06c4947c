"""The cells of lists in the settings, each with the heading of its column: on phones a row is a card."""

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import Any

from django import template
from django.utils.html import format_html, strip_tags
from django.utils.safestring import SafeString
from django.utils.text import capfirst

register = template.Library()
_NOTHING = {"", "-", "&nbsp;"}


@register.filter
def labelled(cells: Sequence[str], headers: Sequence[dict[str, Any]]) -> Iterator[SafeString]:
    """`cells` come from Django as `<td class=…>…</td>`."""
    for cell, header in zip_longest(cells, headers, fillvalue=None):
        if cell is None:
            continue
        yield _labelled(cell, strip_tags(str(header["text"])).strip() if header else "")


def _labelled(cell: str, label: str) -> SafeString:
    content = cell[cell.index(">") + 1 :].removesuffix("</td>").removesuffix("</th>").strip()
    empty = SafeString(" data-empty" if content in _NOTHING else "")
    named = format_html(' data-label="{}"', capfirst(label)) if label else ""
    return SafeString(f"{cell[:3]}{named}{empty}{cell[3:]}")
