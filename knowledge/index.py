"""The vector index: the only module that knows Qdrant. Every function takes the workspace's schema first.

A collection holds one embedding space. On a server it is shared by all workspaces, whose points are kept apart by the payload
key `tenant` (an `is_tenant` index, idf per tenant); embedded, each workspace has its own, because there filters cost more
than the search. The filter by tenant is there in both, and a hit with a foreign tenant is an error, never an answer.
"""

import atexit
import threading
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog
from django.conf import settings
from django.utils.translation import gettext as _

from knowledge.encoding import SparseVector
from omnisupport.lib.errors import Unavailable

if TYPE_CHECKING:  # 60 MB that a web process never needs
    from qdrant_client import QdrantClient
    from qdrant_client import models as shapes

log = structlog.get_logger(__name__)

# Changes with the way words become numbers: then everything is indexed anew beside the old.
WORDS = "words-v1"
_SPARSE, _DENSE = "words", "dense"
_NAMESPACE = uuid.UUID("6f3b5c1e-6d0a-4a39-9a53-2f3f6f5b7a10")
_BATCH = 128
_lock = threading.RLock()
_ready: set[str] = set()
_collection_locks: dict[str, threading.RLock] = {}


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


def upsert_chunks(schema: str, points: Sequence[Point], space: str = WORDS) -> None:
    """Idempotent: a point's id comes from what it is."""
    from qdrant_client import models

    name = _name(schema, space)
    dimensions = next((len(point.dense) for point in points if point.dense is not None), 0)
    with _collection(schema, space) as existing:
        client = existing or _client()
        if existing is None:
            _create(client, name, dimensions)
        for start in range(0, len(points), _BATCH):
            batch = [_struct(models, schema, space, point) for point in points[start : start + _BATCH]]
            client.upsert(name, batch, wait=True)


def delete_document(
    schema: str,
    document_id: uuid.UUID,
    *,
    only_version: int | None = None,
    except_version: int | None = None,
    space: str = WORDS,
) -> None:
    """All points of a document, or only those of one version, or of all versions but one."""
    from qdrant_client import models

    conditions: list[Any] = [_match("tenant", schema), _match("document_id", str(document_id))]
    if only_version is not None:
        conditions.append(_match("version", only_version))
    kept: list[Any] = [_match("version", except_version)] if except_version is not None else []
    selector = models.FilterSelector(filter=models.Filter(must=conditions, must_not=kept))
    with _collection(schema, space) as client:
        if client is not None:
            client.delete(_name(schema, space), selector, wait=True)


def drop_tenant(schema: str) -> None:
    """Every point of a workspace in every space."""
    from qdrant_client import models

    with _transport_errors():
        client = _client()
        for name in [found.name for found in client.get_collections().collections]:
            if settings.QDRANT_URL:
                selector = models.FilterSelector(filter=models.Filter(must=[_match("tenant", schema)]))
                client.delete(name, selector, wait=True)
            elif name.startswith(f"{schema}__"):
                with _lock_of(name):
                    client.delete_collection(name)
                    _ready.discard(name)


def count(schema: str, space: str = WORDS, *, document_id: uuid.UUID | None = None, version: int | None = None) -> int:
    from qdrant_client import models

    conditions: list[Any] = [_match("tenant", schema)]
    if document_id is not None:
        conditions.append(_match("document_id", str(document_id)))
    if version is not None:
        conditions.append(_match("version", version))
    with _collection(schema, space) as client:
        if client is None:
            return 0
        return int(client.count(_name(schema, space), count_filter=models.Filter(must=conditions), exact=True).count)


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
    from qdrant_client import models

    conditions: list[Any] = [_match("tenant", schema)]
    if document_ids is not None:
        wanted = models.MatchAny(any=[str(id) for id in document_ids])
        conditions.append(models.FieldCondition(key="document_id", match=wanted))
    chosen = models.Filter(must=conditions)
    # idf over this workspace's points alone: others' vocabulary must not weigh here.
    own_idf = models.SearchParams(idf=models.IdfCorpusParams(corpus=models.Filter(must=[_match("tenant", schema)])))
    hits, name = Hits(), _name(schema, space)
    with _collection(schema, space) as client:
        if client is not None and words.indices:
            query = models.SparseVector(indices=words.indices, values=words.values)
            params = own_idf if settings.QDRANT_URL else None
            found = client.query_points(
                name, query, using=_SPARSE, query_filter=chosen, limit=limit, search_params=params
            )
            hits.words = [_hit(schema, point) for point in found.points]
        if client is not None and dense:
            found = client.query_points(name, dense, using=_DENSE, query_filter=chosen, limit=limit)
            hits.dense = [_hit(schema, point) for point in found.points]
    return hits


def _struct(models: Any, schema: str, space: str, point: Point) -> "shapes.PointStruct":
    key = f"{schema}|{point.document_id}|{point.version}|{point.number}|{space}"
    vector: dict[str, Any] = {_SPARSE: models.SparseVector(indices=point.words.indices, values=point.words.values)}
    if point.dense is not None:
        vector[_DENSE] = point.dense
    payload = {
        "tenant": schema,
        "document_id": str(point.document_id),
        "version": point.version,
        "chunk_id": point.chunk_id,
    }
    found: shapes.PointStruct = models.PointStruct(id=str(uuid.uuid5(_NAMESPACE, key)), vector=vector, payload=payload)
    return found


def _hit(schema: str, point: Any) -> Hit:
    payload = point.payload or {}
    if payload.get("tenant") != schema:
        log.critical("foreign_point", schema=schema, found=payload.get("tenant"), point=point.id)
        raise ForeignPoint("The index answered with a passage of another workspace.")
    return Hit(int(payload["chunk_id"]), uuid.UUID(payload["document_id"]), float(point.score))


def _match(key: str, value: str | int) -> "shapes.FieldCondition":
    from qdrant_client import models

    return models.FieldCondition(key=key, match=models.MatchValue(value=value))


# ---- The client and its collections ----------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def _client() -> "QdrantClient":
    """One a process. Raises Unavailable, e.g. when another process holds the embedded folder."""
    from qdrant_client import QdrantClient

    if settings.QDRANT_URL:
        return QdrantClient(url=settings.QDRANT_URL, api_key=settings.QDRANT_API_KEY or None, timeout=10)
    folder = Path(settings.QDRANT_PATH)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        client = QdrantClient(path=str(folder), force_disable_check_same_thread=True)
    except RuntimeError as error:
        log.exception("index_locked", folder=str(folder))
        raise Unavailable(
            _("The embedded index is opened by another process. Only one worker may run without QDRANT_URL."),
            code="index_locked",
        ) from error
    atexit.register(close)
    return client


def close() -> None:
    """Lets go of the embedded folder; the next call opens it again."""
    with _lock:
        if _client.cache_info().currsize:
            _client().close()
            _client.cache_clear()
        _ready.clear()


def _name(schema: str, space: str) -> str:
    return f"kb__{space}" if settings.QDRANT_URL else f"{schema}__{space}"


@contextmanager
def _collection(schema: str, space: str) -> Iterator["QdrantClient | None"]:
    """The client, None where nothing was ever indexed in this space; transport errors become Unavailable."""
    name = _name(schema, space)
    with _lock:
        client = _client()
    with _lock_of(name), _transport_errors():
        if name not in _ready and client.collection_exists(name):
            _ready.add(name)
        yield client if name in _ready else None


@contextmanager
def _transport_errors() -> Iterator[None]:
    """Only what the transport says becomes Unavailable; our own mistakes stay what they are."""
    from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

    try:
        yield
    except (ResponseHandlingException, UnexpectedResponse, OSError) as error:
        log.warning("index_unavailable", error=str(error)[:300])
        raise Unavailable(_("The index did not answer. Try again in a minute."), code="index_unavailable") from error


@contextmanager
def _lock_of(name: str) -> Iterator[None]:
    """The embedded engine is Python over arrays that grow: a search beside a write would read half of it."""
    if settings.QDRANT_URL:
        yield
        return
    with _lock:
        lock = _collection_locks.setdefault(name, threading.RLock())
    with lock:
        yield


def _create(client: "QdrantClient", name: str, dimensions: int) -> None:
    from qdrant_client import models

    dense = {_DENSE: models.VectorParams(size=dimensions, distance=models.Distance.COSINE)} if dimensions else {}
    with _lock:
        client.create_collection(
            name,
            vectors_config=dense,
            sparse_vectors_config={_SPARSE: models.SparseVectorParams(modifier=models.Modifier.IDF)},
            # No graph over all workspaces: every query has a tenant.
            hnsw_config=models.HnswConfigDiff(m=0, payload_m=16),
        )
    if settings.QDRANT_URL:
        tenant = models.KeywordIndexParams(type=models.KeywordIndexType.KEYWORD, is_tenant=True)
        client.create_payload_index(name, "tenant", tenant)
        client.create_payload_index(name, "document_id", models.PayloadSchemaType.KEYWORD)
        client.create_payload_index(name, "version", models.PayloadSchemaType.INTEGER)
    _ready.add(name)
