"""Search finds what is there, in any form of the words, and knows when it is not."""

import pytest

from knowledge.confidence import RELEVANCE_FLOOR
from knowledge.search import SearchResult, search_passages
from knowledge.tests import files


@pytest.fixture
def base(shop, add, _read_before):
    """The shop's knowledge base."""
    add(files.returns_pdf(), "returns.pdf")
    add(files.DELIVERY_MD, "delivery.md")
    add(files.GUARANTEE_MD, "guarantee.md")
    return shop


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Когда вернутся деньги на карту?", "10 рабочих дней"),
        ("доставки в Москву сколько стоят", "Москва | 300 ₽"),
        ("сколко стоит дотсавка в козань", "Казань | 450 ₽"),
        ("AB-1234 можно вернуть?", "AB-1234"),
        ("что не входит в гарантию", "Следы воды"),
    ],
)
def test_questions_in_other_forms_and_with_typos_are_found(base, question, answer):
    result = search_passages(question, limit=3)
    assert answer in "\n".join(passage.text for passage in result.passages)


def test_a_passage_tells_where_it_stands(base):
    passage = search_passages("что нельзя вернуть").passages[0]
    assert (passage.title, passage.page, passage.url) == ("Возврат и обмен", 3, "")
    assert passage.heading_path == "Товары, которые нельзя вернуть"


@pytest.mark.parametrize("question", ["Какая погода завтра в Париже?", "Кто написал «Войну и мир»?", "zzz qqq"])
def test_what_is_not_there_falls_below_the_floor(base, question):
    assert search_passages(question).confidence < RELEVANCE_FLOOR


@pytest.mark.parametrize("question", ["В течение скольких дней можно вернуть товар?", "Стоимость доставки в Казань"])
def test_what_is_there_stands_above_it(base, question):
    result = search_passages(question)
    assert result.is_relevant and result.confidence <= 1


@pytest.mark.parametrize("question", ["", "   ", "?!", "…"])
def test_an_empty_question_finds_nothing(base, question):
    assert search_passages(question) == SearchResult()


def test_a_stranger_finds_nothing_of_ours(base, rival):
    with rival.enter():
        result = search_passages("Когда вернутся деньги на карту?")
    assert (result.passages, result.confidence) == ([], 0.0)


def test_the_same_text_in_two_documents_is_shown_once(base, add):
    add("Уникальная фраза про самовывоз.", title="Один")
    add("Уникальная фраза про самовывоз.\n", title="Два")
    texts = [passage.text for passage in search_passages("самовывоз").passages]
    assert texts.count("Уникальная фраза про самовывоз.") == 1


def test_a_result_survives_the_way_through_redis(base):
    result = search_passages("доставка")
    assert SearchResult.from_json(result.to_json()) == result
