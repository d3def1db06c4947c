"""Sites as sources of documents: added, read again, removed. The visit itself is `services/visit.py`."""

from datetime import timedelta
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from knowledge.crawl.addresses import normal_url
from knowledge.models import Document, Source
from knowledge.services.documents import delete_document
from omnisupport.lib.errors import InvalidInput, NotFound
from omnisupport.lib.http import check_url
from tenants.accounts.models import User
from tenants.events.log import record

State = Source.State
MAX_PAGES, MAX_DEPTH = 2000, 10
VISIT_EVERY = timedelta(days=1)
# A page takes 20 seconds at most, its scan and a pause as well; an older claim belongs to a dead worker.
STALE_AFTER = timedelta(seconds=120)


def add_source(url: str, *, max_pages: int = 200, max_depth: int = 3, user: User | None = None) -> tuple[Source, bool]:
    """A site that a worker will read. A known address is read again: then (the existing one, False). Raises InvalidInput."""
    check_url(url.strip())
    url = normal_url(url)
    if not url:
        raise InvalidInput(_("This address is too long."), field="url")
    if not (1 <= max_pages <= MAX_PAGES and 0 <= max_depth <= MAX_DEPTH):
        raise InvalidInput(
            _("From 1 to %(pages)s pages, and at most %(depth)s links deep.")
            % {"pages": MAX_PAGES, "depth": MAX_DEPTH},
            field="max_pages",
        )
    source = Source(url=url, max_pages=max_pages, max_depth=max_depth, created_by=user)
    try:
        with transaction.atomic():
            source.save()
            record_change(source, user)
    except IntegrityError:
        known = Source.objects.get(url=url)
        Source.objects.filter(id=known.id).update(max_pages=max_pages, max_depth=max_depth)
        return request_visit(known.id, user=user), False
    return source, True


def request_visit(source_id: UUID, *, user: User | None = None) -> Source:
    """Reads the site anew; a visit that runs goes on instead. Raises NotFound."""
    with transaction.atomic():
        source = get_source(source_id, lock=True)
        if source.state != State.RUNNING:
            source.state, source.claim, source.touched_at = State.WAITING, None, timezone.now()
            source.save()
            record_change(source, user)
    return source


def delete_source(source_id: UUID, *, user: User | None = None) -> list[UUID]:
    """With all its documents, whose ids are returned: their vectors are a worker's to remove. Raises NotFound."""
    with transaction.atomic():
        source = get_source(source_id, lock=True)
        documents = Document.objects.filter(id__in=source.pages.values("document_id")).exclude(state="deleting")
        ids = list(documents.values_list("id", flat=True))
        for document_id in ids:
            delete_document(document_id, user=user)
        source.delete()
    return ids


def get_source(source_id: UUID, *, lock: bool = False) -> Source:
    """Raises NotFound."""
    rows = Source.objects.select_for_update(of=("self",)) if lock else Source.objects.all()
    source = rows.filter(id=source_id).first()
    if source is None:
        raise NotFound(_("There is no such site."))
    return source


def due_sources() -> QuerySet[Source]:
    """Those that somebody should visit, longest waiting first; a day after the last visit it is time again."""
    now = timezone.now()
    finished = Q(state__in=(State.READY, State.FAILED), synced_at__lt=now - VISIT_EVERY)
    left = Q(state=State.RUNNING) & (Q(claim=None) | Q(touched_at__lt=now - STALE_AFTER))
    return Source.objects.filter(Q(state=State.WAITING) | left | finished).order_by("touched_at")


def record_change(source: Source, user: User | None = None) -> None:
    payload = {"source_id": str(source.id), "state": source.state, "done": source.done, "total": source.total}
    record("source.changed", actor_id=user.id if user else None, payload=payload)
