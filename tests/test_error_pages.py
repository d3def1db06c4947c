"""What goes wrong is told in the reader's language, with a way on, and never with a trace."""

import pytest

from analytics import views
from omnisupport.lib.errors import TooLarge


@pytest.fixture(params=["ru", "en"])
def reader(request, shop):
    client = shop.client(shop.agent, HTTP_ACCEPT="text/html")
    client.cookies["language"] = request.param
    client.raise_request_exception = False
    client.language = request.param
    return client


def explain(answer, status: int) -> str:
    """The page, which must be whole and say something beside its title."""
    html = answer.content.decode()
    assert answer.status_code == status
    assert html.startswith("<!doctype html>") and 'href="/"' in html and "Traceback" not in html
    assert f'<html lang="{answer.client.language}"' in html
    assert "style=" not in html and "script-src 'self'" in answer["Content-Security-Policy"]
    return html


def test_a_page_that_is_not_there(reader):
    html = explain(reader.get("/nothing/"), 404)
    assert "There is no such page" in html or reader.language == "ru"


def test_a_page_for_others(reader):
    explain(reader.get("/admin/", follow=True), 403)


def test_a_request_without_sense(reader, settings):
    settings.DATA_UPLOAD_MAX_NUMBER_FIELDS = 2
    explain(reader.post("/accounts/me/", {"a": 1, "b": 2, "c": 3}), 400)


def test_a_form_that_was_open_too_long(reader):
    reader.handler.enforce_csrf_checks = True
    explain(reader.post("/accounts/me/", {"name": "x"}), 403)


def test_an_error_of_a_service(reader, monkeypatch):
    def refuse(*_args):
        raise TooLarge("Слишком большой файл.")

    monkeypatch.setattr(views.metrics, "counts", refuse)
    assert "Слишком большой файл." in explain(reader.get("/dashboard/"), 413)


def test_an_error_of_ours(reader, monkeypatch):
    def break_down(*_args):
        raise RuntimeError("secret detail")

    monkeypatch.setattr(views.metrics, "counts", break_down)
    assert "secret detail" not in explain(reader.get("/dashboard/"), 500)
