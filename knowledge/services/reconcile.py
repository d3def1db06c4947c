"""Keeping the index in step with PostgreSQL, which is the truth: a lost folder or a restored backup heals by itself."""

from datetime import timedelta

import structlog
from django.db import connection
from django.db.models import Q
from django.utils import timezone

from knowledge import index
from knowledge.models import Chunk, Document, Word
from knowledge.services.documents import reindex_document
from knowledge.services.ingest import learn_words
from knowledge.services.spaces import live_space, wake_filling
from tenants.names import current_schema

log = structlog.get_logger(__name__)

State = Document.State
CHECK_EVERY = timedelta(days=1)
_SUSPICION_PAUSE = timedelta(minutes=10)
_SEARCHABLE = (State.READY, State.PARTLY_READY)


def suspect_index() -> None:
    """A search found nothing at all, not even a piece of a word: have every document looked at, if that was not just done."""
    before = timezone.now() - _SUSPICION_PAUSE
    Document.objects.filter(state__in=_SEARCHABLE, checked_at__lt=before).update(checked_at=None)


def check_documents(limit: int = 50) -> int:
    """Indexes again what the index has lost or has too much of. Returns how many documents that were."""
    due = Q(checked_at=None) | Q(checked_at__lt=timezone.now() - CHECK_EVERY)
    documents = Document.objects.filter(due, state__in=_SEARCHABLE).order_by("checked_at")[:limit]
    space = live_space()
    wrong = 0
    for document in documents:
        held = index.count(current_schema(), space.name, document_id=document.id)
        if held == document.chunk_count:
            Document.objects.filter(id=document.id).update(checked_at=timezone.now())
            continue
        log.warning("index_out_of_step", document=str(document.id), held=held, expected=document.chunk_count)
        reindex_document(document.id)
        wrong += 1
    if documents:
        _bring_words_up_to_date()
        wake_filling()
    return wrong


def _bring_words_up_to_date() -> None:
    """Spellings that no passage has any longer are forgotten; passages of before there were any are learnt from."""
    if not Word.objects.exists():
        learn_words(Chunk.objects.values_list("text", flat=True).iterator())
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM knowledge_word WHERE NOT EXISTS"
            " (SELECT 1 FROM knowledge_chunk WHERE terms @> ARRAY[knowledge_word.stem::text])"
        )
