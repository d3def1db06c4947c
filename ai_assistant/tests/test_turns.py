"""One turn, one ending: bursts, people who were faster, workers side by side, workers that died."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from ai_assistant import tasks
from ai_assistant.models import Answer
from ai_assistant.services import answering
from ai_assistant.services.answering import (
    answer_ticket,
    finish_stuck_turns,
    seconds_to_wait,
    waiting_tickets,
)
from ai_assistant.services.assistants import ensure_assistant
from ai_assistant.tests.conftest import DELIVERY, OPENAI_KEYS, QUESTION, RETURNS, Talk, prompt_of
from tickets.models import Message, Ticket
from tickets.services.post import post_message
from tickets.services.receive import delete_received_message
from tickets.services.tickets import assign_ticket, set_status


def writes_an_agent(talk, text="Это я, Олег."):
    return post_message(ticket_id=talk.ticket.id, client_id=talk.ticket.contact_id, text=text, user=talk.shop.agent)


def later(talk, seconds):
    """The customer's messages, and what was begun for them, are so many seconds old."""
    at = timezone.now() - timedelta(seconds=seconds)
    Message.objects.filter(ticket=talk.ticket).update(created_at=at)
    Ticket.objects.filter(id=talk.ticket.id, waiting_since__isnull=False).update(waiting_since=at)
    Answer.objects.filter(ticket_id=talk.ticket.id).update(created_at=at)


@pytest.fixture
def slow(talk, model, monkeypatch):
    """What happens while the model thinks happens in the same transaction as the test."""

    def during(deed):
        respond = answering.respond

        def responded(*args):
            result = respond(*args)
            deed()
            return result

        monkeypatch.setattr(answering, "respond", responded)

    return during


# ---- Bursts ----------------------------------------------------------------------------------------------------------


def test_a_burst_is_one_question(talk, model):
    talk.customer("Здравствуйте", "У меня байдарка", QUESTION)
    receipt = talk.turn()
    assert receipt.question == f"Здравствуйте\nУ меня байдарка\n{QUESTION}"
    assert receipt.question in prompt_of(model.requests[0])
    assert len(talk.lines()) == 1 and answer_ticket(talk.ticket.id) == "idle"


def test_the_turn_begins_when_the_customer_has_been_quiet(talk):
    talk.customer(QUESTION)
    assert 1.5 < seconds_to_wait(talk.ticket.id) <= 2
    later(talk, 3)
    assert seconds_to_wait(talk.ticket.id) == 0


def test_a_newer_message_has_a_turn_of_its_own_that_answers_both(talk, slow):
    first = talk.customer(QUESTION)
    slow(lambda: talk.customer("И сколько стоит доставка в Казань?"))
    assert answer_ticket(first.ticket_id) == "dropped"
    assert talk.lines() == []
    assert answering.Answer.objects.get().reason == "overtaken"


def test_the_newer_message_taken_back_leaves_the_first_to_be_answered(talk, slow, monkeypatch):
    first = talk.customer(QUESTION)
    slow(lambda: talk.customer("ой", external_id="oops"))
    assert answer_ticket(first.ticket_id) == "dropped"
    monkeypatch.undo()
    delete_received_message(channel_id=talk.shop.channel.id, address="visitor-1", external_id="oops")
    assert seconds_to_wait(first.ticket_id) is not None
    assert talk.turn().outcome == "answered"


# ---- More turns than threads ------------------------------------------------------------------------------------------


@pytest.fixture
def woken(monkeypatch):
    """The wake-ups of turns, instead of sending them."""
    calls = []
    monkeypatch.setattr(tasks, "wake", lambda _task, *arguments, **options: calls.append((arguments, options)))
    return calls


@pytest.fixture
def no_thread(monkeypatch):
    monkeypatch.setattr(tasks, "_threads", threading.BoundedSemaphore(1))
    tasks._threads.acquire()


def test_a_turn_without_a_thread_comes_back(talk, woken, no_thread):
    talk.customer(QUESTION)
    later(talk, 3)
    assert tasks.answer_ticket.run(talk.ticket.id) == "queued"
    ((ticket_id, since), options) = woken[0]
    assert ticket_id == talk.ticket.id and since > 0 and options["countdown"] > 0
    tasks._threads.release()
    assert tasks.answer_ticket.run(ticket_id, since) == "answered"
    assert tasks._threads.acquire(blocking=False)


def test_a_turn_for_which_nobody_had_time_goes_to_a_person(talk, woken, no_thread, model):
    talk.customer(QUESTION)
    later(talk, 20)
    assert tasks.answer_ticket.run(talk.ticket.id, time.time() - 15) == "handed_over"
    assert not model.requests and talk.last().content == {"handoff": "error"}


# ---- People are faster -----------------------------------------------------------------------------------------------


def test_a_person_who_answered_first_stops_the_assistant(talk, slow):
    talk.customer(QUESTION)
    slow(lambda: writes_an_agent(talk))
    receipt = talk.turn()
    assert (receipt.outcome, receipt.reason) == ("dropped", "overtaken")
    assert [line.text for line in talk.lines()] == ["Это я, Олег."]
    assert receipt.passages and receipt.model


def test_a_person_who_took_the_conversation_stops_it_too(talk, slow):
    talk.customer(QUESTION)
    slow(lambda: assign_ticket(talk.ticket.id, assignee_id=talk.shop.agent.id, actor=talk.shop.agent))
    assert talk.turn().outcome == "dropped" and talk.lines() == []


def test_a_conversation_given_back_is_answered_after_all(talk, slow, monkeypatch):
    talk.customer(QUESTION)
    slow(lambda: assign_ticket(talk.ticket.id, assignee_id=talk.shop.agent.id, actor=talk.shop.agent))
    talk.turn()
    monkeypatch.undo()
    assign_ticket(talk.ticket.id, assignee_id=talk.shop.assistant.id, actor=talk.shop.agent)
    assert talk.turn().outcome == "answered"
    assert Answer.objects.count() == 1 and len(talk.lines()) == 1


def test_after_a_hand_over_the_assistant_is_silent_until_it_gets_the_conversation_back(talk):
    talk.asks("Позовите оператора")
    talk.customer(QUESTION)
    assert answer_ticket(talk.ticket.id) == "idle"
    assign_ticket(talk.ticket.id, assignee_id=talk.shop.assistant.id, actor=talk.shop.agent)
    assert talk.turn().question == QUESTION
    assert "45 дней" in talk.last().text


def test_a_closed_conversation_is_left_alone(talk, slow):
    talk.customer(QUESTION)
    slow(lambda: set_status(talk.ticket.id, status="closed", actor=talk.shop.agent))
    assert talk.turn().outcome == "dropped"
    assert answer_ticket(talk.ticket.id) == "idle"


def test_a_hand_over_that_came_too_late_calls_nobody(talk, slow):
    talk.customer("Продаёте ли вы парашюты для прыжков?")
    slow(lambda: writes_an_agent(talk))
    assert talk.turn().outcome == "dropped"
    assert Ticket.objects.get().handoff_reason == ""


# ---- Side by side, and dead ------------------------------------------------------------------------------------------


@pytest.fixture
def live_talk(live_shop, add, openai):
    """As `talk`, for several connections at once."""
    for name, text in (("vozvrat.md", RETURNS), ("dostavka.md", DELIVERY)):
        add(text, name)
    assistant = ensure_assistant()
    assistant.provider, assistant.credentials = "openai_compatible", OPENAI_KEYS
    assistant.save()
    return Talk(live_shop, Ticket())


def side_by_side(talk, job, count):
    """The job in so many threads at the same moment, each with a connection of its own."""
    gate = threading.Barrier(count)

    def run(_number):
        try:
            with talk.shop.enter():
                gate.wait(10)
                return job()
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def test_five_workers_give_one_answer(live_talk, openai):
    live_talk.customer(QUESTION)
    outcomes = side_by_side(live_talk, lambda: answer_ticket(live_talk.ticket.id), 5)
    assert outcomes.count("answered") == 1
    assert set(outcomes) <= {"answered", "claimed", "idle"}
    assert len(live_talk.lines()) == 1 and len(openai.requests) == 1


def test_five_sweepers_hand_over_once(live_talk):
    live_talk.customer(QUESTION)
    Answer.objects.create(
        ticket_id=live_talk.ticket.id, question_message_id=live_talk.ticket.messages.get().id, reason="lost"
    )
    side_by_side(live_talk, finish_stuck_turns, 5)
    assert live_talk.receipt().outcome == "handed_over"
    assert [line.content for line in live_talk.lines()] == [{"handoff": "error"}]
    assert len(live_talk.lines("note")) == 1


def test_a_person_answers_while_the_model_thinks(live_talk, openai):
    live_talk.customer(QUESTION)
    with ThreadPoolExecutor(1) as pool:
        with openai.holding():
            turn = pool.submit(side_by_side, live_talk, lambda: answer_ticket(live_talk.ticket.id), 1)
            openai.wait_for(1)
            writes_an_agent(live_talk)
        assert turn.result() == ["dropped"]
    assert [line.author for line in live_talk.lines()] == ["agent"]
    assert live_talk.receipt().prompt and "45 дней" in live_talk.receipt().text


def begun(talk, **fields):
    """A turn whose worker has died."""
    message = talk.customer(QUESTION)
    return Answer.objects.create(
        ticket_id=message.ticket_id, question_message_id=message.id, question=QUESTION, claimed_by=1, **fields
    )


def test_the_turn_of_a_dead_worker_is_taken_by_another(talk):
    begun(talk)
    assert answer_ticket(talk.ticket.id) == "idle"
    assert finish_stuck_turns() == 1
    Ticket.objects.update(waiting_since=timezone.now() - timedelta(seconds=20))
    assert waiting_tickets() == [talk.ticket.id]
    assert talk.turn().outcome == "answered"
    assert finish_stuck_turns() == 0 and waiting_tickets() == [] and len(talk.lines()) == 1


def test_a_turn_that_kills_its_workers_goes_to_a_person(talk):
    begun(talk, reason="lost")
    assert finish_stuck_turns() == 1
    receipt = talk.receipt()
    assert (receipt.outcome, receipt.reason) == ("handed_over", "error")
    assert talk.last().text.startswith("Сейчас я не могу ответить")


def test_a_turn_that_takes_too_long_goes_to_a_person(talk):
    begun(talk)
    later(talk, 61)
    finish_stuck_turns()
    assert talk.receipt().outcome == "handed_over"


def test_the_sweeper_leaves_a_turn_alone_that_was_overtaken(talk):
    begun(talk, reason="lost")
    assert talk.asks("И сколько стоит доставка в Казань?").outcome == "answered"
    finish_stuck_turns()
    assert [row.outcome for row in Answer.objects.order_by("created_at")] == ["dropped", "answered"]
    assert [line.author for line in talk.lines()] == ["assistant"] and Ticket.objects.get().assignee.is_assistant


def test_a_worker_that_comes_back_from_the_dead_says_nothing(talk, slow):
    talk.customer(QUESTION)

    def swept():
        later(talk, 61)
        finish_stuck_turns()

    slow(swept)
    assert talk.turn().outcome == "handed_over"
    assert [line.author for line in talk.lines()] == ["system"]
