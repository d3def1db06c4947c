"""What the shop's own scripts can do with the chat, and what the chat never does to the shop."""

from collections.abc import Callable
from typing import Any

from playwright.sync_api import expect

from tests.servers import until
from tests.widget.conftest import Desk, Visit

Go = Callable[..., Visit]
QUEUE = 'window.OmniSupport = [["on", "ready", () => { window.wasReady = true; }], '


def test_calls_made_before_the_script_has_come_are_kept(visit: Go, desk: Desk) -> None:
    shop = visit(before=QUEUE + '["attributes", { plan: "pro" }], ["ask", "Где мой заказ?"]];')
    expect(shop.log.locator(".visitor .text")).to_have_text(["Где мой заказ?"])
    assert shop.call("window.wasReady") is True
    assert shop.call("OmniSupport.isOpen()") is True
    [sent] = desk.calls("messages")
    assert sent["attributes"] == {"plan": "pro"}
    assert sent["page"]["title"] == "Полка — книжный магазин"


def test_the_page_hears_what_happens_until_it_unsubscribes(visit: Go, desk: Desk) -> None:
    shop = visit().open()
    shop.call(
        "window.heard = []; window.stops = ['message', 'sent', 'unread', 'close', 'handoff']"
        ".map((name) => OmniSupport.on(name, (detail) => heard.push([name, detail ?? null])))"
    )
    desk.do("quiet")
    shop.say("Здравствуйте")
    expect(shop.log.get_by_text("Прочитано")).to_be_visible()
    shop.chat.get_by_role("button", name="Позвать человека").click()
    expect(shop.log).to_contain_text("Позвали человека")
    shop.call("OmniSupport.hide()")
    desk.do("say", text="Добрый день")
    expect(shop.launcher).to_have_attribute("aria-label", "Открыть чат, 1 новое сообщение")
    names = [name for name, _detail in shop.call("heard")]
    assert names == ["sent", "handoff", "message", "close", "message", "unread"]
    assert ["message", {"author": "agent", "text": "Добрый день"}] in shop.call("heard")
    shop.call("stops.forEach((stop) => stop()); heard.length = 0; OmniSupport.show()")
    expect(shop.launcher).to_have_attribute("aria-label", "Закрыть чат")
    assert shop.call("heard") == []


def test_a_listener_that_fails_stops_nothing(visit: Go) -> None:
    shop = visit(before='window.OmniSupport = [["on", "open", () => { throw new Error("of the shop"); }]];')
    shop.open()
    shop.say("Всё работает?")
    expect(shop.log.locator(".visitor")).to_have_count(1)
    assert shop.problems == ["of the shop"]
    shop.problems.clear()


def test_the_look_follows_the_page(visit: Go) -> None:
    shop = visit().open()
    shop.call("OmniSupport.locale('en'); OmniSupport.theme('dark'); OmniSupport.colour('#ffd400')")
    expect(shop.chat.get_by_role("button", name="Talk to a person")).to_be_visible()
    expect(shop.chat.locator("html")).to_have_attribute("data-theme", "dark")
    expect(shop.launcher).to_have_attribute("aria-label", "Close chat")
    expect(shop.launcher).to_have_css("color", "rgb(0, 0, 0)")
    expect(shop.launcher).to_have_css("background-color", "rgb(255, 212, 0)")
    expect(shop.chat.locator(".avatar")).to_have_css("color", "rgb(0, 0, 0)")


def test_a_prefilled_text_waits_for_the_visitor(visit: Go, desk: Desk) -> None:
    shop = visit()
    expect(shop.launcher).to_be_visible()
    shop.call("OmniSupport.prefill('Хочу вернуть ')")
    expect(shop.field).to_have_value("Хочу вернуть ")
    expect(shop.field).to_be_focused()
    assert desk.calls("messages") == []


def test_logging_out_forgets_the_visitor(visit: Go, desk: Desk) -> None:
    shop = visit().open()
    shop.say("Это личное")
    expect(shop.log.locator(".visitor")).to_have_count(1)
    expect(shop.launcher).to_be_visible()
    shop.call("OmniSupport.shutdown()")
    assert shop.call("localStorage.length") == 0
    shop.call("OmniSupport.show()")
    expect(shop.field).to_be_visible()
    expect(shop.log).not_to_contain_text("Это личное")
    assert desk.do("state")["talks"] == 2


def test_the_chat_leaves_and_comes_back(visit: Go) -> None:
    shop = visit().open()
    shop.call("OmniSupport.destroy()")
    expect(shop.launcher).to_have_count(0)
    expect(shop.page.locator("iframe")).to_have_count(0)
    shop.call("OmniSupport.show()")
    shop.call("OmniSupport.boot()")
    expect(shop.launcher).to_be_visible()
    shop.call("OmniSupport.launcher(false)")
    expect(shop.launcher).to_be_hidden()


def test_the_address_of_a_single_page_shop_is_followed(visit: Go, desk: Desk) -> None:
    shop = visit().open()
    shop.call("document.title = 'Корзина'; history.pushState({}, '', '/cart')")
    shop.page.wait_for_url("**/cart")
    shop.say("Не могу оформить")
    expect(shop.log.locator(".visitor")).to_have_count(1)
    page: dict[str, Any] = desk.calls("messages")[0]["page"]
    assert page["url"].endswith("/cart")


def test_without_a_configuration_the_page_goes_on_without_us(visit: Go, desk: Desk) -> None:
    desk.do("config", down=True)
    with_error = 'window.OmniSupport = [["on", "error", () => { window.failed = true; }], ["show"]];'
    shop = visit(before=with_error)
    # The page's policy forbids what Playwright's own waiting does.
    until(lambda: shop.call("window.failed === true"), 15, "the page hears that it failed")
    expect(shop.launcher).to_have_count(0)
    assert (
        shop.call("['show', 'hide', 'toggle', 'shutdown', 'destroy'].map((name) => OmniSupport[name]())") == [None] * 5
    )
    assert shop.call("OmniSupport.isOpen()") is False


def test_wrong_arguments_never_throw_into_the_page(visit: Go) -> None:
    shop = visit()
    expect(shop.launcher).to_be_visible()
    shop.call(
        "OmniSupport.page(null); OmniSupport.attributes(null); OmniSupport.colour(7); OmniSupport.theme({});"
        "OmniSupport.locale('ru-RU');"
        "OmniSupport.push(['nothing'], 5, null); OmniSupport.on('ready'); OmniSupport.attributes({ self: window })"
    )
    shop.problems.clear()
    shop.open()


def test_a_message_of_another_window_opens_nothing(visit: Go) -> None:
    shop = visit().open()
    shop.call("postMessage('omnisupport:up', '*'); postMessage({ type: 'close' }, '*')")
    shop.say("Всё в порядке")
    expect(shop.log.locator(".visitor")).to_have_count(1)
    assert shop.call("OmniSupport.isOpen()") is True
