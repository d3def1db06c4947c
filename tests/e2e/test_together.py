"""Two agents at one conversation: they see each other, and neither answers over the other."""

import re
import uuid

import pytest
from playwright.sync_api import expect

from tests.e2e.test_inbox import violations
from tests.servers import until
from tickets.models import Author, Message, MessageKind
from tickets.notices.models import Notice
from tickets.services.post import post_message
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


def test_nobody_answers_over_a_colleague(live_shop, ticket, sit_down):
    oleg, vera = sit_down(live_shop.agent), sit_down(live_shop.colleague)
    vera.view("open").open(ticket)
    oleg.open(ticket)
    oleg.page.locator("#text").press_sequentially("Заказ едет")
    vera.write("Ваш заказ уже у курьера")
    expect(oleg.bubble("у курьера")).to_be_visible()
    oleg.page.locator("#text").press("Control+Shift+Enter")
    stopped = oleg.page.locator(".item--pending")
    expect(stopped.locator(".added__item")).to_have_text(re.compile(r"Вера Коллега.*Ваш заказ уже у курьера", re.S))
    assert Message.objects.filter(author=Author.AGENT).count() == 1
    # The words are not lost by going away, and the next try is stopped too.
    oleg.page.reload()
    expect(stopped.locator(".added__item")).to_have_count(1)
    oleg.page.locator("[data-outbox=edit]:visible").click()
    expect(oleg.page.locator("#text")).to_have_value("Заказ едет")
    live_shop.customer_writes("Спасибо, жду!")
    expect(oleg.bubble("Спасибо, жду!")).to_be_visible()
    oleg.page.locator("#text").press("Control+Shift+Enter")
    expect(stopped.locator(".added__item")).to_have_text(re.compile("Спасибо, жду!"))
    expect(stopped.locator("[data-outbox=anyway]")).to_be_focused()
    oleg.page.keyboard.press("Enter")
    expect(vera.bubble("Заказ едет")).to_be_visible()
    expect(oleg.page.locator("#reopen")).to_be_visible()
    assert list(Message.objects.filter(author=Author.AGENT).values_list("text", flat=True).order_by("id")) == [
        "Ваш заказ уже у курьера", "Заказ едет",
    ]  # fmt: skip


def test_a_colleague_who_is_called_hears_it_on_any_page_and_looking_makes_it_seen(live_shop, ticket, sit_down):
    # The new conversation that nobody has is news already.
    until(lambda: Notice.objects.filter(user=live_shop.colleague).exists(), 60)
    vera = sit_down(live_shop.colleague)
    vera.go("/dashboard/")
    bell = vera.page.locator(".sidebar [data-unseen]")
    before = int(bell.text_content() or 0)
    vera.page.locator("body").click()
    with live_shop.enter():
        post_message(
            ticket_id=ticket.id, client_id=uuid.uuid4(), text="@Вера Коллега, помоги", user=live_shop.agent,
            kind=MessageKind.NOTE, mentions=[f"u:{live_shop.colleague.id}"],
        )  # fmt: skip
    expect(bell).to_have_text(str(before + 1))
    expect(vera.page).to_have_title(re.compile(rf"^\({before + 1}\) "))
    expect(vera.page.locator("html")).to_have_attribute("data-beeps", "1")
    vera.page.locator(".sidebar [data-bell]").click()
    vera.page.locator(".news__item--new", has_text="Олег Агент").click()
    expect(vera.bubble("помоги").locator(".mention--me")).to_have_text("@Вера Коллега")
    # Everything about this conversation is seen now, and the view of mentions waits for nothing.
    expect(bell).to_be_hidden()
    expect(vera.page.locator("#view-mentions .nav__count")).to_have_count(0)
    expect(vera.page).to_have_title(re.compile(r"^№"))
    assert not Notice.objects.filter(user=live_shop.colleague, seen_at=None).exists()
    # What happens before her eyes is no news.
    live_shop.customer_writes("Спасибо!")
    expect(vera.bubble("Спасибо!")).to_be_visible()
    expect(bell).to_be_hidden()
    assert violations(vera.page) == []
    for path in ("/notices/", "/notices/settings/"):
        vera.go(path)
        assert violations(vera.page) == []
