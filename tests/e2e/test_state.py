"""Where conversations stand, in the browser: snoozed in one's own words and back, merged, changed by the hundred."""

import re
from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import Page, expect

from tickets.models import Ticket
from tickets.services.tickets import assign_ticket, set_status

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


def test_two_conversations_become_one_live_in_both_windows_and_two_again(live_shop, ticket, sit_down):
    other = mine(live_shop, "Жена спрашивала про заказ", address="husband")
    oleg, vera = sit_down(live_shop.agent), sit_down(live_shop.colleague)
    vera.view("open").open(ticket)
    page = oleg.open(other).page
    page.keyboard.press("m")
    page.locator("#merge-q").fill(str(ticket.number))
    page.locator(f"#merge-found .menu__item:has-text('№{ticket.number}')").click()
    expect(page.locator(f"#dialog input[name=keep][value='{ticket.number}']")).to_be_checked()
    assert violations(page) == []
    page.locator("#merge-now").click()
    expect(page.locator(f"#talk[data-ticket='{ticket.id}']")).to_be_visible()
    for desk in (oleg, vera):
        expect(desk.bubble("Жена спрашивала про заказ")).to_be_visible()
        expect(desk.bubble("Где мой заказ 4471?")).to_be_visible()
        expect(desk.page.locator(f"#c-{other.id}")).to_have_count(0)
    # What the other person writes comes into the kept one.
    live_shop.customer_writes("Это муж", address="husband")
    expect(vera.bubble("Это муж")).to_be_visible()
    page.locator("[id^=unmerge-]").click()
    expect(vera.bubble("Это муж")).to_have_count(0)
    expect(vera.bubble("Где мой заказ 4471?")).to_be_visible()
    expect(page.locator(f"#c-{other.id}")).to_be_visible()


def test_a_view_is_changed_by_keys_and_taken_back(live_shop, ticket, sit_down):
    with live_shop.enter():
        for n in range(70):
            mine(live_shop, f"Вопрос {n}", address=f"many-{n}")
    oleg, vera = sit_down(live_shop.agent), sit_down(live_shop.colleague)
    vera.view("open")
    page = oleg.page
    page.keyboard.press("j")
    page.keyboard.press("x")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("Shift+X")
    expect(page.locator("#bulk-count")).to_have_text("3 chosen")
    page.keyboard.press("Control+a")
    expect(page.locator("#bulk-count")).to_have_text("25 chosen")
    page.locator("#bulk-whole").click()
    expect(page.locator("#bulk-count")).to_have_text("All in this view")
    page.locator("#bulk-change").click()
    page.locator("#bulk-add").fill("сбой")
    page.locator("#bulk-status").select_option("waiting")
    assert violations(page) == []
    page.locator("#bulk-apply").click()
    job = page.locator("#bulk-job")
    expect(job).to_contain_text("71 conversations changed", timeout=60_000)
    expect(oleg.rows).to_have_count(0)
    expect(vera.rows).to_have_count(0, timeout=20_000)
    # Somebody answers one meanwhile: that one stays as it is now.
    with live_shop.enter():
        set_status(ticket.id, status="solved", actor=None)
    page.locator("#bulk-undo").click()
    expect(job).to_contain_text("Undone: 70", timeout=60_000)
    expect(job).to_contain_text("left as somebody changed them since: 1")
    expect(page.locator("#view-mine .nav__count")).to_have_text("70")
    expect(vera.rows).not_to_have_count(0, timeout=20_000)
    page.locator("#bulk-refused").click()
    expect(page.locator("#dialog")).to_contain_text(f"№{ticket.number}")
