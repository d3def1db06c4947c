"""The core: a customer writes, people answer, states move; the database keeps the truth."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from omnisupport.lib.errors import Conflict, InvalidInput, NotFound
from tenants.db import tenant_context
from tenants.events.models import Event
from tickets.models import Author, Contact, ContactAddress, Delivery, Message, MessageKind, Status, Ticket
from tickets.services.delivery import claim_next, move_delivery, retry_message
from tickets.services.post import hand_to_human, post_message
from tickets.services.receive import edit_received_message
from tickets.services.tickets import assign_ticket, close_solved, set_priority, set_status, set_tags


def reply(ticket_id: int, user: object, text: str = "Здравствуйте", **fields: object) -> Message:
    return post_message(ticket_id=ticket_id, client_id=uuid.uuid4(), text=text, user=user, **fields)


def test_a_first_message_makes_contact_address_and_ticket(shop):
    message = shop.customer_writes("Где мой заказ?\nНомер 4471", external_id="1")
    ticket = message.ticket
    assert (ticket.number, ticket.status, ticket.subject) == (1, Status.OPEN, "Где мой заказ?")
    assert ticket.contact.name == "Марина"
    assert ticket.waiting_since is not None and ticket.human_wait_from is not None
    assert list(Event.objects.order_by("id").values_list("type", flat=True)) == ["ticket.created", "message.received"]


def test_the_same_message_twice_is_one(shop):
    first = shop.customer_writes(external_id="1")
    second = shop.customer_writes(external_id="1")
    assert first == second
    assert Message.objects.count() == Ticket.objects.count() == 1


def test_the_next_message_joins_the_live_ticket_and_reopens_a_solved_one(shop):
    ticket = shop.customer_writes().ticket
    set_status(ticket.id, status="solved", actor=shop.agent)
    again = shop.customer_writes("Ещё вопрос").ticket
    assert again.id == ticket.id
    assert (again.status, again.reopened_count, again.solved_at) == (Status.OPEN, 1, None)


def test_after_closing_a_new_ticket_begins(shop):
    first = shop.customer_writes().ticket
    set_status(first.id, status="closed", actor=shop.agent)
    second = shop.customer_writes().ticket
    assert second.number == first.number + 1
    with pytest.raises(Conflict):
        set_status(first.id, status="open", actor=shop.agent)


def test_what_was_solved_a_week_ago_is_closed(shop):
    old, fresh, open_one = (shop.customer_writes(address=name).ticket for name in "abc")
    for ticket in (old, fresh):
        set_status(ticket.id, status="solved", actor=shop.agent)
    Ticket.objects.filter(id=old.id).update(solved_at=timezone.now() - timedelta(days=8))
    assert close_solved() == 1
    statuses = [Ticket.objects.get(id=ticket.id).status for ticket in (old, fresh, open_one)]
    assert statuses == ["closed", "solved", "open"]


def test_the_database_allows_one_live_ticket_per_address(shop):
    ticket = shop.customer_writes().ticket
    with pytest.raises(IntegrityError), transaction.atomic():
        Ticket.objects.create(
            number=999, contact=ticket.contact, address=ticket.address, channel_id=ticket.channel_id, status="open"
        )


def test_twenty_deliveries_at_once_of_five_messages(live_shop):
    def deliver(n: int) -> None:
        live_shop.customer_writes(external_id=str(n % 5))
        connection.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(deliver, range(20)))
    assert Message.objects.count() == 5
    assert Ticket.objects.count() == ContactAddress.objects.count() == Contact.objects.count() == 1


def test_numbers_have_no_gaps_under_parallel_customers(live_shop):
    def write(n: int) -> None:
        live_shop.customer_writes(address=f"visitor-{n}")
        connection.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(24)))
    assert sorted(Ticket.objects.values_list("number", flat=True)) == list(range(1, 25))


def test_a_reply_is_queued_takes_the_ticket_and_is_made_once(shop):
    ticket = shop.customer_writes().ticket
    client_id = uuid.uuid4()
    answers = [
        post_message(ticket_id=ticket.id, client_id=client_id, text="Уже едет", user=shop.agent) for _ in range(3)
    ]
    assert len({answer.id for answer in answers}) == 1
    assert answers[0].delivery == Delivery.QUEUED
    ticket.refresh_from_db()
    assert ticket.assignee == shop.agent
    assert ticket.waiting_since is None and ticket.first_reply_at is not None


def test_a_client_id_of_another_conversation_is_refused(shop):
    first = shop.customer_writes(address="a").ticket
    second = shop.customer_writes(address="b").ticket
    client_id = uuid.uuid4()
    post_message(ticket_id=first.id, client_id=client_id, text="x", user=shop.agent)
    with pytest.raises(Conflict):
        post_message(ticket_id=second.id, client_id=client_id, text="x", user=shop.agent)


@pytest.mark.parametrize("text", ["", "   \n", "\x00", "я" * 20_001])
def test_bad_texts_are_refused_and_nothing_is_stored(shop, text):
    ticket = shop.customer_writes().ticket
    with pytest.raises(InvalidInput):
        reply(ticket.id, shop.agent, text)
    assert Message.objects.count() == 1


def test_a_note_is_never_delivered_and_does_not_answer_the_customer(shop):
    ticket = shop.customer_writes().ticket
    note = reply(ticket.id, shop.agent, "Проверить склад", kind=MessageKind.NOTE)
    assert note.delivery == Delivery.NONE
    ticket.refresh_from_db()
    assert ticket.waiting_since is not None and ticket.assignee is None
    with pytest.raises(IntegrityError), transaction.atomic():
        Message.objects.filter(id=note.id).update(delivery="queued")


def test_send_and_solve_is_one_step(shop):
    ticket = shop.customer_writes().ticket
    reply(ticket.id, shop.agent, "Готово", status="solved")
    ticket.refresh_from_db()
    assert ticket.status == Status.SOLVED


def test_changes_of_a_ticket_are_in_the_log_with_their_actor(shop):
    ticket = shop.customer_writes().ticket
    assign_ticket(ticket.id, assignee_id=shop.colleague.id, actor=shop.agent)
    set_priority(ticket.id, priority=4, actor=shop.agent)
    set_tags(ticket.id, names=["возврат", "Возврат ", " "], actor=shop.agent)
    set_tags(ticket.id, names=["возврат"], actor=shop.agent)
    logged = Event.objects.filter(actor=shop.agent).values_list("type", flat=True)
    assert list(logged) == ["ticket.assigned", "ticket.priority_changed", "ticket.tags_changed"]


def test_impossible_changes_say_why(shop):
    ticket = shop.customer_writes().ticket
    with pytest.raises(InvalidInput):
        set_status(ticket.id, status="exploded", actor=shop.agent)
    with pytest.raises(InvalidInput):
        assign_ticket(ticket.id, assignee_id=uuid.uuid4(), actor=shop.agent)
    with pytest.raises(NotFound):
        set_priority(10**9, priority=1, actor=shop.agent)


def test_hand_over_tells_the_customer_once_and_frees_the_ticket(shop):
    ticket = shop.customer_writes(assign_to=shop.assistant.id).ticket
    assert ticket.human_wait_from is None
    for _ in range(2):
        hand_to_human(
            ticket_id=ticket.id,
            reason="asked",
            text="Сейчас подключится человек.",
            client_id=uuid.uuid4(),
            note="Просит человека",
        )
    ticket.refresh_from_db()
    assert ticket.assignee is None and ticket.handoff_reason == "asked"
    assert ticket.human_wait_from is not None and ticket.waiting_since is not None
    posted = Message.objects.exclude(author=Author.CONTACT).order_by("id")
    assert [(m.author, m.kind) for m in posted] == [("system", "public"), ("assistant", "note")]


def test_a_person_who_answers_takes_the_ticket_from_the_assistant(shop):
    ticket = shop.customer_writes(assign_to=shop.assistant.id).ticket
    reply(ticket.id, shop.agent)
    ticket.refresh_from_db()
    assert ticket.assignee == shop.agent


def test_an_edit_keeps_what_was_said_before(shop):
    message = shop.customer_writes("заказ 4470", external_id="7")
    done = edit_received_message(
        channel_id=shop.channel.id, address="visitor-1", external_id="7", text="заказ 4471", edited_at=None
    )
    message.refresh_from_db()
    assert done and message.text == "заказ 4471"
    assert message.content["edits"][0]["text"] == "заказ 4470"


def test_delivery_states_only_move_forward(shop):
    message = reply(shop.customer_writes().ticket.id, shop.agent)
    assert claim_next(message.address_id).id == message.id
    assert claim_next(message.address_id) is None
    assert move_delivery(message.id, Delivery.SENT, external_id="m1")
    assert move_delivery(message.id, Delivery.READ)
    assert not move_delivery(message.id, Delivery.DELIVERED)
    assert not move_delivery(message.id, Delivery.FAILED, error="late")
    message.refresh_from_db()
    assert (message.delivery, message.external_id) == (Delivery.READ, "m1")


def test_messages_of_a_chat_leave_in_order(shop):
    ticket = shop.customer_writes().ticket
    first, second = reply(ticket.id, shop.agent, "1"), reply(ticket.id, shop.agent, "2")
    assert claim_next(first.address_id).id == first.id
    assert claim_next(first.address_id) is None
    move_delivery(first.id, Delivery.FAILED, error="blocked")
    assert claim_next(first.address_id).id == second.id


def test_of_many_workers_one_gets_the_message(live_shop):
    message = reply(live_shop.customer_writes().ticket.id, live_shop.agent)

    def claim(_n: int) -> bool:
        with tenant_context(live_shop.schema):
            got = claim_next(message.address_id)
        connection.close()
        return got is not None

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(claim, range(16))) == 1


def test_retry_makes_a_new_attempt_only_where_the_last_one_failed(shop):
    message = reply(shop.customer_writes().ticket.id, shop.agent)
    assert not retry_message(message.id)
    claim_next(message.address_id)
    move_delivery(message.id, Delivery.UNCERTAIN, error="no answer")
    assert retry_message(message.id)
    assert claim_next(message.address_id).id == message.id
