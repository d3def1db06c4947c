"""A Qdrant server: one collection a space, shared by all workspaces.

Their points are kept apart by the payload key `tenant` (an `is_tenant` index, idf per tenant); every call filters by it.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import structlog
from django.conf import settings
from django.utils.translation import gettext as _
from qdrant_client import QdrantClient, models
from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

from knowledge.encoding import SparseVector
from knowledge.engines import DENSE, WORDS, Found, Match, Row
from omnisupport.lib.errors import Unavailable

log = structlog.get_logger(__name__)

_BATCH = 128


class ServerEngine:
    def __init__(self) -> None:
        self._client = QdrantClient(url=settings.QDRANT_URL, api_key=settings.QDRANT_API_KEY or None, timeout=10)
        self._known: set[str] = set()
        self._lock = threading.Lock()

    def upsert(self, schema: str, space: str, rows: Sequence[Row], dimensions: int = 0) -> None:
        with _transport_errors():
            if not self._exists(space):
                self._create(space, dimensions or next((len(row.dense) for row in rows if row.dense is not None), 0))
            for start in range(0, len(rows), _BATCH):
                batch = [_struct(row) for row in rows[start : start + _BATCH]]
                self._client.upsert(_name(space), batch, wait=True)

    def delete(self, schema: str, space: str, match: Match) -> None:
        with _transport_errors():
            if self._exists(space):
                selector = models.FilterSelector(filter=_filter(schema, match))
                self._client.delete(_name(space), selector, wait=True)

    def count(self, schema: str, space: str, match: Match) -> int:
        with _transport_errors():
            if not self._exists(space):
                return 0
            return int(self._client.count(_name(space), count_filter=_filter(schema, match), exact=True).count)

    def search(
        self, schema: str, space: str, query: SparseVector | list[float], match: Match, limit: int
    ) -> list[Found]:
        with _transport_errors():
            if not self._exists(space):
                return []
            if isinstance(query, SparseVector):
                vector: Any = models.SparseVector(indices=query.indices, values=query.values)
                # idf over this workspace's points alone: others' vocabulary must not weigh here.
                params = models.SearchParams(idf=models.IdfCorpusParams(corpus=_filter(schema, Match())))
            else:
                vector, params = query, None
            found = self._client.query_points(
                _name(space),
                vector,
                using=WORDS if isinstance(query, SparseVector) else DENSE,
                query_filter=_filter(schema, match),
                limit=limit,
                search_params=params,
            )
        return [Found(str(point.id), float(point.score), point.payload or {}) for point in found.points]

    def drop(self, schema: str, space: str) -> None:
        # The collection stays: others have points in it, or will.
        self.delete(schema, space, Match())

    def drop_tenant(self, schema: str) -> None:
        with _transport_errors():
            selector = models.FilterSelector(filter=_filter(schema, Match()))
            for collection in self._client.get_collections().collections:
                self._client.delete(collection.name, selector, wait=True)

    def close(self) -> None:
        self._client.close()

    def _exists(self, space: str) -> bool:
        if space not in self._known and self._client.collection_exists(_name(space)):
            self._known.add(space)
        return space in self._known

    def _create(self, space: str, dimensions: int) -> None:
        name = _name(space)
        dense = {DENSE: models.VectorParams(size=dimensions, distance=models.Distance.COSINE)} if dimensions else {}
        with self._lock:
            if self._exists(space):
                return
            self._client.create_collection(
                name,
                vectors_config=dense,
                sparse_vectors_config={WORDS: models.SparseVectorParams(modifier=models.Modifier.IDF)},
                # No graph over all workspaces: every query has a tenant.
                hnsw_config=models.HnswConfigDiff(m=0, payload_m=16),
            )
            tenant = models.KeywordIndexParams(type=models.KeywordIndexType.KEYWORD, is_tenant=True)
            self._client.create_payload_index(name, "tenant", tenant)
            self._client.create_payload_index(name, "document_id", models.PayloadSchemaType.KEYWORD)
            self._client.create_payload_index(name, "version", models.PayloadSchemaType.INTEGER)
            self._known.add(space)


def _name(space: str) -> str:
    return f"kb__{space}"


def _struct(row: Row) -> models.PointStruct:
    vector: dict[str, Any] = {WORDS: models.SparseVector(indices=row.words.indices, values=row.words.values)}
    if row.dense is not None:
        vector[DENSE] = row.dense
    return models.PointStruct(id=row.id, vector=vector, payload=dict(row.payload))


def _filter(schema: str, match: Match) -> models.Filter:
    must: list[Any] = [models.FieldCondition(key="tenant", match=models.MatchValue(value=schema))]
    if match.document_ids is not None:
        wanted = models.MatchAny(any=list(match.document_ids))
        must.append(models.FieldCondition(key="document_id", match=wanted))
    if match.version is not None:
        must.append(models.FieldCondition(key="version", match=models.MatchValue(value=match.version)))
    kept: list[Any] = []
    if match.except_version is not None:
        kept.append(models.FieldCondition(key="version", match=models.MatchValue(value=match.except_version)))
    return models.Filter(must=must, must_not=kept)


@contextmanager
def _transport_errors() -> Iterator[None]:
    """Only what the transport says becomes Unavailable; our own mistakes stay what they are."""
    try:
        yield
    except (ResponseHandlingException, UnexpectedResponse, OSError) as error:
        log.warning("index_unavailable", error=str(error)[:300])
        raise Unavailable(_("The index did not answer. Try again in a minute."), code="index_unavailable") from error
