"""Two agents at one conversation: they see each other, and neither answers over the other."""

import pytest
from playwright.sync_api import expect

from tickets.services.tickets import assign_ticket


@pytest.fixture
def ticket(live_shop):
    ticket = live_shop.customer_writes("Где мой заказ 4471?").ticket
    assign_ticket(ticket.id, assignee_id=live_shop.agent.id, actor=None)
    return ticket


def test_who_looks_and_who_writes_is_seen_in_list_and_head(live_shop, ticket, sit_down):
    oleg, vera = sit_down(live_shop.agent), sit_down(live_shop.colleague)
    vera.view("open")
    row, head = vera.page.locator(f"#c-{ticket.id} .avatar"), vera.page.locator("#conversation-head .avatar")
    expect(row).to_have_count(0)
    oleg.open(ticket)
    expect(row).to_have_text("ОА")
    vera.open(ticket)
    expect(head).to_have_text("ОА")
    expect(oleg.page.locator("#conversation-head .avatar")).to_have_text("ВК")
    oleg.page.locator("#text").press_sequentially("Ваш заказ")
    expect(head).to_have_class("avatar avatar--writing")
    # A row that changes keeps its faces; a page that comes anew shows the same.
    live_shop.customer_writes("Ау!")
    expect(vera.bubble("Ау!")).to_be_visible()
    expect(row).to_have_text("ОА")
    vera.page.reload()
    vera.connected()
    expect(head).to_have_text("ОА")
    oleg.page.close()
    expect(head).to_have_count(0)
    expect(row).to_have_count(0)
