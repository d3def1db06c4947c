"""Writing, in a real browser: nothing begun is lost, whatever device it was begun on."""


import pytest
from playwright.sync_api import expect

from tests.servers import until
from tickets.models import Draft, Message
from tickets.services.tickets import assign_ticket


@pytest.fixture
def ticket(live_shop):
    ticket = live_shop.customer_writes("Где мой заказ 4471?").ticket
    assign_ticket(ticket.id, assignee_id=live_shop.agent.id, actor=None)
    return ticket


def test_a_draft_follows_its_author_and_an_old_window_asks_first(live_shop, ticket, sit_down):
    desk = sit_down(live_shop.agent).open(ticket)
    desk.page.locator("#text").fill("Здравствуйте! Заказ")
    expect(desk.page.locator(f"#c-{ticket.id} .ticket__draft")).to_be_visible()
    desk.page.locator(".composer__mode input[value=note]").check(force=True)
    expect(desk.page.locator("#text")).to_have_value("")
    desk.page.locator("#text").fill("Проверить склад")
    until(lambda: Draft.objects.count() == 2)

    laptop = sit_down(live_shop.agent).open(ticket)
    expect(laptop.page.locator("#text")).to_have_value("Проверить склад")
    laptop.page.locator(".composer__mode input[value=public]").check(force=True)
    expect(laptop.page.locator("#text")).to_have_value("Здравствуйте! Заказ")

    # The first screen looks on while the second writes.
    desk.page.locator(".composer__mode input[value=public]").check(force=True)
    laptop.page.locator("#text").fill("Здравствуйте! Заказ в пути")
    expect(desk.page.locator("#text")).to_have_value("Здравствуйте! Заказ в пути")

    # Without a line both write: neither is lost, the agent chooses.
    desk.page.context.set_offline(True)
    desk.page.locator("#text").fill("Из поезда")
    laptop.page.locator("#text").fill("С ноутбука")
    until(lambda: Draft.objects.filter(text="С ноутбука").exists())
    desk.page.context.set_offline(False)
    expect(desk.page.locator("#draft-moved")).to_be_visible()
    expect(desk.page.locator("#text")).to_have_value("Из поезда")
    assert Draft.objects.filter(text="С ноутбука").exists()
    desk.page.locator("[data-draft=ours]").click()
    expect(laptop.page.locator("#text")).to_have_value("Из поезда")

    desk.page.locator("#text").press("Control+Enter")
    expect(laptop.page.locator("#text")).to_have_value("")
    until(lambda: list(Draft.objects.values_list("text", flat=True)) == ["Проверить склад"])
    assert Message.objects.filter(text="Из поезда").count() == 1


def test_leaving_at_once_saves_what_was_typed(live_shop, ticket, sit_down):
    desk = sit_down(live_shop.agent).open(ticket)
    desk.page.locator("#text").fill("Успел")
    desk.page.goto("about:blank")
    until(lambda: Draft.objects.filter(text="Успел").exists())
