"""Writing, in a real browser: nothing begun is lost, whatever device it was begun on."""

import re

import pytest
from playwright.sync_api import expect

from tests.e2e.test_inbox import violations
from tests.servers import until
from tickets.models import Draft, Macro, Message
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
    until(lambda: Message.objects.filter(text="Из поезда").exists())


def test_leaving_at_once_saves_what_was_typed(live_shop, ticket, sit_down):
    desk = sit_down(live_shop.agent).open(ticket)
    desk.page.locator("#text").fill("Успел")
    desk.page.goto("about:blank")
    until(lambda: Draft.objects.filter(text="Успел").exists())


def test_a_macro_a_colleague_and_an_emoji_from_the_keyboard(live_shop, ticket, sit_down):
    with live_shop.enter():
        Macro.objects.create(
            name="Возврат денег",
            text_ru="{{contact.name}}, вернём {{ticket.sum}}.",
            actions={"tags": ["возврат"], "status": "solved"},
            visibility="everyone",
        )
    desk = sit_down(live_shop.agent).open(ticket)
    page, text = desk.page, desk.page.locator("#text")

    # Typed with the keyboard left in English: «djp» is «воз».
    text.press_sequentially("Добрый день! /djp")
    expect(page.locator("#expander [role=option]")).to_have_text(re.compile("Возврат денег"))
    expect(page.locator("#expander mark")).to_have_text("{{ticket.sum}}")
    assert text.get_attribute("aria-activedescendant") == "choice-0"
    assert violations(page) == []
    text.press("Enter")
    expect(text).to_have_value("Добрый день! Марина, вернём {{ticket.sum}}.")
    expect(page.locator("#armed li")).to_have_count(2)

    # What stands for nothing does not leave: it is selected, so that typing fills it in.
    text.press("Control+Enter")
    expect(page.locator(".toast")).to_contain_text("{{ticket.sum}}")
    assert Message.objects.filter(author="agent").count() == 0
    page.keyboard.type("500 ₽")
    page.locator("#armed li", has_text="возврат").get_by_role("button").click()
    text.press("Control+Enter")
    expect(desk.bubble("вернём 500 ₽")).to_be_visible()
    expect(page.locator("#reopen")).to_be_visible()
    assert list(ticket.tags.all()) == []
    assert Macro.objects.get().uses == 1

    # A colleague is named in notes only; the sign has a button, for the Russian layout has none of it.
    page.locator("#text").press_sequentially("@вер")
    expect(page.locator("#expander")).to_be_hidden()
    text.fill("")
    page.locator(".composer__mode input[value=note]").check(force=True)
    page.locator("#mention").click()
    page.keyboard.type("вер")
    expect(page.locator("#expander [role=option]")).to_have_text(re.compile("Вера Коллега"))
    text.press("Tab")
    page.keyboard.type(":спаси")
    expect(page.locator("#expander [role=option]").first).to_have_text(re.compile("🙏"))
    text.press("Enter")
    with page.expect_request(lambda request: request.url.endswith("/messages/")) as sent:
        text.press("Control+Enter")
    assert f"u:{live_shop.colleague.id}" in sent.value.post_data
    expect(desk.bubble("@Вера Коллега 🙏")).to_be_visible()

    # Escape takes the sign of the button away again.
    page.locator("#macros").click()
    expect(page.locator("#expander")).to_be_visible()
    text.press("Escape")
    expect(page.locator("#expander")).to_be_hidden()
    expect(text).to_have_value("")


def test_what_has_left_is_changed_and_taken_away_by_its_author(live_shop, ticket, sit_down):
    oleg, vera = sit_down(live_shop.agent).open(ticket), sit_down(live_shop.colleague).view("open").open(ticket)
    oleg.write("Привезём в пятницу")
    expect(oleg.bubble("Привезём в пятницу").locator(".delivery--sent, .delivery--delivered")).to_be_visible()
    oleg.bubble("Привезём в пятницу").locator(".change > summary").click()
    oleg.bubble("Привезём в пятницу").locator("textarea").fill("Привезём в субботу")
    oleg.bubble("Привезём в пятницу").get_by_role("button", name="Сохранить").click()
    for desk in (oleg, vera):
        expect(desk.thread.locator(".bubble__text", has_text="Привезём в субботу")).to_be_visible()
        expect(desk.thread.locator(".edits")).to_be_visible()
    expect(vera.thread.locator(".change")).to_have_count(0)
    assert violations(oleg.page) == []
    oleg.bubble("Привезём в субботу").locator(".change > summary").click()
    oleg.thread.locator(".change .button--danger").click()
    until(lambda: Message.objects.get(author="agent").deleted_at is not None)
    for desk in (oleg, vera):
        expect(desk.thread.locator(".item", has_text="Привезём").locator(".bubble__mark")).to_be_visible()
