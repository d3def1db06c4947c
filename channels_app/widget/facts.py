"""What the shop's page says of its visitor: where they are, what the shop knows. They could forge it: shown, never trusted."""

from typing import Any

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
        if isinstance(value, str):
            value = value.replace("\x00", "")[:LONGEST_VALUE]
        if isinstance(value, str | int | float) and name and len(facts) < MOST_FACTS:
            facts[str(name).replace("\x00", "")[:LONGEST_NAME]] = value
    return facts
