"""Asking without a customer: the playground, the API, and the receipts of what was really answered."""

import uuid

import pytest

from ai_assistant import tasks
from ai_assistant.models import Answer
from ai_assistant.services import publishing
from ai_assistant.services.asking import ask
from ai_assistant.services.assistants import ensure_assistant
from ai_assistant.tests.conftest import OPENAI_KEYS, QUESTION, says
from tests.standins.openai import error
from tickets.models import Contact, Message, Ticket

JSON = "application/json"
URL, PLAYGROUND = "/api/v1/ask/", "/assistant/playground/"


def post(shop, question, **fields):
    client = shop.client(HTTP_AUTHORIZATION=f"Bearer {shop.token(shop.agent)}")
    return client.post(URL, {"question": question, **fields}, JSON)


def test_a_question_by_the_api(worker):
    answer = post(worker, QUESTION).json()
    assert (answer["outcome"], answer["reason"], answer["provider"]) == ("answered", "", "extractive")
    assert "45 дней" in answer["text"] and answer["citations"][0]["title"] == "Возврат"
    best = answer["passages"][0]
    assert best["used"] is True and best["score"] > 0 and "45 дней" in best["text"]
    assert answer["confidence"] >= 0.5 and answer["timings"]["total_ms"] > 0
    assert "prompt" not in answer
    missing = post(worker, "Do you sell parachutes for jumping?").json()
    assert (missing["outcome"], missing["reason"]) == ("handed_over", "no_source")
    assert missing["text"].startswith("I have not found this in our documents")
    assert post(worker, "Do you sell parachutes for jumping?", language="ru").json()["text"].startswith("В наших докум")


def test_the_playground_shows_every_stage_and_writes_nothing(worker, openai):
    assistant = ensure_assistant()
    assistant.provider, assistant.credentials = "openai_compatible", OPENAI_KEYS
    assistant.save()
    openai.script(says("Вернуть можно в течение 60 дней. [1]"), says("Вернуть можно в течение 45 дней. [1]"))
    before = [model.objects.count() for model in (Ticket, Message, Contact, Answer)]
    page = worker.client(worker.agent).post(PLAYGROUND, {"question": QUESTION}).content.decode()
    for shown in (
        "Вернуть можно в течение 45 дней. [1]",  # the answer
        "Вернуть можно в течение 60 дней. [1]</del>",  # what was refused
        "openai_compatible · scripted",
        "Confidence of the search",
        "Деньги приходят на карту за 10 рабочих дней",  # the passage
        "Model and checks",
        " ms</td>",
    ):
        assert shown in page, shown
    assert [model.objects.count() for model in (Ticket, Message, Contact, Answer)] == before


def test_nobody_works(shop, monkeypatch):
    monkeypatch.setattr(tasks.ask_in_worker, "__kwdefaults__", {"timeout": 0.3})
    answer = post(shop, QUESTION)
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "assistant_unavailable")
    page = shop.client(shop.agent).post(PLAYGROUND, {"question": QUESTION}).content.decode()
    assert "The assistant did not answer" in page


@pytest.mark.parametrize(
    "body", [{}, {"question": ""}, {"question": "x" * 4001}, {"question": QUESTION, "language": "de"}]
)
def test_what_is_no_question(shop, body):
    client = shop.client(HTTP_AUTHORIZATION=f"Bearer {shop.token(shop.agent)}")
    assert client.post(URL, body, JSON).status_code == 400


def test_strangers_may_not_ask(shop, rival):
    assert shop.client().post(URL, {"question": QUESTION}, JSON).status_code == 401
    token = {"HTTP_AUTHORIZATION": f"Bearer {rival.token(rival.agent)}"}
    assert shop.client(**token).post(URL, {"question": QUESTION}, JSON).status_code == 401


@pytest.mark.parametrize(
    ("question", "outcome", "begins"),
    [
        ("Привет!", "answered", "Здравствуйте! Что вы хотите узнать?"),
        ("Thanks!", "answered", "You are welcome!"),
        ("Позовите оператора", "handed_over", "Зову человека."),
        ("I will see you in court with my lawyer", "handed_over", "I am calling a person."),
    ],
)
def test_what_needs_no_model_is_answered_as_in_a_conversation(library, model, question, outcome, begins):
    answer = ask(question)
    assert answer["outcome"] == outcome and answer["text"].startswith(begins)
    assert model.requests == []


def test_a_model_that_fails_is_shown_with_its_reason(library, model):
    model.script(*[error(401, "Incorrect API key provided", "invalid_api_key")] * 3)
    answer = ask(QUESTION)
    assert (answer["outcome"], answer["reason"]) == ("handed_over", "error")
    assert answer["checks"][0]["code"] == "llm_auth" and answer["passages"]


# ---- Receipts --------------------------------------------------------------------------------------------------------


def test_a_receipt_holds_all_that_made_the_answer(talk, model):
    receipt = talk.asks(QUESTION)
    assert (receipt.provider, receipt.prompt_version != "") == ("openai_compatible", True)
    assert receipt.model == "stand-in-chat-2026-11-01" and receipt.query == receipt.question == QUESTION
    assert receipt.passages[0].keys() >= {"n", "title", "text", "score", "used", "document", "page", "section"}
    assert [passage["used"] for passage in receipt.passages].count(True) == 1
    assert receipt.timings.keys() == {"search_ms", "model_ms", "total_ms"} and receipt.usage["total"] > 0
    assert receipt.usage["request_id"].startswith("req_") and receipt.finished_at
    assert receipt.confidence >= 0.5 and receipt.text == talk.last().text
    assert str(receipt.id) == talk.last().content["answer_id"] and receipt.message_id == talk.last().id


def test_refused_and_dropped_answers_have_receipts_too(talk, model):
    receipt = talk.asks("Продаёте ли вы парашюты?")
    assert receipt.outcome == "handed_over" and receipt.confidence is not None and receipt.timings["search_ms"] >= 0
    assert talk.shop.client(talk.shop.agent).get(f"/assistant/answers/{receipt.id}/").status_code == 200


def test_the_receipt_as_a_page(talk, model):
    model.script(
        says("Верните за <script>alert(1)</script> 60 дней. [1]"), says("Вернуть можно в течение 45 дней. [1]")
    )
    receipt = talk.asks(QUESTION)
    page = f"/assistant/answers/{receipt.id}/"
    for person, sees_prompt in ((talk.shop.agent, False), (talk.shop.admin, True)):
        content = talk.shop.client(person).get(page).content.decode()
        assert "Вернуть можно в течение 45 дней. [1]" in content and "Деньги приходят на карту" in content
        assert ("support assistant of the company" in content) is sees_prompt
        assert "<script>alert" not in content
    assert talk.shop.client(talk.shop.agent).get(f"/assistant/answers/{uuid.uuid4()}/").status_code == 404


def test_the_list_of_answers(talk):
    talk.asks(QUESTION)
    talk.asks("Продаёте ли вы парашюты?")
    client = talk.shop.client(talk.shop.agent)
    everything = client.get("/assistant/answers/").content.decode()
    handed = client.get("/assistant/answers/?outcome=handed_over").content.decode()
    assert QUESTION in everything and "парашюты" in everything
    assert QUESTION not in handed and "парашюты" in handed and f"#{talk.ticket.number}" in handed


def test_receipts_of_a_stranger_are_not_there(talk, rival):
    receipt = talk.asks(QUESTION)
    assert rival.client(rival.admin).get(f"/assistant/answers/{receipt.id}/").status_code == 404


# ---- Side by side ----------------------------------------------------------------------------------------------------


SETTINGS = {
    "provider": "openai_compatible",
    "tone": "brief",
    "min_confidence": "0.5",
    "persona": "Боцман Лёва",
    "guidance": "",
}


def test_two_settings_answer_one_question_side_by_side(worker, openai):
    assistant = ensure_assistant()
    assistant.provider, assistant.credentials, assistant.price = "openai_compatible", OPENAI_KEYS, 1
    assistant.save()
    before = [model.objects.count() for model in (Ticket, Message, Contact, Answer)]
    page = (
        worker.client(worker.admin)
        .post(PLAYGROUND, {"question": QUESTION, "compare": "1", **SETTINGS})
        .content.decode()
    )
    published, tried = page.split("As published")[1].split("With the other settings")
    for side in (published, tried):
        for shown in ("45 дней", "Confidence of the search", "Model and checks", "Tokens", " ₽</td>", "Passages found"):
            assert shown in side, shown
    told = [str(request.json) for request in openai.requests]
    assert sorted("Боцман Лёва" in prompt for prompt in told) == [False, True]
    assistant.refresh_from_db()
    assert (assistant.persona, assistant.tone) == ("", "")
    assert [model.objects.count() for model in (Ticket, Message, Contact, Answer)] == before


def test_a_stricter_search_hands_over_beside_an_answer(library):
    question = "Сколько дней можно вернуть байдарку, полученную в подарок?"
    tried = tasks.ask_task.run(question, "", "", {"min_confidence": 1.0})
    assert (tasks.ask_task.run(question, "")["outcome"], tried["outcome"]) == ("answered", "handed_over")
    assert ensure_assistant().min_confidence == 0.5


def test_another_provider_is_not_asked_with_the_keys_of_this_one(library, model):
    assert publishing.settings_to_try({"provider": "gigachat"}).credentials == {}
    assert publishing.settings_to_try({"provider": "openai_compatible"}).credentials == OPENAI_KEYS
    # Only what the form has can be set.
    assert publishing.settings_to_try({"credentials": {"api_key": "x"}, "is_active": False}).credentials == OPENAI_KEYS


def test_agents_may_ask_but_not_try_other_settings(shop):
    agent = shop.client(shop.agent)
    assert "Compare with other settings" not in agent.get(PLAYGROUND).content.decode()
    assert agent.post(PLAYGROUND, {"question": QUESTION, "compare": "1", **SETTINGS}).status_code == 403


def test_settings_that_are_none_are_refused_where_they_stand(shop):
    page = shop.client(shop.admin).post(
        PLAYGROUND, {"question": QUESTION, "compare": "1", **SETTINGS, "min_confidence": "7"}
    )
    assert "field__error" in page.content.decode() and "As published" not in page.content.decode()
