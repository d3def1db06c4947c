"""R-30: machines that answer each other, a storm of reports, a mailbox that breaks off and counts anew, SMTP that says 421."""

# ruff: noqa: F401, F811  # the fixtures of the mail room

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from channels_app.email import incoming, mailbox
from channels_app.email.adapter import Adapter
from channels_app.email.tests.conftest import in_english, mail, nobody_remembers, nobody_waits, office
from channels_app.email.tests.scene import ADDRESS, Office, answer_to, letter, read, texts
from channels_app.email.tests.test_machines import assisted, by_assistant, report
from channels_app.services import delivery
from tests.faults.ledger import Entry, Ledger, judge_receiving, judge_sending
from tests.standins.mailbox import Refuse
from tickets.models import Author, Message, Ticket
from tickets.services.post import post_message

ROUNDS = 6


@pytest.fixture
def ledger(tmp_path) -> Ledger:
    return Ledger(tmp_path / "ledger.jsonl")


# ---- Machines that answer each other


def argue(office: Office) -> int:
    """The other side answers whatever it gets and does not say what it is; so does ours. Letters of ours that left."""
    (question,) = office.get(letter("Спасибо за обращение! Мы ответим."))
    for number in range(ROUNDS):
        ticket = Ticket.objects.get(id=question.ticket_id)
        if ticket.assignee is not None and ticket.assignee.is_assistant:
            by_assistant(office, ticket, f"Ответ {number}")
        if office.sent:
            office.get(answer_to(office.sent[-1], f"Спасибо за обращение! Мы ответим. {number}"))
    return len(office.sent)


def test_two_answering_machines_stop(assisted, measured):
    left = argue(assisted)
    measured("R-30", letters_of_a_loop=left)
    assert left == 1


def test_control_without_a_ration(assisted, measured, monkeypatch):
    monkeypatch.setattr(Adapter, "has_loops", False)
    left = argue(assisted)
    measured("R-30", letters_of_a_loop=left)
    assert left > 2


# ---- Reports, and our own letters


def storm(office: Office) -> int:
    """Fifty reports of letters that nobody knows and our own address as a sender. New conversations."""
    office.get(*(report(f"<omni.{uuid.uuid4().hex}@omni-demo.example>", said=f"550 {n}") for n in range(50)))
    office.get(letter("сам себе", sender=f"Поддержка <{ADDRESS}>"))
    return Ticket.objects.count()


def test_a_storm_of_reports_makes_no_conversation(office, measured):
    made = storm(office)
    measured("R-30", conversations_of_reports=made)
    assert made == 0


def test_control_that_takes_reports_for_letters(office, measured, monkeypatch):
    monkeypatch.setattr(incoming, "read_report", lambda _letter: None)
    made = storm(office)
    measured("R-30", conversations_of_reports=made)
    assert made > 0


# ---- The mailbox breaks off and counts anew


def write(office: Office, ledger: Ledger, number: int) -> Entry:
    entry = ledger.write(f"c{number}@example.org", number)
    office.mail.imap.add(letter(entry.text, sender=entry.chat), when=datetime.now(UTC) - timedelta(hours=1))
    ledger.accept(entry)
    return entry


def break_off(office: Office, ledger: Ledger) -> Any:
    for number in range(1, 31):
        write(office, ledger, number)
        if number % 10 == 0:
            office.mail.imap.cuts = 1
            office.collect()
            office.mail.imap.drop_connections()
        if number % 15 == 0:
            # Restored from a copy: every letter has another number, the newest came while nobody looked.
            office.mail.imap.renumber()
    for _look in range(4):
        office.collect()
    return judge_receiving(ledger)


def test_a_mailbox_that_breaks_off_and_counts_anew(office, ledger, measured):
    verdict = break_off(office, ledger)
    measured("R-30", verdict)
    assert verdict.clean and len(ledger.accepted) == 30, verdict


def test_control_that_does_not_look_back(office, ledger, measured, monkeypatch):
    monkeypatch.setattr(mailbox, "LOOK_BACK", timedelta(days=-2))
    verdict = break_off(office, ledger)
    measured("R-30", verdict)
    assert verdict.lost


# ---- The mail server takes nothing for ten minutes


def send_through(office: Office, ledger: Ledger) -> Any:
    tickets = [office.get(letter(f"{n}", sender=f"c{n}@example.org"))[0].ticket for n in range(5)]
    office.mail.smtp.always = Refuse("MAIL", "421 4.7.0 Try again later")
    messages = []
    for number in range(15):
        ticket = tickets[number % 5]
        entry = ledger.write(ticket.address.address, number)
        messages.append(
            post_message(ticket_id=ticket.id, client_id=uuid.UUID(entry.key), text=entry.text, user=office.shop.agent)
        )
        ledger.accept(entry)
    for minute in range(12):
        if minute == 10:
            office.mail.smtp.always = None
        for message in messages:
            office.deliver(message)
    arrivals = [("", next(texts(read(handed))).strip()) for handed in office.sent]
    return judge_sending(ledger, arrivals)


def test_421_for_ten_minutes(office, ledger, measured):
    verdict = send_through(office, ledger)
    measured("R-30", verdict)
    assert verdict.clean and verdict.sent == 15, verdict
    assert not Message.objects.filter(author=Author.AGENT).exclude(delivery="sent").exists()


def test_control_that_gives_up_at_once(office, ledger, measured, monkeypatch):
    monkeypatch.setattr(delivery, "MAX_PAUSES", 1)
    verdict = send_through(office, ledger)
    measured("R-30", verdict)
    assert Message.objects.filter(author=Author.AGENT).exclude(delivery="sent").exists()
