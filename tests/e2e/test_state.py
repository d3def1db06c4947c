"""Where conversations stand, in the browser: snoozed in one's own words and back, merged, changed by the hundred."""

import re
from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import Page, expect

from tickets.models import Ticket
from tickets.services.tickets import assign_ticket

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


@pytest.fixture
def ticket(live_shop):
    live_shop.agent.language = "en"
    live_shop.agent.save()
    return mine(live_shop, "Где мой заказ 4471?")


def mine(workspace, text, **fields):
    with workspace.enter():
        return assign_ticket(
            workspace.customer_writes(text, **fields).ticket.id, assignee_id=workspace.agent.id, actor=None
        )


def violations(page: Page) -> list[str]:
    found = Axe().run(page, options={"runOnly": RULES})
    return [f"{rule['id']}: {node['html'][:160]}" for rule in found.response["violations"] for node in rule["nodes"]]


def test_snoozed_by_keys_in_ones_own_words_and_back_by_itself(live_shop, ticket, sit_down):
    desk = sit_down(live_shop.agent).open(ticket)
    page = desk.page
    page.keyboard.press("z")
    field = page.locator("#snooze-text")
    expect(field).to_be_focused()
    field.fill("when it suits")
    expect(page.locator("#snooze-text-words")).to_have_text("not understood")
    field.press("Enter")
    expect(page.locator("#dialog [role=alert]")).to_contain_text("when it suits")
    # That answer was asked for.
    desk.problems.clear()
    assert violations(page) == []
    field.fill("завтра в 10")
    expect(page.locator("#snooze-text-words")).to_have_text(re.compile("10:00$"))
    field.press("Enter")
    expect(page.locator("#dialog")).to_be_hidden()
    expect(page.locator(f"#c-{ticket.id}")).to_have_count(0)
    expect(page.locator("#view-snoozed .nav__count")).to_have_text("1")
    expect(page.locator("#thread")).to_contain_text("Snoozed until")
    # Its time has come: the sweeper of the worker's process would say so.
    with live_shop.enter():
        from tickets.services.snoozing import wake_due

        Ticket.objects.update(wakes_at=timezone.now() - timedelta(minutes=1))
        assert wake_due() == 1
    expect(page.locator(f"#c-{ticket.id}")).to_be_visible()
    expect(page.locator("#thread")).to_contain_text("Back again: the time has come")


def test_a_reply_is_sent_later_at_a_moment_in_words(live_shop, ticket, sit_down):
    page = sit_down(live_shop.agent).open(ticket).page
    page.locator("#text").fill("Напоминаю о заказе")
    page.locator("#later summary").click()
    page.locator("#send-when").fill("in 2 days at 9am")
    page.locator("#send-when").press("Enter")
    expect(page.locator(".scheduled__item")).to_contain_text("Напоминаю о заказе")
