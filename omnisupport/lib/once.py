"""What is asked of the database for each of many things, and is the same for all of them, is read once."""

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

Found = TypeVar("Found")
_known: ContextVar[dict[Hashable, Any] | None] = ContextVar("known", default=None)


@contextmanager
def remembering() -> Iterator[None]:
    """For as long as what was read may be a little old: some dozens of rows, not more."""
    token = _known.set({})
    try:
        yield
    finally:
        _known.reset(token)


def once(key: Hashable, read: Callable[[], Found]) -> Found:
    """What `read` gave for this key before; outside of `remembering` it is asked each time."""
    known = _known.get()
    if known is None:
        return read()
    if key not in known:
        known[key] = read()
    found: Found = known[key]
    return found
