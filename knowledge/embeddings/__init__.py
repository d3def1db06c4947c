"""The seam for a dense leg. None is built in: a provider's client registers a factory, and nothing here knows which."""

from collections.abc import Callable, Sequence
from typing import Literal, Protocol


class Embedder(Protocol):
    """`space` names model, dimension and version, e.g. "yandex-text-search-256-v1"; vectors of two spaces never meet."""

    @property
    def space(self) -> str: ...

    @property
    def dimensions(self) -> int: ...

    def embed(self, texts: Sequence[str], kind: Literal["document", "query"]) -> list[list[float]]:
        """One vector a text. Raises omnisupport.lib.errors.Unavailable when the provider does not answer."""
        ...


_factories: list[Callable[[], Embedder | None]] = []


def register_embedder(factory: Callable[[], Embedder | None]) -> None:
    """`factory` is called inside a workspace for each use and answers None where that workspace has no provider."""
    _factories.append(factory)


def current_embedder() -> Embedder | None:
    return next((embedder for factory in _factories if (embedder := factory()) is not None), None)
