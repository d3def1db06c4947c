"""A document on its way into the search: fetched, read, split, indexed, published.

Every step is a row: whoever holds the claim works; a new file or another worker after a crash takes the claim away, and the
next step of the old one finds out. The new version is indexed beside the live one; publishing switches and cleans up.
"""

import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import structlog
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from knowledge import chunking, index
from knowledge.encoding import terms_of
from knowledge.errors import page_ranges
from knowledge.extract.elements import Extraction
from knowledge.extract.errors import ExtractionError
from knowledge.models import Chunk, Document, Space, Word
from knowledge.passages import findable, points_of
from knowledge.services.documents import event_payload
from knowledge.services.fetching import FetchFailed, fetch_page
from knowledge.services.recognition import extract_with_recognition
from knowledge.services.spaces import forget_points, live_space, lock_live_space, wake_filling
from knowledge.spelling import is_word, shortened
from knowledge.tokens import tokens_of
from omnisupport.lib.errors import Unavailable
from omnisupport.lib.stems import stem
from tenants.events.log import record
from tenants.names import current_schema

log = structlog.get_logger(__name__)

State = Document.State
# The child that reads gives a sign of life every few seconds: an older claim belongs to a dead worker.
STALE_AFTER = timedelta(seconds=60)
# After a dependency did not answer.
RETRY_AFTER = timedelta(seconds=20)
MAX_ATTEMPTS = 5
_BATCH = 64
_MAX_TERM = 64


class Superseded(Exception):
    """Somebody else works on this document now, or it was replaced or deleted."""


@dataclass
class _Work:
    """The claim on one document. Every write goes through it, so that a lost claim stops the work."""

    document: Document
    claim: uuid.UUID
    last_event: float = 0.0

    @property
    def version(self) -> int:
        return self.document.version + 1

    def update(self, **fields: Any) -> None:
        """Raises Superseded. A change of state is an event; counters are one at most every second."""
        new_state = fields.get("state", self.document.state) != self.document.state
        for name, value in fields.items():
            setattr(self.document, name, value)
        with transaction.atomic():
            mine = Document.objects.filter(id=self.document.id, claim=self.claim)
            if not mine.update(touched_at=timezone.now(), **fields):
                raise Superseded
            if new_state or time.monotonic() - self.last_event > 1:
                self.last_event = time.monotonic()
                record("document.changed", payload=event_payload(self.document))

    def report(self, done: int, total: int) -> None:
        self.update(done=done, total=total)


def ingest_document(document_id: uuid.UUID) -> str:
    """Takes the document through all its states; returns the last one, "" when there was nothing to do.

    Raises Unavailable when the index or a provider did not answer; the document then waits for another attempt.
    """
    work = _claim(document_id)
    if work is None:
        return ""
    try:
        if work.document.attempts > MAX_ATTEMPTS:  # workers died over it
            raise ExtractionError("unreadable")
        if work.document.state != State.INDEXING or not _chunks(work).exists():
            _read_and_split(work)
        _publish(work, _index(work))
    except Superseded:
        _leave_nothing(work)
        return ""
    except (ExtractionError, FetchFailed) as error:
        _fail(work, error.code, error.details)
    except Unavailable:
        _try_later(work, "unavailable")
        raise
    except Exception:
        _try_later(work, "unreadable")
        raise
    return str(work.document.state)


def waiting_documents() -> Any:
    """Ids of documents that somebody should work on, oldest first."""
    waiting = Document.objects.filter(_waiting())
    return waiting.order_by("touched_at").values_list("id", flat=True)


def _waiting() -> Q:
    now = timezone.now()
    left = Q(claim=None, touched_at__lt=now - RETRY_AFTER) | Q(touched_at__lt=now - STALE_AFTER)
    return Q(state=State.UPLOADED) | Q(left, state__in=Document.WORKING)


def _claim(document_id: uuid.UUID) -> _Work | None:
    claim = uuid.uuid4()
    free = Document.objects.filter(_waiting(), id=document_id)
    if not free.update(claim=claim, touched_at=timezone.now(), attempts=F("attempts") + 1):
        return None
    return _Work(Document.objects.get(id=document_id), claim)


def _read_and_split(work: _Work) -> None:
    document = work.document
    work.update(state=State.READING, done=0, total=0, error="", error_details={})
    if document.origin == Document.Origin.URL:
        work.update(**fetch_page(document))
    with TemporaryDirectory(prefix="knowledge-") as folder:
        path = Path(folder) / "document"
        with document.file.open("rb") as source, path.open("wb") as copy:
            for piece in source.chunks():
                copy.write(piece)
        extraction = extract_with_recognition(path, document.filename, document.sha256, work.report)
    work.update(state=State.SPLITTING, done=0, total=0, **_description(document, extraction))
    pieces = chunking.split(extraction.elements)
    for piece in pieces:
        # The title stands before it wherever a path is shown or compared.
        piece.heading_path = piece.heading_path.removeprefix(extraction.title or "\0").removeprefix(" › ")
    _store_chunks(work, pieces)
    work.update(state=State.INDEXING, done=0, total=len(pieces))


def _description(document: Document, extraction: Extraction) -> dict[str, Any]:
    text = " ".join(element.text for element in extraction.elements[:200])
    found: dict[str, Any] = {
        "kind": extraction.kind,
        "pages": extraction.pages,
        "language": chunking.language_of(text),
    }
    if extraction.title and not document.title_is_given:
        found["title"] = extraction.title[:300]
    if extraction.unread_pages:
        found |= {"error": "pages_unread", "error_details": {"pages": page_ranges(extraction.unread_pages)}}
    return found


def _store_chunks(work: _Work, pieces: list[chunking.Piece]) -> None:
    document = work.document
    rows = [
        Chunk(
            document=document,
            version=work.version,
            number=number,
            heading_path=piece.heading_path,
            text=piece.text,
            page=piece.page,
            anchor=piece.anchor[:200],
            tokens=piece.tokens,
            language=piece.language,
            content_hash=piece.content_hash,
            terms=sorted({term[:_MAX_TERM] for term in terms_of(findable(document, piece))}),
        )
        for number, piece in enumerate(pieces, start=1)
    ]
    with transaction.atomic():
        work.update(total=len(rows))
        _chunks(work).delete()
        Chunk.objects.bulk_create(rows, batch_size=500)
    learn_words(findable(document, piece) for piece in pieces)


def learn_words(texts: Iterable[str]) -> None:
    """Spellings that typos are repaired to."""
    words = {token for text in texts for token in tokens_of(text) if is_word(token)}
    words -= set(Word.objects.filter(text__in=words).values_list("text", flat=True))
    # In one order, or two documents at once would wait for each other.
    rows = [Word(text=word, stem=stem(word), shortened=shortened(word)) for word in sorted(words)]
    Word.objects.bulk_create(rows, batch_size=1000, ignore_conflicts=True)


def _index(work: _Work) -> Space:
    """Words alone, so that it is found at once; goes on where a dead worker stopped, if the index agrees on where that was."""
    space = live_space()
    chunks = list(_chunks(work).order_by("number"))
    schema, document_id = current_schema(), work.document.id
    done = index.count(schema, space.name, document_id=document_id, version=work.version)
    if done > len(chunks) or done != work.document.done:
        # Points of an attempt with another text or into another space.
        index.delete_document(schema, document_id, only_version=work.version, space=space.name)
        done = 0
    for start in range(done, len(chunks), _BATCH):
        batch = chunks[start : start + _BATCH]
        index.upsert_chunks(schema, points_of(work.document, work.version, batch), space.name, space.dimensions)
        work.update(done=start + len(batch), total=len(chunks))
    return space


def _publish(work: _Work, space: Space) -> None:
    """Switches to the new version at once; what is left of the old one is then removed."""
    while not _switched(work, space):
        # Another space took the place of the one that was written into.
        space = _index(work)
    document = work.document
    index.delete_document(current_schema(), document.id, except_version=document.version, space=space.name)


def _switched(work: _Work, space: Space) -> bool:
    document, version = work.document, work.document.version + 1
    with transaction.atomic():
        live = lock_live_space()
        if live.name != space.name:
            return False
        work.update(
            state=State.PARTLY_READY if document.error else State.READY,
            version=version,
            space="" if live.dimensions else live.name,
            chunk_count=_chunks(work).count(),
            claim=None,
            attempts=0,
            checked_at=timezone.now(),
        )
        Chunk.objects.filter(document=document, version__lt=version).delete()
        wake_filling()
    return True


def _chunks(work: _Work) -> Any:
    return Chunk.objects.filter(document=work.document, version=work.version)


def _fail(work: _Work, code: str, details: dict[str, Any]) -> None:
    """The document says why; the version that was live before stays in the search."""
    try:
        with transaction.atomic():
            _chunks(work).delete()
            work.update(state=State.FAILED, error=code, error_details=details, claim=None)
    except Superseded:
        return


def _leave_nothing(work: _Work) -> None:
    """A document deleted meanwhile: its vectors went before our last ones came."""
    log.info("ingestion_superseded", document=str(work.document.id))
    if not Document.objects.filter(id=work.document.id).exclude(state=State.DELETING).exists():
        forget_points(work.document.id)


def _try_later(work: _Work, code: str) -> None:
    if work.document.attempts >= MAX_ATTEMPTS:
        _fail(work, code, {})
        return
    try:
        # Chunks and counters stay: the next attempt goes on from them.
        work.update(claim=None)
    except Superseded:
        return
