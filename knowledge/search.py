"""Finding the passages that answer a question. Runs where the index is open: in a worker (see knowledge.remote)."""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any
from uuid import UUID

import structlog
from django.db import connection
from django.utils.translation import gettext as _

from knowledge import index
from knowledge.confidence import RELEVANCE_FLOOR, confidence_of
from knowledge.embeddings import embedder_of
from knowledge.encoding import encode_query
from knowledge.help_centre.markdown import anchor_of
from knowledge.help_centre.queries import public_links
from knowledge.models import Chunk, Document, Space
from knowledge.question import Question, understand
from knowledge.services.reconcile import suspect_index
from knowledge.services.spaces import live_space
from knowledge.tokens import tokens_of
from omnisupport.lib.errors import Unavailable
from tenants.names import current_schema

log = structlog.get_logger(__name__)

MAX_QUERY = 1000
MAX_LIMIT = 50
# Passages that are looked at for what else their documents say.
_DEPTH = 100
# A document is supported by this many further passages, by a share of what they score above so much of its best one. Of a
# document of four passages it is half of _SUPPORT, of a longer one more: in a short one they say the same once more.
_SUPPORTERS, _SUPPORT, _ABOVE, _HALF = 4, 0.5, 0.55, 4
# Each further passage of a document stands so much lower, for the sake of other documents.
_FURTHER = 0.7
_LIVE_TERMS_SQL = """
SELECT chunk.id, ARRAY(SELECT term FROM unnest(chunk.terms) AS its(term) WHERE term = ANY(%s)), document.space,
  document.chunk_count
FROM knowledge_chunk AS chunk JOIN knowledge_document AS document ON document.id = chunk.document_id
WHERE chunk.id = ANY(%s) AND chunk.version = document.version AND document.state <> %s
"""
# An answer is worth waiting so long for the question's vector; then words alone are searched.
VECTOR_SECONDS = 1.5


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
    """`confidence` below RELEVANCE_FLOOR means: the answer is not here. `timings` in ms. `legs`: what was searched.

    `meaning`: who made the question's vector, in how many ms, for how many tokens and roubles, and `error`, a sentence, where
    words alone had to be searched; empty where the workspace has chosen no model.
    `repaired`: words of the question as written → as searched. `synonyms`: the workspace's groups that were used.
    """

    passages: list[Passage] = field(default_factory=list)
    confidence: float = 0.0
    legs: list[str] = field(default_factory=list)
    meaning: dict[str, Any] = field(default_factory=dict)
    repaired: dict[str, str] = field(default_factory=dict)
    synonyms: list[str] = field(default_factory=list)
    timings: dict[str, float] = field(default_factory=dict)

    @property
    def is_relevant(self) -> bool:
        return self.confidence >= RELEVANCE_FLOOR

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "SearchResult":
        return cls(**{**data, "passages": [Passage(**passage) for passage in data["passages"]]})


def search_passages(
    query: str, limit: int = 8, document_ids: Sequence[UUID] | None = None, *, by_meaning: bool = True
) -> SearchResult:
    """The best passages of this workspace, best first. Raises Unavailable when the index does not answer.

    `by_meaning` False: words alone, whatever the workspace has chosen.
    """
    started = time.perf_counter()
    query, limit = " ".join(query.split())[:MAX_QUERY], max(1, min(limit, MAX_LIMIT))
    if not tokens_of(query):
        return SearchResult()
    question = understand(query)
    words = encode_query(question.text, question.others)
    understood = time.perf_counter()
    space = live_space()
    by_vector = by_meaning and space.dimensions > 0
    dense, share, meaning = _vector_of(query, space) if by_vector else (None, 0.0, {})
    encoded = time.perf_counter()
    # More than asked for: a version that is being replaced, and the same text in two documents, fall out.
    depth = max(_DEPTH, 3 * limit)
    hits = index.search(current_schema(), words, depth, dense=dense, document_ids=document_ids, space=space.name)
    if not hits.words:
        suspect_index()
    found = time.perf_counter()
    live = _live([hit.chunk_id for hit in (*hits.words, *hits.dense)], question.stems)
    hits.words = [hit for hit in hits.words if hit.chunk_id in live]
    scores = _fused(question, hits, live, {id for id, chunk in live.items() if chunk.space != space.name}, share)
    passages = _passages(scores, limit)
    done = time.perf_counter()
    if dense:
        # What the words find best may stand so low by meaning that nobody sees it: then it is no reason to be sure.
        shown = {passage.chunk_id for passage in passages}
        hits.words = [hit for hit in hits.words if hit.chunk_id in shown]
    return SearchResult(
        passages=passages,
        confidence=_confidence(question, hits.words, live),
        legs=["words", "dense"] if dense else ["words"],
        meaning=meaning,
        repaired=question.repaired,
        synonyms=question.synonyms,
        timings={
            "understand": _ms(understood - started),
            "encode": _ms(encoded - understood),
            "index": _ms(found - encoded),
            "load": _ms(done - found),
            "total": _ms(done - started),
        },
    )


def _vector_of(query: str, space: Space) -> tuple[list[float] | None, float, dict[str, Any]]:
    """The question's vector, if it comes in time, its share in the order, and what the receipt says of it."""
    embedder, started = embedder_of(space.name), time.perf_counter()
    if embedder is None:
        return None, 0.0, {
            "model": space.name, "tokens": 0, "cost": 0.0, "code": "no_embedder", "ms": 0.0,
            "error": _("The model of these vectors is no longer set up."),
        }  # fmt: skip
    told: dict[str, Any] = {"model": embedder.title, "tokens": 0, "cost": 0.0, "error": "", "code": ""}
    vector = None
    try:
        made = embedder.embed([query], "query", VECTOR_SECONDS)
        told |= {"tokens": made.tokens, "cost": made.cost}
        if len(made.vectors[0]) != space.dimensions:
            raise Unavailable(_("The model made vectors of another size than it said."), code="wrong_dimensions")
        vector = made.vectors[0]
    except Unavailable as error:
        log.warning("dense_leg_missing", space=space.name, code=error.code)
        told |= {"error": str(error), "code": error.code}
    return vector, embedder.share, {**told, "ms": _ms(time.perf_counter() - started)}


@dataclass(frozen=True)
class _Live:
    """A passage that still exists: the wanted stems that it has, the space and the number of passages of its document."""

    terms: list[str]
    space: str
    passages: int


def _live(ids: list[int], wanted: list[str]) -> dict[int, _Live]:
    """PostgreSQL decides what exists: vectors of deleted or older versions may linger for a moment."""
    with connection.cursor() as cursor:
        cursor.execute(_LIVE_TERMS_SQL, [wanted, ids, Document.State.DELETING])
        return {id: _Live(*row) for id, *row in cursor.fetchall()}


def _fused(
    question: Question, hits: index.Hits, live: dict[int, _Live], without_vectors: set[int], share: float
) -> dict[int, float]:
    """chunk id → score, best first. What has no vector yet is not behind for that: its words count for both legs.

    Legs meet by their scores, so that the one that is sure decides; by ranks alone a weak one spoils a good one.
    """
    documents = {hit.chunk_id: hit.document_id for hit in hits.words}
    words = _best_first({hit.chunk_id: hit.score + question.covered_by(live[hit.chunk_id].terms) for hit in hits.words})
    words = _best_first(_supported(words, documents, live))
    if not hits.dense:
        return words
    by_words = _shares(words, lowest=0.0)
    cosines = {hit.chunk_id: hit.score for hit in hits.dense if hit.chunk_id in live}
    by_meaning = _shares(cosines, lowest=min(cosines.values(), default=0.0))
    by_meaning |= {chunk_id: value for chunk_id, value in by_words.items() if chunk_id in without_vectors}
    return _best_first(
        {
            chunk_id: (1 - share) * by_words.get(chunk_id, 0) + share * by_meaning.get(chunk_id, 0)
            for chunk_id in by_words.keys() | by_meaning.keys()
        }
    )


def _shares(scores: dict[int, float], lowest: float) -> dict[int, float]:
    """0 for the lowest, 1 for the best: so the scores of two legs may be added."""
    span = max(scores.values(), default=0.0) - lowest
    return {chunk_id: (score - lowest) / span if span else 1.0 for chunk_id, score in scores.items()}


def _supported(scores: dict[int, float], documents: dict[int, UUID], live: dict[int, _Live]) -> dict[int, float]:
    """A document several of whose passages fit is more about the question than one that mentions it."""
    by_document: dict[UUID, list[int]] = {}
    for chunk_id in scores:
        by_document.setdefault(documents[chunk_id], []).append(chunk_id)
    supported = {}
    for chunks in by_document.values():
        best, size = scores[chunks[0]], live[chunks[0]].passages
        support = sum(max(0.0, scores[chunk_id] / best - _ABOVE) for chunk_id in chunks[1 : 1 + _SUPPORTERS])
        support *= _SUPPORT * size / (size + _HALF)
        for place, chunk_id in enumerate(chunks):
            supported[chunk_id] = scores[chunk_id] * (1 + support) * _FURTHER**place
    return supported


def _best_first(scores: dict[int, float]) -> dict[int, float]:
    return dict(sorted(scores.items(), key=lambda item: -item[1]))


def _passages(scores: dict[int, float], limit: int) -> list[Passage]:
    """The first `limit` of different content."""
    # Enough for a few copies; where there are more, all are looked at.
    for ids in (list(scores)[: 2 * limit], list(scores)):
        chunks = Chunk.objects.defer("terms").select_related("document").in_bulk(ids)
        different = {chunks[id].content_hash: chunks[id] for id in reversed(ids) if id in chunks}
        if len(different) >= limit or len(ids) == len(scores):
            break
    shown = sorted(different.values(), key=lambda chunk: -scores[chunk.id])[:limit]
    articles = {chunk.document_id for chunk in shown if chunk.document.origin == Document.Origin.ARTICLE}
    links = public_links(articles)
    return [_passage(chunk, scores[chunk.id], links.get(chunk.document_id, "")) for chunk in shown]


def _passage(chunk: Chunk, score: float, public_link: str) -> Passage:
    """`public_link`: of the page in the help centre, where each section has an anchor of its own."""
    document = chunk.document
    section = chunk.heading_path.rpartition(" › ")[2] if public_link else ""
    anchor = chunk.anchor or (anchor_of(section) if section else "")
    url = document.url or public_link
    url = f"{url}#{anchor}" if url and anchor else url
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


def _confidence(question: Question, hits: list[index.Hit], live: dict[int, _Live]) -> float:
    """Of the best score and of the passage that has most of the question."""
    if not hits:
        return 0.0
    fullest = max(hits, key=lambda hit: hit.score + question.covered_by(live[hit.chunk_id].terms))
    return confidence_of(question, live[fullest.chunk_id].terms, hits[0].score)


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 1)
