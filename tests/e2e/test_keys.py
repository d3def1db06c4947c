"""The whole map of keys, pressed as a Russian keyboard presses them: Cyrillic letters come, the places are the same."""

import pytest
from playwright.sync_api import expect

from tests.e2e.test_inbox import violations
from tickets.inbox.keys import KEYS
from tickets.models import Ticket
from tickets.services.tickets import assign_ticket

_CYRILLIC = dict(zip("QWERTYUIOPASDFGHJKLZXCVBNM", "йцукенгшщзфывапролдячсмить", strict=True))


@pytest.fixture
def tickets(live_shop):
    """Three of one agent, the newest first."""
    found = [live_shop.customer_writes(f"Вопрос {name}", address=name).ticket for name in "abc"]
    for ticket in found:
        assign_ticket(ticket.id, assignee_id=live_shop.agent.id, actor=None)
    return found[::-1]


class Keyboard:
    """Key events as the browser gets them from a keyboard with the Russian layout."""

    def __init__(self, page):
        self.session = page.context.new_cdp_session(page)

    def press(self, letter: str, *, shift: bool = False, ctrl: bool = False) -> None:
        text = _CYRILLIC[letter].upper() if shift else _CYRILLIC[letter]
        self.send(f"Key{letter}", text, shift=shift, ctrl=ctrl)

    def send(self, code: str, key: str, *, shift: bool = False, ctrl: bool = False) -> None:
        event = {"code": code, "key": key, "modifiers": 8 * shift + 2 * ctrl}
        if len(code) == 4:
            # As of a real one: shortcuts of the browser itself go by this number.
            event["windowsVirtualKeyCode"] = ord(code[-1])
        self.session.send("Input.dispatchKeyEvent", {"type": "keyDown", "text": "" if ctrl else key, **event})
        self.session.send("Input.dispatchKeyEvent", {"type": "keyUp", **event})


def test_every_key_of_the_map_on_a_russian_keyboard(live_shop, tickets, sit_down):
    newest, middle, oldest = tickets
    desk = sit_down(live_shop.agent)
    page, keys = desk.page, Keyboard(desk.page)

    def opened(ticket):
        expect(page.locator(f"#talk[data-ticket='{ticket.id}']")).to_be_visible()
        expect(page.locator(".htmx-settling")).to_have_count(0)

    keys.press("J")
    expect(page.locator(f"#open-{newest.id}")).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(page.locator(f"#open-{middle.id}")).to_be_focused()
    page.keyboard.press("Enter")
    opened(middle)
    keys.send("BracketRight", "ъ")
    opened(oldest)
    keys.send("BracketLeft", "х")
    opened(middle)

    keys.press("L")
    expect(page.locator("#fact-tags")).to_be_focused()
    page.keyboard.press("Escape")
    keys.press("P")
    expect(page.locator("#fact-priority")).to_be_focused()
    page.keyboard.press("Escape")
    page.locator("#fact-priority").evaluate("field => field.blur()")
    keys.press("N")
    expect(page.locator("#composer")).to_have_attribute("data-mode", "note")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    expect(page.locator(f"#open-{middle.id}")).to_be_focused()

    # Sequences: the second letter is no key of its own.
    keys.press("G")
    keys.press("U")
    expect(page.locator("#view-unassigned")).to_have_attribute("aria-current", "true")
    keys.press("G")
    keys.press("M")
    expect(page.locator("#view-mine")).to_have_attribute("aria-current", "true")
    expect(desk.rows).to_have_count(3)

    desk.open(newest)
    page.locator("#thread-scroll").focus()
    keys.press("E", shift=True)
    opened(middle)
    assert Ticket.objects.get(id=newest.id).status == "solved"
    keys.press("E")
    expect(page.locator("#reopen")).to_be_visible()
    keys.press("O")
    expect(page.locator("#solve")).to_be_visible()

    # The sheet is made of the same table, and what is off stays off.
    keys.send("Digit7", "?", shift=True)
    expect(page.locator("#keys")).to_be_visible()
    expect(page.locator("#keys [data-keys]")).to_have_count(sum(len(group.keys) for group in KEYS))
    assert violations(page) == []
    page.locator("#keys-on").uncheck()
    page.keyboard.press("Escape")
    keys.press("R")
    expect(page.locator("#text")).not_to_be_focused()
    keys.press("K", ctrl=True)
    expect(page.locator("#palette")).to_be_visible()


def test_a_reply_is_taken_back_by_the_key_that_undoes(live_shop, tickets, sit_down):
    live_shop.agent.undo_seconds = 20
    live_shop.agent.save(update_fields=["undo_seconds"])
    desk = sit_down(live_shop.agent).open(tickets[0])
    desk.write("Погорячился")
    expect(desk.page.locator(".item__undo")).to_be_visible()
    Keyboard(desk.page).press("Z", ctrl=True)
    expect(desk.page.locator("#text")).to_have_value("Погорячился")
    assert tickets[0].messages.get(author="agent").delivery == "cancelled"


def test_the_palette_finds_commands_people_and_conversations(live_shop, tickets, sit_down):
    desk = sit_down(live_shop.agent).open(tickets[0])
    page, keys = desk.page, Keyboard(desk.page)
    page.locator("#text").focus()
    keys.press("K", ctrl=True)
    field = page.locator("#palette-text")
    expect(field).to_be_focused()
    assert violations(page) == []

    # «решить» typed with the keyboard left in English.
    page.keyboard.type("htibnm")
    expect(page.locator("#palette [aria-selected=true]")).to_contain_text("E")
    page.keyboard.press("Enter")
    expect(page.locator("#palette")).to_be_hidden()
    expect(page.locator("#reopen")).to_be_visible()

    keys.press("K", ctrl=True)
    page.keyboard.type("вопросы a")
    option = page.locator("#palette [role=option]", has_text=f"№{tickets[2].number}")
    expect(option).to_be_visible()
    option.click()
    expect(page.locator(f"#talk[data-ticket='{tickets[2].id}']")).to_be_visible()

    keys.press("K", ctrl=True)
    page.keyboard.type("вера")
    page.keyboard.press("Enter")
    expect(page.locator("#fact-assignee")).to_have_value(str(live_shop.colleague.id))
