"""Searching by meaning with a provider: chosen, tested, paid for, limited, and silent."""

from decimal import Decimal

import pytest

from ai_assistant.models import EmbeddingModel, MonthlySpending
from ai_assistant.providers.tests.conftest import EMBEDDING_KEYS, GIGACHAT_KEYS, YANDEX_KEYS, gigachat, yandexgpt
from ai_assistant.services.budget import spend, spending_of_month
from ai_assistant.services.meaning import choose_embeddings, find_embedder, test_embeddings
from ai_assistant.tests.conftest import OPENAI_KEYS, QUESTION, change_assistant
from knowledge import index
from knowledge.models import Space
from knowledge.search import search_passages
from knowledge.services.filling import fill_space
from knowledge.services.spaces import coming_space, live_space
from omnisupport.lib.errors import InvalidInput
from tests.standins.server import Answer as Reply
from tests.standins.server import drip

__all__ = ["gigachat", "yandexgpt"]

PAGE = "/assistant/search/"
KEYS = {"openai_compatible": OPENAI_KEYS | EMBEDDING_KEYS, "gigachat": GIGACHAT_KEYS, "yandexgpt": YANDEX_KEYS}
PATH = {"openai_compatible": "/embeddings", "gigachat": "/embeddings", "yandexgpt": "/textEmbedding"}


def fill() -> None:
    while fill_space():
        pass


@pytest.fixture(params=sorted(KEYS))
def provider(request, library, assistant):
    """The name of a provider, and the stand-in that plays it."""
    name = request.param
    return name, request.getfixturevalue("openai" if name == "openai_compatible" else name)


@pytest.fixture
def chosen(library, assistant, openai):
    """The search goes by meaning."""
    choose_embeddings("openai_compatible", KEYS["openai_compatible"], Decimal("0.5"))
    fill()
    return openai


def test_every_provider_makes_vectors_of_documents_and_questions(provider):
    name, stand_in = provider
    space = choose_embeddings(name, KEYS[name])
    fill()
    assert live_space() == space and name.split("_")[0] in space.name
    made = len(stand_in.to(PATH[name]))
    result = search_passages("в течение скольких дней возвращают байдарки")
    assert (result.legs, result.meaning["error"]) == (["words", "dense"], "")
    assert "45 дней" in result.passages[0].text and result.meaning["tokens"] > 0
    assert len(stand_in.to(PATH[name])) == made + 1


def test_yandex_is_asked_for_the_right_half_of_its_pair(library, assistant, yandexgpt):
    choose_embeddings("yandexgpt", YANDEX_KEYS)
    fill()
    search_passages("байдарка")
    uris = [request.json["modelUri"].rpartition("text-search-")[2] for request in yandexgpt.to("/textEmbedding")]
    assert set(uris[:-1]) == {"doc/latest"} and uris[-1] == "query/latest"


STRANGE = {
    "busy for long": lambda: Reply(429, json={"error": {"message": "busy"}}, headers={"Retry-After": "30"}),
    "busy": lambda: Reply(429, json={"error": {"message": "busy"}}),
    "error": lambda: Reply(500, html="<h1>no</h1>"),
    "not there": lambda: Reply(503, json={}),
    "key refused": lambda: Reply(401, json={"error": {"message": "key", "code": 4}}),
    "paid for no more": lambda: Reply(402, json={"status": 402, "message": "Payment Required"}),
    "a page": lambda: Reply(200, html="<h1>hello</h1>"),
    "no vector": lambda: Reply(200, json={"data": [], "embedding": []}),
    "another size": lambda: Reply(200, json={"data": [{"index": 0, "embedding": [1.0, 0.5]}], "embedding": [1.0, 0.5]}),
    "zeros": lambda: Reply(200, json={"data": [{"index": 0, "embedding": [0.0] * 256}], "embedding": [0.0] * 256}),
    "no number in it": lambda: Reply(200, json={"data": [{"index": 0}], "embedding": ["x"]}),
    "cut": lambda: Reply(200, json={"data": []}, cut=True),
    "died": lambda: Reply(raw=[]),
    "slow drip": lambda: Reply(chunks=drip(b" ", 0.05)),
}


@pytest.mark.parametrize("fault", STRANGE)
def test_a_silent_or_strange_provider_leaves_words_to_search(provider, fault, monkeypatch):
    name, stand_in = provider
    choose_embeddings(name, KEYS[name])
    fill()
    monkeypatch.setattr("knowledge.search.VECTOR_SECONDS", 0.6)
    stand_in.script(*[STRANGE[fault]() for _ in range(4)], path=PATH[name])
    result = search_passages(QUESTION)
    assert result.legs == ["words"] and result.meaning["error"] and result.meaning["code"]
    assert "45 дней" in result.passages[0].text


def test_a_fault_while_documents_get_vectors_keeps_the_search_and_is_said(provider, shop):
    name, stand_in = provider
    choose_embeddings(name, KEYS[name])
    stand_in.script(*[Reply(401, json={"error": {"message": "key"}})] * 6, path=PATH[name])
    fill()
    assert live_space().name == index.WORDS and coming_space().error
    page = shop.client(shop.admin).get(PAGE).content.decode()
    assert coming_space().error in page and "It is tried again by itself." in page


def test_a_text_that_is_too_long_for_the_model_loses_its_end(library, assistant, openai, add):
    add("Длинная статья. " + "слово " * 250, "long.md")

    def too_long(request):
        texts = request.json["input"]
        longest = max(map(len, [texts] if isinstance(texts, str) else texts))
        return Reply(400, json={"error": {"code": "context_length_exceeded"}}) if longest > 900 else None

    openai.script(*[too_long] * 20, path="/embeddings")
    choose_embeddings("openai_compatible", KEYS["openai_compatible"])
    fill()
    assert live_space().dimensions == 256


def test_personal_data_in_a_question_stay_here(talk, chosen):
    question = "Я Марина, мой телефон +7 916 123-45-67, почта anna@example.com. Сколько дней можно вернуть байдарку?"
    talk.asks(question)
    sent = "\n".join(request.body.decode() for request in chosen.to("/embeddings"))
    assert "байдарку" in sent
    assert not any(private in sent for private in ("916", "anna@example.com", "Марина"))


def test_the_receipt_tells_who_made_the_vector_and_what_it_cost(talk, chosen):
    receipt = talk.asks(QUESTION)
    call = next(call for call in receipt.asked if call["purpose"] == "search")
    assert (call["provider"], call["code"]) == ("openai_compatible stand-in-embed", "")
    assert call["cost"] == pytest.approx(call["tokens"] * 0.5 / 1000) and call["cost"] > 0
    assert receipt.cost == pytest.approx(Decimal(call["cost"]), abs=Decimal("0.0001"))
    page = talk.shop.client(talk.shop.admin).get(f"/assistant/answers/{receipt.id}/").content.decode()
    assert "Vector of the question" in page


def test_the_receipt_says_that_words_alone_were_searched(talk, chosen):
    chosen.script(Reply(401, json={"error": {"message": "no"}}), path="/embeddings")
    receipt = talk.asks(QUESTION)
    assert receipt.outcome == "answered"
    assert [check["code"] for check in receipt.checks if check["code"]] == ["words_alone"]


def test_a_provider_that_was_silent_once_is_not_waited_for_again_in_the_turn(talk, chosen):
    before = len(chosen.to("/embeddings"))
    chosen.script(*[Reply(401, json={"error": {"message": "no"}})] * 9, path="/embeddings")
    receipt = talk.asks("Мы сплавлялись по реке. Кто написал «Войну и мир»? А кто «Идиота»? Сколько весит слон?")
    assert receipt.outcome == "handed_over"
    assert len(chosen.to("/embeddings")) == before + 1


def test_vectors_count_in_the_month_and_are_kept_for_the_next_time(library, assistant, openai):
    choose_embeddings("openai_compatible", KEYS["openai_compatible"], Decimal("0.5"))
    fill()
    month = spending_of_month()
    assert month.tokens > 0 and month.cost == pytest.approx(Decimal(month.tokens) / 2000, abs=Decimal("0.001"))


def test_a_spent_budget_stops_vectors_too(library, assistant, chosen):
    change_assistant(assistant, changes={"monthly_limit": 10}, credentials={})
    spend(assistant, 0, Decimal(10))
    before = len(chosen.requests)
    result = search_passages(QUESTION)
    assert (result.legs, result.meaning["code"]) == (["words"], "llm_budget")
    assert len(chosen.requests) == before


def test_a_budget_needs_the_price_of_vectors(library, assistant, openai, settings):
    change_assistant(assistant, changes={"monthly_limit": 10}, credentials={})
    with pytest.raises(InvalidInput) as refused:
        choose_embeddings("openai_compatible", KEYS["openai_compatible"])
    assert refused.value.code == "no_price"
    settings.LLM_PRICES = {"openai_compatible/embeddings": Decimal("0.1")}
    choose_embeddings("openai_compatible", KEYS["openai_compatible"])
    settings.LLM_PRICES = {}
    with pytest.raises(InvalidInput) as refused:
        change_assistant(assistant, changes={"monthly_limit": 20}, credentials={})
    assert refused.value.code == "no_price"


def test_the_model_of_this_server_needs_no_key_no_money_and_no_network(library, assistant):
    change_assistant(assistant, changes={"monthly_limit": 10}, credentials={})
    spend(assistant, 0, Decimal(10))
    choose_embeddings("extractive", {})
    fill()
    result = search_passages("Can I get a refund?")
    assert (result.legs, result.meaning["error"], result.meaning["cost"]) == (["words", "dense"], "", 0)
    assert "45 дней" in result.passages[0].text
    assert not any(
        "45 дней" in found.text for found in search_passages("Can I get a refund?", by_meaning=False).passages
    )
    assert test_embeddings()[0]
    assert (spending_of_month().tokens, spending_of_month().cost) == (0, 10)


# ---- Whose keys --------------------------------------------------------------------------------------------------------


def test_the_installation_s_keys_serve_where_the_workspace_gave_none(library, assistant, openai):
    choose_embeddings("openai_compatible", {})
    fill()
    assert live_space().dimensions == 256 and not EmbeddingModel.objects.get().credentials


def test_the_assistant_s_own_keys_serve_both(library, assistant, gigachat):
    change_assistant(assistant, changes={"provider": "gigachat"}, credentials=GIGACHAT_KEYS)
    choose_embeddings("gigachat", {"embedding_model": "EmbeddingsGigaR"})
    fill()
    assert live_space().dimensions == 2560
    assert len(gigachat.to("/oauth")) == 1


def test_a_key_that_is_gone_leaves_words(library, assistant, gigachat):
    change_assistant(assistant, changes={"provider": "gigachat"}, credentials=GIGACHAT_KEYS)
    choose_embeddings("gigachat", {})
    fill()
    change_assistant(assistant, changes={"provider": "extractive"}, credentials={})
    assert find_embedder(live_space().name) is None
    result = search_passages(QUESTION)
    assert (result.legs, result.meaning["code"]) == (["words"], "no_embedder")


def test_a_stored_key_does_not_travel_to_another_address(library, assistant, openai, settings):
    settings.OUTBOUND_ALLOWED_HOSTS = [openai.host, "127.0.0.1:9"]
    keys = KEYS["openai_compatible"]
    choose_embeddings("openai_compatible", keys | {"base_url": openai.base_url})
    choose_embeddings("openai_compatible", EMBEDDING_KEYS | {"base_url": "http://127.0.0.1:9/v1"})
    moved = EmbeddingModel.objects.get(space=coming_space().name)
    assert "api_key" not in moved.credentials


def test_keys_of_a_model_that_is_left_are_forgotten(library, assistant, openai, gigachat):
    choose_embeddings("gigachat", GIGACHAT_KEYS)
    choose_embeddings("openai_compatible", KEYS["openai_compatible"])
    Space.objects.filter(state="left").delete()
    choose_embeddings("", {})
    assert not EmbeddingModel.objects.filter(provider="gigachat").exists()


def test_what_cannot_be_chosen(library, assistant, openai):
    for provider, keys, error in (
        ("nobody", {}, InvalidInput),
        ("openai_compatible", OPENAI_KEYS | {"embedding_dim": "256"}, InvalidInput),
        ("openai_compatible", KEYS["openai_compatible"] | {"embedding_dim": "many"}, InvalidInput),
        ("yandexgpt", {"folder_id": "?"}, InvalidInput),
    ):
        with pytest.raises(error):
            choose_embeddings(provider, keys)
    assert coming_space() is None and not EmbeddingModel.objects.exists()


# ---- The page ----------------------------------------------------------------------------------------------------------


def test_an_admin_chooses_a_model_tests_it_and_sees_how_far_it_is(shop, library, assistant, openai):
    client = shop.client(shop.admin)
    assert "Searched by words alone." in client.get(PAGE).content.decode()
    fields = {
        f"credential_search_{name}": value for name, value in KEYS["openai_compatible"].items() if name != "model"
    }
    answer = client.post(PAGE, {"embedding_provider": "openai_compatible", "embedding_price": "0.5", **fields})
    assert answer.status_code == 302
    page = client.get(PAGE).content.decode()
    assert "0 of 3" in page and "data-running" in page
    assert OPENAI_KEYS["api_key"] not in page
    said = client.post(PAGE, {"test": "1"}, follow=True).content.decode()
    assert "makes vectors of 256 dimensions" in said
    fill()
    page = client.get(PAGE).content.decode()
    assert "Documents with vectors: 3 of 3" in page and "data-running" not in page


def test_the_page_shows_a_refusal_at_its_field(shop, library, assistant, openai):
    answer = shop.client(shop.admin).post(
        PAGE, {"embedding_provider": "openai_compatible", "credential_search_embedding_dim": "many"}
    )
    assert answer.status_code == 400 and "number of dimensions" in answer.content.decode()


def test_what_was_given_up_is_tried_again_by_a_button(shop, library, assistant, openai):
    choose_embeddings("openai_compatible", KEYS["openai_compatible"])
    Space.objects.filter(state="filling").update(due_at=None, error="The key is refused.")
    client = shop.client(shop.admin)
    assert "Try again" in client.get(PAGE).content.decode()
    client.post(PAGE, {"again": "1"})
    fill()
    assert live_space().dimensions == 256


def test_agents_and_strangers_have_no_such_page(shop, library):
    assert shop.client(shop.agent).get(PAGE).status_code == 403
    assert shop.client().get(PAGE).status_code == 302


def test_the_test_without_a_model_and_with_a_wrong_key(library, assistant, openai):
    assert not test_embeddings()[0]
    choose_embeddings("openai_compatible", KEYS["openai_compatible"] | {"api_key": "sk-wrong"})
    assert not test_embeddings()[0]
    assert not MonthlySpending.objects.exists()
