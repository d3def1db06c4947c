"""A document's life: uploaded, read, split, indexed, found; replaced, failed, resumed, deleted."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection
from django.utils import timezone

from knowledge import index
from knowledge.models import Chunk, Document
from knowledge.search import search_passages
from knowledge.services import ingest
from knowledge.services.documents import (
    add_document,
    add_url,
    delete_document,
    erase_document,
    get_document,
    replace_document,
)
from knowledge.services.ingest import ingest_document, waiting_documents
from knowledge.tests import files
from omnisupport.lib.errors import Conflict, InvalidInput, NotFound, TooLarge, Unavailable, Unsupported
from tenants.db import tenant_context
from tenants.events.models import Event


def upload(data: bytes | str, filename: str = "page.md", **fields):
    body = data.encode() if isinstance(data, str) else data
    return add_document(ContentFile(body, name=filename), filename=filename, **fields)


def best(question: str) -> str:
    return search_passages(question).passages[0].text


@pytest.mark.parametrize(
    ("data", "filename", "question", "answer"),
    [
        (files.returns_pdf(), "returns.pdf", "за сколько дней можно вернуть товар", "14 дней"),
        (files.contract_docx(), "contract.docx", "сколько действует счёт", "пять дней"),
        (files.DELIVERY_HTML, "delivery.html", "сколько стоит доставка в Казань", "Казань | 450 ₽"),
        (files.GUARANTEE_MD, "guarantee.md", "гарантия на утюг", "Утюг | 24 месяца"),
    ],
)
def test_each_kind_of_file_answers_a_question(shop, add, data, filename, question, answer):
    document = add(data, filename)
    assert (document.state, document.error, document.claim) == ("ready", "", None)
    assert document.done == document.total == document.chunk_count == index.count(shop.schema) > 0
    assert answer in best(question)


def test_every_state_is_in_the_event_log_with_counters(shop, add):
    document = add(files.returns_pdf(), "returns.pdf", user=shop.admin)
    events = Event.objects.filter(type="document.changed").order_by("id")
    states = [event.payload["state"] for event in events]
    assert list(dict.fromkeys(states)) == ["uploaded", "reading", "splitting", "indexing", "ready"]
    last = events.last()
    assert last.payload == {
        "document_id": str(document.id),
        "state": "ready",
        "done": document.chunk_count,
        "total": document.chunk_count,
    }
    assert events.first().actor == shop.admin


def test_a_document_names_itself_unless_a_person_did(shop, add):
    assert add(files.DELIVERY_MD).title == "Доставка"
    assert add(files.GUARANTEE_MD, "g.md", title="Наша гарантия").title == "Наша гарантия"


def test_the_same_file_twice_is_one_document(shop, add):
    first = add(files.DELIVERY_MD)
    again, is_new = upload(files.DELIVERY_MD, "copy.html")
    assert (again.id, is_new, Document.objects.count()) == (first.id, False, 1)


def test_the_same_file_from_ten_people_at_once_is_one_document(live_shop):
    def send(n: int) -> None:
        with tenant_context(live_shop.schema):
            upload(files.DELIVERY_MD, f"{n}.html")
        connection.close()

    with ThreadPoolExecutor(5) as pool:
        list(pool.map(send, range(10)))
    assert Document.objects.count() == 1
    kept = [name for folder in default_storage.listdir("")[0] for name in default_storage.listdir(folder)[1]]
    assert len(kept) == 1


def test_uploads_that_are_refused_at_the_door(shop, settings):
    settings.MAX_UPLOAD_BYTES = 1000
    for data, filename, error in (
        (b"x" * 1001, "a.txt", TooLarge),
        (b"", "a.pdf", InvalidInput),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "a.png", Unsupported),
        (b"MZ" + bytes(range(256)), "a.exe", Unsupported),
    ):
        with pytest.raises(error):
            upload(data, filename)
    assert Document.objects.count() == 0


def test_a_failure_is_kept_as_an_honest_sentence(shop, add):
    document = add(files.pdf("", picture_on=(1,)), "scan.pdf")
    assert (document.state, document.error) == ("failed", "ocr_needed")
    assert "OCR" in document.message
    assert Chunk.objects.count() == index.count(shop.schema) == 0


def test_unread_pages_make_it_partly_ready(shop, add):
    document = add(files.pdf("First page about delivery", "", "", "Last", picture_on=(2, 3)), "mixed.pdf")
    assert (document.state, document.error_details) == ("partly_ready", {"pages": "2–3"})
    assert "delivery" in best("delivery")


def test_a_failed_file_uploaded_again_gets_another_try(shop, add, monkeypatch):
    with monkeypatch.context() as broken:
        broken.setattr(ingest, "extract_with_recognition", _failing("timeout", seconds=60))
        assert add(files.DELIVERY_MD).state == "failed"
    assert add(files.DELIVERY_MD).state == "ready"


def _failing(code, **details):
    def fail(*_args, **_kwargs):
        raise ingest.ExtractionError(code, **details)

    return fail


def test_a_new_version_replaces_the_old_without_a_gap(shop, add, monkeypatch):
    document = add(files.DELIVERY_MD)
    newer = files.DELIVERY_MD.replace("450 ₽", "550 ₽")
    replace_document(document.id, ContentFile(newer.encode(), name="new.html"), filename="new.html")
    assert "450 ₽" in best("доставка в Казань")  # until the new one is indexed
    monkeypatch.setattr(ingest, "_publish", _checking(ingest._publish, lambda: "450 ₽" in best("доставка в Казань")))
    ingest_document(document.id)
    document.refresh_from_db()
    assert (document.version, document.state) == (2, "ready")
    assert "550 ₽" in best("доставка в Казань")
    assert Chunk.objects.filter(version=1).count() == 0
    assert index.count(shop.schema) == document.chunk_count


def _checking(function, condition):
    def checked(*args):
        assert condition()
        return function(*args)

    return checked


def test_a_new_version_that_fails_leaves_the_old_one_in_the_search(shop, add):
    document = add(files.DELIVERY_MD)
    scan = files.pdf("", picture_on=(1,))
    replace_document(document.id, ContentFile(scan, name="scan.pdf"), filename="scan.pdf")
    ingest_document(document.id)
    document.refresh_from_db()
    assert (document.state, document.version) == ("failed", 1)
    assert "450 ₽" in best("доставка в Казань")


def test_replacing_by_what_another_document_has_is_a_conflict(shop, add):
    add(files.DELIVERY_MD)
    other = add(files.GUARANTEE_MD, "g.md")
    with pytest.raises(Conflict):
        replace_document(other.id, ContentFile(files.DELIVERY_MD.encode(), name="x"), filename="x.html")


def test_deleting_takes_rows_vectors_and_file(shop, add):
    document = add(files.DELIVERY_MD)
    name = document.file.name
    delete_document(document.id, user=shop.admin)
    assert search_passages("доставка в Казань").passages == []  # at once, whatever the index still has
    with pytest.raises(NotFound):
        get_document(document.id)
    assert erase_document(document.id)
    assert index.count(shop.schema) == Document.objects.count() == Chunk.objects.count() == 0
    assert not default_storage.exists(name)
    assert not erase_document(document.id)


def test_a_deleted_file_may_be_uploaded_again_before_it_is_erased(shop, add):
    first = add(files.DELIVERY_MD)
    delete_document(first.id)
    second, is_new = upload(files.DELIVERY_MD)
    assert is_new and second.id != first.id


def test_a_document_deleted_while_it_is_indexed_leaves_nothing(shop, monkeypatch):
    document, _ = upload(files.DELIVERY_MD)

    def delete_meanwhile(*args):
        delete_document(document.id)
        erase_document(document.id)
        return upsert(*args)

    upsert = index.upsert_chunks
    monkeypatch.setattr(index, "upsert_chunks", delete_meanwhile)
    assert ingest_document(document.id) == ""
    assert index.count(shop.schema) == Document.objects.count() == 0


def test_of_many_workers_one_gets_the_document(live_shop, monkeypatch):
    document, _ = upload(files.DELIVERY_MD)
    worked = []
    monkeypatch.setattr(ingest, "_read_and_split", lambda work: worked.append(work))
    monkeypatch.setattr(ingest, "_index", lambda work: None)
    monkeypatch.setattr(ingest, "_publish", lambda work, space: None)

    def work(_n: int) -> None:
        with tenant_context(live_shop.schema):
            ingest_document(document.id)
        connection.close()

    Document.objects.filter(id=document.id).update(state="uploaded")
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(8)))
    # The state stays `uploaded` while the steps are stubs, so later claims are new ones; none ran beside another.
    assert len({item.claim for item in worked}) == len(worked)


def test_a_worker_that_died_while_indexing_is_continued_where_it_stopped(shop, monkeypatch):
    text = "".join(f"# Вопрос {n}\n{'Ответ на него довольно длинный. ' * 12}\n" for n in range(100))
    document, _ = upload(text)
    upserted = []
    upsert = index.upsert_chunks

    def count_and_die(schema, points, *space):
        if upserted:
            raise KeyboardInterrupt
        upserted.append(len(points))
        return upsert(schema, points, *space)

    monkeypatch.setattr(index, "upsert_chunks", count_and_die)
    with pytest.raises(KeyboardInterrupt):
        ingest_document(document.id)
    document.refresh_from_db()
    assert (document.state, document.done) == ("indexing", 64)
    assert ingest_document(document.id) == ""  # its claim is still fresh

    monkeypatch.setattr(index, "upsert_chunks", lambda *args: (upserted.append(len(args[1])), upsert(*args)))
    monkeypatch.setattr(ingest, "extract_with_recognition", _failing("unreadable"))  # must not be read again
    Document.objects.update(touched_at=timezone.now() - timedelta(minutes=5))
    assert list(waiting_documents()) == [document.id]
    assert ingest_document(document.id) == "ready"
    document.refresh_from_db()
    assert sum(upserted) == document.chunk_count == index.count(shop.schema)


def test_an_index_that_does_not_answer_is_tried_again_and_then_said(shop, monkeypatch):
    document, _ = upload(files.DELIVERY_MD)

    def silent(*_args, **_kwargs):
        raise Unavailable("no answer")

    monkeypatch.setattr(index, "upsert_chunks", silent)
    for attempt in range(1, ingest.MAX_ATTEMPTS + 1):
        with pytest.raises(Unavailable):
            ingest_document(document.id)
        document.refresh_from_db()
        assert document.attempts == attempt
        Document.objects.update(touched_at=timezone.now() - timedelta(minutes=5))
    assert (document.state, document.error) == ("failed", "unavailable")
    assert list(waiting_documents()) == []


def test_a_file_that_kills_its_workers_is_given_up(shop):
    document, _ = upload(files.DELIVERY_MD)
    Document.objects.update(attempts=ingest.MAX_ATTEMPTS)
    assert ingest_document(document.id) == "failed"
    document.refresh_from_db()
    assert document.error == "unreadable"


# ---- Pages given by address --------------------------------------------------------------------------------------------


@pytest.fixture
def site(settings):
    """A site of the shop: path → (status, content type, body)."""
    pages = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            status, mime, body = pages.get(self.path, (404, "text/plain", b"no"))
            self.send_response(status)
            self.send_header("Content-Type", mime)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    host = f"127.0.0.1:{server.server_port}"
    settings.OUTBOUND_ALLOWED_HOSTS = [host]
    yield SimpleNamespace(url=f"http://{host}", pages=pages)
    server.shutdown()
    server.server_close()


def test_a_page_is_fetched_and_cited_by_its_address_and_anchor(shop, site):
    site.pages["/delivery"] = (200, "text/html; charset=cp1251", files.DELIVERY_HTML.encode("cp1251", "replace"))
    document, is_new = add_url(f"{site.url}/delivery#cost", user=shop.admin)
    assert (is_new, document.url, ingest_document(document.id)) == (True, f"{site.url}/delivery", "ready")
    passage = search_passages("сколько стоит доставка в Казань").passages[0]
    assert (passage.title, passage.url) == ("Доставка", f"{site.url}/delivery#delivery")


def test_a_page_added_again_is_fetched_again(shop, site):
    site.pages["/a"] = (200, "text/plain", b"old price of delivery")
    document, _ = add_url(f"{site.url}/a")
    ingest_document(document.id)
    site.pages["/a"] = (200, "text/plain", b"new price of delivery")
    again, is_new = add_url(f"{site.url}/a")
    assert (again.id, is_new, ingest_document(document.id)) == (document.id, False, "ready")
    assert best("price of delivery") == "new price of delivery"


def test_a_page_that_cannot_be_fetched_says_why(shop, site, settings):
    document, _ = add_url(f"{site.url}/missing")
    ingest_document(document.id)
    document.refresh_from_db()
    assert (document.state, document.error, document.error_details) == ("failed", "fetch_status", {"status": 404})
    assert "404" in document.message
    for url in (
        "http://127.0.0.1/",
        "file:///etc/passwd",
        "http://169.254.169.254/latest",
        "ftp://example.com",
        "nonsense",
    ):
        with pytest.raises(InvalidInput):
            add_url(url)


def test_a_page_with_the_text_of_another_document_is_kept_once(shop, site, add):
    add("price of delivery")
    site.pages["/a"] = (200, "application/octet-stream", b"price of delivery")
    document, _ = add_url(f"{site.url}/a")
    ingest_document(document.id)
    document.refresh_from_db()
    assert document.error == "duplicate"
