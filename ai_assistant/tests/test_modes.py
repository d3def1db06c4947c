"""What the assistant does in a channel: suggests, answers out of hours, asks first, or nothing."""

import json
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from ai_assistant import subscribers, tasks
from ai_assistant.models import Answer
from ai_assistant.services.answering import answer_ticket
from ai_assistant.services.suggesting import suggest_reply, suggestion_for
from ai_assistant.tests.conftest import QUESTION, says
from channels_app.services.channels import assignee_of_new
from tenants.events.models import Event
from tenants.sweeper import find_work
from tickets.models import Message, Ticket
from tickets.services.hours import closed_notice, set_hours
from tickets.services.post import post_message
from tickets.services.tickets import assign_ticket

OFFICE = [["09:00", "18:00"]] * 5 + [None, None]
MOSCOW = ZoneInfo("Europe/Moscow")
# A Friday, and the Monday after it.
MIDDAY, EVENING = datetime(2026, 11, 27, 12, tzinfo=MOSCOW), datetime(2026, 11, 27, 20, tzinfo=MOSCOW)
MONDAY = datetime(2026, 11, 30, 12, tzinfo=MOSCOW)
JSON = "application/json"


@pytest.fixture
def mode(talk):
    def set_mode(value):
        channel = talk.shop.channel
        channel.assistant_mode, channel.first_assignee = value, talk.shop.assistant
        channel.save()

    return set_mode


@pytest.fixture
def clock(monkeypatch):
    """It is this moment."""

    def at(moment):
        monkeypatch.setattr("django.utils.timezone.now", lambda: moment)

    return at


def suggests(talk, *texts):
    """The customer writes, a person has the conversation, and the assistant makes its draft."""
    for text in texts:
        message = talk.shop.customer_writes(text, assign_to=talk.shop.agent.id)
    talk.ticket = message.ticket
    suggest_reply(talk.ticket.id)
    return talk.receipt()


def heard(name="message.received"):
    """The newest event of that name reaches the assistant."""
    subscribers.take_turn(Event.objects.filter(type=name).latest("id"))


# ---- Suggest ---------------------------------------------------------------------------------------------------------


def test_a_suggestion_is_for_the_agent_alone(talk, mode):
    mode("suggest")
    receipt = suggests(talk, QUESTION)
    assert (receipt.outcome, receipt.message_id) == ("suggested", None) and "45 дней" in receipt.text
    assert talk.lines() == [] and Ticket.objects.get().waiting_since is not None
    page = talk.shop.client(talk.shop.agent).get(f"/inbox/{talk.ticket.number}/").content.decode()
    assert "Suggested reply" in page and "45 дней" in page and "Возврат" in page and "1 source" in page
    assert "[1]" not in page.split('class="suggestion__text')[1].split("</p>")[0]


def test_it_is_taken_into_the_reply(talk, mode):
    mode("suggest")
    receipt = suggests(talk, QUESTION)
    agent = talk.shop.client(talk.shop.agent)
    answer = agent.post(f"/assistant/suggestions/{receipt.id}/insert/", HTTP_HX_REQUEST="true")
    words = json.loads(answer["HX-Trigger"])["taken-back"]["text"]
    assert "45 дней" in words and "[1]" not in words
    assert suggestion_for(talk.ticket) is None and talk.receipt().draft == "inserted"
    assert talk.lines() == []


def test_it_is_discarded_for_everybody(talk, mode):
    mode("suggest")
    receipt = suggests(talk, QUESTION)
    agent = talk.shop.client(talk.shop.agent)
    assert agent.post(f"/assistant/suggestions/{receipt.id}/discard/").status_code == 302
    assert "Suggested reply" not in agent.get(f"/inbox/{talk.ticket.number}/").content.decode()
    assert Event.objects.filter(type="answer.judged", ticket_id=talk.ticket.id).count() == 1


def test_what_is_answered_or_written_anew_makes_it_old(talk, mode):
    mode("suggest")
    suggests(talk, QUESTION)
    suggests(talk, "А сколько стоит доставка в Казань?")
    assert "450 ₽" in suggestion_for(talk.ticket).text
    post_message(ticket_id=talk.ticket.id, client_id=talk.ticket.contact_id, text="Отвечаю.", user=talk.shop.agent)
    assert suggestion_for(talk.ticket) is None


def test_where_it_knows_nothing_the_agent_is_told(talk, mode):
    mode("suggest")
    receipt = suggests(talk, "Продаёте ли вы парашюты для прыжков с самолёта?")
    assert (receipt.outcome, receipt.reason, receipt.text) == ("suggested", "no_source", "")
    page = talk.shop.client(talk.shop.agent).get(f"/inbox/{talk.ticket.number}/").content.decode()
    assert "The assistant has no reply to suggest" in page and "/insert/" not in page
    assert Ticket.objects.get().handoff_reason == "" and talk.lines("note") == []


def test_the_checks_hold_for_suggestions_too(talk, model, mode):
    mode("suggest")
    model.script(says("Вернуть можно в течение 99 дней. [1]", 1), says("Вернуть можно в течение 99 дней. [1]", 1))
    assert suggests(talk, QUESTION).reason == "not_sure" and talk.receipt().text == ""


def test_given_the_conversation_it_gives_it_back_and_suggests(talk, mode):
    mode("suggest")
    assert assignee_of_new(talk.shop.channel) is None
    talk.customer(QUESTION)
    assert answer_ticket(talk.ticket.id) == "suggested"
    assert Ticket.objects.get().assignee is None and talk.lines() == []


def test_each_message_wakes_it_there_and_only_there(talk, mode, monkeypatch):
    woken = []
    monkeypatch.setattr(subscribers, "wake", lambda task, ticket_id, **_options: woken.append(task.name.split(".")[-1]))
    mode("suggest")
    talk.shop.customer_writes(QUESTION)
    heard()
    mode("answer")
    talk.shop.customer_writes(QUESTION)
    heard()
    assert woken == ["suggest_reply"]


def test_suggestions_over_the_api(talk, mode):
    mode("suggest")
    receipt = suggests(talk, QUESTION)
    api = talk.shop.client(HTTP_AUTHORIZATION=f"Bearer {talk.shop.token(talk.shop.agent)}")
    (row,) = api.get(f"/api/v1/suggestions/?ticket_id={talk.ticket.id}&draft=").json()["results"]
    assert row["id"] == str(receipt.id) and "45 дней" in row["text"] and row["sources"][0]["title"] == "Возврат"
    assert api.patch(f"/api/v1/suggestions/{receipt.id}/", {"draft": "discarded"}, JSON).json()["draft"] == "discarded"
    assert suggestion_for(talk.ticket) is None
    assert api.patch(f"/api/v1/suggestions/{receipt.id}/", {"draft": "eaten"}, JSON).status_code == 400


# ---- Off -------------------------------------------------------------------------------------------------------------


def test_switched_off_in_a_channel_people_get_the_conversations(talk, mode):
    mode("off")
    assert assignee_of_new(talk.shop.channel) is None
    talk.asks(QUESTION)
    assert talk.receipt().reason == "off"


def test_a_person_is_the_first_assignee_in_every_mode(talk, mode):
    for value in ("answer", "outside_hours", "ask_first", "suggest", "off"):
        mode(value)
        talk.shop.channel.first_assignee = talk.shop.agent
        assert assignee_of_new(talk.shop.channel) == talk.shop.agent.id


def test_a_lost_wake_up_costs_no_draft(talk, mode, monkeypatch):
    mode("suggest")
    talk.customer(QUESTION)
    waited = timezone.now() - timedelta(minutes=5)
    Message.objects.update(created_at=waited)
    Ticket.objects.update(waiting_since=waited)
    woken = []
    monkeypatch.setattr(tasks, "wake", lambda task, ticket_id: woken.append((task.name.split(".")[-1], ticket_id)))
    assert "t_shop" in {schema for schema, sweep in find_work() if sweep.name == "assistant"}
    tasks.sweep_assistant.run()
    assert ("suggest_reply", talk.ticket.id) in woken
    suggest_reply(talk.ticket.id)
    woken.clear()
    tasks.sweep_assistant.run()
    assert woken == [] and suggestion_for(talk.ticket)


# ---- Outside working hours -------------------------------------------------------------------------------------------


def test_by_day_people_answer_and_in_the_evening_the_assistant(talk, mode, clock):
    set_hours(week=OFFICE, zone="Europe/Moscow")
    mode("outside_hours")
    clock(MIDDAY)
    assert assignee_of_new(talk.shop.channel) is None
    clock(EVENING)
    assert assignee_of_new(talk.shop.channel) == talk.shop.assistant.id
    assert talk.asks(QUESTION).outcome == "answered"
    clock(MONDAY)
    assert talk.asks("Сколько стоит доставка в Казань?").reason == "hours"
    assert talk.last().text.startswith("Дальше ответит человек.")


def test_out_of_hours_it_takes_what_nobody_has(talk, mode, clock):
    set_hours(week=OFFICE, zone="Europe/Moscow")
    mode("outside_hours")
    clock(EVENING)
    talk.ticket = talk.shop.customer_writes(QUESTION).ticket
    heard()
    assert Ticket.objects.get().assignee == talk.shop.assistant
    assert talk.turn().outcome == "answered"


@pytest.mark.parametrize("whose", ["a person's", "answered by a person", "handed over", "in hours"])
def test_but_never_what_a_person_has_or_had(talk, mode, clock, whose):
    set_hours(week=OFFICE, zone="Europe/Moscow")
    mode("outside_hours")
    clock(MIDDAY if whose == "in hours" else EVENING)
    ticket = talk.shop.customer_writes(QUESTION).ticket
    if whose == "a person's":
        assign_ticket(ticket.id, assignee_id=talk.shop.agent.id, actor=talk.shop.agent)
    elif whose == "answered by a person":
        post_message(ticket_id=ticket.id, client_id=ticket.contact_id, text="Смотрю.", user=talk.shop.agent)
        assign_ticket(ticket.id, assignee_id=None, actor=talk.shop.agent)
    elif whose == "handed over":
        Ticket.objects.update(handed_over_at=MIDDAY)
    talk.shop.customer_writes("Вы тут?")
    heard()
    assert Ticket.objects.get().assignee != talk.shop.assistant


def test_a_hand_over_at_night_says_when_people_are_there(talk, mode, clock):
    set_hours(week=OFFICE, zone="Europe/Moscow", holidays=["2026-11-30"])
    clock(EVENING)
    talk.asks("I want to talk to a human")
    assert talk.last().text.startswith(
        "I am calling a person. People are here again: Tuesday, December 1, 09:00 (UTC+3)."
    )
    set_hours(week=OFFICE, zone="Europe/Moscow", closed_text="Мы вернёмся утром.")
    assert closed_notice("ru") == "Мы вернёмся утром."
    clock(MIDDAY)
    assert closed_notice("ru") == ""


# ---- Ask first -------------------------------------------------------------------------------------------------------


@pytest.fixture
def asked(talk, mode):
    mode("ask_first")
    receipt = talk.asks(QUESTION)
    assert receipt.outcome == "asked" and Answer.objects.count() == 1
    return talk


def test_the_customer_is_asked_with_buttons_once(asked):
    (line,) = asked.lines()
    assert line.author == "system" and [button["value"] for button in line.content["buttons"]] == [
        "assistant",
        "person",
    ]
    assert all(button["text"] in line.text for button in line.content["buttons"])
    assert answer_ticket(asked.ticket.id) == "idle"


@pytest.mark.parametrize(
    "choice", [{"text": "The assistant"}, {"text": "1"}, {"text": "x", "content": {"button": "assistant"}}]
)
def test_who_chooses_the_assistant_gets_the_first_question_answered(asked, choice):
    receipt = asked.asks(choice["text"], content=choice.get("content", {}))
    assert receipt.question == QUESTION and "45 дней" in asked.last().text
    assert asked.asks("Сколько стоит доставка в Казань?").outcome == "answered"
    assert len(asked.lines()) == 3


@pytest.mark.parametrize(
    "choice", [{"text": "A person"}, {"text": "2"}, {"text": "x", "content": {"button": "person"}}]
)
def test_who_chooses_a_person_gets_one(asked, choice):
    assert asked.asks(choice["text"], content=choice.get("content", {})).reason == "asked"
    assert Ticket.objects.get().assignee is None


def test_a_number_that_is_said_later_is_no_choice(asked):
    asked.asks("1")
    assert asked.asks("2").reason != "asked" and asked.receipt().question == "2"


def test_who_simply_goes_on_writing_is_answered(asked):
    assert asked.asks("Сколько стоит доставка в Казань?").outcome == "answered"


def test_who_says_nothing_is_answered_by_the_assistant(asked, monkeypatch):
    woken = []
    monkeypatch.setattr(tasks, "wake", lambda _task, ticket_id: woken.append(ticket_id))
    tasks.sweep_assistant.run()
    assert Answer.objects.get().outcome == "asked" and len(asked.lines()) == 1
    Answer.objects.update(finished_at=timezone.now() - timedelta(minutes=4))
    Ticket.objects.update(waiting_since=timezone.now() - timedelta(minutes=4))
    tasks.sweep_assistant.run()
    assert woken == [asked.ticket.id]
    assert asked.turn().outcome == "answered" and "45 дней" in asked.last().text and len(asked.lines()) == 2


def test_where_the_question_is_whether_a_person_comes_nothing_is_asked(talk, mode):
    mode("ask_first")
    assert talk.asks("Позовите оператора").reason == "asked"
