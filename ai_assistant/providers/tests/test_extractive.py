"""The default without keys: quotes, honest about being quotes, and silent when the documents are."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_assistant.providers.base import ChatMessage, ChatRequest, Delta, Done, SourcePassage
from ai_assistant.providers.tests.conftest import chat, context

DELIVERY = """Сроки доставки
Доставка по Москве занимает 1–2 дня, по области до 4 дней. Курьер звонит за час до приезда.
Самовывоз бесплатный. Заказ хранится в пункте выдачи 7 дней, т.е. неделю.
Город | Срок | Цена
Казань | 3 дня | 450 руб.
Тверь | 2 дня | 350 руб.
Омск | 6 дней | 700 руб."""
RETURNS = """Как вернуть товар?
Возврат товара надлежащего качества возможен в течение 14 дней с момента покупки [12]. Товар должен сохранить ярлыки.
Чтобы оформить возврат:
1. Откройте раздел «Мои заказы».
2. Нажмите «Вернуть» и выберите причину.
3. Передайте товар курьеру или в пункт выдачи.
Деньги приходят на карту за 3–10 рабочих дней."""
WARRANTY = """What does the warranty cover?
The warranty covers manufacturing defects for 24 months. It does not cover water damage or drops.
Payment methods:
• Visa and Mastercard
• Bank transfer for companies
• Cash on delivery"""
SHOP = (
    SourcePassage(1, "Доставка", DELIVERY),
    SourcePassage(2, "Возврат", RETURNS),
    SourcePassage(3, "Warranty and payment", WARRANTY),
)


def ask(question: str, passages: tuple[SourcePassage, ...] = SHOP) -> dict[str, Any]:
    request = ChatRequest(messages=(ChatMessage("user", question),), passages=passages)
    parsed: dict[str, Any] = json.loads(chat("extractive", {}).complete(request, context()).text)
    return parsed


def quotes(reply: dict[str, Any]) -> list[str]:
    """The windows without the opening sentence and without their marks."""
    return [re.sub(r" \[\d+\]$", "", window) for window in reply["answer"].split("\n\n")[1:]]


@pytest.mark.parametrize(
    ("question", "expected", "number"),
    [
        (
            "Сколько дней на возврат?",
            "Возврат товара надлежащего качества возможен в течение 14 дней с момента покупки.",
            2,
        ),
        ("Когда вернутся деньги на карту?", "Деньги приходят на карту за 3–10 рабочих дней.", 2),
        ("Звонит ли курьер заранее?", "Курьер звонит за час до приезда.", 1),
        ("Сколько хранится заказ в пункте выдачи?", "Заказ хранится в пункте выдачи 7 дней, т.е. неделю.", 1),
        ("Is water damage covered?", "It does not cover water damage or drops.", 3),
    ],
)
def test_the_sentence_that_answers(question: str, expected: str, number: int) -> None:
    reply = ask(question)
    assert reply["answerable"]
    assert reply["citations"][0] == number
    assert expected in quotes(reply)[0]


def test_steps_stay_together_with_their_lead_in() -> None:
    reply = ask("Как оформить возврат?")
    steps = RETURNS[RETURNS.index("Чтобы") : RETURNS.index("\nДеньги")]
    assert steps in quotes(reply)


def test_row_comes_with_the_header_of_its_table() -> None:
    assert quotes(ask("Сколько стоит доставка в Казань?"))[0] == "Город | Срок | Цена\nКазань | 3 дня | 450 руб."


def test_loose_list_is_quoted_whole_when_its_lead_in_matches() -> None:
    assert quotes(ask("Which payment methods do you have?"))[0].count("\n• ") == 3


def test_item_of_a_loose_list_comes_alone() -> None:
    window = quotes(ask("Do you take Mastercard?"))[0]
    assert window == "Payment methods:\n• Visa and Mastercard"


def test_question_of_the_document_is_answered_and_not_repeated() -> None:
    window = quotes(ask("What does the warranty cover?"))[0]
    assert window.startswith("The warranty covers manufacturing defects for 24 months.")
    assert "?" not in window


def test_forms_of_a_word_that_snowball_leaves_apart() -> None:
    passages = (SourcePassage(1, "", "Скидка по карте клуба составляет 5 %. Магазин открыт с 9 до 21."),)
    assert quotes(ask("Какие бывают скидки? Много скидок?", passages))[0].startswith("Скидка по карте")


@pytest.mark.parametrize("question", ["Какая погода в Париже?", "Who won the election?", "???", "", "и в на", "😀"])
def test_silence_when_nothing_overlaps(question: str) -> None:
    assert ask(question) == {"answer": "", "citations": [], "answerable": False}


@pytest.mark.parametrize("passages", [(), (SourcePassage(1, "", ""),), (SourcePassage(1, "", " \n\n| --- |\n"),)])
def test_silence_without_text(passages: tuple[SourcePassage, ...]) -> None:
    assert ask("Возврат?", passages)["answerable"] is False


def test_footnotes_of_the_document_do_not_pass_for_citations() -> None:
    reply = ask("Сколько дней на возврат?")
    assert {int(n) for n in re.findall(r"\[(\d+)\]", reply["answer"])} == set(reply["citations"])


def test_abbreviations_do_not_end_a_sentence() -> None:
    text = "Цена 300 руб. За доставку в г. Тверь платит ул. Ленина, д. 5. Второе предложение ни о чём."
    assert "д. 5." in quotes(ask("Кто платит за доставку в Тверь?", (SourcePassage(1, "", text),)))[0]


def test_line_broken_by_the_width_of_a_page_is_whole() -> None:
    text = "Гарантия на технику действует\nодин год со дня покупки.\nДругое правило."
    window = quotes(ask("Сколько действует гарантия?", (SourcePassage(1, "", text),)))[0]
    assert window == "Гарантия на технику действует один год со дня покупки."


def test_very_long_sentence_is_cut_at_a_word() -> None:
    text = "Возврат " + "очень " * 400 + "долгий."
    window = quotes(ask("Возврат?", (SourcePassage(1, "", text),)))[0]
    assert len(window) <= 600
    assert window.endswith("очень…")


def test_same_sentence_in_two_documents_is_quoted_once() -> None:
    text = "Возврат возможен в течение 14 дней."
    assert len(quotes(ask("Возврат?", (SourcePassage(1, "", text), SourcePassage(2, "", text))))) == 1


def test_two_parts_of_a_question_are_answered_from_two_documents() -> None:
    passages = (
        SourcePassage(1, "", "Самовывоз бесплатный и работает ежедневно."),
        SourcePassage(2, "", "Гарантия на технику составляет один год."),
    )
    assert ask("Есть самовывоз? И какая гарантия?", passages)["citations"] == [1, 2]


def test_bare_question_is_preferred_to_the_prompt() -> None:
    prompt = f"Sources: {DELIVERY}\nQuestion: гарантия?"
    request = ChatRequest((ChatMessage("user", prompt),), SHOP, question="How long is the warranty?")
    reply = json.loads(chat("extractive", {}).complete(request, context()).text)
    assert reply["citations"] == [3]


def test_stream_is_one_piece_and_the_end() -> None:
    request = ChatRequest((ChatMessage("user", "Сколько дней на возврат?"),), SHOP)
    first, last = list(chat("extractive", {}).stream(request, context()))
    assert isinstance(first, Delta)
    assert isinstance(last, Done)
    assert first.text == last.result.text
    assert last.result.usage.total == 0


def test_opening_is_in_the_language_of_the_question(monkeypatch: pytest.MonkeyPatch) -> None:
    from django.utils import translation

    monkeypatch.setattr("ai_assistant.providers.extractive.gettext", lambda _text: translation.get_language())
    assert ask("Сколько дней на возврат?")["answer"].startswith("ru\n\n")
    assert ask("Is water damage covered?")["answer"].startswith("en\n\n")


words = st.text("абвг тм ёЁ\n|•:?.!1234 [](){}<>«»\"'\u00a0\u2028", max_size=300)


@given(words, st.lists(st.tuples(words, words), max_size=4))
def test_never_invents_a_word(question: str, texts: list[tuple[str, str]]) -> None:
    passages = tuple(SourcePassage(n, title, text) for n, (title, text) in enumerate(texts, 1))
    reply = ask(question, passages)
    known = set(" ".join(passage.text for passage in passages).split())
    whole = " ".join(re.sub(r"\[\d+\]", " ", passage.text) for passage in passages).split()
    for quote in quotes(reply):
        assert {word.rstrip("…") for word in quote.split()} <= known | set(whole) | {""}
    assert sum(map(len, quotes(reply))) <= 620
    assert len(quotes(reply)) <= 3


PRICES = SourcePassage(
    1,
    "Доставка и оплата › Сроки и стоимость доставки",
    "Мы отправляем заказы по всей России из склада в Ярославле.\n"
    "Способ | Срок | Стоимость\n"
    "Курьер по Ярославлю | 1 день | 250 ₽\n"
    "Пункт выдачи | 3–7 дней | 390 ₽\n"
    "Доставка в пункт выдачи бесплатна при заказе от 6 000 ₽. На байдарки бесплатная доставка не действует.",
    section="Сроки и стоимость доставки",
    score=9.0,
)
PAYMENT = SourcePassage(
    2, "Доставка и оплата › Оплата", "Наличные берёт только курьер по Ярославлю.", section="Оплата", score=5.0
)
HIRE = SourcePassage(
    3,
    "Бонусы и прокат › Прокат",
    "В магазине в Ярославле можно взять в прокат палатки и рюкзаки. Палатка на двоих стоит 600 ₽ в сутки. "
    "Прокат работает с 10:00 до 20:00.",
    section="Прокат",
    score=4.0,
)
WARRANTY_RU = SourcePassage(
    4,
    "Гарантия",
    "Товар | Гарантия\nПалатки | 24 месяца\nРюкзаки | 36 месяцев\nЛюбой ремонт занимает до 20 дней, о сдаче мы пишем.",
    section="Гарантия",
    score=3.0,
)
LAVKA = (PRICES, PAYMENT, HIRE, WARRANTY_RU)
PRICE_TABLE = "Способ | Срок | Стоимость\nКурьер по Ярославлю | 1 день | 250 ₽\nПункт выдачи | 3–7 дней | 390 ₽"


def test_a_question_about_a_price_gets_the_row_that_has_it() -> None:
    window = "Способ | Срок | Стоимость\nКурьер по Ярославлю | 1 день | 250 ₽"
    assert quotes(ask("Сколько стоит доставка курьером?", LAVKA)) == [window]


@pytest.mark.parametrize("question", ["Сколько стоит доставка?", "цена доставки", "почём доставка"])
def test_the_table_of_prices_comes_with_the_sentence_about_them(question: str) -> None:
    windows = quotes(ask(question, LAVKA))
    assert windows[0].startswith("Доставка в пункт выдачи бесплатна при заказе от 6 000 ₽.")
    assert windows[1:] == [PRICE_TABLE]


def test_a_question_about_a_time_gets_the_times() -> None:
    assert quotes(ask("срок доставки", LAVKA))[0] == PRICE_TABLE
    assert quotes(ask("Когда работает прокат?", LAVKA)) == ["Прокат работает с 10:00 до 20:00."]
    assert quotes(ask("Сколько длится ремонт?", LAVKA))[0].startswith("Любой ремонт занимает до 20 дней")


@pytest.mark.parametrize("question", ["Сколько стоит байдарка?", "цена рюкзака", "Сколько стоит велосипед?"])
def test_another_thing_that_costs_something_is_no_answer(question: str) -> None:
    assert ask(question, LAVKA)["answerable"] is False


def test_the_row_of_the_thing_and_not_the_whole_table_it_stands_in() -> None:
    assert quotes(ask("Какая гарантия на рюкзаки?", LAVKA)) == ["Товар | Гарантия\nРюкзаки | 36 месяцев"]


def test_one_of_the_two_things_asked_about_is_no_answer() -> None:
    passages = (
        SourcePassage(1, "", "Отправка по Европе в тот же день. Отправка за море невозможна. Отправка по вторникам."),
    )
    assert ask("Отправка в Японию?", passages)["answerable"] is False


@pytest.mark.parametrize("word", ["доствка", "дотавка", "доставкка", "дрставка"])
def test_a_slip_of_one_letter_is_understood(word: str) -> None:
    assert "бесплатна при заказе от 6 000 ₽" in quotes(ask(f"{word} бесплатна?", LAVKA))[0]


def test_the_passage_that_the_search_found_better_goes_first() -> None:
    weak = SourcePassage(1, "", "Возврат обуви возможен неделю.", score=2.0)
    strong = SourcePassage(2, "", "Возврат одежды возможен месяц.", score=8.0)
    assert ask("Как долго возможен возврат?", (weak, strong))["citations"][0] == 2
