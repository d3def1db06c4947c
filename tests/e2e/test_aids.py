"""Help of a model at the agent's desk: words rewritten and put back, a translation under its message, a model that is slow."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from ai_assistant.models import Aid
from ai_assistant.services.assistants import ensure_assistant
from tests.servers import worker_process
from tests.standins.yandexgpt import API_KEY, FOLDER, YandexGptStandIn
from tickets.models import Tag
from tickets.services.tickets import assign_ticket

PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
DRAFT = "вернуть можно за 45 дней"


@pytest.fixture(scope="module")
def model():
    with YandexGptStandIn() as stand_in:
        yield stand_in


@pytest.fixture(scope="module")
def worker(_prepared, tmp_path_factory, model):
    """Only the worker speaks to the model."""
    pointers = {name: str(value) for name, value in model.settings.items()}
    process = worker_process(tmp_path_factory.mktemp("worker"), OUTBOUND_ALLOWED_HOSTS=model.host, **pointers).start()
    try:
        yield process
    finally:
        process.stop()


@pytest.fixture
def ticket(live_shop, model):
    assistant = ensure_assistant()
    assistant.provider, assistant.credentials = "yandexgpt", {"api_key": API_KEY, "folder_id": FOLDER}
    assistant.save()
    live_shop.agent.language = "en"
    live_shop.agent.save()
    ticket = live_shop.customer_writes("Срочно: где мой заказ?").ticket
    assign_ticket(ticket.id, assignee_id=live_shop.agent.id, actor=None)
    return ticket


def choose(page: Page, name: str) -> None:
    page.locator("#aids summary").click()
    page.get_by_role("button", name=name).click()


def violations(page: Page) -> list[str]:
    found = Axe().run(page, options={"runOnly": RULES})
    return [f"{rule['id']}: {node['html'][:160]}" for rule in found.response["violations"] for node in rule["nodes"]]


def test_a_draft_is_rewritten_and_comes_back(ticket, live_shop, sit_down):
    page = sit_down(live_shop.agent).open(ticket).page
    page.locator("#text").fill(DRAFT)
    choose(page, "Correct mistakes")
    expect(page.locator("#text")).to_have_value("Вернуть можно за 45 дней.")
    assert violations(page) == []
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#text")).to_have_value(DRAFT)
    page.get_by_role("button", name="Put it into the field").click()
    expect(page.locator("#text")).to_have_value("Вернуть можно за 45 дней.")
    page.locator("#text").press("Control+Enter")
    expect(page.locator("#thread > .item", has_text="Вернуть можно за 45 дней.")).to_be_visible()
    expect(page.locator("#aid")).to_be_hidden()


def test_whoever_goes_on_writing_keeps_their_words(ticket, live_shop, sit_down, model):
    page = sit_down(live_shop.agent).open(ticket).page
    page.locator("#text").fill(DRAFT)
    with model.holding():
        choose(page, "Correct mistakes")
        expect(page.locator("#aid")).to_contain_text("you can go on writing")
        page.locator("#text").press_sequentially(", с чеком")
    expect(page.get_by_role("button", name="Put it into the field")).to_be_visible()
    expect(page.locator("#text")).to_have_value(f"{DRAFT}, с чеком")
    expect(page.locator("#aid")).to_contain_text("Вернуть можно за 45 дней.")


def test_a_slow_model_is_cancelled(ticket, live_shop, sit_down, model):
    page = sit_down(live_shop.agent).open(ticket).page
    with model.holding():
        page.keyboard.press("KeyS")
        page.locator("#aid").get_by_role("button", name="Cancel").click()
        expect(page.locator("#aid")).to_be_hidden()
    assert Aid.objects.get().state == "cancelled"


def test_a_translation_stands_under_its_message(ticket, live_shop, sit_down):
    page = sit_down(live_shop.agent).open(ticket).page
    item = page.locator("#thread > .item--in")
    item.hover()
    item.get_by_role("button", name="Translate").click()
    expect(item.locator(".translation")).to_contain_text("Srochno: gde moy zakaz?")
    expect(item).to_contain_text("Срочно: где мой заказ?")
    assert violations(page) == []
    item.get_by_role("button", name="Hide").click()
    expect(item.locator(".translation")).to_be_hidden()


def test_a_suggested_tag_is_one_click(ticket, live_shop, sit_down):
    for name in ("Заказ", "Срочное"):
        Tag.objects.create(name=name)
    page = sit_down(live_shop.agent).open(ticket).page
    choose(page, "Suggest tags and priority")
    page.locator("#aid").get_by_role("button", name="Заказ").click()
    expect(page.locator("#fact-tags")).to_have_value("Заказ")
    for name in ("Срочное", "Priority: High"):
        page.locator("#aid").get_by_role("button", name=name).click()
    expect(page.locator("#fact-priority")).to_have_value("3")
    expect(page.locator("#aid")).to_contain_text("nothing (more)")


def test_without_a_model_a_sentence_says_so(ticket, live_shop, sit_down):
    assistant = ensure_assistant()
    assistant.provider = "extractive"
    assistant.save()
    desk = sit_down(live_shop.agent).open(ticket)
    choose(desk.page, "Sum it up")
    expect(desk.page.locator(".toast")).to_contain_text("There is no language model for that")
    # htmx tells the console of every refusal.
    assert [problem for problem in desk.problems if "Code 409" not in problem] == []
    desk.problems.clear()


@pytest.mark.parametrize("language", ["ru", "en"])
def test_on_a_phone_the_menu_and_the_result_leave_room(ticket, live_shop, sit_down, language):
    live_shop.agent.language = language
    live_shop.agent.save()
    page = sit_down(live_shop.agent, **PHONE).open(ticket).page
    page.locator("#text").fill(DRAFT)
    for left, right in ((".composer__mode", "#aids summary"), (".composer__bar label", "#send")):
        one, other = (page.locator(name).first.bounding_box() for name in (left, right))
        assert abs(one["y"] - other["y"]) < one["height"], f"{right} has a row of its own."
    page.locator("#aids summary").tap()
    expect(page.locator("#aid-summary")).to_be_in_viewport()
    page.locator("#aid-summary").tap()
    expect(page.locator("#aid [data-part=text]")).to_be_in_viewport()
    expect(page.locator("#text")).to_be_in_viewport()
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert violations(page) == []


@pytest.mark.parametrize("path", ["aids", "learned"])
def test_the_pages_fit_a_phone(live_shop, ticket, sit_down, path):
    Aid.objects.create(ticket_id=ticket.id, kind="summary", user=live_shop.agent)
    phone = sit_down(live_shop.admin, **PHONE).go(f"/assistant/{path}/")
    assert phone.page.evaluate("document.documentElement.scrollWidth") == 390
    assert violations(phone.page) == []
