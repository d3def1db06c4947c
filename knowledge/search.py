"""Finding the passages that answer a question. Runs where the index is open: in a worker (see knowledge.remote)."""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any
from uuid import UUID

import structlog
from django.db.models import F

from knowledge import index
from knowledge.confidence import RELEVANCE_FLOOR, confidence_of, word_weights
from knowledge.embeddings import current_embedder
from knowledge.encoding import encode_query
from knowledge.models import Chunk, Document
from knowledge.services.reconcile import suspect_index
from omnisupport.lib.errors import Unavailable
from tenants.names import current_schema

log = structlog.get_logger(__name__)

MAX_QUERY = 1000
MAX_LIMIT = 50
# Reciprocal rank fusion: flat enough that one leg's first place does not decide alone.
_RRF = 60


@dataclass(frozen=True)
class Passage:
    """`score` orders passages of one search; it says nothing between searches. `url` is empty for uploaded files."""

    chunk_id: int
    document_id: str
    title: str
    heading_path: str
    page: int | None
    anchor: str
    url: str
    text: str
    score: float


@dataclass(frozen=True)
class SearchResult:
    """`confidence` below RELEVANCE_FLOOR means: the answer is not here. `timings` in ms. `legs`: what was searched."""

    passages: list[Passage] = field(default_factory=list)
    confidence: float = 0.0
    legs: list[str] = field(default_factory=list)
    timings: dict[str, float] = field(default_factory=dict)

    @property
    def is_relevant(self) -> bool:
        return self.confidence >= RELEVANCE_FLOOR

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "SearchResult":
        return cls(**{**data, "passages": [Passage(**passage) for passage in data["passages"]]})


def search_passages(query: str, limit: int = 8, document_ids: Sequence[UUID] | None = None) -> SearchResult:
    """The best passages of this workspace, best first. Raises Unavailable when the index does not answer."""
    started = time.perf_counter()
    query, limit = " ".join(query.split())[:MAX_QUERY], max(1, min(limit, MAX_LIMIT))
    words = encode_query(query)
    if not words.indices:
        return SearchResult()
    space, dense = _dense_query(query)
    encoded = time.perf_counter()
    # More than asked for: a version that is being replaced, and the same text in two documents, fall out.
    hits = index.search(
        current_schema(), words, max(30, 3 * limit), dense=dense, document_ids=document_ids, space=space
    )
    if not hits.words:
        suspect_index()
    found = time.perf_counter()
    scores = _fused(hits)
    chunks = _live_chunks(list(scores))
    passages = _passages(chunks, scores)[:limit]
    confidence = _confidence(query, hits, chunks)
    done = time.perf_counter()
    return SearchResult(
        passages=passages,
        confidence=confidence,
        legs=["words", "dense"] if dense else ["words"],
        timings={
            "encode": _ms(encoded - started),
            "index": _ms(found - encoded),
            "load": _ms(done - found),
            "total": _ms(done - started),
        },
    )


def _dense_query(query: str) -> tuple[str, list[float] | None]:
    """The space to search and the question's vector; words alone where the provider is silent or indexing lags behind."""
    embedder = current_embedder()
    if embedder is None or not Document.objects.filter(space=embedder.space).exists():
        return index.WORDS, None
    try:
        return embedder.space, embedder.embed([query], "query")[0]
    except Unavailable as error:
        log.warning("dense_leg_missing", space=embedder.space, error=str(error))
        return embedder.space, None


def _fused(hits: index.Hits) -> dict[int, float]:
    """chunk id → score, best first."""
    if not hits.dense:
        return {hit.chunk_id: hit.score for hit in hits.words}
    scores: dict[int, float] = {}
    for leg in (hits.words, hits.dense):
        for rank, hit in enumerate(leg):
            scores[hit.chunk_id] = scores.get(hit.chunk_id, 0) + 1 / (_RRF + rank)
    return dict(sorted(scores.items(), key=lambda item: -item[1]))


def _live_chunks(ids: list[int]) -> dict[int, Chunk]:
    """PostgreSQL decides what exists: vectors of deleted or older versions may linger for a moment."""
    live = Chunk.objects.filter(id__in=ids, version=F("document__version")).exclude(
        document__state=Document.State.DELETING
    )
    return {chunk.id: chunk for chunk in live.select_related("document")}


def _passages(chunks: dict[int, Chunk], scores: dict[int, float]) -> list[Passage]:
    seen: set[str] = set()
    passages = []
    for chunk_id, score in scores.items():
        chunk = chunks.get(chunk_id)
        if chunk is None or chunk.content_hash in seen:
            continue
        seen.add(chunk.content_hash)
        passages.append(_passage(chunk, score))
    return passages


def _passage(chunk: Chunk, score: float) -> Passage:
    document = chunk.document
    url = f"{document.url}#{chunk.anchor}" if document.url and chunk.anchor else document.url
    return Passage(
        chunk_id=chunk.id,
        document_id=str(document.id),
        title=document.title,
        heading_path=chunk.heading_path,
        page=chunk.page,
        anchor=chunk.anchor,
        url=url,
        text=chunk.text,
        score=round(score, 4),
    )


def _confidence(query: str, hits: index.Hits, chunks: dict[int, Chunk]) -> float:
    best = next((hit for hit in hits.words if hit.chunk_id in chunks), None)
    if best is None:
        return 0.0
    return confidence_of(word_weights(query), chunks[best.chunk_id].terms, best.score)


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 1)
