"""The frame of the inbox: areas that are resized and folded, rows that stand closer, and all of it kept."""

from playwright.sync_api import expect

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
