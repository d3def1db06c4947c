"""How far somebody has read is known on each of their devices."""

import re

from tickets.models import ReadMark
from tickets.services.reading import note_read


def seen(shop, person, ticket) -> int:
    page = shop.client(person).get(f"/inbox/{ticket.number}/").content.decode()
    return int(re.search(r'data-seen="(\d+)"', page)[1])


def test_a_mark_moves_forward_only_and_is_ones_own(shop):
    first, second = shop.customer_writes("Раз"), shop.customer_writes("Два")
    ticket = first.ticket
    assert seen(shop, shop.agent, ticket) == 0
    note_read(ticket.id, second.id, shop.agent)
    note_read(ticket.id, first.id, shop.agent)
    assert seen(shop, shop.agent, ticket) == second.id
    assert seen(shop, shop.colleague, ticket) == 0


def test_what_is_no_message_of_the_conversation_moves_nothing(shop):
    message, other = shop.customer_writes(), shop.customer_writes(address="other")
    for ticket_id, message_id in ((message.ticket_id, other.id), (message.ticket_id, 10**17), (10**17, message.id)):
        note_read(ticket_id, message_id, shop.agent)
    assert not ReadMark.objects.exists()


def test_reading_costs_little(shop, django_assert_max_num_queries):
    message = shop.customer_writes()
    note_read(message.ticket_id, message.id, shop.agent)
    later = shop.customer_writes()
    # The schema, the message, the mark.
    with django_assert_max_num_queries(3):
        note_read(later.ticket_id, later.id, shop.agent)
