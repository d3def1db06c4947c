"""JSON of a provider spoilt in every place, one at a time: what a changed schema may do to us.

for place, how in spoiled(update):
    parse(spoil(update, place, how))
"""

import json
from typing import Any

_STRANGE: dict[str, Any] = {
    "null": None, "number": 2**70, "text": "\x00\ud800?", "list": [1], "object": {"a": [None]},
}  # fmt: skip


def spoiled(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[tuple[Any, ...], str]]:
    """Every place inside, with each way to spoil it."""
    found = [(path, how) for how in ("absent", *_STRANGE)] if path else []
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else []
    for key, part in inner:
        found += spoiled(part, (*path, key))
    return found


def spoil(update: Any, path: tuple[Any, ...], how: str) -> Any:
    """A copy with that place spoilt."""
    copy = json.loads(json.dumps(update))
    place = copy
    for key in path[:-1]:
        place = place[key]
    if how == "absent":
        del place[path[-1]]
    else:
        place[path[-1]] = _STRANGE[how]
    return copy
