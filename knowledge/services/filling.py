"""Vectors for what is live: into the space that shall take the place of the live one, or into the live one for new documents.

Nothing waits for it: ingestion publishes a document with its words, and the search goes on where it is. Done in slices; what a
slice has paid for is kept (`Vector`), so the next one, or another worker after a crash, pays for nothing twice.
"""

import hashlib
import time
from array import array
from collections.abc import Sequence
from datetime import timedelta

import structlog
from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from knowledge import index
from knowledge.embeddings import Embedder, embedder_of
from knowledge.models import Chunk, Document, Space, Vector
from knowledge.passages import findable, points_of
from knowledge.services.spaces import (
    missing_documents,
    record_space,
    switch_if_complete,
    target_space,
)
from omnisupport.lib.errors import Unavailable
from tenants.models import Tenant
from tenants.names import current_schema

log = structlog.get_logger(__name__)

State = Space.State
# So much is asked at once: lost, when the provider fails in the middle of it.
_BATCH = 32
_BATCH_SECONDS = 60.0
# Longer than a batch may take: a space whose worker says nothing for so long is anybody's.
_LEASE = timedelta(seconds=90)
# After a failure; twice as long after the next one.
_PAUSE, _LONGEST_PAUSE, MAX_ATTEMPTS = 20, 600, 8


class _Overtaken(Exception):
    """The space is no longer what shall be filled."""


def fill_space(seconds: float = 20.0) -> bool:
    """A slice of the work. True: there is more to do at once."""
    space = _claim()
    if space is None:
        return False
    # What goes wrong is written down for the people of the workspace.
    with translation.override(Tenant.objects.values_list("language", flat=True).get(schema_name=current_schema())):
        return _fill_slice(space, time.monotonic() + seconds)


def _fill_slice(space: Space, until: float) -> bool:
    try:
        for document in missing_documents(space).order_by("created_at")[:500]:
            _fill(space, document)
            if time.monotonic() > until:
                break
    except _Overtaken:
        return True
    except Unavailable as error:
        _postpone(space, error)
        return False
    if switch_if_complete(space):
        log.info("space_complete", space=space.name)
        return False
    _change(space, due_at=timezone.now(), attempts=0, error="")
    return True


def _claim() -> Space | None:
    target = target_space()
    if target is None:
        return None
    due = Space.objects.filter(id=target.id, state=target.state, due_at__lte=timezone.now())
    return target if due.update(due_at=timezone.now() + _LEASE) else None


def _change(space: Space, **fields: object) -> None:
    """Raises _Overtaken."""
    if not Space.objects.filter(id=space.id, state=space.state).update(**fields):
        raise _Overtaken


def _postpone(space: Space, error: Unavailable) -> None:
    """The live space stays what it is, whatever happens here."""
    attempts = space.attempts + 1
    log.warning("space_not_filled", space=space.name, code=error.code, attempts=attempts)
    pause = timedelta(seconds=min(_LONGEST_PAUSE, _PAUSE * 2 ** (attempts - 1)))
    due_at = timezone.now() + pause if attempts < MAX_ATTEMPTS else None
    with transaction.atomic():
        Space.objects.filter(id=space.id, state=space.state).update(due_at=due_at, attempts=attempts, error=str(error))
        space.error = str(error)
        record_space(space)


def _fill(space: Space, document: Document) -> None:
    """Raises Unavailable, _Overtaken."""
    schema, version = current_schema(), document.version
    chunks = list(Chunk.objects.filter(document=document, version=version).order_by("number"))
    used: set[str] = set()
    for start in range(0, len(chunks), _BATCH):
        batch = chunks[start : start + _BATCH]
        vectors = None
        if space.dimensions:
            texts = [findable(document, chunk) for chunk in batch]
            used |= {_digest(text) for text in texts}
            vectors = _vectors(space, document, texts)
        index.upsert_chunks(schema, points_of(document, version, batch, vectors), space.name, space.dimensions)
        _change(space, due_at=timezone.now() + _LEASE, attempts=0)
        space.attempts = 0
    if space.state == State.FILLING:
        # Into the live one ingestion may be writing the next version at this moment.
        index.delete_document(schema, document.id, except_version=version, space=space.name)
    filled = Document.objects.filter(id=document.id, version=version).exclude(state=Document.State.DELETING)
    if not filled.update(space=space.name):
        # Deleted or replaced meanwhile: its points went before our last ones came.
        index.delete_document(schema, document.id, only_version=version, space=space.name)
    Vector.objects.filter(space=space, document=document).exclude(sha256__in=used).delete()


# ---- Vectors ---------------------------------------------------------------------------------------------------------


def _vectors(space: Space, document: Document, texts: Sequence[str]) -> list[list[float]]:
    """Kept ones, and new ones for the rest. Raises Unavailable."""
    digests = [_digest(text) for text in texts]
    kept = Vector.objects.filter(space=space, sha256__in=digests).values_list("sha256", "numbers")
    vectors = {digest: _unpacked(numbers) for digest, numbers in kept}
    missing = {digest: text for digest, text in zip(digests, texts, strict=True) if digest not in vectors}
    if missing:
        made = _embedder(space).embed(list(missing.values()), "doc", _BATCH_SECONDS).vectors
        if len(made) != len(missing) or any(len(vector) != space.dimensions for vector in made):
            raise Unavailable(_("The model made vectors of another size than it said."), code="wrong_dimensions")
        new = dict(zip(missing, made, strict=True))
        _keep(space, document, new)
        vectors |= new
    return [vectors[digest] for digest in digests]


def _embedder(space: Space) -> Embedder:
    embedder = embedder_of(space.name)
    if embedder is None:
        raise Unavailable(_("The model of these vectors is no longer set up."), code="no_embedder")
    return embedder


def _keep(space: Space, document: Document, vectors: dict[str, list[float]]) -> None:
    rows = [
        Vector(space=space, document=document, sha256=digest, numbers=array("f", vector).tobytes())
        for digest, vector in vectors.items()
    ]
    with transaction.atomic():
        document_is_there = Document.objects.select_for_update(no_key=True).filter(id=document.id)
        if document_is_there.exclude(state=Document.State.DELETING).exists():
            Vector.objects.bulk_create(rows, ignore_conflicts=True)


def _unpacked(numbers: bytes | memoryview) -> list[float]:
    return array("f", bytes(numbers)).tolist()


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
