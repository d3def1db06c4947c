"""Every page that people see (tests/screens.py) keeps WCAG 2.2 A and AA, in both languages and both themes."""

import uuid

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.db import connection
from playwright.sync_api import Page

from knowledge.help_centre import services as help_centre
from knowledge.services.articles import write_article
from tenants.accounts.models import Role, User
from tenants.db import tenant_context
from tenants.names import PUBLIC
from tests.cast import PASSWORD, HostClient, Workspace
from tests.e2e.conftest import Desk
from tests.screens import Screen, Who, arrive, screens
from tickets.models import Author, Macro, MessageKind
from tickets.services.companies import save_company
from tickets.services.incidents import link_incident, open_incident
from tickets.services.macros import save_macro
from tickets.services.post import post_message
from tickets.services.tickets import assign_ticket, set_priority

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


@pytest.fixture
def talk(live_shop):
    """One of each kind of bubble and a line between them; one of whatever has a page of its own."""
    content = {
        "html": "<p>Счёт</p>", "location": {"latitude": 55.7, "longitude": 37.6, "title": "Склад"}, "reactions": ["👍"],
        "contact": {"name": "Пётр", "phone": "+79990001122"}, "forwarded_from": "Ольга", "unsupported": "poll",
        "quoted": "раньше",
    }  # fmt: skip
    live_shop.customer_writes("Где чек?", address="visitor-2")
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
        told = {"name": "Спасибо", "text_ru": "Рады помочь!", "actions": {}, "visibility": Macro.Visibility.EVERYONE}
        save_macro(None, changes=told, user=live_shop.owner)
        save_company(None, changes={"name": "Азимут"}, actor=live_shop.owner)
        incident = open_incident("Склад закрыт", user=live_shop.owner)
        link_incident(ticket.id, incident_id=incident.id, actor=live_shop.owner)
        open_help_centre(live_shop)
    return ticket


@pytest.fixture
def operator(live_shop):
    """The session of somebody who sees to all workspaces."""
    with tenant_context(PUBLIC):
        person = User.objects.create_user("operator@example.com", PASSWORD, name="Operator", role=Role.OPERATOR)
        client = HostClient(HTTP_HOST=settings.BASE_DOMAIN)
        client.force_login(person)
    yield client.cookies["session"].value
    with tenant_context(PUBLIC):
        client.logout()
        # Django would look for what else is the person's, in tables that only workspaces have.
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM accounts_user WHERE id = %s", [person.id])


def open_help_centre(workspace: Workspace) -> None:
    help_centre.save_help_centre(is_on=True, chat_id=None, contacts="")
    category = help_centre.save_category(name_ru="Уход", name_en="Care", position=0)
    for language, title, text in (("ru", "Палатка", "Сушите её в тени."), ("en", "Tent", "Dry it in the shade.")):
        document = write_article(title, text, user=workspace.owner)
        article = help_centre.save_article(document_id=document.id, language=language, category_id=category.id)
        help_centre.publish_article(article.id, user=workspace.owner)


def violations(page: Page) -> list[str]:
    # Without `preload`: it copies imported style sheets into the page, which the policy forbids.
    options = {"runOnly": RULES, "resultTypes": ["violations"], "preload": False}
    answer = Axe().run(page, options=options).response
    return [
        f"{page.url} {rule['id']}: {node['html'][:160]} {node['failureSummary'][:200]}"
        for rule in answer["violations"]
        for node in rule["nodes"]
    ]


@pytest.mark.parametrize(("language", "scheme"), [("ru", "light"), ("en", "dark")])
def test_nothing_on_any_page_hinders_people_with_assistive_technology(
    live_shop, talk, operator, sit_down, language, scheme
):
    for person in (live_shop.owner, live_shop.colleague):
        person.language = language
        person.sees_contact_details = person is live_shop.owner
        person.save(update_fields=["language", "sees_contact_details"])
    desk = sit_down(live_shop.owner, color_scheme=scheme).open(talk)
    page = desk.page
    page.locator("#more-actions > summary").click()
    found = violations(page)
    page.locator("#find").click()
    found += violations(page)
    page.locator(".composer__mode input[value=note]").check(force=True)
    found += violations(page)
    for screen in screens(Who.AGENT, Who.ADMIN):
        if "desktop" in screen.sizes:
            arrive(page, host_of(desk, screen), screen, word="заказ")
            found += violations(page)
    desk.sit(live_shop.colleague)
    for screen in screens(Who.MASKED):
        arrive(page, host_of(desk, screen), screen, word="заказ")
        found += violations(page)
    page.context.clear_cookies(name="session")
    for screen in screens(Who.VISITOR):
        arrive(page, host_of(desk, screen), screen, word="заказ")
        found += violations(page)
    home = f"http://{settings.BASE_DOMAIN}:{desk.server.port}/"
    page.context.add_cookies(
        [{"name": "session", "value": operator, "url": home}, {"name": "language", "value": language, "url": home}]
    )
    for screen in screens(Who.OPERATOR):
        arrive(page, host_of(desk, screen), screen, word="заказ")
        found += violations(page)
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{home}admin/tenants/tenant/")
    found += violations(page)
    assert page.evaluate("document.querySelector('.results').scrollWidth") <= 390
    assert found == [], "\n".join(found)


def host_of(desk: Desk, screen: Screen) -> str:
    host = settings.BASE_DOMAIN if screen.is_of_platform else desk.workspace.host
    return f"http://{host}:{desk.server.port}"
