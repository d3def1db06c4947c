"""Entry points of the worker: load by id, call one service, wake what follows."""

import threading
from typing import Any
from uuid import UUID

import structlog
from celery import shared_task

from knowledge import index
from knowledge.models import Document, Source
from knowledge.search import search_passages
from knowledge.services.documents import erase_document
from knowledge.services.filling import fill_space
from knowledge.services.ingest import ingest_document, waiting_documents
from knowledge.services.reconcile import check_documents
from knowledge.services.sources import due_sources
from knowledge.services.spaces import drop_left_spaces, target_space
from knowledge.services.visit import visit_source
from omnisupport.lib.errors import AppError, Unavailable
from tenants.sweeper import Sweep
from tenants.tasking import tenant_task, wake

log = structlog.get_logger(__name__)

# Reading is CPU work in child processes: more at once would starve searches and answers on the same machine.
_slots = threading.BoundedSemaphore(2)
# A visit mostly waits for its site: one at a time leaves the other threads to documents.
_visits = threading.BoundedSemaphore(1)
# Filling a space waits for its provider, in the same way.
_fillings = threading.BoundedSemaphore(1)


@tenant_task(queue="assistant", ignore_result=False)
def search_task(query: str, limit: int, document_ids: list[str] | None = None) -> dict[str, Any]:
    """A SearchResult as JSON, or {"error": {"code", "message"}}."""
    try:
        ids = [UUID(id) for id in document_ids] if document_ids is not None else None
        return search_passages(query, limit, ids).to_json()
    except AppError as error:
        return {"error": {"code": error.code, "message": str(error)}}


@tenant_task(queue="ingestion", expires=300)
def ingest_document_task(document_id: str) -> str:
    """One document; then wakes itself for the next one that waits. Where all slots are taken the sweeper comes back."""
    if not _slots.acquire(blocking=False):
        return "busy"
    try:
        state = ingest_document(UUID(document_id))
    except Unavailable as error:
        log.warning("ingestion_postponed", document=document_id, error=str(error))
        return "postponed"
    finally:
        _slots.release()
    following = waiting_documents().first()
    if following is not None:
        wake(ingest_document_task, str(following))
    elif target_space() is not None:
        wake(fill_space_task)
    return state


@tenant_task(queue="ingestion")
def delete_vectors_task(document_id: str) -> bool:
    """The rest of a deletion: vectors, file, row."""
    return erase_document(UUID(document_id))


@tenant_task(queue="ingestion", expires=20)
def sweep_documents() -> None:
    for document_id in waiting_documents()[:2]:
        wake(ingest_document_task, str(document_id), expires=20)
    for document_id in Document.objects.filter(state=Document.State.DELETING).values_list("id", flat=True)[:20]:
        wake(delete_vectors_task, str(document_id), expires=20)


@tenant_task(queue="ingestion", expires=20)
def check_documents_task() -> int:
    return check_documents()


@tenant_task(queue="ingestion", expires=300)
def visit_source_task(source_id: str) -> str:
    """A slice of a visit; then wakes itself for the next one, and the reading of what came."""
    if not _visits.acquire(blocking=False):
        return "busy"
    try:
        state = visit_source(UUID(source_id))
    finally:
        _visits.release()
    if state == Source.State.RUNNING:
        wake(visit_source_task, source_id)
    following = waiting_documents().first()
    if following is not None:
        wake(ingest_document_task, str(following))
    return state


@tenant_task(queue="ingestion", expires=20)
def sweep_sources() -> None:
    for source_id in due_sources().values_list("id", flat=True)[:1]:
        wake(visit_source_task, str(source_id), expires=20)


@tenant_task(queue="ingestion", expires=60)
def fill_space_task() -> str:
    """A slice of the vectors; then wakes itself for the next one. Where others are at it the sweeper comes back."""
    if not _fillings.acquire(blocking=False):
        return "busy"
    try:
        goes_on = fill_space()
    finally:
        _fillings.release()
    if goes_on:
        wake(fill_space_task)
    return "goes on" if goes_on else "rests"


@tenant_task(queue="ingestion", expires=20)
def sweep_spaces() -> None:
    drop_left_spaces()
    wake(fill_space_task, expires=20)


@shared_task(ignore_result=True)
def drop_vectors_task(schema: str) -> None:
    """After a workspace was removed. Not a tenant's task: its schema is gone."""
    index.drop_tenant(schema)


SWEEPS = (
    Sweep(
        name="sources",
        condition="SELECT 1 FROM {schema}.knowledge_source WHERE"
        " (state = 'waiting' AND touched_at < now() - interval '5 s') OR"
        " (state = 'running' AND ((claim IS NULL AND touched_at < now() - interval '5 s')"
        " OR touched_at < now() - interval '120 s')) OR"
        " (state IN ('ready', 'failed') AND synced_at < now() - interval '1 day')",
        task="knowledge.tasks.sweep_sources",
    ),
    Sweep(
        name="spaces",
        condition="SELECT 1 FROM {schema}.knowledge_space WHERE due_at < now()",
        task="knowledge.tasks.sweep_spaces",
    ),
    Sweep(
        name="documents_to_check",
        condition="SELECT 1 FROM {schema}.knowledge_document WHERE state IN ('ready', 'partly_ready')"
        " AND (checked_at IS NULL OR checked_at < now() - interval '1 day')",
        task="knowledge.tasks.check_documents_task",
    ),
    Sweep(
        name="documents",
        condition="SELECT 1 FROM {schema}.knowledge_document WHERE"
        " (state IN ('uploaded', 'deleting') AND touched_at < now() - interval '5 s') OR"
        " (state IN ('reading', 'splitting', 'indexing') AND"
        " ((claim IS NULL AND touched_at < now() - interval '20 s') OR touched_at < now() - interval '60 s'))",
        task="knowledge.tasks.sweep_documents",
    ),
)
