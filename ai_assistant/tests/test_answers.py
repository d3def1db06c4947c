"""What the assistant says when it has something to say."""

import pytest

from ai_assistant.language import language_of
from ai_assistant.tests.conftest import QUESTION, prompt_of, says
from tickets.services.post import post_message


def test_the_best_passage_word_for_word_and_said_to_be_an_excerpt(talk):
    receipt = talk.asks(QUESTION)
    assert (receipt.outcome, receipt.provider) == ("answered", "extractive")
    answer = talk.last()
    assert answer.author == "assistant"
    assert answer.text.startswith("Отвечаю выдержками из документов:")
    assert "Вернуть байдарку можно в течение 45 дней, если она не была в воде. [1]" in answer.text
    (citation,) = answer.content["citations"]
    assert (citation["n"], citation["title"]) == (1, "Возврат")
    assert "45 дней" in citation["quote"]


def test_a_fact_in_a_table_is_found(talk):
    talk.asks("Сколько стоит доставка в Казань?")
    assert "Казань | 450 ₽" in talk.last().text


def test_an_english_question_gets_an_english_answer(talk):
    talk.asks("How long does the warranty on paddles last?")
    assert talk.last().text.startswith("I am answering with excerpts from the documents:")
    assert "lasts 18 months" in talk.last().text


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("crjkmrj lytq vj;yj dthyenm ,fqlfhre", "ru"),
        ("rfr dthyenm ,fqlfhre d vfufpby? tckb jyf yt gjljikf gj hfpvthe", "ru"),
        ("Vitamin C", "en"),
        ("yt link", "en"),
        ("How long is the warranty?", "en"),
    ],
)
def test_a_keyboard_left_in_english_makes_no_english_question(text, language):
    assert language_of(text) == language


def test_the_model_is_told_the_language_of_the_customer(talk, model):
    talk.asks("How long does the warranty on paddles last?")
    assert "Answer in English." in model.requests[0].json["messages"][0]["content"]
    assert "18 months" in talk.last().text


def test_an_answer_in_another_language_is_asked_for_once_more(talk, model):
    model.script(says("You can return a kayak within 45 days of the purchase, any day. [1]"))
    model.script(says("Вернуть байдарку можно 45 дней. [1]"))
    receipt = talk.asks(QUESTION)
    assert talk.last().text == "Вернуть байдарку можно 45 дней. [1]"
    assert receipt.checks[0]["code"] == "language"


def test_sources_are_numbered_from_one_in_order_of_appearance(talk, model):
    model.script(says("Курьер приезжает на следующий день. [2] Вернуть можно в течение 45 дней. [1]"))
    talk.asks("Когда приезжает курьер и сколько дней можно вернуть байдарку?")
    assert [citation["n"] for citation in talk.last().content["citations"]] == [1, 2]
    assert "следующий день. [1]" in talk.last().text and "45 дней. [2]" in talk.last().text


@pytest.mark.parametrize(
    "text", ["Вернуть можно 45 дней [1, 2].", "Вернуть можно 45 дней [1][2].", "Вернуть можно 45 дней [1] [2]."]
)
def test_several_sources_for_one_statement(talk, model, text):
    model.script(says(text))
    talk.asks("Сколько дней можно вернуть байдарку и как приезжает курьер?")
    assert talk.last().text == "Вернуть можно 45 дней [1] [2]."


def test_sources_named_beside_the_text_count(talk, model):
    model.script(says("Вернуть можно в течение 45 дней.", 1))
    talk.asks(QUESTION)
    assert talk.last().text == "Вернуть можно в течение 45 дней. [1]"


def test_a_greeting_is_greeted_and_thanks_are_welcome(talk, model):
    for text, reply in [
        ("Здравствуйте!", "Здравствуйте! Что вы хотите узнать?"),
        ("спасибо большое)))", "Пожалуйста! Что-нибудь ещё?"),
        ("Hello there", "Hello! What would you like to know?"),
        ("Thanks a lot!", "You are welcome! Anything else?"),
    ]:
        assert talk.asks(text).outcome == "answered"
        assert talk.last().text == reply
    assert model.requests == []


def test_whoever_opens_the_chat_is_greeted(talk):
    talk.asks("/start", content={"started": ""})
    assert talk.last().text == "Здравствуйте! Что вы хотите узнать?"


def test_a_question_that_points_back_is_searched_with_the_one_before_it(talk):
    talk.asks("Сколько стоит доставка в Москву?")
    receipt = talk.asks("а в Казань?")
    assert receipt.query == "Сколько стоит доставка в Москву?\nа в Казань?"
    assert "Казань | 450 ₽" in talk.last().text


@pytest.mark.parametrize("question", ["Продаёте ли вы парашюты?", "А парашюты?", "А у вас есть парашюты для неё?"])
def test_a_question_about_something_else_does_not_get_the_last_answer_again(talk, question):
    talk.asks(QUESTION)
    assert talk.asks(question).reason == "no_source"


def test_a_price_of_what_was_just_spoken_of(talk, add):
    add("# Байдарки\n\n| Модель | Цена |\n|---|---|\n| Ладога | 25 000 ₽ |\n| Вуокса | 31 000 ₽ |\n", "kayaks.md")
    talk.asks("Есть ли у вас модель Ладога?")
    talk.asks("А сколько она стоит?")
    assert "Ладога | 25 000 ₽" in talk.last().text


def test_a_new_subject_is_searched_alone(talk):
    talk.asks(QUESTION)
    assert talk.asks("Сколько стоит доставка в Казань?").query == "Сколько стоит доставка в Казань?"
    assert "450 ₽" in talk.last().text


@pytest.mark.parametrize(
    "story",
    [
        "Добрый вечер. Мы с мужем в мае купили у вас байдарку, ездили на Вуоксу, всем довольны. Но друзья подарили ещё одну. "
        "Подскажите, сколько дней можно вернуть байдарку? Заранее благодарю, Марина.",
        "Сколько дней можно вернуть байдарку? И ещё: водятся ли в Вуоксе крокодилы и аллигаторы?",
    ],
)
def test_what_is_really_asked_in_a_long_story_is_found(talk, story):
    assert talk.asks(story).outcome == "answered"
    assert "45 дней" in talk.last().text


def test_the_model_reads_what_was_said_before_but_no_notes(talk, model):
    talk.asks(QUESTION)
    post_message(
        ticket_id=talk.ticket.id, client_id=talk.ticket.contact_id, text="Он должник, тайно", user=talk.shop.agent,
        kind="note",
    )  # fmt: skip
    talk.asks("А если она была в воде?")
    told = prompt_of(model.requests[-1])
    assert f"customer: {QUESTION}" in told and "support: Вернуть байдарку можно в течение 45 дней" in told
    assert "должник" not in told


def test_what_the_workspace_tells_its_assistant_reaches_the_model(talk, model, assistant):
    assistant.persona, assistant.guidance = "Ты Ладья, весёлая и краткая.", "Не обещай скидок."
    assistant.save()
    talk.asks(QUESTION)
    system = model.requests[0].json["messages"][0]["content"]
    assert "Ты Ладья, весёлая и краткая." in system and "Не обещай скидок." in system
