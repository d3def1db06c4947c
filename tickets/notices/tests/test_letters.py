"""A letter about what somebody has not looked at: one, later, and only if it is still unseen."""

import smtplib
import uuid
from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from tenants.events.dispatch import dispatch_new_events
from tenants.sweeper import find_work
from tickets.models import MessageKind
from tickets.notices.letters import mail_unseen
from tickets.notices.models import Notice
from tickets.notices.services import note_seen
from tickets.services.post import post_message
from tickets.services.tickets import assign_ticket


@pytest.fixture
def ticket(shop, monkeypatch):
    monkeypatch.setattr("tickets.notices.subscribers.wake", lambda *_args: True)
    ticket = shop.customer_writes("Тайна").ticket
    assign_ticket(ticket.id, assignee_id=shop.agent.id, actor=shop.admin)
    text = "@Олег Агент"
    post_message(
        ticket_id=ticket.id, client_id=uuid.uuid4(), text=text, user=shop.admin, kind=MessageKind.NOTE,
        mentions=[f"u:{shop.agent.id}"],
    )  # fmt: skip
    dispatch_new_events()
    return ticket


def later(minutes: int = 16) -> None:
    for notice in Notice.objects.filter(mail_at__isnull=False):
        notice.mail_at -= timedelta(minutes=minutes)
        notice.save(update_fields=["mail_at"])


def test_one_letter_tells_of_everything_once(shop, ticket):
    assert mail_unseen() == 0
    later()
    assert mail_unseen() == 1
    (letter,) = mail.outbox
    assert letter.to == [shop.agent.email]
    assert letter.body.count(f"/inbox/{ticket.number}/") == 2 and "/notices/settings/" in letter.body
    assert "Марина" in letter.body and "Тайна" not in letter.body
    later()
    assert mail_unseen() == 0 and len(mail.outbox) == 1


def test_what_was_seen_meanwhile_is_not_written_of(shop, ticket):
    note_seen(ticket.id, shop.agent)
    later()
    assert mail_unseen() == 0 and mail.outbox == []


def test_somebody_switched_off_gets_no_letter(shop, ticket):
    shop.agent.is_active = False
    shop.agent.save()
    later()
    assert mail_unseen() == 0 and mail.outbox == []
    assert not Notice.objects.filter(mail_at__isnull=False).exists()


def test_a_mail_server_that_is_down_is_asked_again(shop, ticket, monkeypatch):
    later()

    def down(*_args):
        raise smtplib.SMTPServerDisconnected("gone")

    with monkeypatch.context() as patch:
        patch.setattr("tickets.notices.letters.send_mail", down)
        with pytest.raises(OSError):
            mail_unseen()
    assert mail_unseen() == 1


def test_the_sweeper_wakes_the_task_when_there_is_something_to_write(shop, ticket):
    def waits() -> bool:
        return any(schema == shop.schema and sweep.name == "notices_to_mail" for schema, sweep in find_work())

    assert not waits()
    later()
    assert waits()
    Notice.objects.update(seen_at=timezone.now())
    assert not waits()
