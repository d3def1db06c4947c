"""What belongs to a person goes with them from device to device; and pages that show people are never old."""

import uuid
from pathlib import Path

from django.core.files.base import ContentFile
from playwright.sync_api import expect

from tests.e2e.test_inbox import violations
from tests.e2e.test_keys import Keyboard
from tickets.models import Attachment
from tickets.services.post import post_message
from tickets.services.tickets import assign_ticket

_DURATION = """player => new Promise((tell) => {
    if (player.readyState) tell(player.duration);
    else player.addEventListener("loadedmetadata", () => tell(player.duration));
})"""


def test_a_command_gets_another_key_here_and_on_the_next_device(live_shop, sit_down):
    ticket = live_shop.customer_writes().ticket
    assign_ticket(ticket.id, assignee_id=live_shop.agent.id, actor=None)
    page = sit_down(live_shop.agent).open(ticket).page
    keys = Keyboard(page)
    keys.send("Digit7", "?", shift=True)
    line = page.locator("#keys [data-does=reply]")
    line.locator("[data-key=change]").click()
    # The first time what listens has to come first.
    expect(page.locator("#keys .keys__waits")).to_be_visible()
    # Taken by the note: said, and nothing changes.
    keys.press("N")
    expect(page.locator("#keys-said")).to_contain_text(page.locator("#keys [data-does=note] dd span").inner_text())
    expect(line).to_have_attribute("data-keys", "KeyR")
    line.locator("[data-key=change]").click()
    page.keyboard.press("Escape")
    expect(page.locator("#keys")).to_be_visible()
    line.locator("[data-key=change]").click()
    keys.press("Q")
    expect(line).to_have_attribute("data-keys", "KeyQ")
    expect(line.locator("[data-key=change]")).to_be_focused()
    assert violations(page) == []
    page.keyboard.press("Escape")
    keys.press("R")
    expect(page.locator("#text")).not_to_be_focused()
    keys.press("Q")
    expect(page.locator("#text")).to_be_focused()

    other = sit_down(live_shop.agent).open(ticket).page
    Keyboard(other).press("Q")
    expect(other.locator("#text")).to_be_focused()


def test_what_was_read_on_one_device_is_not_new_on_another(live_shop, sit_down):
    first = live_shop.customer_writes("Здравствуйте!")
    assign_ticket(first.ticket_id, assignee_id=live_shop.agent.id, actor=None)
    post_message(ticket_id=first.ticket_id, client_id=uuid.uuid4(), text="Слушаю", user=live_shop.agent)
    live_shop.customer_writes("Прочитано на первом")
    desk = sit_down(live_shop.agent).open(first.ticket)
    expect(desk.bubble("Прочитано на первом")).to_be_visible()
    # Leaving the page tells what was read.
    desk.go("/contacts/")
    fresh = live_shop.customer_writes("А это новое")
    other = sit_down(live_shop.agent).open(first.ticket)
    line = other.page.locator("#thread-new")
    expect(line).to_be_visible()
    assert line.evaluate("line => line.nextElementSibling.id") == f"m-{fresh.id}"


def test_an_album_grows_into_one_bubble_while_it_comes(live_shop, sit_down):
    ticket = live_shop.customer_writes("Вот фото").ticket
    assign_ticket(ticket.id, assignee_id=live_shop.agent.id, actor=None)
    desk = sit_down(live_shop.agent).open(ticket)
    for number in range(3):
        message = live_shop.customer_writes("Смотрите" if number == 0 else "", content={"group": "g"})
        Attachment.objects.create(
            message=message, kind="photo", name=f"{number}.png", mime="image/png", size=1, file="missing"
        )
    # Each comes by an event of its own.
    live_shop.customer_writes("Получили?")
    expect(desk.bubble("Получили?")).to_be_visible()
    expect(desk.bubble("Смотрите")).to_have_count(1)
    expect(desk.page.locator("#thread > .item--in")).to_have_count(3)


def test_the_page_of_people_is_never_old(live_shop, sit_down):
    anna = sit_down(live_shop.admin)
    anna.go("/team/")
    row = anna.page.locator(f"#person-{live_shop.agent.id}")
    expect(row.locator(".badge--ok")).to_have_count(0)
    load = row.locator("td.num")
    expect(load).to_have_text("0")
    field = anna.page.locator(f"#capacity-{live_shop.agent.id}")
    field.fill("7")
    ticket = live_shop.customer_writes().ticket
    assign_ticket(ticket.id, assignee_id=live_shop.agent.id, actor=None)
    expect(load).to_have_text("1")
    # What is half typed is not taken away.
    expect(field).to_have_value("7")
    sit_down(live_shop.agent)
    expect(row.locator(".badge--ok")).to_be_visible()


def test_voice_messages_are_heard_one_at_a_time_at_the_speed_one_likes(live_shop, sit_down):
    ticket = live_shop.customer_writes("Запишу голосом").ticket
    assign_ticket(ticket.id, assignee_id=live_shop.agent.id, actor=None)
    spoken = (Path(__file__).parent / "voice.ogg").read_bytes()
    for words in ("Первое", "Второе"):
        message = live_shop.customer_writes(words)
        file = ContentFile(spoken, name="voice.ogg")
        Attachment.objects.create(
            message=message, kind="voice", name="voice.ogg", mime="audio/ogg", size=len(spoken), file=file
        )
    desk = sit_down(live_shop.agent).open(ticket)
    first, second = (desk.bubble(words).locator("audio") for words in ("Первое", "Второе"))
    for player in (first, second):
        expect(player).to_be_visible()
        assert round(player.evaluate(_DURATION)) == 3
    # By keyboard, on the player itself.
    first.focus()
    desk.page.keyboard.press("Space")
    expect(first).to_have_js_property("paused", False)
    second.evaluate("player => player.play()")
    expect(first).to_have_js_property("paused", True)
    speed = desk.bubble("Второе").get_by_role("button", name="×")
    expect(speed).to_contain_text("1×")
    speed.press("Enter")
    expect(speed).to_contain_text("1,5×")
    for player in (first, second):
        expect(player).to_have_js_property("playbackRate", 1.5)
    desk.page.reload()
    expect(desk.bubble("Первое").get_by_role("button", name="×")).to_contain_text("1,5×")
    expect(first).to_have_js_property("playbackRate", 1.5)
