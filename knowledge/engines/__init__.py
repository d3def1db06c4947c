"""Where points are kept: on a Qdrant server, or in this process. Only knowledge.index uses an engine."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from knowledge.encoding import SparseVector

WORDS, DENSE = "words", "dense"


@dataclass(frozen=True)
class Row:
    """A point as it is stored."""

    id: str
    words: SparseVector
    dense: list[float] | None
    payload: dict[str, str | int]


@dataclass(frozen=True)
class Match:
    """Which points of a workspace: None does not narrow."""

    document_ids: Sequence[str] | None = None
    version: int | None = None
    except_version: int | None = None


@dataclass(frozen=True)
class Found:
    id: str
    score: float
    payload: dict[str, Any]


class Engine(Protocol):
    """Every call names workspace and space. What was never written is empty, not an error.

    Raises omnisupport.lib.errors.Unavailable when the engine does not answer.
    """

    def upsert(self, schema: str, space: str, rows: Sequence[Row], dimensions: int = 0) -> None:
        """`dimensions` of the dense vectors that the space shall have, also where these rows bring none."""
        ...

    def delete(self, schema: str, space: str, match: Match) -> None: ...

    def count(self, schema: str, space: str, match: Match) -> int: ...

    def search(
        self, schema: str, space: str, query: SparseVector | list[float], match: Match, limit: int
    ) -> list[Found]:
        """The nearest by words or by the dense vector, as the query is, best first."""
        ...

    def drop(self, schema: str, space: str) -> None:
        """All that a workspace has in a space."""
        ...

    def drop_tenant(self, schema: str) -> None: ...

    def close(self) -> None: ...
