"""Persona, tone, rules, language, greeting, and what is not spoken of."""

import pytest

from ai_assistant.models import Assistant, ForbiddenTopic
from ai_assistant.providers.tests.conftest import GIGACHAT_KEYS, OPENAI_KEYS, YANDEX_KEYS, gigachat, yandexgpt
from ai_assistant.services.asking import ask
from ai_assistant.services.custom_answers import save_custom_answer
from ai_assistant.services.suggesting import suggest_reply
from ai_assistant.services.topics import find_topic, save_topic
from ai_assistant.tests.conftest import QUESTION, says
from tickets.models import Ticket

__all__ = ["gigachat", "yandexgpt"]

KEYS = {"openai_compatible": OPENAI_KEYS, "gigachat": GIGACHAT_KEYS, "yandexgpt": YANDEX_KEYS}
JSON = "application/json"


@pytest.fixture
def behaves(assistant):
    def change(**fields):
        Assistant.objects.filter(id=assistant.id).update(**fields)

    return change


@pytest.fixture
def woken(monkeypatch):
    names = []
    for module in ("ai_assistant.views_topics", "ai_assistant.api_settings"):
        monkeypatch.setattr(f"{module}.wake", lambda task: names.append(task.name.split(".")[-1]))
    return names


# ---- What the model is told ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("provider", KEYS)
def test_every_model_is_told_persona_tone_and_rules(talk, behaves, openai, gigachat, yandexgpt, provider):
    behaves(provider=provider, credentials=KEYS[provider], persona="Ты боцман Лёва.", tone="brief",
            guidance="Никогда не обещай скидок.")  # fmt: skip
    assert talk.asks(QUESTION).outcome == "answered"
    stand_in = {"openai_compatible": openai, "gigachat": gigachat, "yandexgpt": yandexgpt}[provider]
    told = str(stand_in.requests[-1].json)
    assert all(words in told for words in ("Ты боцман Лёва.", "as briefly as possible", "Никогда не обещай скидок."))


# ---- Language and greeting -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("provider", ["extractive", *KEYS])
def test_the_set_language_is_kept_by_every_model(talk, behaves, openai, gigachat, yandexgpt, provider):
    behaves(provider=provider, credentials=KEYS.get(provider, {}), language="ru")
    talk.asks("Do you sell parachutes for jumping from a plane?")
    assert talk.last().text.startswith("В наших документах я этого не нашёл")


def test_an_answer_in_another_language_than_the_set_one_is_not_sent(talk, model, behaves):
    behaves(provider="openai_compatible", credentials=OPENAI_KEYS, language="en")
    russian = says("Вернуть байдарку можно в течение 45 дней. [1]", 1)
    model.script(russian, russian)
    assert talk.asks(QUESTION).reason == "not_sure"


def test_whoever_greets_is_greeted_as_the_workspace_wants(talk, behaves):
    behaves(greeting="Ахой! Я Лёва, чем помочь?")
    talk.asks("Здравствуйте")
    assert talk.last().text == "Ахой! Я Лёва, чем помочь?"
    talk.asks("Спасибо")
    assert talk.last().text == "Пожалуйста! Что-нибудь ещё?"
    assert ask("Привет")["text"] == "Ахой! Я Лёва, чем помочь?"


# ---- Forbidden topics ------------------------------------------------------------------------------------------------


@pytest.fixture
def refunds(shop):
    return save_topic(None, name="Возвраты", phrases=["вернуть байдарку", "судебный иск"])


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Как вернуть вашу байдарку?", True), ("Байдарки вернули", False), ("О возврате", False),
        ("Будут ли судебные иски?", True), ("Хочу вернуть весло. Байдарка хорошая.", False), ("", False),
    ],
)  # fmt: skip
def test_all_words_of_a_phrase_stand_in_one_sentence(refunds, text, found):
    assert (find_topic(text, [refunds]) is not None) is found


@pytest.mark.parametrize("provider", ["extractive", *KEYS])
def test_a_question_on_a_forbidden_topic_goes_to_a_person(
    talk, behaves, refunds, openai, gigachat, yandexgpt, provider
):
    behaves(provider=provider, credentials=KEYS.get(provider, {}))
    receipt = talk.asks(QUESTION)
    assert (receipt.outcome, receipt.reason, receipt.passages) == ("handed_over", "topic", [])
    assert Ticket.objects.get().handoff_reason == "topic" and "Возвраты" in talk.lines("note")[0].text
    assert [stand_in.requests for stand_in in (openai, gigachat, yandexgpt)] == [[], [], []]


def test_or_gets_the_set_sentence(talk, refunds):
    save_topic(refunds, name="Возвраты", phrases=refunds.phrases, answer="О возвратах пишите на почту.")
    assert talk.asks(QUESTION).outcome == "answered"
    assert talk.last().text == "О возвратах пишите на почту." and talk.last().content["citations"] == []
    assert talk.asks("Сколько стоит доставка в Казань?").outcome == "answered" and "450" in talk.last().text


def test_an_answer_that_touches_it_is_not_sent_and_not_shown(talk, model, screen):
    save_topic(None, name="Сроки денег", phrases=["деньги приходят"])
    first, second = "Вернуть можно в течение 45 дней.", "Деньги приходят за 10 рабочих дней."
    model.script(says(f"{first} [1] {second} [1] ", 1))
    receipt = talk.asks("Сколько дней можно вернуть лодку, если она байдарка?")
    assert receipt.reason == "topic", receipt.checks
    assert "Деньги" in receipt.checks[-1]["text"] and not any(passage["used"] for passage in receipt.passages)
    assert [line.author for line in talk.lines()] == ["system"]
    shown = screen()
    assert first in shown and "Деньги" not in shown


def test_an_agent_gets_no_draft_on_it(talk, refunds):
    talk.shop.channel.assistant_mode = "suggest"
    talk.shop.channel.save()
    talk.ticket = talk.shop.customer_writes(QUESTION).ticket
    suggest_reply(talk.ticket.id)
    assert (talk.receipt().text, talk.receipt().reason) == ("", "topic")


def test_a_custom_answer_was_written_on_purpose(talk, refunds):
    save_custom_answer(None, questions=[QUESTION], text="45 дней.")
    talk.asks(QUESTION)
    assert talk.last().text == "45 дней."


# ---- Settings --------------------------------------------------------------------------------------------------------


def test_the_behaviour_is_set_on_the_page(shop, assistant, monkeypatch):
    monkeypatch.setattr("ai_assistant.views.wake", lambda task: None)
    form = {
        "is_active": "on",
        "provider": "extractive",
        "max_turns": 5,
        "tone": "formal",
        "language": "ru",
        "greeting": "Ахой!",
    }
    assert shop.client(shop.admin).post("/assistant/settings/", form).status_code == 302
    assistant.refresh_from_db()
    assert (assistant.tone, assistant.language, assistant.greeting) == ("formal", "ru", "Ахой!")


def test_and_over_the_api_which_leaves_the_keys(shop, assistant, woken):
    assistant.provider, assistant.credentials = "openai_compatible", OPENAI_KEYS
    assistant.save()
    admin = shop.client(HTTP_AUTHORIZATION=f"Bearer {shop.token(shop.admin)}")
    agent = shop.client(HTTP_AUTHORIZATION=f"Bearer {shop.token(shop.agent)}")
    changed = admin.patch("/api/v1/assistant/", {"tone": "friendly", "greeting": "Ахой!", "provider": "gigachat"}, JSON)
    assert changed.json()["tone"] == "friendly" and "credentials" not in changed.json()
    assistant.refresh_from_db()
    assert (assistant.provider, assistant.credentials) == ("openai_compatible", OPENAI_KEYS) and woken == [
        "run_saved_questions"
    ]
    assert admin.patch("/api/v1/assistant/", {"tone": "rude"}, JSON).status_code == 400
    assert agent.get("/api/v1/assistant/").status_code == 403


def test_topics_on_the_pages_and_over_the_api(shop, woken):
    admin, agent = shop.client(shop.admin), shop.client(shop.agent)
    page, form = "/assistant/topics/", {"name": "Политика", "phrases": "выборы\n\n", "answer": ""}
    assert admin.post(page, form).status_code == 302 and agent.get(page).status_code == 403
    topic = ForbiddenTopic.objects.get()
    assert topic.phrases == ["выборы"] and "Политика" in admin.get(page).content.decode()
    assert admin.post(f"{page}{topic.id}/", {**form, "phrases": "?!"}).status_code == 400
    assert admin.post(f"{page}{topic.id}/", {**form, "phrases": "выборы\nпартия"}).status_code == 302
    assert admin.post(f"{page}{topic.id}/delete/").status_code == 302 and not ForbiddenTopic.objects.exists()
    api = shop.client(HTTP_AUTHORIZATION=f"Bearer {shop.token(shop.admin)}")
    made = api.post("/api/v1/forbidden-topics/", {"name": "Политика", "phrases": ["выборы"]}, JSON).json()
    url = f"/api/v1/forbidden-topics/{made['id']}/"
    assert api.patch(url, {"answer": "Не обсуждаем."}, JSON).json()["phrases"] == ["выборы"]
    assert api.post("/api/v1/forbidden-topics/", {"name": "", "phrases": ["a"]}, JSON).status_code == 400
    assert api.delete(url).status_code == 204 and woken == ["run_saved_questions"] * 6
