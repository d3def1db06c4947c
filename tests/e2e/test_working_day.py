"""A whole day by the keyboard alone: from the log-in to finding again what was solved. The mouse is never touched."""

import re

from django.contrib.auth.hashers import Argon2PasswordHasher
from playwright.sync_api import expect

from tests.cast import PASSWORD
from tests.e2e.test_keys import Keyboard
from tests.servers import until
from tickets.models import Macro, Message, MessageKind, Ticket
from tickets.services.tickets import assign_ticket


def test_a_day_without_a_mouse(live_shop, chromium, web, worker):
    for name, text in (("a", "Где мой заказ 4471?"), ("b", "Не работает оплата"), ("c", "Спасибо, потом")):
        ticket = live_shop.customer_writes(text, address=name).ticket
        assign_ticket(ticket.id, assignee_id=live_shop.agent.id, actor=None)
    Macro.objects.create(
        name="Заказ едет",
        text_ru="{{contact.name}}, заказ уже едет.",
        actions={"tags": ["доставка"]},
        visibility="everyone",
    )
    # The cast's quick hashes are unknown to the real server.
    live_shop.agent.password = Argon2PasswordHasher().encode(PASSWORD, "salt-of-the-tests")
    live_shop.agent.save(update_fields=["password"])
    page = chromium.new_context(
        viewport={"width": 1440, "height": 900}, reduced_motion="reduce", locale="ru"
    ).new_page()
    keys = Keyboard(page)

    def opened(text):
        expect(page.locator("#thread")).to_contain_text(text)
        expect(page.locator(".htmx-settling")).to_have_count(0)

    page.goto(web.url(live_shop, "/inbox/"))
    expect(page.locator("#id_username")).to_be_focused()
    page.keyboard.type(live_shop.agent.email)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.locator(".inbox[data-live=yes]").wait_for()

    # The oldest of three: a question to a colleague, a macro, done.
    for _step in range(3):
        keys.press("J")
    page.keyboard.press("Enter")
    opened("Где мой заказ 4471?")
    keys.press("N")
    page.keyboard.type("@вер")
    expect(page.locator("#expander [role=option]")).to_have_text(re.compile("Вера Коллега"))
    page.keyboard.press("Enter")
    page.keyboard.type("где машина?")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".item--note")).to_contain_text("@Вера Коллега где машина?")
    page.keyboard.press("Escape")
    keys.press("R")
    page.keyboard.type("/едет")
    expect(page.locator("#expander .expander__preview")).to_contain_text("заказ уже едет")
    page.keyboard.press("Enter")
    page.keyboard.press("Control+Shift+Enter")
    expect(page.locator("#reopen")).to_be_visible()
    first = Ticket.objects.order_by("id").first()
    until(lambda: Ticket.objects.get(id=first.id).status == "solved")
    assert list(first.tags.values_list("name", flat=True)) == ["доставка"]
    assert Message.objects.get(kind=MessageKind.NOTE).content["mentions"][0]["user"] == str(live_shop.colleague.id)

    # The next one waits until tomorrow, in one's own words.
    page.keyboard.press("Escape")
    keys.press("K", ctrl=True)
    page.keyboard.type("не работает оплата")
    expect(page.locator("#palette [role=option]", has_text="№2")).to_be_visible()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    opened("Не работает оплата")
    keys.press("Z")
    expect(page.locator("#snooze-text")).to_be_focused()
    page.keyboard.type("завтра в 10")
    page.keyboard.press("Enter")
    until(lambda: Ticket.objects.get(number=2).is_snoozed)
    expect(page.locator("#dialog")).to_be_hidden()

    # Solved and on to the next; then found again by another form of a word.
    keys.press("G")
    keys.press("M")
    expect(page.locator("#talk")).to_have_count(0)
    expect(page.locator("#rows > .ticket")).to_have_count(1)
    keys.press("J")
    page.keyboard.press("Enter")
    opened("Спасибо, потом")
    keys.press("E")
    expect(page.locator("#reopen")).to_be_visible()
    keys.send("Slash", ".")
    page.keyboard.type("заказы")
    expect(page.locator("#rows > .ticket")).to_have_count(1)
    expect(page.locator("#rows mark")).to_have_text("заказ")
    page.context.close()
