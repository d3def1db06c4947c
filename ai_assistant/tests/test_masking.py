"""Personal data never leave us, and the customer reads them as they wrote them."""

import pytest

from ai_assistant.prompts import Turn
from ai_assistant.services.composing import Task, compose_answer
from ai_assistant.tests.conftest import QUESTION, prompt_of, says
from omnisupport.lib.masking import Mask, without_personal_data
from tickets.services.post import post_message

# An INN and a card that pass their checks; the SNILS too.
PERSONAL = [
    ("мой телефон 8 (916) 123-45-67", "8 (916) 123-45-67", "PHONE"),
    ("звоните +7 916 123-45-67!", "+7 916 123-45-67", "PHONE"),
    ("89161234567", "89161234567", "PHONE"),
    ("8.916.123.45.67", "8.916.123.45.67", "PHONE"),
    ("тел. 9161234567", "9161234567", "PHONE"),
    ("916 123-45-67", "916 123-45-67", "PHONE"),
    ("+375 29 123-45-67", "+375 29 123-45-67", "PHONE"),
    ("пишите на Marina.P+shop@mail.example.", "Marina.P+shop@mail.example", "EMAIL"),
    ("карта 4276 3800 1234 5679", "4276 3800 1234 5679", "CARD"),
    ("карта 2200-7001-2345-6781", "2200-7001-2345-6781", "CARD"),
    ("ИНН 500100732259", "500100732259", "INN"),
    ("500100732259", "500100732259", "INN"),
    ("ИНН организации: 7707083893", "7707083893", "INN"),
    ("112-233-445 95", "112-233-445 95", "SNILS"),
    ("СНИЛС 11223344595", "11223344595", "SNILS"),
    ("паспорт 4509 123456", "4509 123456", "PASSPORT"),
    ("Паспорт: серия 45 09 номер 123456, выдан в Москве", "45 09 номер 123456", "PASSPORT"),
    ("паспорт 45 09 № 123456", "45 09 № 123456", "PASSPORT"),
    ("счёт 40817810099910004312", "40817810099910004312", "ACCOUNT"),
    # Written as people write.
    ("+7(916)1234567", "+7(916)1234567", "PHONE"),
    ("8916 123 4567", "8916 123 4567", "PHONE"),
    ("8 91 61 23 45 67", "8 91 61 23 45 67", "PHONE"),
    ("+7 (916) 123–45–67", "+7 (916) 123–45–67", "PHONE"),
    ("8\u202f916\u2009123\u00a045\u201167", "8\u202f916\u2009123\u00a045\u201167", "PHONE"),
    ("8916\u200b1234567", "8916\u200b1234567", "PHONE"),
    ("(916) 123-45-67", "(916) 123-45-67", "PHONE"),
    ("8 (495) 123-45-67", "8 (495) 123-45-67", "PHONE"),
    ("мой номер: 916.123.45.67", "916.123.45.67", "PHONE"),
    ("o'brien+tag@mail.example", "o'brien+tag@mail.example", "EMAIL"),
    ("почта марина@почта.рф", "марина@почта.рф", "EMAIL"),
    ("marina собака mail точка ru", "marina собака mail точка ru", "EMAIL"),
    ("marina(at)mail.example", "marina(at)mail.example", "EMAIL"),
    ("карта 4276380012345679 12/27", "4276380012345679", "CARD"),
    ("карта 4276 38 00 12 34 56 79", "4276 38 00 12 34 56 79", "CARD"),
    ("4276.3800.1234.5679", "4276.3800.1234.5679", "CARD"),
    ("4 2 7 6 3 8 0 0 1 2 3 4 5 6 7 9", "4 2 7 6 3 8 0 0 1 2 3 4 5 6 7 9", "CARD"),
    ("оплата 45 4276 3800 1234 5679", "4276 3800 1234 5679", "CARD"),
    ("Amex 3782 822463 10005", "3782 822463 10005", "CARD"),
    ("ИНН 5001-0073-2259", "5001-0073-2259", "INN"),
    ("инн: 500 100 732 259", "500 100 732 259", "INN"),
    ("5001 0073 2259", "5001 0073 2259", "INN"),
    ("112 233 445 95", "112 233 445 95", "SNILS"),
    ("11223344595", "11223344595", "SNILS"),
    ("снилс 112.233.445-95", "112.233.445-95", "SNILS"),
    ("паспорт 45-09 123 456", "45-09 123 456", "PASSPORT"),
    ("паспорт номер 123456 серия 4509", "123456 серия 4509", "PASSPORT"),
    ("загранпаспорт 75 1234567", "75 1234567", "PASSPORT"),
]


@pytest.mark.parametrize(("text", "value", "kind"), PERSONAL)
def test_hidden_and_restored(text, value, kind):
    mask = Mask()
    hidden = mask.hide(text)
    assert hidden == text.replace(value, f"[{kind}_1]")
    assert mask.restore(hidden) == text
    assert value not in without_personal_data(text)


@pytest.mark.parametrize(
    "text",
    [
        "Заказ 12345678", "Артикул 9161234567", "Сколько стоит доставка 450 ₽ за 2 дня?", "Горячая линия 8 (800) 555-35-35",
        "+7 800 555 35 35", "4276 3800 1234 5670", "500100732250", "112-233-445 96", "Гарантия 18 месяцев с 12.05.2026",
        "iPhone 15 Pro 256", "Размер 45 09 123456", "Размеры 8 10 12 14 16 18", "С 12.05.2026 по 14.06.2026", "1 000 000 ₽",
        "Заказ 2026-0001-4412", "+78005553535",
    ],
)  # fmt: skip
def test_what_is_nobodys_own_stays(text):
    assert Mask().hide(text) == text == without_personal_data(text)


def test_the_same_value_has_the_same_token():
    mask = Mask()
    assert mask.hide("a@b.example, ещё раз a@b.example и c@d.example") == "[EMAIL_1], ещё раз [EMAIL_1] и [EMAIL_2]"
    assert mask.tokens == {"[EMAIL_1]", "[EMAIL_2]"}


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("Это Марина", "Это [NAME_1]"), ("для Марины Петровой", "для [NAME_1] [NAME_2]"), ("марина", "[NAME_1]"),
        ("передайте Петрову", "передайте [NAME_1]"), ("МАРИНА", "[NAME_1]"), ("Маринад и маринист", "Маринад и маринист"),
        ("«Марину»!", "«[NAME_1]»!"), ("Ли", "Ли"),
    ],
)  # fmt: skip
def test_the_name_of_the_profile_in_every_case(text, hidden):
    mask = Mask(["Марина Петрова Ли"])
    assert mask.hide(text) == hidden and mask.restore(hidden) == text


def test_words_that_only_begin_like_the_name_stay():
    assert Mask(["Вера"]).hide("Верно, верните с верой Веру") == "Верно, верните с верой [NAME_1]"


def test_what_was_known_by_the_word_beside_it_is_known_without_it():
    mask = Mask()
    assert mask.hide("тел. 9161234567") == "тел. [PHONE_1]"
    assert mask.hide("Вы писали 9161234567, а не 91612345678") == "Вы писали [PHONE_1], а не 91612345678"


def test_ten_values_do_not_mix():
    mask = Mask()
    text = " ".join(f"u{n}@b.example" for n in range(12))
    assert mask.restore(mask.hide(text)) == text


def test_the_model_never_sees_them_and_the_customer_reads_their_own(talk, model):
    talk.asks("Здравствуйте, меня зовут Марина, +7 916 123-45-67. Сколько дней можно вернуть байдарку?")
    model.script(says("Вернуть можно в течение 45 дней [1]. Ответ придёт на [EMAIL_1], позвоним на [PHONE_1]."))
    receipt = talk.asks(f"{QUESTION} Ответьте на marina@mail.example")
    told = "".join(map(prompt_of, model.requests))
    assert (
        "916" not in told
        and "marina@" not in told
        and "Марина" not in told
        and "[PHONE_1]" in told
        and "[EMAIL_1]" in told
    )
    assert talk.last().text == (
        "Вернуть можно в течение 45 дней [1]. Ответ придёт на marina@mail.example, позвоним на +7 916 123-45-67."
    )
    assert receipt.usage["masked"] == 3
    assert "916" not in receipt.prompt and "marina@" not in receipt.prompt


def test_nor_what_agents_wrote_before(talk, model):
    talk.asks(QUESTION)
    post_message(
        ticket_id=talk.ticket.id, client_id=talk.ticket.contact_id, text="Ваш паспорт 4509 123456 у нас",
        author="system",
    )  # fmt: skip
    talk.asks("Сколько дней можно вернуть вторую байдарку?")
    assert "[PASSPORT_1]" in prompt_of(model.requests[-1]) and "123456" not in prompt_of(model.requests[-1])


def test_a_streamed_token_is_restored_too(talk, model, screen):
    model.script(says("Ответим на [EMAIL_1]. Вернуть можно в течение 45 дней. [1]"))
    talk.asks(f"{QUESTION} Мой адрес marina@mail.example")
    assert screen() == "Ответим на marina@mail.example. Вернуть можно в течение 45 дней."


def test_a_token_that_stands_for_nothing_is_never_shown(talk, model):
    model.script(says("Позвоним на [PHONE_7]. [1]"), says("Позвоним на [PHONE_7]. [1]"))
    assert talk.asks(QUESTION).reason == "not_sure"


def test_the_search_is_not_led_astray_by_them(talk):
    receipt = talk.asks(f"{QUESTION} Мой телефон 8 916 123-45-67, почта marina@mail.example, ИНН 500100732259")
    assert receipt.outcome == "answered" and "45 дней" in talk.last().text


SAID = [
    "{}",
    "Мои данные: {}. " + QUESTION,
    QUESTION + "\n{}",
    "Здравствуйте! {}, " + QUESTION.lower(),
    "({}) " + QUESTION,
]


def test_of_200_messages_with_personal_data_nothing_leaves(library, model, assistant):
    cases = [(said.format(text), value) for text, value, _kind in PERSONAL for said in SAID][:195]
    cases += [(f"{QUESTION} Передайте {name}", name) for name in ("Марине", "Марину", "Петровой", "Марина", "Петрову")]
    assert len(cases) == 200
    for text, value in cases:
        history = [Turn("customer", text), Turn("support", f"Вы написали: {value}, верно?")]
        task = Task("Лавка", f"{text} {QUESTION}", "ru", history=history, names=["Марина Петрова"])
        model.requests.clear()
        composed = compose_answer(assistant, task)
        assert composed.text and model.requests
        sent = prompt_of(model.requests[0])
        assert value not in sent and value not in composed.prompt, text
