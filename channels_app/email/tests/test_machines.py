"""R-30: machines that answer each other, storms of reports, our own letters that come back."""

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from channels_app.base import Receipt
from channels_app.email.incoming import LOOP_HEADER, loop_mark
from channels_app.email.letter import MailLetter
from channels_app.email.machines import read_report
from channels_app.email.tests.scene import PAVEL, answer_to, fixture, incoming, letter, parse, raw, read
from channels_app.models import Channel, InboundEvent
from tenants.events.models import Event
from tests.standins.mailbox import ADDRESS
from tickets.models import Author, Message, Ticket
from tickets.services.post import hand_to_human
from tickets.services.tickets import set_status


def report(
    message_id: str, *, action: str = "failed", status: str = "5.1.1", said: str = "550 5.1.1 User unknown"
) -> bytes:
    body = fixture("09").replace(b"<conv.9b1d7c2e.m.501@omni-demo.example>", message_id.encode())
    body = body.replace(b"Action: failed", f"Action: {action}".encode()).replace(
        b"Status: 5.1.1", f"Status: {status}".encode()
    )
    return body.replace(b"Diagnostic-Code: smtp; 550 5.1.1 User unknown", f"Diagnostic-Code: smtp; {said}".encode())


@pytest.fixture
def assisted(office):
    """New conversations go to the assistant."""
    Channel.objects.filter(id=office.channel.id).update(first_assignee=office.shop.assistant)
    return office


def by_assistant(office, ticket: Ticket, text: str = "Ответ ассистента") -> Message:
    return office.reply(ticket, text, user=office.shop.assistant, author=Author.ASSISTANT)


# ---- Reports


def test_a_report_marks_the_letter_that_it_concerns(office):
    (question,) = office.get(letter())
    answer = office.reply(question.ticket)
    assert office.get(report(answer.external_id)) == []
    answer.refresh_from_db()
    assert answer.delivery == "failed"
    assert answer.delivery_error == "There is no such address. 550 5.1.1 User unknown"


@pytest.mark.parametrize(
    ("status", "said", "reason"),
    [
        ("5.2.2", "552 5.2.2 Mailbox full", "The mailbox is full. 552 5.2.2 Mailbox full"),
        ("5.7.1", "550 5.7.1 Spam", "The mail server refuses our letters. 550 5.7.1 Spam"),
        ("5.0.0", "", "The letter could not be delivered. 5.0.0"),
    ],
)
def test_reasons_are_sentences(status, said, reason):
    (result,) = parse(report("<omni.0000000000000000000000000000000a@x.example>", status=status, said=said))
    assert (result.state, result.error, result.key) == ("failed", reason, uuid.UUID(int=10))


def test_a_letter_that_is_late_has_not_failed(office):
    (question,) = office.get(letter())
    answer = office.reply(question.ticket)
    office.get(report(answer.external_id, action="delayed", status="4.4.1"))
    answer.refresh_from_db()
    assert answer.delivery == "sent"


def test_a_report_in_words_alone():
    text = "Ваше письмо не доставлено.\n550 5.1.1 User unknown\n\nMessage-ID: <omni.0000000000000000000000000000000a@x.example>"
    for subject in ("Письмо не доставлено", "что-то"):
        (result,) = parse(letter(text, sender="MAILER-DAEMON@mail.ru", subject=subject))
        assert (result.state, result.key) == ("failed", uuid.UUID(int=10))


def test_a_receipt_of_reading_is_one(office):
    (question,) = office.get(letter())
    answer = office.reply(question.ticket)
    body = (
        f'From: {PAVEL}\r\nContent-Type: multipart/report; report-type=disposition-notification; boundary="b"\r\n\r\n'
        "--b\r\n\r\nread\r\n--b\r\nContent-Type: message/disposition-notification\r\n\r\n"
        "Disposition: manual-action/MDN-sent-manually; "
        f"displayed\r\nOriginal-Message-ID: {answer.external_id}\r\n\r\n--b--\r\n"
    )
    assert office.get(body.encode()) == []
    answer.refresh_from_db()
    assert answer.delivery == "read"


def test_a_storm_of_reports_makes_no_conversation(office):
    storm = [report(f"<omni.{uuid.uuid4().hex}@omni-demo.example>", said=f"550 {n}") for n in range(20)]
    foreign = [report(f"<{n}@elsewhere.example>") for n in range(10)]
    assert office.get(*storm, *foreign, letter("?", sender="MAILER-DAEMON@mx.example.org", subject="?")) == []
    assert not Ticket.objects.exists()
    assert not InboundEvent.objects.filter(state="failed").exists()


def test_a_forged_report_of_a_customer_s_own_letter_changes_nothing(office):
    (question,) = office.get(letter())
    office.get(report(question.external_id))
    question.refresh_from_db()
    assert (question.delivery, question.text.strip()) == ("none", "Где мой заказ?")


# ---- Answers of machines


@pytest.mark.parametrize(
    "headers",
    [{"Auto_Submitted": "auto-replied"}, {"Precedence": "bulk"}, {"List_Id": "<news.shop.example>"}, {"X_Autoreply": "yes"},
     {"List_Unsubscribe": "<https://shop.example/u>"}, {"Return_Path": "<>"}, {"sender": "no-reply@shop.example"},
     {"sender": "noreply+x@shop.example"}],
)  # fmt: skip
def test_what_machines_write_is_recognised(headers):
    assert incoming(letter(**headers)).automatic


@pytest.mark.parametrize("headers", [{}, {"Auto_Submitted": "no"}, {"sender": "noreplace@shop.example"}])
def test_what_people_write_is_not(headers):
    assert not incoming(letter(**headers)).automatic


def test_outlook_s_wish_for_quiet_is_no_sign_of_a_machine():
    said = incoming(letter(X_Auto_Response_Suppress="OOF, AutoReply"))
    assert (said.automatic, said.quiet) == (False, True)


def test_a_vacation_reply_is_kept_and_wakes_nobody(assisted):
    (question,) = assisted.get(letter())
    answer = by_assistant(assisted, question.ticket)
    set_status(question.ticket_id, status="solved", actor=None)
    (vacation,) = assisted.get(answer_to(assisted.sent[0], "Я в отпуске", Auto_Submitted="auto-replied"))
    ticket = Ticket.objects.get(id=question.ticket_id)
    assert (vacation.ticket_id, ticket.status, ticket.waiting_since) == (ticket.id, "solved", None)
    assert vacation.content["automatic"] is True and answer.delivery == "sent"
    assert Event.objects.filter(type="message.received").latest("id").payload["automatic"] is True


def test_a_mailing_list_is_nobody_s_customer(assisted):
    (news,) = assisted.get(fixture("13"))
    assert (news.ticket.assignee, news.ticket.waiting_since, news.ticket.human_wait_from) == (None, None, None)


def test_two_answering_machines_stop_after_one_letter_each(assisted):
    """The other one does not say what it is."""
    (question,) = assisted.get(letter("Спасибо за обращение! Мы ответим."))
    by_assistant(assisted, question.ticket)
    for number in range(5):
        assisted.get(answer_to(assisted.sent[-1], f"Спасибо за обращение! Мы ответим. {number}"))
    ticket = Ticket.objects.get(id=question.ticket_id)
    # It is with people now, and nobody has told the machine so.
    assert (ticket.assignee, ticket.handoff_reason, len(assisted.sent)) == (None, "limit", 1)


def test_a_second_automatic_letter_within_a_day_does_not_leave(assisted):
    (question,) = assisted.get(letter())
    first, second = (by_assistant(assisted, question.ticket, text) for text in ("раз", "два"))
    assert (first.delivery, second.delivery, len(assisted.sent)) == ("sent", "failed", 1)
    assert "could answer another machine" in second.delivery_error
    person = assisted.reply(question.ticket, "Это человек")
    assert person.delivery == "sent"
    Message.objects.filter(id=first.id).update(created_at=timezone.now() - timedelta(hours=25))
    assert by_assistant(assisted, question.ticket, "три").delivery == "sent"


def test_a_hundred_letters_in_a_victim_s_name_bring_the_victim_one(assisted):
    """Each is a conversation of its own, and nothing of what they say comes back."""
    received = assisted.get(*(letter("Купите у нас!", sender=PAVEL, subject=f"ВЫ ВЫИГРАЛИ {n}") for n in range(10)))
    for message in received:
        hand_to_human(ticket_id=message.ticket_id, reason="asked", text="Передал коллегам.", client_id=uuid.uuid4())
        assisted.deliver(Message.objects.filter(ticket=message.ticket_id).latest("id"))
    assert len(assisted.sent) == 1
    assert "Купите" not in str(read(assisted.sent[0]))


def test_our_automatic_letters_say_what_they_are_and_a_person_s_do_not(assisted):
    (question,) = assisted.get(letter())
    by_assistant(assisted, question.ticket)
    assisted.reply(question.ticket, "Это человек")
    machine, person = map(read, assisted.sent)
    assert (machine["Auto-Submitted"], machine["X-Auto-Response-Suppress"]) == ("auto-replied", "All")
    assert (person["Auto-Submitted"], person["X-Auto-Response-Suppress"]) == (None, None)


# ---- Our own letters


def test_our_own_letter_that_comes_back_is_not_a_customer_s(office):
    (question,) = office.get(letter())
    office.reply(question.ticket)
    returned = office.sent[0].body
    assert office.get(returned, returned.replace(ADDRESS.encode(), PAVEL.encode())) == []
    assert office.get(letter("сам себе", sender=f"Поддержка <{ADDRESS.upper()}>")) == []
    assert not InboundEvent.objects.filter(state="failed").exists()


def test_another_workspace_of_this_installation_is_a_customer_like_any(office):
    assert len(office.get(letter(**{LOOP_HEADER: loop_mark(uuid.uuid4())}))) == 1


# ---- Who says that they are


@pytest.mark.parametrize(
    ("said", "unverified"),
    [
        ("mx.omni-demo.example; dmarc=fail header.from=example.org", True),
        ("mx.omni-demo.example; spf=softfail; dkim=none", True),
        ("mx.omni-demo.example; spf=fail; dkim=pass; dmarc=pass", False),
        ("mx.omni-demo.example; spf=pass; dkim=pass; dmarc=pass", False),
        ("", False),
    ],
)
def test_a_sender_who_may_be_another_is_marked_and_gets_no_answer_by_machine(said, unverified):
    result = incoming(letter(Authentication_Results=said))
    assert (result.content.get("unverified", False), result.quiet) == (unverified, unverified)


def test_the_newest_word_of_a_server_counts():
    body = raw(
        "Authentication-Results: ours; dmarc=fail", "Authentication-Results: theirs; dmarc=pass", f"From: {PAVEL}"
    )
    assert incoming(body).content["unverified"] is True


def test_reports_are_not_letters_of_people():
    assert read_report(MailLetter(letter())) is None
    assert isinstance(parse(fixture("09"))[0], Receipt)
