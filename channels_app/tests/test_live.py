"""What customers see in a messenger while the assistant writes."""

import uuid

import pytest

from channels_app.models import Channel
from tests.standins.telegram import BLOCKED, TOKEN, TelegramStandIn, too_many
from tickets.models import ContactAddress, Message, Ticket
from tickets.services.post import post_message
from tickets.signals import answer_draft

ANSWER = uuid.uuid4()


@pytest.fixture
def telegram(settings):
    with TelegramStandIn() as stand_in:
        settings.TELEGRAM_API_URL = stand_in.url
        yield stand_in


@pytest.fixture
def question(shop, telegram, monkeypatch) -> Message:
    """A question in Telegram; what would wake a worker is done at once."""
    monkeypatch.setattr("channels_app.subscribers.wake", lambda task, *args: task.run(*args))
    bot = Channel.objects.create(kind="telegram", name="bot", external_id="123456789", secrets={"token": TOKEN})
    message = shop.customer_writes("Сколько идёт доставка?")
    ContactAddress.objects.filter(id=message.address_id).update(channel=bot, address="710455821")
    return message


def write(question: Message, text: str) -> None:
    ticket = Ticket.objects.get(id=question.ticket_id)
    answer_draft.send(sender=None, ticket=ticket, answer_id=ANSWER, text=text, question_id=question.pk)


def test_the_answer_grows_in_telegram(question, telegram):
    write(question, "Доставка идёт 2 дня.")
    write(question, "Доставка идёт 2 дня. По Москве — один.")
    assert [draft["text"] for draft in telegram.drafts] == [
        "Доставка идёт 2 дня.", "Доставка идёт 2 дня. По Москве — один.",
    ]  # fmt: skip
    assert len({draft["draft_id"] for draft in telegram.drafts}) == 1 and not telegram.sent


def test_no_draft_stands_below_the_answer(question, telegram, shop):
    post_message(ticket_id=question.ticket_id, client_id=uuid.uuid4(), text="Два дня", user=shop.agent)
    write(question, "Доставка идёт 2 дня.")
    assert not telegram.drafts


def test_a_refused_draft_costs_nothing_but_itself(question, telegram):
    for refusal in (too_many(30), BLOCKED):
        telegram.script(refusal, path="sendMessageDraft")
        write(question, "Доставка идёт 2 дня.")
    write(question, "Доставка идёт 2 дня. По Москве — один.")
    assert len(telegram.drafts) == 1
    assert not ContactAddress.objects.get(id=question.address_id).unreachable_reason


def test_channels_without_drafts_cost_no_task(shop, monkeypatch):
    monkeypatch.setattr("channels_app.subscribers.wake", lambda task, *args: pytest.fail("a task was sent"))
    write(shop.customer_writes("Сколько идёт доставка?"), "Доставка идёт 2 дня.")
