"""What people find wrong with an answer, and what the documents could not answer at all."""

import pytest

from ai_assistant.models import Answer
from ai_assistant.services.unanswered import grouped, unanswered_groups
from ai_assistant.tests.conftest import QUESTION
from knowledge.models import Document
from tenants.events.models import Event

ANSWERS, UNANSWERED, ADD = "/assistant/answers/", "/assistant/unanswered/", "/admin/knowledge/document/article/"


def test_an_answer_is_marked_as_wrong_with_a_reason(talk):
    receipt = talk.asks(QUESTION)
    agent, page = talk.shop.client(talk.shop.agent), f"{ANSWERS}{receipt.id}/"
    assert agent.post(f"{page}wrong/", {"wrong": "outdated", "wrong_comment": " Теперь 60 дней. "})["Location"] == page
    receipt.refresh_from_db()
    assert (receipt.wrong, receipt.wrong_comment, receipt.wrong_by) == ("outdated", "Теперь 60 дней.", talk.shop.agent)
    assert receipt.outcome == "answered"
    shown = agent.get(page).content.decode()
    assert "the document is out of date" in shown and "Теперь 60 дней." in shown and "Олег Агент" in shown
    judged = Event.objects.get(type="answer.judged")
    assert (judged.actor_id, judged.payload) == (
        talk.shop.agent.id,
        {"answer_id": str(receipt.id), "wrong": "outdated"},
    )


def test_a_mark_can_be_taken_back(talk):
    receipt = talk.asks(QUESTION)
    agent = talk.shop.client(talk.shop.agent)
    agent.post(f"{ANSWERS}{receipt.id}/wrong/", {"wrong": "tone"})
    agent.post(f"{ANSWERS}{receipt.id}/right/")
    receipt.refresh_from_db()
    assert (receipt.wrong, receipt.wrong_by) == ("", None)


@pytest.mark.parametrize("form", [{}, {"wrong": "ugly"}, {"wrong": "facts", "wrong_comment": "x" * 2001}])
def test_a_mark_without_a_reason_is_refused(talk, form):
    receipt = talk.asks(QUESTION)
    answer = talk.shop.client(talk.shop.agent).post(f"{ANSWERS}{receipt.id}/wrong/", form)
    assert answer.status_code == 400 and "field__error" in answer.content.decode()
    assert QUESTION in answer.content.decode()
    receipt.refresh_from_db()
    assert receipt.wrong == ""


def test_strangers_mark_nothing(talk, rival):
    receipt = talk.asks(QUESTION)
    for client in (talk.shop.client(), rival.client(rival.admin)):
        client.post(f"{ANSWERS}{receipt.id}/wrong/", {"wrong": "facts"}, HTTP_HOST=talk.shop.host)
    assert rival.client(rival.admin).post(f"{ANSWERS}{receipt.id}/wrong/", {"wrong": "facts"}).status_code == 404
    receipt.refresh_from_db()
    assert receipt.wrong == ""


def test_the_list_shows_only_what_is_wrong(talk):
    talk.asks(QUESTION)
    wrong = talk.asks("Сколько стоит доставка в Казань?")
    agent = talk.shop.client(talk.shop.agent)
    agent.post(f"{ANSWERS}{wrong.id}/wrong/", {"wrong": "facts"})
    for query, shown, hidden in (
        ("", [QUESTION, "Казань", "what it says is not true</span>"], []),
        ("?wrong=any", ["Казань"], [QUESTION]),
        ("?wrong=facts&outcome=answered", ["Казань"], [QUESTION]),
        ("?wrong=tone", ["There is no such answer."], [QUESTION, "Казань"]),
    ):
        page = agent.get(ANSWERS + query).content.decode()
        assert all(text in page for text in shown) and not any(text in page for text in hidden), query


# ---- Unanswered questions --------------------------------------------------------------------------------------------


def receipts(*questions):
    return [Answer(question=question) for question in questions]


def texts(groups):
    return [[answer.question for answer in group.answers] for group in groups]


def test_questions_that_are_alike_stand_together():
    parachutes = ["Продаёте ли вы парашюты?", "У вас есть парашюты?", "парашют продаете"]
    assert texts(grouped(receipts(*parachutes))) == [parachutes]


def test_a_common_verb_makes_no_likeness():
    questions = ["Продаёте ли вы парашюты?", "Продаёте ли вы велосипеды?", "Do you sell parachutes?"]
    assert texts(grouped(receipts(*questions))) == [[question] for question in questions]


def test_questions_that_name_nothing_are_only_like_themselves():
    assert texts(grouped(receipts("???", "А?", "???", ""))) == [["???", "???"], ["А?"], [""]]


def test_what_was_asked_most_often_comes_first_and_leads_to_an_article(talk):
    talk.asks("Продаёте ли вы велосипеды?", address="visitor-1")
    talk.asks("Продаёте ли вы парашюты?", address="visitor-2")
    newest = talk.asks("Продаёте парашюты? Мой телефон +7 912 345-67-89", address="visitor-3")
    talk.asks(QUESTION, address="visitor-4")
    groups = unanswered_groups(Answer.objects.all())
    assert [len(group.answers) for group in groups] == [2, 1] and groups[0].newest == newest
    assert "912" not in " ".join(group.title for group in groups)
    agent, admin = talk.shop.client(talk.shop.agent), talk.shop.client(talk.shop.admin)
    page = admin.get(UNANSWERED).content.decode()
    assert page.index("парашюты") < page.index("велосипеды?") and QUESTION not in page
    link = f"{ADD}?title=%D0%9F%D1%80%D0%BE%D0%B4%D0%B0%D1%91%D1%82%D0%B5%20%D0%BF%D0%B0%D1%80"
    assert link in page and ADD not in agent.get(UNANSWERED).content.decode()


def test_the_article_is_written_where_the_question_leads(library):
    admin = library.client(library.admin)
    page = admin.get(ADD, {"title": "Продаёте ли вы парашюты?"}).content.decode()
    assert 'value="Продаёте ли вы парашюты?"' in page
    assert admin.post(ADD, {"title": "Парашюты", "text": "Парашютов нет. Спросите в аэроклубе."}).status_code == 302
    assert Document.objects.filter(title="Парашюты").exists()
