"""When a person is called: why, what the customer reads, what the agent finds."""

import uuid

import pytest

from ai_assistant.services.composing import TURN_SECONDS
from ai_assistant.tests.conftest import QUESTION, says, utters
from omnisupport.lib.errors import Unavailable
from tests.standins import openai as oai
from tests.standins.server import Answer as Reply
from tests.standins.server import drip
from tickets.models import Ticket
from tickets.services.receive import IncomingFile

NOT_FOUND_RU = (
    "В наших документах я этого не нашёл, поэтому зову человека. "
    "Он ответит здесь при первой возможности; можно продолжать писать."
)
NOT_FOUND_EN = (
    "I have not found this in our documents, so I am calling a person. "
    "They will answer here as soon as possible; you can go on writing."
)


def handed(talk, reason):
    """The newest turn ended with a person called for this reason, and the customer knows."""
    receipt = talk.receipt()
    assert (receipt.outcome, receipt.reason) == ("handed_over", reason), receipt.checks
    ticket = Ticket.objects.get(id=talk.ticket.id)
    assert ticket.assignee is None and ticket.handoff_reason == reason
    notice = talk.last()
    assert notice.author == "system" and notice.content["handoff"] == reason and receipt.message_id == notice.id
    assert [line.author for line in talk.lines()].count("assistant") == 0
    return notice.text


@pytest.mark.parametrize(
    ("question", "message"),
    [
        ("Продаёте ли вы парашюты для прыжков с самолёта?", NOT_FOUND_RU),
        ("Do you sell parachutes for jumping from a plane?", NOT_FOUND_EN),
    ],
)
def test_what_is_not_in_the_documents_goes_to_a_person_in_the_language_of_the_question(talk, model, question, message):
    receipt = talk.asks(question)
    assert handed(talk, "no_source") == message
    assert receipt.confidence < 0.5 and model.requests == []
    (note,) = talk.lines("note")
    assert note.text.startswith("Передано: в документах нет ответа") and question in note.text


def test_with_no_documents_at_all(shop, assistant, talk):
    from knowledge.models import Document

    Document.objects.all().delete()
    talk.asks(QUESTION)
    assert handed(talk, "no_source") == NOT_FOUND_RU


def test_the_model_says_that_the_sources_do_not_answer(talk, model):
    model.script(says("", answerable=False))
    talk.asks(QUESTION)
    assert handed(talk, "no_source") == NOT_FOUND_RU
    assert len(model.requests) == 1


@pytest.mark.parametrize(
    ("before", "now", "begins"),
    [
        (QUESTION, "ZX-9000-Q?", "В наших документах"),
        ("How long does the warranty on paddles last?", "ZX-9000-Q?", "I have not found"),
    ],
)
def test_a_bare_code_is_answered_in_the_language_spoken_so_far(talk, before, now, begins):
    talk.asks(before)
    talk.asks(now)
    assert talk.last().text.startswith(begins)


def test_before_a_word_was_written_the_messenger_tells_the_language(talk):
    talk.customer("ZX-9000-Q?")
    contact = talk.ticket.contact
    contact.language = "en"
    contact.save()
    talk.turn()
    assert talk.last().text == NOT_FOUND_EN


@pytest.mark.parametrize("text", ["Позовите оператора", "I want to talk to a human"])
def test_whoever_asks_for_a_person_gets_one_unasked(talk, model, text):
    talk.asks(QUESTION, text)
    assert handed(talk, "asked").startswith(("Зову человека.", "I am calling a person."))
    assert model.requests == []


def test_a_threat_with_the_court_is_for_people(talk):
    talk.asks("Верните деньги, иначе пойду в суд!")
    handed(talk, "asked")


def test_a_file_that_nobody_but_a_person_can_read(talk, model):
    talk.asks("Что с ней не так?", files=(IncomingFile(kind="image", name="byadarka.jpg"),))
    assert handed(talk, "unread_file").startswith("Я не умею читать файлы")
    assert model.requests == []


def test_a_message_without_words(talk):
    talk.asks("", content={"sticker": "🛶"})
    handed(talk, "not_sure")


def test_after_so_many_answers_a_person_goes_on(talk, assistant):
    assistant.max_turns = 1
    assistant.save()
    talk.asks(QUESTION)
    assert talk.asks("Сколько стоит доставка в Казань?").reason == "limit"
    assert talk.last().text.startswith("Дальше ответит человек.")


def test_the_second_time_that_it_did_not_help(talk):
    talk.asks(QUESTION)
    talk.asks("Не помогло, сколько дней можно вернуть байдарку?")
    assert talk.asks("Опять не помогло: вернуть байдарку").reason == "not_sure"


def test_an_assistant_that_is_switched_off(talk, assistant):
    assistant.is_active = False
    assistant.save()
    talk.asks(QUESTION)
    assert handed(talk, "off").startswith("Сейчас я не могу ответить, поэтому зову человека.")
    assert "Вопрос: Сколько дней" in talk.lines("note")[0].text


def test_an_assistant_whose_settings_nobody_opened_yet(talk, assistant):
    assistant.delete()
    assert talk.asks(QUESTION).outcome == "answered"


# ---- The model fails -------------------------------------------------------------------------------------------------

FAULTS = {
    "quota": oai.error(429, "You exceeded your current quota", "insufficient_quota"),
    "key": oai.error(401, "Incorrect API key provided", "invalid_api_key"),
    "down": Reply(503, html="<h1>Service unavailable</h1>"),
    "no-json": Reply(200, html="<h1>Hello</h1>"),
    "cut": Reply(
        200, chunks=[b'data: {"choices":[{"index":0,"delta":{"content":"{\\"answer\\": \\"4"}}]}\n\n'], cut=True
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_model_that_fails_means_a_person_never_silence(talk, model, fault):
    model.script(*[FAULTS[fault]] * 4)
    receipt = talk.asks(QUESTION)
    assert handed(talk, "error").startswith("Сейчас я не могу ответить")
    assert receipt.checks[-1]["message"] in talk.lines("note")[0].text
    assert "sk-stand-in" not in str(receipt.checks) and receipt.text == ""


def test_a_model_that_does_not_answer_in_time(talk, model, monkeypatch):
    monkeypatch.setattr("ai_assistant.services.composing.TURN_SECONDS", 0.4)
    assert TURN_SECONDS == 24.0
    model.script(Reply(chunks=drip(b": wait\n\n")))
    talk.asks(QUESTION)
    handed(talk, "error")
    assert talk.receipt().checks[-1]["code"] == "llm_timeout"


def test_moderation_refuses(talk, model):
    model.script(utters("На эту тему говорить нельзя.", finish="content_filter"))
    talk.asks(QUESTION)
    handed(talk, "not_sure")
    assert talk.receipt().checks[-1]["code"] == "llm_filtered"


def test_a_truncated_answer_is_never_the_final_one(talk, model):
    half = '{"answer": "Вернуть байдарку можно в течение 45 дней. [1] Для этого нуж'
    model.script(utters(half, finish="length"), utters(half, finish="length"))
    talk.asks(QUESTION)
    handed(talk, "not_sure")
    assert len(model.requests) == 2


def test_an_answer_that_is_no_json_is_asked_for_once_more(talk, model):
    model.script(utters("Вернуть байдарку можно в течение 45 дней."))
    receipt = talk.asks(QUESTION)
    assert receipt.outcome == "answered" and "45 дней" in talk.last().text
    assert [check["code"] for check in receipt.checks] == ["unreadable", ""]


def test_too_long_for_the_model_the_weaker_sources_stay_out(talk, model):
    model.script(oai.error(400, "This model's maximum context length is 10 tokens", "context_length_exceeded"))
    assert talk.asks("Сколько дней можно вернуть байдарку и как приезжает курьер?").outcome == "answered"
    first, second = (request.json["messages"][1]["content"].count("<source-") for request in model.requests)
    assert 0 < second < first


def test_a_provider_without_a_key(talk, assistant):
    assistant.provider, assistant.credentials = "yandexgpt", {}
    assistant.save()
    talk.asks(QUESTION)
    handed(talk, "error")


def test_the_index_does_not_answer(talk, monkeypatch):
    def refuse(*_args, **_options):
        raise Unavailable("The index does not answer.", code="index_unavailable")

    monkeypatch.setattr("knowledge.index.search", refuse)
    talk.asks(QUESTION)
    handed(talk, "error")
    assert talk.receipt().checks[-1]["code"] == "index_unavailable"


def test_what_nobody_foresaw(talk, monkeypatch):
    monkeypatch.setattr("knowledge.index.search", lambda *_args, **_options: 1 / 0)
    talk.asks(QUESTION)
    handed(talk, "error")
    assert not talk.ticket.messages.filter(client_id=uuid.UUID(int=0)).exists()
