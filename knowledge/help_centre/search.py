"""Looking through published articles: by the product's search in a worker or, where none answers, by words in PostgreSQL."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

import structlog
from django.db.models import F

from knowledge.help_centre.models import Article
from knowledge.help_centre.queries import published_articles
from knowledge.models import Chunk
from knowledge.remote import search_in_worker
from knowledge.stopwords import content_tokens
from knowledge.tokens import tokens_of
from omnisupport.lib.errors import Unavailable
from omnisupport.lib.stems import stem

log = structlog.get_logger(__name__)

MAX_QUERY = 200
_MOST = 10
# Several passages of one article are one hit.
_PASSAGES = 40
# A reader who waits longer has left.
_PATIENCE = 3.0
_EXCERPT, _BEFORE = 260, 60
_WORD = re.compile(r"\w+")
# Of a heading or a cell; a sentence and an item of a list have a sign of their own.
_LINE_END = re.compile(r"(?<=[\w»\")])\s*\n(?!\s*•)")


@dataclass(frozen=True)
class Hit:
    """`excerpt`: pieces of its text, and whether each is a word of the query."""

    article: Article
    section: str
    excerpt: list[tuple[str, bool]]


@dataclass(frozen=True)
class Found:
    """`is_sure` is false where the articles hardly answer the query, `is_full` where no more than words were compared."""

    hits: list[Hit] = field(default_factory=list)
    is_sure: bool = False
    is_full: bool = True
    repaired: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Place:
    document_id: UUID
    section: str
    text: str


def search_articles(query: str, language: str) -> Found:
    """Best first, one hit for both languages of an article: that of the reader's language where it has one."""
    query = " ".join(query.split())[:MAX_QUERY]
    articles = {article.document_id: article for article in published_articles()}
    if not articles or not tokens_of(query):
        return Found()
    try:
        result = search_in_worker(query, _PASSAGES, timeout=_PATIENCE, document_ids=list(articles))
    except Unavailable:
        log.warning("help_search_by_words_only")
        places = _places_by_words(query, list(articles))
        return Found(_hits(places, articles, _stems(query), language), is_sure=bool(places), is_full=False)
    places = [_Place(UUID(p.document_id), p.heading_path, p.text) for p in result.passages]
    wanted = _stems(" ".join([query, *result.repaired.values()]))
    return Found(_hits(places, articles, wanted, language), result.is_relevant, repaired=result.repaired)


def _places_by_words(query: str, document_ids: Sequence[UUID]) -> list[_Place]:
    """Those with most of the query's words first."""
    wanted = _stems(query)
    chunks = Chunk.objects.filter(
        document_id__in=document_ids, version=F("document__version"), terms__overlap=sorted(wanted)
    )
    rows = chunks.order_by("id").values_list("document_id", "heading_path", "text", "terms")[:1000]
    best = sorted(rows, key=lambda row: -len(wanted.intersection(row[3])))
    return [_Place(document_id, section, text) for document_id, section, text, _terms in best]


def _hits(places: Sequence[_Place], articles: dict[UUID, Article], wanted: frozenset[str], language: str) -> list[Hit]:
    preferred = {article.pair: article for article in articles.values() if article.language == language}
    hits: dict[UUID, Hit] = {}
    for place in places:
        found = articles.get(place.document_id)
        if found is None or found.pair in hits:
            continue
        shown = preferred.get(found.pair, found)
        hits[found.pair] = Hit(shown, place.section, _excerpt(place.text, wanted))
        if len(hits) == _MOST:
            break
    return list(hits.values())


def _stems(text: str) -> frozenset[str]:
    return frozenset(stem(token) for token in content_tokens(text))


def _excerpt(text: str, wanted: frozenset[str]) -> list[tuple[str, bool]]:
    """Around the first word that was looked for."""
    text = " ".join(_LINE_END.sub(" · ", text).split())
    words = [match.span() for match in _WORD.finditer(text) if _is_wanted(match[0], wanted)]
    start = max(0, words[0][0] - _BEFORE) if words else 0
    start = text.rfind(" ", 0, start) + 1 if start else 0
    end = len(text) if len(text) - start <= _EXCERPT else text.rfind(" ", start, start + _EXCERPT)
    end = end if end > start else start + _EXCERPT
    pieces, at = [("…" if start else "", False)], start
    for first, last in words:
        if at <= first and last <= end:
            pieces += [(text[at:first], False), (text[first:last], True)]
            at = last
    pieces.append((text[at:end] + ("…" if end < len(text) else ""), False))
    return [piece for piece in pieces if piece[0]]


def _is_wanted(word: str, wanted: frozenset[str]) -> bool:
    return any(stem(token) in wanted for token in tokens_of(word))
