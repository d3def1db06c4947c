"""What a shop says of its visitor: where they are, what it knows of them. A page could forge it: shown, never trusted."""

from typing import Any

from omnisupport.lib.text import storable

type_fact = str | int | float | bool

MOST_FACTS = 30
LONGEST_NAME = 64
LONGEST_VALUE = 500


def read_facts(page: Any, attributes: Any) -> dict[str, type_fact]:
    """Plain values, cut to size; anything else is left out. Never refused: the message that carries it matters more."""
    given = dict(attributes) if isinstance(attributes, dict) else {}
    if isinstance(page, dict):
        given["page"] = page.get("url")
    facts: dict[str, type_fact] = {}
    for name, value in given.items():
        name, fact = str(storable(str(name)))[:LONGEST_NAME], _plain(value)
        if name and fact is not None and len(facts) < MOST_FACTS:
            facts[name] = fact
    return facts


def _plain(value: Any) -> type_fact | None:
    if isinstance(value, str):
        return str(storable(value))[:LONGEST_VALUE]
    # JSON of Python knows NaN and Infinity, PostgreSQL's and the browser's do not; beyond 2**53 a browser rounds.
    return value if isinstance(value, int | float) and abs(value) <= 2**53 else None
