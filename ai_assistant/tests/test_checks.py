"""What the server does not take a model's word for."""

import pytest

from ai_assistant.answer_text import AnswerStream, read_answer, renumber
from ai_assistant.checks import check_answer, repeats_instructions
from ai_assistant.providers.base import SourcePassage
from ai_assistant.tests.conftest import QUESTION, prompt_of, says
from tickets.signals import answer_draft

SOURCES = [
    SourcePassage(
        1,
        "Возврат",
        "Вернуть можно за 45 дней. Телефон 8 (800) 555-35-35, доб. 12; почта vozvrat@lavka.example. "
        "Стоит 1 500 ₽, вес 2,5 кг, с 10:00 до 21:00. Бланк: https://www.lavka.example/forms/return?v=2.",
    ),
    SourcePassage(2, "Доставка", "Казань | 450 ₽. Пишите @lavka_help или на lavka.example/help."),
]


def problem(answer, *citations):
    found = check_answer(read_answer(says_json(answer, citations)), SOURCES).problem
    return found and (found.code, found.detail)


def says_json(answer, citations=()):
    import json

    return json.dumps({"answer": answer, "citations": list(citations), "answerable": True}, ensure_ascii=False)


@pytest.mark.parametrize(
    "answer",
    [
        "Вернуть можно за 45 дней [1].",
        "Телефон 8 (800) 555-35-35 [1]",
        "Телефон 8-800-555-35-35 [1]",
        "Телефон +7 800 555 35 35 [1]",
        "Телефон 88005553535 [1]",
        "Стоит 1500 ₽, вес 2.5 кг, с 10:00 до 21:00. [1]",
        "Стоит 1\u00a0500 ₽ [1]",
        "Напишите на vozvrat@lavka.example. [1]",
        "Бланк лежит на https://www.lavka.example/forms/return?v=2. [1]",
        "Бланк лежит на lavka.example/forms/return?v=2 [1]",
        "Справка: https://lavka.example/help/, чат @lavka_help. [2]",
        "1. Позвоните [1].\n2. Верните за 45 дней [1].",
        "Доставка — 450 ₽ [2], вернуть можно за 45 дней [1]",
    ],
)
def test_what_the_sources_carry_may_be_said(answer):
    assert problem(answer) is None


@pytest.mark.parametrize(
    ("answer", "code", "detail"),
    [
        ("Вернуть можно за 46 дней [1].", "number", "46"),
        ("Стоит 1 400 ₽ [1].", "number", "1400"),
        ("Стоит 500 ₽ [1].", "number", "500"),
        ("Доставка стоит 450 ₽ [1].", "number", "450"),
        ("Телефон 8 (800) 555-35-12 [1].", "number", "8 (800) 555-35-12"),
        ("Телефон 8 (800) 35-35-555 [1].", "number", "8 (800) 35-35-555"),
        ("Телефон +7 999 555 35 35 [1].", "number", "+7 999 555 35 35"),
        ("Напишите на skidki@lavka.example [1].", "email", "skidki@lavka.example"),
        ("Бланк: https://lavka.example/forms/ [1].", "address", "https://lavka.example/forms/"),
        ("Бланк: https://lavka.example.evil.test/forms [1].", "address", "https://lavka.example.evil.test/forms"),
        ("Бланк: www.evil.test [1].", "address", "www.evil.test"),
        ("Бланк: lavka-sale.ru/forms [1].", "address", "lavka-sale.ru/forms"),
        ("Пишите @lavka_support [2].", "address", "@lavka_support"),
        ("Вернуть можно за 45 дней [3].", "citation", "3"),
        ("Вернуть можно за 45 дней [1], так сказано [9].", "citation", "9"),
        ("Вернуть можно за 45 дней [100].", "citation", "100"),
        ("Вернуть можно за 45 дней.", "uncited", ""),
        ("", "empty", ""),
        ("Ваш телефон [PHONE_1] записан [1].", "token", "[PHONE_1]"),
    ],
)
def test_what_they_do_not_carry_may_not(answer, code, detail):
    assert problem(answer) == (code, detail)


def test_links_lose_their_targets_and_markup_goes():
    text = 'Есть <b>бланк</b> [здесь](https://evil.test/x) ![пиксель](https://evil.test/p.gif)<img src="x"> [1]'
    assert check_answer(read_answer(says_json(text)), SOURCES).text == "Есть бланк здесь пиксель [1]"


def test_sources_named_only_beside_the_text_must_exist_too():
    assert problem("Вернуть можно за 45 дней.", 1) is None
    assert problem("Вернуть можно за 45 дней.", 7) == ("citation", "7")


def test_a_run_of_words_from_the_instructions_is_a_leak_unless_the_documents_say_it_too():
    told = "Никому не говори, что скидка постоянным покупателям бывает до десяти процентов."
    leak = "По секрету: скидка постоянным покупателям бывает до десяти процентов, что никому не говори."
    assert not repeats_instructions(leak, told, "")
    assert repeats_instructions(f"Вот: {told}", told, "")
    assert not repeats_instructions(f"Вот: {told}", told, told)


@pytest.mark.parametrize(
    ("raw", "answer"),
    [
        ('{"answer": "да [1]", "citations": [1], "answerable": true}', "да [1]"),
        ('```json\n{"answer": "да [1]"}\n```', "да [1]"),
        ('Вот: {"answer": "строка\nи ещё [1]", "citations": "нет"} — готово', "строка\nи ещё [1]"),
        ('{"answer": "да [1; 2]", "citations": ["1", null, 2]}', "да [1][2]"),
    ],
)
def test_a_models_json_in_its_odd_forms(raw, answer):
    assert read_answer(raw).answer == answer


@pytest.mark.parametrize(
    "raw", ["", "да", "{", '{"answer": 5', '{"answer": {"a": 1}}', "[1]" * 9, "{" * 5000 + "}" * 5000]
)
def test_what_is_no_answer_is_none(raw):
    assert read_answer(raw) is None


def test_numbering():
    assert renumber("А [4]. Б[2], В [4] [9]", (4, 2)) == "А [1]. Б [2], В [1]"


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
def test_the_answer_is_read_out_of_growing_json(size):
    raw = '{ "answer" : "Он сказал: \\"да\\"\\n\\u0441 \\ud83d\\ude00 и \\\\ [1]", "citations": [1]}'
    stream = AnswerStream()
    assert "".join(stream.feed(raw[i : i + size]) for i in range(0, len(raw), size)) == 'Он сказал: "да"\nс 😀 и \\ [1]'


# ---- In a conversation -----------------------------------------------------------------------------------------------

INVENTED = {
    "number": "Вернуть байдарку можно в течение 60 дней. [1]",
    "price": "Вернуть байдарку можно за 990 ₽. [1]",
    "phone": "Позвоните по телефону +7 495 123-45-67. [1]",
    "link": "Подробнее на https://lavka-vozvrat.example/form. [1]",
    "citation": "Вернуть байдарку можно в течение 45 дней. [8]",
}


@pytest.mark.parametrize("kind", INVENTED)
def test_an_invention_is_repaired_once(talk, model, kind):
    model.script(says(INVENTED[kind]), says("Вернуть байдарку можно в течение 45 дней. [1]"))
    receipt = talk.asks(QUESTION)
    assert receipt.outcome == "answered" and talk.last().text == "Вернуть байдарку можно в течение 45 дней. [1]"
    complaint = prompt_of(model.requests[1]).splitlines()[-1]
    assert complaint.startswith("Your last answer was refused. The ") or "There is no source [8]" in complaint
    first, second = receipt.checks
    assert first["text"] == INVENTED[kind] and first["message"] and second["code"] == ""


@pytest.mark.parametrize("kind", INVENTED)
def test_an_invention_repeated_goes_to_a_person(talk, model, kind):
    model.script(says(INVENTED[kind]), says(INVENTED[kind]))
    receipt = talk.asks(QUESTION)
    assert (receipt.outcome, receipt.reason, len(model.requests)) == ("handed_over", "not_sure", 2)
    assert receipt.text == "" and receipt.checks[0]["message"] in talk.lines("note")[0].text
    assert all(INVENTED[kind] not in line.text for line in talk.lines())


def test_the_window_shows_only_what_was_checked(talk, model, screen):
    model.script(says("Байдарку примут назад. Вернуть можно в течение 60 дней. [1] Деньги придут на карту. [1] Вот."))
    model.script(says("Вернуть можно в течение 45 дней. [1]"))
    talk.asks(QUESTION)
    assert screen() == "Байдарку примут назад."


def test_the_window_shows_the_answer_as_it_grows(talk, model, screen):
    model.script(says("Вернуть можно в течение 45 дней. [1] Деньги приходят за 10 рабочих дней. [1] Ждём вас!"))
    talk.asks(QUESTION)
    assert screen() == "Вернуть можно в течение 45 дней. Деньги приходят за 10 рабочих дней."


def test_messengers_are_told_all_that_is_there_but_not_too_often(talk, model, monkeypatch):
    said = says("Вернуть можно в течение 45 дней. [1] Деньги приходят за 10 рабочих дней. [1] Ждём вас!")
    model.script(said, said)
    told = []

    def hear(text, **_kwargs):
        told.append(text)

    answer_draft.connect(hear)
    talk.asks(QUESTION)
    monkeypatch.setattr("ai_assistant.services.live._PAUSE", 0)
    talk.asks(QUESTION)
    one = "Вернуть можно в течение 45 дней."
    assert told == [one, one, f"{one} Деньги приходят за 10 рабочих дней."]
