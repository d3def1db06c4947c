"""The frame of the inbox: areas that are resized and folded, rows that stand closer, and all of it kept."""

from playwright.sync_api import expect

from channels_app.models import Channel
from tickets.services.contacts import update_contact
from tickets.services.tickets import assign_ticket


def width(desk, selector: str) -> float:
    return desk.page.locator(selector).bounding_box()["width"]


def test_areas_are_resized_by_mouse_and_keys_folded_and_kept(live_shop, sit_down):
    ticket = live_shop.customer_writes("Где заказ?").ticket
    assign_ticket(ticket.id, assignee_id=live_shop.agent.id, actor=None)
    oleg = sit_down(live_shop.agent).open(ticket)
    before = width(oleg, "#list")
    splitter = oleg.page.locator("[data-splitter=list]")
    splitter.focus()
    splitter.press("ArrowRight")
    assert width(oleg, "#list") == before + 16
    expect(splitter).to_have_attribute("aria-valuenow", str(round(before + 16)))
    edge = oleg.page.locator("[data-splitter=details]").bounding_box()
    details = width(oleg, "#details")
    # Beside the conversation, not below it.
    assert oleg.page.locator("#details").bounding_box()["x"] > oleg.page.locator("#thread").bounding_box()["x"]
    oleg.page.mouse.move(edge["x"] + 2, 400)
    oleg.page.mouse.down()
    oleg.page.mouse.move(edge["x"] - 38, 400)
    oleg.page.mouse.up()
    assert width(oleg, "#details") == details + 40
    oleg.page.locator("#sidebar-fold").click()
    assert width(oleg, "#sidebar") < 64
    # Another page load, the same frame.
    oleg.go(f"/inbox/{ticket.number}/").connected()
    assert (width(oleg, "#list"), width(oleg, "#details")) == (before + 16, details + 40)
    assert width(oleg, "#sidebar") < 64
    splitter.dblclick()
    assert width(oleg, "#list") == before
    oleg.page.locator("#sidebar-fold").click()
    assert width(oleg, "#sidebar") > 150


def test_compact_rows_are_a_choice_in_the_menu_and_closer_together(live_shop, sit_down):
    ticket = live_shop.customer_writes("Где заказ?").ticket
    assign_ticket(ticket.id, assignee_id=live_shop.agent.id, actor=None)
    oleg = sit_down(live_shop.agent)
    roomy = oleg.page.locator(f"#c-{ticket.id}").bounding_box()["height"]
    oleg.page.locator(".sidebar details.menu > summary").click()
    oleg.page.locator("#density-compact").click()
    expect(oleg.page.locator("html")).to_have_attribute("data-density", "compact")
    assert oleg.page.locator(f"#c-{ticket.id}").bounding_box()["height"] < roomy
    live_shop.agent.refresh_from_db()
    assert live_shop.agent.is_compact


def test_beside_the_details_neither_the_name_nor_what_sends_is_cut(live_shop, sit_down):
    """The narrowest window with four areas, and a channel with buttons of formatting."""
    with live_shop.enter():
        live_shop.channel = Channel.objects.create(kind="telegram", name="Telegram", config={})
    ticket = live_shop.customer_writes("Где заказ?").ticket
    update_contact(ticket.contact_id, changes={"name": "Екатерина Константинопольская"}, actor=None)
    oleg = sit_down(live_shop.agent, viewport={"width": 1280, "height": 800}).view("unassigned").open(ticket)
    assert oleg.page.locator("#details").bounding_box()["width"] > 250
    assert oleg.page.locator("#take").is_visible() and oleg.page.locator("[data-format=bold]").is_visible()
    title = oleg.page.locator("#talk-title")
    assert title.evaluate(
        "title => [title.scrollWidth - title.clientWidth, title.scrollHeight - title.clientHeight]"
    ) == [0, 0]
    edge = right(oleg, "#talk")
    for button in ("#send", "#send-solve", "#details-toggle"):
        assert right(oleg, button) <= edge, button


def right(desk, selector: str) -> float:
    box = desk.page.locator(selector).bounding_box()
    return box["x"] + box["width"]
