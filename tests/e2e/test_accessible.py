"""Every page that people of a workspace see keeps WCAG 2.2 A and AA, in both languages and both themes."""

import uuid

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tickets.models import Author, MessageKind
from tickets.services.post import post_message
from tickets.services.tickets import assign_ticket, set_priority

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
PATHS = [
    "/inbox/?view=closed",
    "/inbox/?q=заказ",
    "/inbox/macros/",
    "/inbox/views/new/",
    "/inbox/incidents/",
    "/contacts/",
    "/companies/",
    "/contacts/import/",
    "/team/",
    "/notices/",
    "/notices/settings/",
    "/dashboard/",
    "/channels/",
    "/channels/add/telegram/",
    "/knowledge/",
    "/assistant/playground/",
    "/assistant/answers/",
    "/assistant/unanswered/",
    "/assistant/tests/",
    "/assistant/custom/",
    "/assistant/learned/",
    "/assistant/topics/",
    "/assistant/tools/",
    "/assistant/aids/",
    "/assistant/hours/",
    "/assistant/search/",
    "/assistant/settings/",
    "/accounts/me/",
    "/admin/",
    "/help/",
]


@pytest.fixture
def talk(live_shop):
    """One of each kind of bubble, and a line between them."""
    content = {
        "html": "<p>Счёт</p>", "location": {"latitude": 55.7, "longitude": 37.6, "title": "Склад"}, "reactions": ["👍"],
        "contact": {"name": "Пётр", "phone": "+79990001122"}, "forwarded_from": "Ольга", "unsupported": "poll",
        "quoted": "раньше",
    }  # fmt: skip
    ticket = live_shop.customer_writes("Где мой заказ 4471?", content=content).ticket
    with live_shop.enter():
        assign_ticket(ticket.id, assignee_id=live_shop.owner.id, actor=None)
        set_priority(ticket.id, priority=4, actor=live_shop.owner)
        source = {"n": 1, "title": "Доставка.pdf", "quote": "3 дня", "page": 1}
        post_message(ticket_id=ticket.id, client_id=uuid.uuid4(), text="Три дня [1]", user=live_shop.assistant,
                     author=Author.ASSISTANT, content={"citations": [source]})  # fmt: skip
        post_message(
            ticket_id=ticket.id, client_id=uuid.uuid4(), text="Заметка", user=live_shop.owner, kind=MessageKind.NOTE
        )
    return ticket


def violations(page: Page) -> list[str]:
    answer = Axe().run(page, options={"runOnly": RULES, "resultTypes": ["violations"]}).response
    return [
        f"{page.url} {rule['id']}: {node['html'][:160]} {node['failureSummary'][:200]}"
        for rule in answer["violations"]
        for node in rule["nodes"]
    ]


@pytest.mark.parametrize(("language", "scheme"), [("ru", "light"), ("en", "dark")])
def test_nothing_on_any_page_hinders_people_with_assistive_technology(live_shop, talk, sit_down, language, scheme):
    live_shop.owner.language = language
    live_shop.owner.save(update_fields=["language"])
    desk = sit_down(live_shop.owner, color_scheme=scheme).open(talk)
    page = desk.page
    page.locator("#find").click()
    found = violations(page)
    page.locator(".composer__mode input[value=note]").check(force=True)
    found += violations(page)
    for path in PATHS:
        desk.go(path)
        expect(page.locator("h1").first).to_be_attached()
        found += violations(page)
    page.context.clear_cookies(name="session")
    desk.go("/accounts/login/")
    found += violations(page)
    assert found == [], "\n".join(found)
