"""A suggested reply in the browser: it comes by itself, is taken with the keyboard, and is gone for everybody."""

import uuid

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from ai_assistant.models import Answer
from ai_assistant.services.turns import finish
from tenants.events.models import Event
from tests.servers import until
from tickets.models import Author, Message
from tickets.services.tickets import assign_ticket

PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


@pytest.fixture
def ticket(live_shop, worker):
    ticket = live_shop.customer_writes("За сколько дней можно вернуть байдарку?").ticket
    assign_ticket(ticket.id, assignee_id=live_shop.agent.id, actor=None)
    # Once the question is no news any more: the worker of this file would make a draft of its own.
    until(lambda: not Event.objects.filter(dispatched_at=None).exists())
    live_shop.channel.assistant_mode = "suggest"
    live_shop.channel.save()
    return ticket


def suggests(ticket, text="Вернуть можно за 45 дней. [1]"):
    """The assistant has finished its draft."""
    message = ticket.messages.filter(author=Author.CONTACT).latest("id")
    passage = {"n": 1, "title": "Возврат", "section": "Сроки", "text": "45 дней", "score": 3.0, "used": True}
    answer = Answer.objects.create(
        id=uuid.uuid4(), ticket_id=ticket.id, question_message_id=message.id, text=text, passages=[passage]
    )
    finish(answer, Answer.Outcome.SUGGESTED, "")


def violations(page: Page) -> list[str]:
    found = Axe().run(page, options={"runOnly": RULES})
    return [f"{rule['id']}: {node['html'][:160]}" for rule in found.response["violations"] for node in rule["nodes"]]


def test_it_comes_by_itself_and_is_taken_with_the_keyboard(live_shop, ticket, sit_down):
    oleg, vera = sit_down(live_shop.agent).open(ticket), sit_down(live_shop.colleague)
    vera.view("open").open(ticket)
    suggests(ticket)
    for desk in (oleg, vera):
        expect(desk.page.locator("#suggestion")).to_contain_text("Вернуть можно за 45 дней.")
    assert violations(oleg.page) == []
    oleg.page.locator("#suggestion summary").focus()
    oleg.page.keyboard.press("Enter")
    expect(oleg.page.locator("#suggestion ul")).to_be_visible()
    oleg.page.keyboard.press("Tab")
    oleg.page.keyboard.press("Enter")
    expect(oleg.page.locator("#text")).to_have_value("Вернуть можно за 45 дней.")
    expect(oleg.page.locator("#text")).to_be_focused()
    for desk in (oleg, vera):
        expect(desk.page.locator("#suggestion")).to_be_hidden()
    oleg.page.keyboard.type(" Чек не нужен.")
    oleg.page.keyboard.press("Control+Enter")
    expect(vera.bubble("Вернуть можно за 45 дней. Чек не нужен.")).to_be_visible()
    assert Message.objects.filter(author=Author.AGENT).count() == 1


@pytest.mark.parametrize("language", ["ru", "en"])
def test_on_a_phone_it_leaves_room_and_is_discarded(live_shop, ticket, sit_down, language):
    live_shop.agent.language = language
    live_shop.agent.save()
    suggests(ticket, "Вернуть можно за 45 дней, если она не была в воде. [1] " * 20)
    phone = sit_down(live_shop.agent, **PHONE).open(ticket)
    suggestion = phone.page.locator("#suggestion")
    expect(suggestion).to_be_visible()
    assert phone.page.evaluate("document.documentElement.scrollWidth") == 390
    expect(phone.page.locator("#text")).to_be_in_viewport()
    suggestion.locator("button").last.tap()
    expect(suggestion).to_be_hidden()
    assert Answer.objects.get().draft == "discarded"


@pytest.mark.parametrize("language", ["ru", "en"])
def test_the_pages_of_the_behaviour_fit_a_phone(live_shop, web, sit_down, language):
    live_shop.admin.language = language
    live_shop.admin.save()
    phone = sit_down(live_shop.admin, **PHONE)
    for path in ("hours", "custom", "topics", "settings"):
        phone.go(f"/assistant/{path}/")
        assert phone.page.evaluate("document.documentElement.scrollWidth") == 390, path
        assert violations(phone.page) == []
