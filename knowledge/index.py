"""The vector index. Every function takes the workspace's schema first, and a hit with a foreign tenant is an error.

A space is a way of making vectors: points of two spaces never meet. What keeps the points is an engine (knowledge.engines).
"""

import atexit
import threading
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import structlog
from django.conf import settings

from knowledge.encoding import SparseVector
from knowledge.engines import Engine, Found, Match, Row

log = structlog.get_logger(__name__)

# Changes with the way words become numbers: then everything is indexed anew beside the old.
WORDS = "words-v1"
_NAMESPACE = uuid.UUID("6f3b5c1e-6d0a-4a39-9a53-2f3f6f5b7a10")
_lock = threading.Lock()


class ForeignPoint(RuntimeError):
    """The index answered one workspace with a point of another."""


@dataclass(frozen=True)
class Point:
    document_id: uuid.UUID
    version: int
    number: int
    chunk_id: int
    words: SparseVector
    dense: list[float] | None = None


@dataclass(frozen=True)
class Hit:
    chunk_id: int
    document_id: uuid.UUID
    score: float


@dataclass
class Hits:
    """`words` and `dense` are the two legs, each best first."""

    words: list[Hit] = field(default_factory=list)
    dense: list[Hit] = field(default_factory=list)


def upsert_chunks(schema: str, points: Sequence[Point], space: str = WORDS, dimensions: int = 0) -> None:
    """Idempotent: a point's id comes from what it is. A space that has `dimensions` takes points without a vector too."""
    _engine().upsert(schema, space, [_row(schema, space, point) for point in points], dimensions)


def delete_document(
    schema: str,
    document_id: uuid.UUID,
    *,
    only_version: int | None = None,
    except_version: int | None = None,
    space: str = WORDS,
) -> None:
    """All points of a document, or only those of one version, or of all versions but one."""
    _engine().delete(schema, space, Match([str(document_id)], only_version, except_version))


def drop_space(schema: str, space: str) -> None:
    """Every point of a workspace in this space."""
    _engine().drop(schema, space)


def drop_tenant(schema: str) -> None:
    """Every point of a workspace in every space."""
    _engine().drop_tenant(schema)


def count(schema: str, space: str = WORDS, *, document_id: uuid.UUID | None = None, version: int | None = None) -> int:
    return _engine().count(schema, space, Match([str(document_id)] if document_id else None, version))


def search(
    schema: str,
    words: SparseVector,
    limit: int,
    *,
    dense: list[float] | None = None,
    document_ids: Sequence[uuid.UUID] | None = None,
    space: str = WORDS,
) -> Hits:
    """Up to `limit` hits of each leg. Raises Unavailable when the index cannot be reached."""
    match = Match(None if document_ids is None else [str(id) for id in document_ids])
    hits = Hits()
    if words.indices:
        hits.words = [_hit(schema, found) for found in _engine().search(schema, space, words, match, limit)]
    if dense:
        hits.dense = [_hit(schema, found) for found in _engine().search(schema, space, dense, match, limit)]
    return hits


def close() -> None:
    """Lets go of the engine; the next call opens it again."""
    with _lock:
        if _opened.cache_info().currsize:
            _opened().close()
            _opened.cache_clear()


def _row(schema: str, space: str, point: Point) -> Row:
    key = f"{schema}|{point.document_id}|{point.version}|{point.number}|{space}"
    payload: dict[str, str | int] = {
        "tenant": schema,
        "document_id": str(point.document_id),
        "version": point.version,
        "chunk_id": point.chunk_id,
    }
    return Row(str(uuid.uuid5(_NAMESPACE, key)), point.words, point.dense, payload)


def _hit(schema: str, found: Found) -> Hit:
    payload = found.payload
    if payload.get("tenant") != schema:
        log.critical("foreign_point", schema=schema, found=payload.get("tenant"), point=found.id)
        raise ForeignPoint("The index answered with a passage of another workspace.")
    return Hit(int(payload["chunk_id"]), uuid.UUID(payload["document_id"]), found.score)


def _engine() -> Engine:
    """One a process. Raises Unavailable, e.g. when another process holds the embedded folder."""
    with _lock:
        return _opened()


@lru_cache(maxsize=1)
def _opened() -> Engine:
    # Tens of megabytes that a web process never needs.
    if settings.QDRANT_URL:
        from knowledge.engines.server import ServerEngine

        return ServerEngine()
    from knowledge.engines.embedded import EmbeddedEngine

    atexit.register(close)
    return EmbeddedEngine()
