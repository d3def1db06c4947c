"""What the palette asks of the server, and what the sheet of keys promises."""

import re

from tenants.accounts.models import Access
from tickets.inbox.keys import KEYS
from tickets.models import Ticket


def test_a_number_a_word_and_a_person_are_found(shop):
    ticket = shop.customer_writes("Где мои заказы?").ticket
    client = shop.client(shop.agent)

    def find(text):
        return client.get("/inbox/find/", {"q": text}).json()

    assert [row["number"] for row in find("заказ")["conversations"]] == [str(ticket.number)]
    assert [row["number"] for row in find(str(ticket.number))["conversations"]] == [str(ticket.number)]
    assert find("марина")["people"] == [{"name": "Марина", "hint": ""}]
    assert find("нигде") == find("") == {"conversations": [], "people": []}


def test_only_what_the_agent_may_see_is_found(shop):
    shop.customer_writes("Где мои заказы?")
    Ticket.objects.update(assignee=shop.admin)
    shop.agent.access = Access.OWN
    shop.agent.save()
    assert shop.client(shop.agent).get("/inbox/find/", {"q": "заказ"}).json()["conversations"] == []


def test_finding_costs_the_same_for_one_and_many(shop, django_assert_num_queries, django_assert_max_num_queries):
    client = shop.client(shop.agent)
    shop.customer_writes("Заказ")
    with django_assert_max_num_queries(8) as first:
        client.get("/inbox/find/", {"q": "заказ"})
    for name in "bcd":
        shop.customer_writes("Заказ", address=name)
    with django_assert_num_queries(len(first)):
        client.get("/inbox/find/", {"q": "заказ"})


def test_the_sheet_shows_every_key_of_the_table_once(shop):
    page = shop.client(shop.agent).get("/inbox/").content.decode()
    drawn = re.findall(r'data-keys="([^"]*)" data-does="([^"]*)"', page)
    keys = [key for group in KEYS for key in group.keys]
    assert [pair[0] for pair in drawn] == [key.keys for key in keys]
    ways = [way for key in keys for way in key.keys.split("|")]
    assert len(set(ways)) == len(ways)
    shown = [key.shown for key in keys if key.keys == "KeyG KeyI" or key.keys.startswith("$mod+Shift+Enter")]
    assert shown == [[["G"], ["I"]], [["Ctrl", "Shift", "Enter"]]]
