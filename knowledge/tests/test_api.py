"""REST of the knowledge base: uploads, states, search; who may do what; clear refusals."""

import time
import uuid

import pytest
from celery.contrib.testing.worker import start_worker
from django.core.files.uploadedfile import SimpleUploadedFile

from knowledge import remote
from knowledge.models import Document
from knowledge.tests import files
from omnisupport.celery import app

URL = "/api/v1/documents/"


def upload(client, data: bytes | str, filename: str = "page.md", **fields):
    body = data.encode() if isinstance(data, str) else data
    return client.post(URL, {"file": SimpleUploadedFile(filename, body), **fields})


@pytest.fixture
def worker(live_shop):
    queues = ["default", "ingestion", "assistant"]
    with start_worker(app, pool="threads", concurrency=4, queues=queues, perform_ping_check=False):
        yield


def wait_for(condition):
    deadline = time.monotonic() + 20
    while not (found := condition()):
        assert time.monotonic() < deadline, "the worker did not come to it"
        time.sleep(0.05)
    return found


def test_from_upload_to_answer_and_out_again(worker, live_shop):
    admin, agent = live_shop.client(live_shop.admin), live_shop.client(live_shop.agent)
    created = upload(admin, files.returns_pdf(), "returns.pdf")
    assert (created.status_code, created.json()["state"], created.json()["error"]) == (201, "uploaded", None)
    one = f"{URL}{created.json()['id']}/"
    document = wait_for(lambda: (d := agent.get(one).json())["state"] == "ready" and d)
    assert (document["title"], document["kind"], document["pages"]) == ("Возврат и обмен", "pdf", 4)
    assert document["done"] == document["total"] == document["chunk_count"]
    chunks = agent.get(one + "chunks/").json()["results"]
    assert [chunk["number"] for chunk in chunks] == list(range(1, document["chunk_count"] + 1))

    found = agent.get("/api/v1/search/", {"q": "за сколько дней вернуть товар", "limit": 2}).json()
    assert found["relevant"] is True and len(found["passages"]) == 2
    assert "14 дней" in found["passages"][0]["text"]
    assert found["passages"][0]["document_id"] == document["id"]

    assert admin.delete(one).status_code == 204
    assert agent.get(one).status_code == 404
    assert agent.get("/api/v1/search/", {"q": "за сколько дней вернуть товар"}).json()["passages"] == []
    wait_for(lambda: not Document.objects.exists())


def test_the_same_file_again_is_answered_with_what_is_there(shop):
    client = shop.client(shop.admin)
    first = upload(client, files.DELIVERY_MD)
    again = upload(client, files.DELIVERY_MD, "copy.md")
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["id"] == again.json()["id"]


@pytest.mark.parametrize(
    ("data", "filename", "status", "code"),
    [
        (b"x" * 2001, "big.txt", 413, "too_large"),
        (b"", "empty.pdf", 400, "empty"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "a.png", 415, "unsupported"),
    ],
)
def test_uploads_that_cannot_be_read_are_refused_with_a_reason(shop, settings, data, filename, status, code):
    settings.MAX_UPLOAD_BYTES = 2000
    answer = upload(shop.client(shop.admin), data, filename)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert answer.json()["error"]["message"]
    assert Document.objects.count() == 0


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"url": ""},
        {"url": "http://10.0.0.1/"},
        {"url": "file:///etc/passwd"},
        {"url": "x" * 3000},
        {"file": "not a file"},
    ],
)
def test_nonsense_gets_400(shop, body):
    answer = shop.client(shop.admin).post(URL, body, content_type="application/json")
    assert answer.status_code == 400 and answer.json()["error"]["message"]
    assert Document.objects.count() == 0


def test_a_page_is_added_by_its_address(shop):
    answer = shop.client(shop.admin).post(
        URL, {"url": "https://shop.example/delivery", "title": "Доставка"}, content_type="application/json"
    )
    assert answer.status_code == 201
    assert (answer.json()["origin"], answer.json()["title"]) == ("url", "Доставка")


def test_agents_read_and_only_admins_write(shop, add):
    one = f"{URL}{add(files.DELIVERY_MD).id}/"
    agent, stranger = shop.client(shop.agent), shop.client()
    assert agent.get(URL).json()["results"][0]["title"] == "Доставка"
    assert agent.get(one).status_code == agent.get(one + "chunks/").status_code == 200
    assert upload(agent, "text").status_code == 403
    for answer in (agent.delete(one), agent.post(one + "reindex/"), agent.post(one + "replace/")):
        assert answer.status_code == 403
    assert {stranger.get(url).status_code for url in (URL, one, "/api/v1/search/?q=x")} <= {401, 403}


def test_a_workspace_sees_nothing_of_another(shop, rival, add):
    document = add(files.DELIVERY_MD)
    client = rival.client(rival.admin)
    assert client.get(URL).json()["results"] == []
    one = f"{URL}{document.id}/"
    answers = [client.get(one), client.delete(one), client.post(one + "reindex/"), client.get(one + "chunks/")]
    assert [answer.status_code for answer in answers] == [404] * 4
    assert client.get(f"/knowledge/documents/{document.id}/file").status_code == 404
    document.refresh_from_db()
    assert document.state == "ready"


def test_replace_and_reindex_start_the_document_over(shop, add):
    one = f"{URL}{add(files.DELIVERY_MD).id}/"
    client = shop.client(shop.admin)
    answer = client.post(one + "replace/", {"file": SimpleUploadedFile("new.md", files.GUARANTEE_MD.encode())})
    assert (answer.status_code, answer.json()["state"], answer.json()["filename"]) == (202, "uploaded", "new.md")
    assert client.post(one + "reindex/").status_code == 202
    assert client.post(f"{URL}{uuid.uuid4()}/reindex/").status_code == 404


def test_errors_of_a_document_come_with_code_and_sentence(shop, add):
    document = add(files.pdf("", picture_on=(1,)), "scan.pdf")
    error = shop.client(shop.agent).get(f"{URL}{document.id}/").json()["error"]
    assert error["code"] == "ocr_needed" and "OCR" in error["message"]


@pytest.mark.parametrize("query", [{}, {"q": ""}, {"q": "x", "limit": 0}, {"q": "x", "limit": "a"}, {"q": "x" * 2000}])
def test_search_refuses_nonsense(shop, query):
    assert shop.client(shop.agent).get("/api/v1/search/", query).status_code == 400


def test_search_without_a_worker_says_so(shop, monkeypatch):
    monkeypatch.setattr(remote.search_task, "apply_async", _no_broker)
    answer = shop.client(shop.agent).get("/api/v1/search/", {"q": "доставка"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "search_unavailable")


def _no_broker(*_args, **_kwargs):
    raise OSError("no broker")


def test_the_list_costs_the_same_for_one_and_three_documents(shop, add, django_assert_num_queries):
    client = shop.client(shop.agent)
    add("one")
    client.get(URL)
    with django_assert_num_queries(4) as one:
        client.get(URL)
    add("two")
    add("three")
    with django_assert_num_queries(len(one)):
        assert len(client.get(URL).json()["results"]) == 3


def test_the_file_behind_a_citation_is_a_download_for_agents(shop, add):
    document = add(files.DELIVERY_HTML, "delivery.html")
    url = f"/knowledge/documents/{document.id}/file"
    answer = shop.client(shop.agent).get(url)
    assert answer["Content-Disposition"].startswith("attachment")
    assert answer["Content-Type"] == "application/octet-stream"
    assert b"".join(answer.streaming_content).decode() == files.DELIVERY_HTML
    assert shop.client().get(url).status_code == 302
