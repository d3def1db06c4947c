"""The same with a real worker, which is woken by the customer's messages and killed without a warning."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.utils import timezone

from ai_assistant.models import Answer
from ai_assistant.services.assistants import ensure_assistant
from ai_assistant.tests.conftest import OPENAI_KEYS, QUESTION, RETURNS, Talk
from knowledge.models import Document
from knowledge.services.documents import add_document
from tests.servers import Process, beat_process, until, worker_process
from tests.standins.openai import OpenAIStandIn
from tickets.models import Ticket


@pytest.fixture(autouse=True)
def _own_index() -> None:
    """Index and files are where the worker looks for them."""


@pytest.fixture
def worker(live_shop: Any, openai: OpenAIStandIn, tmp_path: Any) -> Iterator[Process]:
    process = worker_process(tmp_path, **openai.settings).start()
    try:
        yield process
    finally:
        process.stop()


@pytest.fixture
def beat(live_shop: Any, tmp_path: Any) -> Iterator[Process]:
    process = beat_process(tmp_path).start()
    try:
        yield process
    finally:
        process.stop()


@pytest.fixture
def talk(live_shop: Any, worker: Process, beat: Process) -> Talk:
    assistant = ensure_assistant()
    assistant.provider, assistant.credentials = "openai_compatible", OPENAI_KEYS
    assistant.save()
    add_document(ContentFile(RETURNS.encode(), name="vozvrat.md"), filename="vozvrat.md")
    until(lambda: Document.objects.filter(state="ready").exists(), 60, "the document is indexed")
    return Talk(live_shop, Ticket())


def test_three_messages_in_a_row_get_one_answer(talk, openai):
    talk.customer("Здравствуйте", "Хочу вернуть байдарку", QUESTION)
    until(lambda: talk.lines(), 30, "an answer")
    assert "45 дней" in talk.last().text
    (receipt,) = Answer.objects.all()
    assert receipt.question.count("\n") == 2
    talk.customer("А если она была в воде, можно вернуть байдарку?")
    until(lambda: len(talk.lines()) == 2, 30, "an answer to the next question")
    assert len(openai.requests) == Answer.objects.count() == 2


def test_a_worker_killed_while_the_model_thinks(talk, openai, worker):
    with openai.holding():
        talk.customer(QUESTION)
        openai.wait_for(1, seconds=30)
        worker.kill()
        worker.start()
        # As if it had been long ago: the sweeper looks for customers who wait.
        Ticket.objects.update(waiting_since=timezone.now() - timedelta(seconds=20))
        openai.wait_for(2, seconds=60)
    until(lambda: talk.lines(), 30, "an answer")
    assert [line.author for line in talk.lines()] == ["assistant"]
    assert talk.receipt().outcome == "answered" and Answer.objects.count() == 1
