"""Readers of the help centre in a real browser: with and without scripts, on a phone, in the dark."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from knowledge.help_centre import services
from knowledge.help_centre.models import Vote
from knowledge.services.articles import write_article

ARTICLE = """Вернуть можно за 30 дней.

## Что нужно

| Что | Зачем |
|:--|:--|
| Чек | подтвердить покупку |

## Куда везти

В магазин.

## Когда вернутся деньги

За десять дней.
"""


@pytest.fixture
def centre(live_shop):
    services.save_help_centre(is_on=True, chat_id=live_shop.channel.id, contacts="help@shop.example")
    orders = services.save_category(name_ru="Заказы", name_en="Orders")
    document = write_article("Возврат товара", ARTICLE)
    article = services.save_article(document_id=document.id, language="ru", category_id=orders.id)
    return services.publish_article(article.id)


def test_a_reader_without_scripts_reads_and_says_what_was_missing(live_shop, centre, web, chromium):
    page = chromium.new_context(java_script_enabled=False, locale="ru").new_page()
    page.goto(web.url(live_shop, "/help/"))
    page.get_by_role("link", name="Возврат товара").click()
    expect(page.get_by_role("heading", name="Что нужно")).to_be_visible()
    page.locator("button[name=helpful][value=no]").click()
    page.locator("#comment").fill("Нет адреса магазина")
    page.locator("form:has(#comment) button").click()
    expect(page.locator("#comment")).to_have_count(0)
    assert [(vote.is_helpful, vote.comment) for vote in Vote.objects.all()] == [(False, "Нет адреса магазина")]
    page.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_can_be_read_by_everybody(live_shop, centre, web, chromium, scheme):
    problems: list[str] = []
    page = chromium.new_context(color_scheme=scheme, viewport={"width": 390, "height": 844}).new_page()
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    for path in ("/help/ru/", "/help/en/categories/orders/", "/help/ru/articles/vozvrat-tovara/",
                 "/help/en/articles/vozvrat-tovara/", "/help/ru/articles/vozvrat-tovara/vote/?answer=no"):  # fmt: skip
        page.goto(web.url(live_shop, path))
        assert [rule["id"] for rule in Axe().run(page).response["violations"]] == [], path
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, path
    page.locator("[data-open-chat]").click()
    expect(page.frame_locator("iframe").get_by_role("textbox")).to_be_visible()
    assert problems == []
    page.context.close()
