"""After a person had the conversation: when the assistant may come back. And what people find when they get one from it."""

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from ai_assistant import subscribers
from ai_assistant.models import Assistant
from ai_assistant.services.answering import answer_ticket
from ai_assistant.tests.conftest import QUESTION, says
from tenants.events.models import Event
from tickets.models import Message, Ticket
from tickets.services.post import hand_to_human, post_message
from tickets.services.tickets import assign_ticket, set_status

PRICE = "Сколько стоит доставка в Казань?"


@pytest.fixture
def pause(talk, assistant):
    def minutes(value):
        Assistant.objects.filter(id=assistant.id).update(cooldown_minutes=value)

    talk.shop.channel.first_assignee = talk.shop.assistant
    talk.shop.channel.save()
    return minutes


def had_by_a_person(talk, status="solved", minutes_ago=0):
    """A conversation that an agent has answered and ended, so long ago."""
    talk.customer(QUESTION)
    post_message(ticket_id=talk.ticket.id, client_id=uuid.uuid4(), text="45 дней.", user=talk.shop.agent)
    set_status(talk.ticket.id, status=status, actor=talk.shop.agent)
    at = timezone.now() - timedelta(minutes=minutes_ago)
    Message.objects.update(created_at=at)
    Event.objects.update(created_at=at)


def writes_again(talk, text=PRICE):
    """And the assistant hears of it, in a conversation that comes to it by itself where it is a new one."""
    talk.customer(text)
    subscribers.take_turn(Event.objects.filter(type="message.received").latest("id"))
    talk.ticket.refresh_from_db()
    return talk.ticket


# ---- A new conversation ----------------------------------------------------------------------------------------------


def test_without_a_pause_a_new_conversation_is_the_assistants(talk, pause):
    had_by_a_person(talk, "closed")
    writes_again(talk)
    assert talk.turn().outcome == "answered"


def test_within_the_pause_it_goes_back_to_the_person(talk, pause):
    pause(60)
    had_by_a_person(talk, "closed", minutes_ago=59)
    ticket = writes_again(talk)
    assert answer_ticket(ticket.id) == "idle" and talk.lines() == []
    assert Ticket.objects.get(id=ticket.id).assignee == talk.shop.agent


def test_after_the_pause_it_is_the_assistants(talk, pause):
    pause(60)
    had_by_a_person(talk, "closed", minutes_ago=61)
    writes_again(talk)
    assert talk.turn().outcome == "answered"


def test_of_a_person_who_is_gone_it_goes_to_nobody(talk, pause):
    pause(60)
    had_by_a_person(talk, "closed")
    talk.shop.agent.is_active = False
    talk.shop.agent.save()
    ticket = writes_again(talk)
    answer_ticket(ticket.id)
    assert Ticket.objects.get(id=ticket.id).assignee is None and talk.lines() == []


def test_the_word_of_a_person_to_another_customer_does_not_count(talk, pause):
    pause(60)
    had_by_a_person(talk, "closed")
    talk.customer(PRICE, address="visitor-2")
    assert talk.turn().outcome == "answered"


def test_whoever_gives_it_the_conversation_need_not_wait(talk, pause):
    pause(60)
    had_by_a_person(talk, "open")
    talk.customer(PRICE)
    assign_ticket(talk.ticket.id, assignee_id=talk.shop.assistant.id, actor=talk.shop.agent)
    assert talk.turn().outcome == "answered"


# ---- A solved one ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pause_set", "minutes_ago", "back"), [(None, 600, False), (60, 59, False), (60, 61, True)], ids=str
)
def test_a_solved_conversation_comes_to_it_after_the_pause(talk, pause, pause_set, minutes_ago, back):
    pause(pause_set)
    had_by_a_person(talk, "solved", minutes_ago)
    ticket = writes_again(talk)
    assert (ticket.assignee == talk.shop.assistant) is back
    if back:
        assert talk.turn().outcome == "answered" and "450" in talk.last().text


def test_what_a_person_is_still_at_is_theirs(talk, pause):
    pause(1)
    had_by_a_person(talk, "waiting", minutes_ago=90)
    assert writes_again(talk).assignee == talk.shop.agent


def test_only_the_message_that_reopens_it_calls_the_assistant(talk, pause):
    pause(60)
    had_by_a_person(talk, "solved", minutes_ago=30)
    assert writes_again(talk).assignee == talk.shop.agent
    Message.objects.update(created_at=timezone.now() - timedelta(hours=2))
    Event.objects.update(created_at=timezone.now() - timedelta(hours=2))
    assert writes_again(talk, "Вы тут?").assignee == talk.shop.agent


def test_where_it_only_suggests_it_does_not_come_back(talk, pause):
    pause(60)
    had_by_a_person(talk, "solved", minutes_ago=90)
    talk.shop.channel.assistant_mode = "off"
    talk.shop.channel.save()
    assert writes_again(talk).assignee == talk.shop.agent


# ---- The packet ------------------------------------------------------------------------------------------------------


def test_the_agent_finds_why_what_was_said_where_was_looked_and_the_draft(talk, model):
    talk.asks(PRICE)
    wrong = says("Вернуть можно в течение 99 дней. [1]", 1)
    model.script(wrong, wrong)
    assert talk.asks(QUESTION).reason == "not_sure"
    (note,) = talk.lines("note")
    lines = note.text.splitlines()
    assert lines[0].startswith("Передано: ") and lines[1] == f"Вопрос: {QUESTION}"
    assert PRICE in lines[2] and "Возврат" in lines[3] and "99" in lines[-1]


def test_who_presses_talk_to_a_person_has_a_packet_too(talk):
    talk.asks(PRICE)
    talk.customer("Не то!")
    hand_to_human(ticket_id=talk.ticket.id, reason="asked", text="Зову.", client_id=uuid.uuid4())
    event = Event.objects.filter(type="ticket.handed_over").latest("id")
    for _again in range(2):
        subscribers.tell_what_was_said(event)
    (note,) = talk.lines("note")
    assert "Не то!" in note.text and PRICE in note.text


def test_a_hand_over_of_its_own_has_one_packet(talk):
    talk.asks("Позовите оператора")
    subscribers.tell_what_was_said(Event.objects.filter(type="ticket.handed_over").latest("id"))
    assert len(talk.lines("note")) == 1
