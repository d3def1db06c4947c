"""Telegram and WhatsApp set up in the browser by an admin who knows only what the page says; then a customer writes there and
reads the answer."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.cast import Workspace
from tests.e2e.conftest import Desk
from tests.servers import LiveServer, beat_process, free_port, until, wait_for_port, web_process, worker_process
from tests.standins.telegram import TOKEN as BOT_TOKEN
from tests.standins.telegram import TelegramStandIn
from tests.standins.whatsapp import ACCOUNT, APP_SECRET, NUMBER, WhatsAppStandIn
from tests.standins.whatsapp import TOKEN as WHATSAPP_TOKEN
from tickets.models import Ticket


@pytest.fixture
def house(live_shop: Workspace, chromium: Browser, tmp_path: Path) -> Iterator[Callable[..., Desk]]:
    """`house(**environment)`: an installation of its own with these settings, and an admin at its inbox."""
    processes = []
    live_shop.admin.language = "en"
    page = chromium.new_context().new_page()

    def open_house(**environment: str) -> Desk:
        port = free_port()
        processes.append(web_process(port, tmp_path, **environment).start())
        processes.append(worker_process(tmp_path, **environment).start())
        processes.append(beat_process(tmp_path, **environment).start())
        wait_for_port(processes[0], port, 60)
        return Desk(page, live_shop, LiveServer(port, processes[0])).sit(live_shop.admin)

    yield open_house
    page.context.close()
    for process in reversed(processes):
        process.stop()


def add_channel(desk: Desk, kind: str, **fields: str) -> None:
    """From the list of channels; `fields` are those of the form."""
    desk.go("/channels/").page.locator(f"a[href='/channels/add/{kind}/']").click()
    page = desk.page
    page.locator("#id_name").fill("Наш канал")
    for name, value in fields.items():
        page.locator(f"#id_{name}").fill(value)
    page.locator("form.stack .button--primary").click()
    expect(page.locator("main .badge").first).to_have_class("badge badge--ok")


def answer_in_the_inbox(desk: Desk, question: str, words: str) -> None:
    ticket = until(lambda: Ticket.objects.filter(messages__text__contains=question).first(), 60, "the question is in")
    desk.go("/inbox/").connected().view("unassigned").open(ticket).write(words)
    expect(desk.bubble(words).locator(".delivery--sent, .delivery--delivered")).to_be_visible()


def shows_both_ways(page: Page) -> None:
    """Last message in and out are no longer "none yet"."""
    expect(page.locator("main, body").first).not_to_contain_text("none yet")


def test_telegram(house):
    with TelegramStandIn() as telegram:
        admin = house(TELEGRAM_API_URL=telegram.url, PUBLIC_URL_REACHABLE="false")
        add_channel(admin, "telegram", secret_token=BOT_TOKEN)
        expect(admin.page.get_by_text("https://t.me/")).to_be_visible()
        address = admin.page.url
        telegram.customer_says("Где мой заказ 12?", chat=5)
        answer_in_the_inbox(admin, "заказ 12", "Уже в пути")
        assert telegram.sent[-1]["text"] == "Уже в пути"
        admin.page.goto(address)
        shows_both_ways(admin.page)


def verify_and_save(whatsapp: WhatsAppStandIn, web: LiveServer, page: Page) -> None:
    """What somebody does in Meta's app with the two values that the page gives."""
    url = httpx.URL(page.locator("#webhook-url").input_value())
    token = page.locator("#verify-token").input_value()
    query = {"hub.mode": "subscribe", "hub.challenge": "77", "hub.verify_token": token}
    whatsapp.connect_to = f"http://127.0.0.1:{web.port}"
    answer = httpx.get(f"{whatsapp.connect_to}{url.path}", params=query, headers={"Host": url.netloc.decode()})
    assert (answer.status_code, answer.text) == (200, "77")
    whatsapp.can_override = True


def test_whatsapp(house):
    with WhatsAppStandIn() as whatsapp:
        # Meta knows no callback of the app yet.
        whatsapp.can_override = False
        admin = house(WHATSAPP_API_URL=whatsapp.url, PUBLIC_URL_REACHABLE="true")
        values: dict[str, Any] = {"config_phone_number_id": NUMBER, "config_waba_id": ACCOUNT}
        add_channel(admin, "whatsapp", secret_access_token=WHATSAPP_TOKEN, secret_app_secret=APP_SECRET, **values)
        address = admin.page.url
        verify_and_save(whatsapp, admin.server, admin.page)
        admin.page.get_by_role("button", name="Check now").click()
        expect(admin.page.get_by_text("leads here")).to_be_visible()
        assert whatsapp.apps
        assert whatsapp.customer_says("Где мой заказ 34?")
        answer_in_the_inbox(admin, "заказ 34", "Завтра будет")
        assert whatsapp.sent[-1]["text"]["body"] == "Завтра будет"
        admin.page.goto(address)
        shows_both_ways(admin.page)
