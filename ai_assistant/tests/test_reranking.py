"""A light model puts what was found in order; whatever it does wrong, the order of the search is kept."""

from decimal import Decimal

import pytest

from ai_assistant.services.asking import ask
from ai_assistant.services.assistants import change_reranking
from ai_assistant.services.budget import spend
from ai_assistant.tests.conftest import QUESTION, change_assistant, prompt_of, utters
from tests.standins.server import Answer as Reply
from tests.standins.server import drip

LIGHT = "stand-in-light"


@pytest.fixture
def ordering(model, assistant, library, add):
    """Two more documents on the same subject, and a model that is asked for the order."""
    add("# Возврат вёсел\n\nВернуть весло можно в течение 20 дней. Байдарку без весла вернуть тоже можно.", "vesla.md")
    add("# Возврат шлемов\n\nВернуть шлем можно в течение 5 дней. К байдарке он не относится.", "shlemy.md")
    change_reranking(assistant, reranks=True, model="", price=None)
    return model


def titles(receipt):
    return [passage["title"] for passage in receipt.passages]


def asked_for_order(stand_in):
    return [request for request in stand_in.requests if '{"order"' in prompt_of(request)]


def plain(talk, assistant):
    """The order of the search itself."""
    assistant.reranks = False
    assistant.save()
    order = titles(talk.asks(QUESTION))
    assistant.reranks = True
    assistant.save()
    return order


def test_the_model_s_order_is_taken(talk, ordering, assistant):
    before = plain(talk, assistant)
    ordering.script(utters('{"order": [3, 1]}'))
    receipt = talk.asks("Сколько дней можно вернуть байдарку??")
    assert titles(receipt) == [before[2], before[0], before[1], *before[3:]]
    scores = [passage["score"] for passage in receipt.passages]
    assert scores == sorted(scores, reverse=True)
    call = next(call for call in receipt.asked if call["purpose"] == "rerank")
    assert call["code"] == "" and call["tokens"] > 0 and receipt.timings["rerank_ms"] > 0


def test_unscripted_the_stand_in_keeps_the_contract(talk, ordering):
    receipt = talk.asks(QUESTION)
    assert receipt.outcome == "answered" and not [check for check in receipt.checks if check["code"]]


@pytest.mark.parametrize(
    "reply",
    [
        utters("3, 1, 2"),
        utters('{"order": [1, 1]}'),
        utters('{"order": [99]}'),
        utters('{"order": [0]}'),
        utters('{"order": ["1"]}'),
        utters('{"order": [true]}'),
        utters('{"order": [1], "answer": "вернём всё"}'),
        utters('```json\n{"order": [2]}\n```'),
        utters('{"order": [2', "length"),
        Reply(429, json={"error": {"message": "busy"}}, headers={"Retry-After": "2"}),
        Reply(500, html="no"),
        Reply(404, json={"error": {"code": "model_not_found", "message": "no"}}),
        Reply(raw=[]),
        Reply(chunks=drip(b" ", 0.05)),
    ],
    ids=range(14),
)
def test_any_fault_keeps_the_order_of_the_search_and_is_said(talk, ordering, assistant, reply, monkeypatch):
    before = plain(talk, assistant)
    monkeypatch.setattr("ai_assistant.services.reranking.SECONDS", 0.8)
    ordering.script(reply)
    receipt = talk.asks("Сколько дней можно вернуть байдарку??")
    assert (titles(receipt), receipt.outcome) == (before, "answered")
    assert "not_reranked" in [check["code"] for check in receipt.checks]
    assert len(asked_for_order(ordering)) == 1


def test_nothing_helpful_changes_nothing(talk, ordering, assistant):
    before = plain(talk, assistant)
    ordering.script(utters('{"order": []}'))
    receipt = talk.asks("Сколько дней можно вернуть байдарку??")
    assert titles(receipt) == before and not [check for check in receipt.checks if check["code"]]


def test_it_gets_data_in_a_fence_and_no_personal_data(talk, ordering):
    talk.asks("Мой телефон +7 916 123-45-67. </question> Сколько дней можно вернуть байдарку?")
    (request,) = asked_for_order(ordering)
    assert "916" not in prompt_of(request) and "</question>" not in prompt_of(request)
    assert request.json["temperature"] == 0 and not request.json.get("stream")


def test_what_is_not_in_the_documents_is_not_put_in_order(talk, ordering):
    receipt = talk.asks("Кто написал «Войну и мир»?")
    assert receipt.outcome == "handed_over" and not asked_for_order(ordering)


def test_a_light_model_has_its_own_name_and_price(talk, ordering, assistant):
    change_reranking(assistant, reranks=True, model=LIGHT, price=Decimal(2))
    assistant.price = Decimal(1)
    assistant.save()
    receipt = talk.asks(QUESTION)
    (request,) = asked_for_order(ordering)
    assert request.json["model"] == LIGHT
    order = next(call for call in receipt.asked if call["purpose"] == "rerank")
    answer = next(call for call in receipt.asked if "purpose" not in call)
    assert order["cost"] == pytest.approx(order["tokens"] * 2 / 1000)
    assert float(receipt.cost) == pytest.approx(order["cost"] + answer["cost"], abs=1e-4)


def test_another_provider_has_no_model_of_that_name(shop, ordering, assistant):
    change_reranking(assistant, reranks=True, model=LIGHT, price=Decimal(2))
    change_assistant(assistant, changes={"provider": "extractive"}, credentials={})
    assistant.refresh_from_db()
    assert (assistant.rerank_model, assistant.rerank_price) == ("", None)


def test_excerpts_need_no_order(talk, library, assistant):
    assistant.reranks = True
    assistant.save()
    receipt = talk.asks(QUESTION)
    assert (receipt.outcome, [call["provider"] for call in receipt.asked]) == ("answered", ["extractive"])


def test_a_spent_budget_asks_for_no_order(talk, ordering, assistant):
    assistant.price, assistant.monthly_limit = Decimal(1), 10
    assistant.save()
    spend(assistant, 0, Decimal(10))
    assert talk.asks(QUESTION).reason == "budget" and not ordering.requests


def test_the_playground_and_the_page_have_it_too(shop, ordering):
    assert ask(QUESTION)["timings"]["rerank_ms"] > 0
    client = shop.client(shop.admin)
    assert client.post("/assistant/search/", {"reranks": "on", "rerank_model": " GigaChat-2 "}).status_code == 302
    assert "GigaChat-2" in client.get("/assistant/search/").content.decode()


def test_the_page_names_a_light_model_of_the_provider(shop, assistant):
    assistant.provider = "yandexgpt"
    assistant.save()
    assert 'placeholder="yandexgpt-lite"' in shop.client(shop.admin).get("/assistant/search/").content.decode()
