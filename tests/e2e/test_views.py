"""Views that people make, and the fields that they ask for, in a real browser."""

from playwright.sync_api import expect

from tickets.models import CustomField, CustomStatus, SavedView, Ticket
from tickets.services.tickets import assign_ticket, set_priority


def test_an_agent_makes_a_view_by_keyboard_and_it_counts_live(live_shop, sit_down):
    tickets = [live_shop.customer_writes(f"Вопрос {number}", address=f"a{number}").ticket for number in range(3)]
    with live_shop.enter():
        set_priority(tickets[0].id, priority=4, actor=None)
    oleg = sit_down(live_shop.agent)
    page = oleg.page
    page.locator("#new-view").press("Enter")
    expect(page.locator("#found-title")).to_contain_text("3")
    page.locator("#view-name").press_sequentially("Срочные")
    page.locator("#add-0").press("Enter")
    expect(page.locator("#g0-c1-field")).to_be_focused()
    page.locator("#g0-c1-field").select_option("priority")
    box = page.locator("input[name=g0-c1-options][value='4']")
    box.focus()
    page.keyboard.press("Space")
    expect(page.locator("#found-title")).to_contain_text("1")
    expect(page.locator("#view-name")).to_have_value("Срочные")
    expect(box).to_be_focused()
    page.locator("#view-name").press("Enter")
    page.wait_for_url("**/inbox/?view=v*")
    with live_shop.enter():
        view = SavedView.objects.get()
    oleg.connected()
    expect(page.locator("#list-title")).to_have_text("Срочные")
    expect(oleg.rows).to_have_count(1)
    count = page.locator(f"#view-{view.key} .nav__count")
    expect(count).to_have_text("1")
    with live_shop.enter():
        set_priority(tickets[1].id, priority=4, actor=None)
    expect(oleg.rows).to_have_count(2)
    expect(count).to_have_text("2", timeout=20_000)


def test_solving_leads_to_the_field_that_is_missing(live_shop, sit_down):
    with live_shop.enter():
        CustomField.objects.create(
            key="reason", label="Причина", type="choice", options=["Брак"], required_to_solve=True
        )
        CustomField.objects.create(key="pieces", label="Штук", type="number", hint="Целое число")
        status = CustomStatus.objects.create(name="Ждём склад", category="waiting")
        ticket = live_shop.customer_writes().ticket
        assign_ticket(ticket.id, assignee_id=live_shop.agent.id, actor=None)
    oleg = sit_down(live_shop.agent).open(ticket)
    page = oleg.page
    oleg.thread.click()
    page.keyboard.press("e")
    expect(page.locator("#field-ticket-reason")).to_be_focused()
    expect(page.locator(".toast")).to_contain_text("Причина")
    # The choice of the state that was refused shows what is so.
    page.locator("#fact-status").select_option("solved")
    expect(page.locator("#fact-status")).to_have_value("open")
    page.locator("#field-ticket-pieces").fill("много")
    page.locator("#field-ticket-pieces").press("Tab")
    expect(page.locator("#field-ticket-pieces-error")).to_contain_text("Штук")
    expect(page.locator("#field-ticket-pieces")).to_have_value("много")
    page.locator("#field-ticket-pieces").fill("3")
    page.locator("#field-ticket-pieces").press("Tab")
    expect(page.locator("#field-ticket-pieces-error")).to_have_count(0)
    page.locator("#fact-status").select_option(status.key)
    expect(page.locator("#conversation-head")).to_contain_text("Ждём склад")
    page.locator("#text").fill("Готово")
    page.locator("#text").press("Control+Shift+Enter")
    expect(page.locator(".item__trouble:visible")).to_contain_text("Причина")
    expect(page.locator("#field-ticket-reason")).to_be_focused()
    page.locator("#field-ticket-reason").select_option("Брак")
    expect(oleg.thread).to_contain_text("Причина: — → Брак")
    page.locator("[data-outbox=retry]:visible").click()
    expect(page.locator("#conversation-head #reopen")).to_be_visible()
    # htmx tells the console of the two refusals.
    assert len(oleg.problems) == 2 and all("Error Code 400" in problem for problem in oleg.problems)
    oleg.problems.clear()
    with live_shop.enter():
        assert Ticket.objects.get().attributes == {"reason": "Брак", "pieces": 3}


def test_a_link_into_a_long_list_opens_it_at_its_place(live_shop, sit_down):
    with live_shop.enter():
        for number in range(130):
            live_shop.customer_writes(f"Вопрос {number}", address=f"a{number}")
    oleg = sit_down(live_shop.agent).go("/inbox/40/?view=open").connected()
    row = oleg.page.locator("#rows [aria-current]")
    expect(row).to_be_in_viewport()
    first = oleg.rows.first.get_attribute("id")
    place = row.bounding_box()["y"]
    oleg.page.locator("#rows").evaluate("(list) => { list.scrollTop = 40; }")
    # What comes in above moves nothing that is seen.
    seen = oleg.page.locator(f"#{first}")
    before = seen.bounding_box()["y"]
    expect(oleg.rows.first).not_to_have_attribute("id", first)
    assert abs(seen.bounding_box()["y"] - before) < 60 and place > 0
