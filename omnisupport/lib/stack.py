"""Room for deep calls.

CPython keeps frames in chunks of 16 kB, and maps and unmaps the next one at every call across its end: there a call takes a
hundred times as long, and a page whose loop lies there three times (python/cpython#142183; releases of 3.13 and 3.14 since
March 2026 keep a chunk, those of 3.11 and 3.12 do not). A frame that claims to be large gets a large chunk, and whatever is
called from it lies in the rest of that.
"""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")
# In words of 8 bytes: a chunk of 1 MB, of which half is left, for a thousand frames. What is not touched takes no memory.
_CLAIMED = 66_000


def with_room(call: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
    """What the call returns."""
    return call(*args, **kwargs)


with_room.__code__ = with_room.__code__.replace(co_stacksize=_CLAIMED)
