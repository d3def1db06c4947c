"""A workspace's own names for the states of conversations, and how long a solved one can be reopened."""

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from omnisupport.lib.errors import InvalidInput
from tenants.events.models import Event
from tenants.sweeper import find_work
from tickets.models import CustomStatus, InboxSettings, Status, Ticket
from tickets.services.post import hand_to_human
from tickets.services.tickets import assign_ticket, close_solved, set_status
from tickets.webhooks.payloads import event_body

HX = {"HTTP_HX_REQUEST": "true"}


@pytest.fixture
def supplier(shop):
    return CustomStatus.objects.create(name="Ждём поставщика", category=Status.WAITING)


@pytest.fixture
def refunded(shop):
    return CustomStatus.objects.create(name="Деньги возвращены", category=Status.SOLVED)


@pytest.fixture
def ticket(shop):
    return shop.customer_writes().ticket


def state(ticket) -> tuple[str, str]:
    ticket = Ticket.objects.select_related("custom_status").get(id=ticket.id)
    return ticket.status, ticket.custom_status.name if ticket.custom_status else ""


def test_a_name_brings_its_status_and_goes_with_it(shop, ticket, supplier):
    set_status(ticket.id, status=supplier.key, actor=shop.agent)
    assert state(ticket) == ("waiting", "Ждём поставщика")
    shop.customer_writes("Ну как?")
    assert state(ticket) == ("open", "")
    assert Event.objects.filter(type="ticket.status_changed").order_by("id").values_list("payload", flat=True)[0] == {
        "from": "open",
        "to": "waiting",
        "to_name": "Ждём поставщика",
    }


def test_solving_by_a_name_is_solving(shop, ticket, refunded):
    set_status(ticket.id, status=refunded.key, actor=shop.agent)
    ticket.refresh_from_db()
    assert ticket.solved_at and ticket.waiting_since is None and ticket.reopened_count == 0
    set_status(ticket.id, status="solved", actor=shop.agent)
    assert state(ticket) == ("solved", "")


def test_between_two_names_of_one_status_nothing_is_reopened(shop, ticket, refunded):
    other = CustomStatus.objects.create(name="Совет дан", category=Status.SOLVED)
    set_status(ticket.id, status=refunded.key, actor=shop.agent)
    before = Ticket.objects.get()
    set_status(ticket.id, status=other.key, actor=shop.agent)
    after = Ticket.objects.get()
    assert (after.solved_at, after.reopened_count) == (before.solved_at, 0)
    assert state(ticket) == ("solved", "Совет дан")


@pytest.mark.parametrize("status", ["s0", "s999999", "s²", "s", "s-1", "s99999999999999999999", "lost", ""])
def test_unknown_names_are_refused(shop, ticket, supplier, status):
    with pytest.raises(InvalidInput):
        set_status(ticket.id, status=status, actor=shop.agent)


def test_a_retired_name_stays_where_it_is_and_is_offered_nowhere_else(shop, ticket, supplier):
    other = shop.customer_writes(address="other").ticket
    set_status(ticket.id, status=supplier.key, actor=shop.agent)
    supplier.is_active = False
    supplier.save()
    agent = shop.client(shop.agent)
    assert "Ждём поставщика" in agent.get(f"/inbox/{ticket.number}/").content.decode()
    details = agent.get(f"/inbox/{other.number}/", **HX, HTTP_HX_TARGET="conversation").content.decode()
    assert "Ждём поставщика" not in details
    with pytest.raises(InvalidInput):
        set_status(other.id, status=supplier.key, actor=shop.agent)


def test_a_hand_over_opens_and_forgets_the_name(shop, supplier, ticket):
    assign_ticket(ticket.id, assignee_id=shop.assistant.id, actor=None)
    set_status(ticket.id, status=supplier.key, actor=None)
    hand_to_human(ticket_id=ticket.id, reason="asked", text="Зову", client_id=uuid.uuid4())
    assert state(ticket) == ("open", "")


def test_agents_choose_it_and_see_it_in_list_head_and_timeline(shop, ticket, supplier):
    agent = shop.client(shop.agent)
    page = agent.get(f"/inbox/{ticket.number}/").content.decode()
    assert '<optgroup label="Waiting for customer">' in page and '<optgroup label="Open">' not in page
    agent.post(f"/inbox/{ticket.number}/status/", {"value": supplier.key}, **HX)
    page = agent.get(f"/inbox/{ticket.number}/?view=waiting").content.decode()
    row, head = page.split('id="conversation-head"')
    assert "Ждём поставщика" in row and "Ждём поставщика" in head.split("</header>")[0]
    assert f'<option value="{supplier.key}" selected>' in page
    assert "State: Open → Ждём поставщика" in page


def test_the_api_shows_and_sets_it(shop, ticket, supplier, refunded):
    client = shop.client(HTTP_AUTHORIZATION=f"Bearer {shop.token(shop.agent)}")

    def patch(**changes):
        return client.patch(f"/api/v1/tickets/{ticket.id}/", changes, content_type="application/json")

    found = client.get("/api/v1/custom-statuses/").json()["results"]
    assert {row["name"]: row["category"] for row in found} == {
        "Ждём поставщика": "waiting", "Деньги возвращены": "solved",
    }  # fmt: skip
    shown = patch(custom_status=supplier.id).json()
    assert (shown["status"], shown["custom_status"]) == ("waiting", {"id": supplier.id, "name": "Ждём поставщика"})
    assert patch(custom_status=refunded.id, status="open").status_code == 400
    assert patch(custom_status=10**8).status_code == 400
    assert patch(custom_status=None).json()["status"] == "waiting"
    assert state(ticket) == ("waiting", "")
    patch(custom_status=supplier.id)
    assert client.get(f"/api/v1/tickets/?custom_status={supplier.id}").json()["results"][0]["id"] == str(ticket.id)


def test_webhooks_carry_it(shop, ticket, supplier):
    set_status(ticket.id, status=supplier.key, actor=shop.agent)
    body = event_body(Event.objects.get(type="ticket.status_changed"))
    assert '"to_name": "Ждём поставщика"' in body and f'"custom_status": {{"id": {supplier.id}' in body


def test_admins_name_states_and_cannot_change_what_a_name_means(shop, supplier):
    admin = shop.client(shop.admin)
    made = admin.post(
        "/admin/tickets/customstatus/add/", {"name": "Возврат", "category": "open", "position": 1, "is_active": "on"}
    )
    assert made.status_code == 302 and CustomStatus.objects.filter(name="Возврат", category="open").exists()
    admin.post(
        f"/admin/tickets/customstatus/{supplier.id}/change/",
        {"name": "Склад", "category": "open", "position": 2, "is_active": "on"},
    )
    supplier.refresh_from_db()
    assert (supplier.name, supplier.category) == ("Склад", "waiting")


# ---- Reopening -------------------------------------------------------------------------------------------------------


def solve(ticket, days_ago: float) -> None:
    set_status(ticket.id, status="solved", actor=None)
    Ticket.objects.filter(id=ticket.id).update(solved_at=timezone.now() - timedelta(days=days_ago))


@pytest.mark.parametrize(
    ("days", "solved_ago", "reopened"),
    [(None, 6.9, True), (None, 7.1, False), (2, 1.9, True), (2, 2.1, False), (0, 0, False), (30, 29, True)],
)
def test_a_message_reopens_what_was_solved_within_the_days_that_are_set(shop, ticket, days, solved_ago, reopened):
    if days is not None:
        InboxSettings.objects.create(reopen_days=days)
    solve(ticket, solved_ago)
    message = shop.customer_writes("Опять")
    assert (message.ticket_id == ticket.id) is reopened
    assert state(ticket)[0] == ("open" if reopened else "closed")


def test_what_is_solved_for_longer_is_closed_by_the_sweep(shop, ticket):
    InboxSettings.objects.create(reopen_days=2)
    solve(ticket, 1.5)

    def is_due() -> bool:
        return (shop.schema, "close_solved") in {(schema, sweep.name) for schema, sweep in find_work()}

    assert not is_due() and close_solved() == 0
    solve(ticket, 2.5)
    assert is_due()
    assert close_solved() == 1 and state(ticket)[0] == "closed"


def test_the_rules_are_one_row_in_the_settings(shop):
    admin = shop.client(shop.admin)
    assert admin.post("/admin/tickets/inboxsettings/add/", {"reopen_days": 3}).status_code == 302
    assert admin.get("/admin/tickets/inboxsettings/add/").status_code == 403
    assert InboxSettings.objects.get().reopen_days == 3
