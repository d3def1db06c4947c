"""The seam for a dense leg. What makes vectors registers how it is found; nothing here knows whose it is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol


@dataclass(frozen=True)
class Embedded:
    """One vector a text, in order. `cost` in roubles; None where nobody has told the price."""

    vectors: list[list[float]]
    tokens: int = 0
    cost: float | None = None


class Embedder(Protocol):
    @property
    def title(self) -> str:
        """For receipts."""
        ...

    @property
    def share(self) -> float:
        """What its cosines count in the order; the words' scores count the rest."""
        ...

    def embed(self, texts: Sequence[str], kind: Literal["doc", "query"], seconds: float) -> Embedded:
        """Within `seconds`. Raises omnisupport.lib.errors.Unavailable."""
        ...


_finders: list[Callable[[str], Embedder | None]] = []


def register_embedders(find: Callable[[str], Embedder | None]) -> None:
    """`find` is given the name of a space, inside the workspace that uses it: what makes its vectors, or None."""
    _finders.append(find)


def embedder_of(space: str) -> Embedder | None:
    return next((embedder for find in _finders if (embedder := find(space)) is not None), None)
