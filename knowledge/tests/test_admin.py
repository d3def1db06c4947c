"""The knowledge base in the workspace's admin."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from knowledge import admin as knowledge_admin
from knowledge.models import Document
from knowledge.search import search_passages
from knowledge.tests import files
from omnisupport.lib.errors import Unavailable

LIST = "/admin/knowledge/document/"


@pytest.fixture
def client(shop):
    browser = shop.client(shop.admin)
    browser.cookies["language"] = "en"
    return browser


def named(name: str, data: bytes | str) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, data.encode() if isinstance(data, str) else data)


def test_several_files_are_added_at_once(client):
    uploads = [named("delivery.md", files.DELIVERY_MD), named("guarantee.md", files.GUARANTEE_MD)]
    assert client.post(LIST + "add/", {"uploads": uploads}).status_code == 302
    assert set(Document.objects.values_list("filename", flat=True)) == {"delivery.md", "guarantee.md"}


def test_one_bad_file_does_not_stop_the_others(client):
    uploads = [named("photo.png", b"\x89PNG\r\n\x1a\n" + bytes(range(256))), named("delivery.md", files.DELIVERY_MD)]
    answer = client.post(LIST + "add/", {"uploads": uploads}, follow=True)
    assert "cannot be read" in answer.content.decode()
    assert Document.objects.get().filename == "delivery.md"


@pytest.mark.parametrize("form", [{}, {"url": "http://127.0.0.1/"}, {"url": "nonsense"}])
def test_nothing_and_bad_addresses_come_back_with_a_reason(client, form):
    answer = client.post(LIST + "add/", form)
    assert answer.status_code == 400 and "errorlist" in answer.content.decode()
    assert Document.objects.count() == 0


def test_the_list_shows_state_counters_and_what_went_wrong(client, add):
    add(files.pdf("", picture_on=(1,)), "scan.pdf")
    busy = add(files.DELIVERY_MD)
    Document.objects.filter(id=busy.id).update(state="indexing", done=3, total=12)
    page = client.get(LIST).content.decode()
    assert "Indexing: 3 of 12" in page and "OCR" in page


def test_the_page_of_a_document_links_to_its_passages_and_file(client, add):
    document = add(files.DELIVERY_MD)
    page = client.get(f"{LIST}{document.id}/change/").content.decode()
    assert f"/knowledge/documents/{document.id}/file" in page
    passages = client.get("/admin/knowledge/chunk/", {"document__id__exact": str(document.id)}).content.decode()
    assert "Казань | 450 ₽" in passages


def test_a_document_is_replaced(client, add):
    document = add(files.DELIVERY_MD)
    url = f"{LIST}{document.id}/replace/"
    assert client.get(url).status_code == 200
    assert client.post(url, {"file": named("new.md", files.GUARANTEE_MD)}).status_code == 302
    document.refresh_from_db()
    assert (document.state, document.filename) == ("uploaded", "new.md")


def test_index_again_and_delete_for_many(client, add):
    ids = [str(add(text).id) for text in (files.DELIVERY_MD, files.GUARANTEE_MD)]
    client.post(LIST, {"action": "reindex_selected", "_selected_action": ids})
    assert set(Document.objects.values_list("state", flat=True)) == {"uploaded"}
    asked = client.post(LIST, {"action": "delete_selected", "_selected_action": ids})
    assert "Are you sure" in asked.content.decode()
    client.post(LIST, {"action": "delete_selected", "_selected_action": ids, "post": "yes"})
    assert set(Document.objects.values_list("state", flat=True)) == {"deleting"}
    assert "In all: 0" in client.get(LIST).content.decode()


def test_the_search_page_shows_passages_scores_and_confidence(client, add, monkeypatch):
    add(files.DELIVERY_MD)
    monkeypatch.setattr(knowledge_admin, "search_in_worker", search_passages)
    page = client.get(LIST + "search/", {"q": "сколько стоит доставка в Казань"}).content.decode()
    assert "Казань | 450 ₽" in page and "score" in page and "Confidence" in page
    assert "Below the floor" in client.get(LIST + "search/", {"q": "погода в Париже"}).content.decode()


def test_the_search_page_says_when_nobody_answers(client, monkeypatch):
    def silent(*_args):
        raise Unavailable("The search did not answer.")

    monkeypatch.setattr(knowledge_admin, "search_in_worker", silent)
    assert "The search did not answer." in client.get(LIST + "search/", {"q": "доставка"}).content.decode()


def test_agents_have_no_way_in(shop, add):
    document = add(files.DELIVERY_MD)
    agent = shop.client(shop.agent)
    for url in (LIST, LIST + "add/", LIST + "search/", f"{LIST}{document.id}/replace/", "/admin/knowledge/chunk/"):
        assert agent.get(url).status_code == 302
