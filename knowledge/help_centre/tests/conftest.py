from collections.abc import Callable
from typing import Any

import pytest

from knowledge.help_centre import services
from knowledge.help_centre.models import Article
from knowledge.services.articles import write_article
from knowledge.services.ingest import ingest_document
from knowledge.tests.conftest import _no_recognition, _own_index  # noqa: F401


@pytest.fixture(autouse=True)
def _no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """No worker takes these calls; whoever searches says which one is there."""
    monkeypatch.setattr("knowledge.admin.wake", lambda *_args, **_options: True)


@pytest.fixture
def open_shop(shop: Any) -> Any:
    """The shop with its help centre open."""
    services.save_help_centre(is_on=True, chat_id=shop.channel.id, contacts="Телефон 8 800 555-35-35")
    return shop


@pytest.fixture
def publish() -> Callable[..., Article]:
    """An article that readers see; the caller is inside a workspace."""

    def publish(title: str, text: str, *, indexed: bool = False, published: bool = True, **fields: Any) -> Article:
        document = write_article(title, text)
        if indexed:
            ingest_document(document.id)
        article = services.save_article(document_id=document.id, language=fields.pop("language", "ru"), **fields)
        return services.publish_article(article.id) if published else article

    return publish


@pytest.fixture
def working_search(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that answers, in this process."""
    from knowledge.search import search_passages

    monkeypatch.setattr(
        "knowledge.help_centre.search.search_in_worker",
        lambda query, limit, *, timeout, document_ids: search_passages(query, limit, document_ids),
    )


@pytest.fixture
def silent_search(monkeypatch: pytest.MonkeyPatch) -> None:
    from omnisupport.lib.errors import Unavailable

    def silence(*_args: Any, **_options: Any) -> None:
        raise Unavailable("no worker")

    monkeypatch.setattr("knowledge.help_centre.search.search_in_worker", silence)
