"""Whatever changes, an open screen comes to what a fresh one shows."""

import uuid
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from tests.servers import until
from tickets.models import Delivery, Message, MessageKind, Ticket
from tickets.services.addresses import set_reachable
from tickets.services.delivery import move_delivery
from tickets.services.post import hand_to_human, post_message
from tickets.services.receive import delete_received_message, edit_received_message, note_reaction
from tickets.services.schedule import schedule_reply
from tickets.services.snoozing import snooze_ticket
from tickets.services.tickets import assign_ticket, set_priority, set_status, set_tags, set_team


def test_every_kind_of_change_brings_an_open_screen_to_what_a_fresh_one_shows(live_shop, sit_down):
    ticket = live_shop.customer_writes("Первое", external_id="first").ticket
    others = [live_shop.customer_writes(f"Другое {number}", address=f"o{number}").ticket for number in range(4)]
    oleg = sit_down(live_shop.agent).view("open").open(ticket)
    vera, agent = live_shop.colleague, live_shop.agent
    with live_shop.enter():
        spoken = {"actor": vera}
        reply = post_message(ticket_id=ticket.id, client_id=uuid.uuid4(), text="Ответ **Веры**", user=vera)
        post_message(ticket_id=ticket.id, client_id=uuid.uuid4(), text="Заметка", user=vera, kind=MessageKind.NOTE)
        set_tags(ticket.id, names=["срочно"], **spoken)
        set_priority(ticket.id, priority=4, **spoken)
        set_team(ticket.id, team_id=live_shop.team.id, **spoken)
        assign_ticket(ticket.id, assignee_id=agent.id, **spoken)
        set_status(others[0].id, status="solved", **spoken)
        set_status(others[0].id, status="open", **spoken)
        set_status(others[1].id, status="waiting", **spoken)
        snooze_ticket(others[2].id, until=timezone.now() + timedelta(days=1), **spoken)
        assign_ticket(others[3].id, assignee_id=live_shop.assistant.id, **spoken)
        hand_to_human(ticket_id=others[3].id, reason="asked", text="Позову коллегу", client_id=uuid.uuid4())
        schedule_reply(
            ticket_id=ticket.id, client_id=uuid.uuid4(), text="Завтра", user=vera,
            send_at=timezone.now() + timedelta(days=1),
        )  # fmt: skip
        until(lambda: Message.objects.get(id=reply.id).delivery in {"sent", "delivered"}, seconds=90)
        move_delivery(reply.id, Delivery.READ)
    live_shop.customer_writes("Второе", external_id="second")
    live_shop.customer_writes("Новый человек", address="new")
    with live_shop.enter():
        where = {"channel_id": live_shop.channel.id, "address": "visitor-1"}
        edit_received_message(**where, external_id="first", text="Первое, исправленное", edited_at=timezone.now())
        delete_received_message(**where, external_id="second")
        note_reaction(**where, external_id="first", emoji="👍")
        set_reachable(**where, reason="Бот заблокирован")
        last = post_message(ticket_id=others[0].id, client_id=uuid.uuid4(), text="Последнее", user=vera)
    # The last of all that is on its way.
    expect(oleg.page.locator(f"#c-{others[0].id}")).to_contain_text("Последнее")
    expect(oleg.page.locator("#thread")).to_contain_text("Бот заблокирован")
    until(lambda: Message.objects.get(id=last.id).delivery in {"sent", "delivered"}, seconds=90)
    expect(oleg.page.locator(f"#c-{others[2].id}")).to_have_count(0)
    assert Ticket.objects.count() == 6
    until(lambda: oleg.shown() == fresh(sit_down, oleg, ticket), seconds=60)


def open_by_click(desk, ticket):
    desk.page.locator(f"#open-{ticket.id}").click()


def go_to_mine(desk, ticket):
    desk.page.locator("#view-mine").click()


def go_back(desk, ticket):
    desk.page.evaluate("history.back()")


@pytest.mark.parametrize(
    ("asked", "go"),
    [
        ("**/inbox/1/?*", open_by_click),
        ("**/inbox/?*view=mine*", go_to_mine),
        ("**/inbox/1/?*", go_back),
    ],
    ids=["a conversation", "a view", "the way back"],
)
def test_what_happens_while_an_answer_is_on_its_way_is_not_lost(live_shop, sit_down, asked, go):
    ticket = live_shop.customer_writes("Где заказ?").ticket
    other = live_shop.customer_writes("Другой", address="other").ticket
    assign_ticket(ticket.id, assignee_id=live_shop.agent.id, actor=None)
    oleg = sit_down(live_shop.agent).view("open")
    row = oleg.page.locator(f"#c-{ticket.id}")
    if go is go_back:
        oleg.open(ticket).open(other)

    def overtake(route):
        path = urlsplit(route.request.url)
        with oleg.server.client(live_shop) as browser:
            answer = browser.get(f"{path.path}?{path.query}", headers=route.request.all_headers())
        live_shop.customer_writes("Ещё не приехал")
        expect(row).to_contain_text("Ещё не приехал")
        route.fulfill(status=answer.status_code, content_type=answer.headers["Content-Type"], body=answer.content)

    oleg.page.route(asked, overtake, times=1)
    go(oleg, ticket)
    if go is go_to_mine:
        expect(oleg.page.locator("#view-mine")).to_have_attribute("aria-current", "true")
        expect(row).to_contain_text("Ещё не приехал")
    else:
        expect(oleg.page.locator("#talk")).to_have_attribute("data-ticket", str(ticket.id))
        expect(oleg.bubble("Ещё не приехал")).to_be_visible()
    expect(row).to_contain_text("Ещё не приехал")


def fresh(sit_down, desk, ticket):
    """What somebody sees who opens the same now."""
    other = sit_down(desk.workspace.agent)
    other.go(f"/inbox/{ticket.number}/?view=open").connected()
    return other.shown()
