"""A visit to a site: its pages one after the other, each a row, so that a visit broken off goes on where it stopped.

A page whose visible text has not changed costs one request and nothing else. A changed one is a new version of its document,
the old version being found until the new one is indexed. One that two visits in a row did not find is removed.
"""

import hashlib
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import structlog
from django.db import transaction
from django.utils import timezone

from knowledge.crawl.addresses import is_page, is_same_site, normal_url
from knowledge.crawl.robots import Robots, RobotsUnavailable, fetch_robots
from knowledge.crawl.sitemap import addresses_of
from knowledge.extract.errors import ExtractionError
from knowledge.extract.page import PageScan
from knowledge.extract.sandbox import scan_in_sandbox
from knowledge.models import Source, SourcePage
from knowledge.services.documents import Duplicate, add_page, delete_document, renew_page
from knowledge.services.fetching import FetchFailed, as_utf8, fetch_address, name_of
from knowledge.services.sources import due_sources, record_change
from omnisupport.lib.errors import AppError, NotFound
from omnisupport.lib.http import Fetched

log = structlog.get_logger(__name__)

State, PageState = Source.State, SourcePage.State
# After this many seconds the worker's thread is given back; the rest of the visit is another task.
SLICE = 45.0
MISSES = 2
_WITH_TEXT = (PageState.ADDED, PageState.CHANGED, PageState.UNCHANGED)
_TYPES = (
    "text/html", "application/xhtml+xml", "text/plain", "text/markdown", "text/csv", "application/pdf", "application/xml",
    "text/xml", "application/vnd.openxmlformats-officedocument", "application/octet-stream", "application/gzip",
    "application/x-gzip",
)  # fmt: skip


class Superseded(Exception):
    """Somebody else visits this site now, or it was deleted."""


class _Skip(Exception):
    """The page is left out; `code` and `details` as in knowledge.errors."""

    def __init__(self, code: str, **details: Any) -> None:
        super().__init__(code)
        self.code = code
        self.details = details


@dataclass
class _Visit:
    """The claim on one site. Every write goes through it, so that a lost claim stops the work."""

    source: Source
    claim: uuid.UUID
    robots: Robots = field(default_factory=Robots)

    def update(self, **fields: Any) -> None:
        """Raises Superseded."""
        for name, value in fields.items():
            setattr(self.source, name, value)
        with transaction.atomic():
            mine = Source.objects.filter(id=self.source.id, claim=self.claim)
            if not mine.update(touched_at=timezone.now(), **fields):
                raise Superseded
            if "state" in fields:
                record_change(self.source)

    @property
    def pages(self) -> Any:
        return SourcePage.objects.filter(source=self.source)

    @property
    def queue(self) -> Any:
        return self.pages.filter(run=self.source.run, state=PageState.FOUND).order_by("depth", "id")


def visit_source(source_id: uuid.UUID, *, seconds: float = SLICE) -> str:
    """Visits pages for so many seconds. Returns the state of the site then (`running`: there is more), "" for nothing to do."""
    visit = _claim(source_id)
    if visit is None:
        return ""
    deadline = time.monotonic() + seconds
    try:
        if visit.source.state != State.RUNNING:
            _begin(visit)
        visit.robots = fetch_robots(visit.source.url)
        if not visit.source.is_sitemap:
            _enqueue(visit, [url for found in visit.robots.sitemaps if (url := normal_url(found))], depth=0)
        while (page := visit.queue.first()) is not None:
            if time.monotonic() > deadline:
                visit.update(claim=None)
                return State.RUNNING
            _visit_page(visit, page)
            time.sleep(visit.robots.pause)
        _finish(visit)
    except Superseded:
        log.info("visit_superseded", source=str(source_id))
        return ""
    except RobotsUnavailable as error:
        _end(visit, State.FAILED, "fetch_status", {"status": error.status})
    except AppError as error:
        _end(visit, State.FAILED, "fetch_failed", {"reason": str(error)})
    return str(visit.source.state)


def _claim(source_id: uuid.UUID) -> _Visit | None:
    claim = uuid.uuid4()
    if not due_sources().order_by().filter(id=source_id).update(claim=claim, touched_at=timezone.now()):
        return None
    return _Visit(Source.objects.get(id=source_id), claim)


def _begin(visit: _Visit) -> None:
    visit.update(state=State.RUNNING, run=visit.source.run + 1, done=0, total=1, error="", error_details={})
    _enqueue(visit, [visit.source.url], depth=0)


def _enqueue(visit: _Visit, urls: list[str], *, depth: int) -> None:
    """Those of this site that robots.txt allows, until the limit; the first page comes in any case, to say what is wrong."""
    source = visit.source
    wanted = dict.fromkeys(urls)
    known = {page.url: page for page in visit.pages.filter(url__in=list(wanted)).only("url", "run")}
    room = source.max_pages - visit.pages.filter(run=source.run).exclude(state=PageState.SITEMAP).count()
    new: list[SourcePage] = []
    again: list[int] = []
    for url in wanted:
        page = known.get(url)
        if page is not None and page.run == source.run:
            continue
        if url != source.url and not (is_same_site(url, source.url) and visit.robots.allows(url)):
            continue
        if len(new) + len(again) >= room:
            visit.update(error="page_limit", error_details={"limit": source.max_pages})
            break
        if page is None:
            new.append(SourcePage(source=source, url=url, depth=depth, run=source.run))
        else:
            again.append(page.id)
    SourcePage.objects.filter(id__in=again).update(run=source.run, state=PageState.FOUND, depth=depth)
    SourcePage.objects.bulk_create(new, ignore_conflicts=True)


def _visit_page(visit: _Visit, page: SourcePage) -> None:
    page.error, page.error_details = "", {}
    try:
        page.state = _read(visit, page)
    except _Skip as skip:
        page.state, page.error, page.error_details = PageState.SKIPPED, skip.code, skip.details
    except (FetchFailed, ExtractionError) as error:
        is_gone = error.code == "fetch_status" and error.details.get("status") in {404, 410}
        page.state = PageState.GONE if is_gone else PageState.FAILED
        page.error, page.error_details = error.code, error.details
    page.visited_at = timezone.now()
    if page.state in _WITH_TEXT:
        page.missed = 0
    counted = visit.pages.filter(run=visit.source.run)
    with transaction.atomic():
        visit.update(done=counted.exclude(state=PageState.FOUND).count() + 1, total=counted.count())
        page.save()


def _read(visit: _Visit, page: SourcePage) -> str:
    """The page's new state. Raises _Skip, FetchFailed, ExtractionError."""
    if not visit.robots.allows(page.url):
        raise _Skip("robots")
    fetched = fetch_address(page.url)
    # Its scan may take as long as the request did.
    visit.update()
    _refuse_elsewhere(visit, page, fetched)
    addresses = addresses_of(fetched.body)
    if addresses is not None:
        if page.url == visit.source.url:
            visit.update(is_sitemap=True)
        _enqueue(visit, [url for found in addresses if (url := normal_url(found, page.url))], depth=page.depth + 1)
        return PageState.SITEMAP
    mime = fetched.headers.get("content-type", "text/html").partition(";")[0].strip().lower()
    if not mime.startswith(_TYPES):
        raise _Skip("content_type", type=mime[:100])
    body = as_utf8(fetched)
    fingerprint = hashlib.sha256(body).hexdigest()
    if "html" in mime:
        scan = _scan(body)
        fingerprint = scan.fingerprint
        _follow(visit, page, scan)
        if not scan.may_index:
            raise _Skip("noindex")
    return _keep(visit, page, body, fingerprint)


def _refuse_elsewhere(visit: _Visit, page: SourcePage, fetched: Fetched) -> None:
    """What a redirect led to is read under its own address, if it belongs to the site."""
    final = normal_url(fetched.url)
    if final == page.url:
        return
    if not is_same_site(final, visit.source.url):
        raise _Skip("offsite", url=final)
    _enqueue(visit, [final], depth=page.depth)
    raise _Skip("redirect", url=final)


def _scan(body: bytes) -> PageScan:
    with TemporaryDirectory(prefix="knowledge-") as folder:
        path = Path(folder) / "page.html"
        path.write_bytes(body)
        return scan_in_sandbox(path)


def _follow(visit: _Visit, page: SourcePage, scan: PageScan) -> None:
    if scan.may_follow and not visit.source.is_sitemap and page.depth < visit.source.max_depth:
        links = [url for link in scan.links if (url := normal_url(link, page.url)) and is_page(url)]
        _enqueue(visit, links, depth=page.depth + 1)


def _keep(visit: _Visit, page: SourcePage, body: bytes, fingerprint: str) -> str:
    if page.is_excluded:
        raise _Skip("excluded")
    if page.document_id and page.fingerprint == fingerprint:
        return PageState.UNCHANGED
    twin = visit.pages.filter(fingerprint=fingerprint).exclude(id=page.id).exclude(document=None).first()
    if twin is not None:
        raise _Skip("duplicate", title=twin.url)
    filename = name_of(page.url)
    try:
        if page.document_id:
            renew_page(page.document_id, body, filename=filename)
            state = PageState.CHANGED
        else:
            page.document = add_page(page.url, body, filename=filename)
            state = PageState.ADDED
    except Duplicate as error:
        raise _Skip("duplicate", title=error.title) from error
    except NotFound as error:  # deleted while we were reading
        raise Superseded from error
    page.fingerprint = fingerprint
    return state


def _finish(visit: _Visit) -> None:
    source = visit.source
    first = visit.pages.get(url=source.url)
    if first.state in (PageState.FAILED, PageState.GONE) or (first.error == "robots" and not first.document_id):
        # A site that is down or locked up has lost no page.
        _end(visit, State.FAILED, first.error, first.error_details)
        return
    failed = visit.pages.filter(run=source.run, state=PageState.FAILED).count()
    _miss(visit, is_complete=not failed and source.error != "page_limit")
    visit.pages.filter(document=None, run__lt=source.run).exclude(is_excluded=True).delete()
    if not visit.pages.exclude(document=None).exists():
        _end(visit, State.FAILED, "no_pages", {})
    elif failed and not source.error:
        _end(visit, State.READY, "pages_failed", {"count": failed})
    else:
        _end(visit, State.READY, source.error, source.error_details)


def _miss(visit: _Visit, *, is_complete: bool) -> None:
    """Counts the documents whose pages were not there. Where not all pages were read, what was not reached may still be."""
    run = visit.source.run
    lost = visit.pages.exclude(document=None)
    for page in lost.exclude(run=run, state__in=(*_WITH_TEXT, PageState.FAILED)):
        if page.run < run and not is_complete:
            continue
        page.missed += 1
        page.save(update_fields=["missed"])
        if page.missed >= MISSES and page.document_id:
            delete_document(page.document_id)
            page.delete()


def _end(visit: _Visit, state: str, error: str, details: dict[str, Any]) -> None:
    try:
        visit.update(state=state, error=error, error_details=details, claim=None, synced_at=timezone.now())
    except Superseded:
        return
