"""Integrators do by REST what people do on pages: contacts, companies, notices, replies for later, following, incidents."""

import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tenants.events.dispatch import dispatch_new_events
from tickets.models import Company, Incident, ScheduledReply
from tickets.services.merging import merge_contacts
from tickets.services.post import post_message
from tickets.services.tickets import assign_ticket

JSON = "application/json"


@pytest.fixture(autouse=True)
def quiet(monkeypatch):
    """What is pushed to browsers has its own stories."""
    monkeypatch.setattr("tickets.notices.subscribers.wake", lambda *_args: True)


@pytest.fixture
def ticket(shop):
    return shop.customer_writes().ticket


class Caller:
    def __init__(self, workspace, user):
        self.client = workspace.client(HTTP_AUTHORIZATION=f"Bearer {workspace.token(user)}")

    def __call__(self, method, path, data=None):
        answer = (
            getattr(self.client, method)(f"/api/v1/{path}", data, JSON)
            if data is not None
            else getattr(self.client, method)(f"/api/v1/{path}")
        )
        return answer.status_code, answer.json() if answer.content else None


@pytest.fixture
def agent(shop):
    return Caller(shop, shop.agent)


@pytest.fixture
def admin(shop):
    return Caller(shop, shop.admin)


def test_companies_are_made_changed_and_deleted(shop, agent, admin):
    code, made = agent("post", "companies/", {"name": "Ромашка", "domain": "romashka.ru"})
    assert (code, made["name"], made["domain"]) == (201, "Ромашка", "romashka.ru")
    assert agent("post", "companies/", {"name": "ромашка"})[0] == 409
    assert agent("post", "companies/", {"name": "Почта", "domain": "mail.ru"})[1]["error"]["field"] == "domain"
    path = f"companies/{made['id']}/"
    assert agent("patch", path, {"notes": "Платят вовремя"})[1]["notes"] == "Платят вовремя"
    assert [row["name"] for row in agent("get", "companies/?name=ромаш")[1]["results"]] == ["Ромашка"]
    assert (agent("delete", path)[0], admin("delete", path)[0]) == (403, 204)
    assert not Company.objects.exists()


def test_a_contact_has_notes_and_a_company_by_its_name(shop, agent, ticket):
    path = f"contacts/{ticket.contact_id}/"
    code, contact = agent("patch", path, {"notes": "Зовёт на вы", "company_name": "Ромашка"})
    company = Company.objects.get()
    assert (code, contact["notes"], contact["company"]) == (200, "Зовёт на вы", str(company.id))
    assert agent("patch", path, {"company_name": ""})[1]["company"] is None


def test_contacts_are_merged_parted_given_out_and_erased(shop, agent, admin, ticket):
    other = shop.customer_writes(address="second").ticket.contact
    path = f"contacts/{ticket.contact_id}"
    assert agent("post", f"{path}/merge/", {"contact": str(uuid.uuid4())})[0] == 404
    assert len(agent("post", f"{path}/merge/", {"contact": str(other.id)})[1]["addresses"]) == 2
    assert len(agent("post", f"{path}/unmerge/")[1]["addresses"]) == 1
    assert agent("post", f"{path}/unmerge/")[0] == 404
    assert (agent("get", f"{path}/data/")[0], agent("post", f"{path}/erase/", {"named": "Марина"})[0]) == (403, 403)
    assert admin("get", f"{path}/data/")[1]["conversations"][0]["messages"][0]["text"] == "Где мой заказ?"
    assert admin("post", f"{path}/erase/", {"named": "Пётр"})[1]["error"]["field"] == "named"
    assert admin("post", f"{path}/erase/", {"named": "Марина"})[0] == 204
    ticket.contact.refresh_from_db()
    assert ticket.contact.name != "Марина" and not ticket.messages.filter(text__contains="заказ").exists()


def test_a_stranger_merge_is_not_parted_by_another_contacts_address(shop, agent, ticket):
    kept, gone = (shop.customer_writes(address=name).ticket.contact for name in ("a", "b"))
    merge_contacts(kept_id=kept.id, gone_id=gone.id, user=None)
    assert agent("post", f"contacts/{ticket.contact_id}/unmerge/")[0] == 404


def test_notices_are_read_seen_and_chosen(shop, agent, ticket):
    assign_ticket(ticket.id, assignee_id=shop.agent.id, actor=shop.admin)
    dispatch_new_events()
    rows = agent("get", "notices/")[1]["results"]
    assert [(row["kind"], row["number"]) for row in rows] == [("assigned", "1"), ("new", "1")]
    assert rows[0]["title"] == "Марина" and "№1" in rows[0]["text"]
    assert agent("get", "notices/unseen/")[1] == {"unseen": 2}
    assert agent("post", "notices/seen/", {"ticket": ticket.id + 1})[1] == {"unseen": 2}
    assert agent("post", "notices/seen/", {"ticket": ticket.id})[1] == {"unseen": 0}
    assert agent("get", "notices/settings/")[1]["new"] == ["app"]
    assert agent("patch", "notices/settings/", {"new": ["pigeon"]})[0] == 400
    chosen = agent("patch", "notices/settings/", {"new": []})[1]
    assert chosen["new"] == [] and chosen["assigned"] == ["app", "sound", "desktop", "email"]
    assert Caller(shop, shop.colleague)("get", "notices/unseen/")[1] == {"unseen": 1}


def test_following_and_incidents(shop, agent, ticket):
    path = f"tickets/{ticket.id}"
    assert agent("post", f"{path}/follow/", {})[1] == {"followers": [str(shop.agent.id)]}
    assert agent("get", f"{path}/followers/")[1] == {"followers": [str(shop.agent.id)]}
    assert agent("post", f"{path}/follow/", {"follows": False})[1] == {"followers": []}
    incident = Incident.objects.create(title="Склад")
    assert agent("post", f"{path}/incident/", {"incident": incident.id})[1]["incident"] == incident.id
    assert agent("post", f"{path}/incident/", {"incident": None})[1]["incident"] is None
    assert agent("post", f"{path}/incident/", {"incident": incident.id + 1})[0] == 404


def test_replies_for_later(shop, agent, ticket):
    path = f"tickets/{ticket.id}/scheduled/"
    asked = {
        "text": "Завтра",
        "send_at": (timezone.now() + timedelta(days=1)).isoformat(),
        "client_id": str(uuid.uuid4()),
    }
    code, made = agent("post", path, asked)
    assert (code, made["text"]) == (201, "Завтра")
    assert agent("post", path, asked)[1]["id"] == made["id"]
    assert agent("post", path, {**asked, "client_id": str(uuid.uuid4()), "send_at": "2020-01-01T00:00Z"})[0] == 400
    assert [row["id"] for row in agent("get", path)[1]["results"]] == [made["id"]]
    assert agent("post", f"{path}{made['id']}/send/")[1]["text"] == "Завтра"
    second = agent("post", path, {**asked, "client_id": str(uuid.uuid4())})[1]
    assert agent("delete", f"{path}{second['id']}/")[0] == 204
    assert not ScheduledReply.objects.exists()


def test_ones_own_message_is_changed_and_taken_away(shop, agent, ticket):
    note = post_message(ticket_id=ticket.id, client_id=uuid.uuid4(), text="Опечтка", user=shop.agent, kind="note")
    path = f"tickets/{ticket.id}/messages/{note.id}/"
    assert agent("patch", path, {"text": "Опечатка"})[1]["text"] == "Опечатка"
    assert Caller(shop, shop.colleague)("patch", path, {"text": "x"})[0] == 403
    assert agent("delete", path)[0] == 204
    note.refresh_from_db()
    assert note.deleted_at


def test_what_one_may_not_see_is_not_there(shop, rival, agent, ticket):
    shop.agent.access = "own"
    shop.agent.save()
    reply = ScheduledReply.objects.create(
        ticket=ticket, user=shop.colleague, client_id=uuid.uuid4(), text="Тайна", send_at="2100-01-01T00:00Z"
    )
    message = ticket.messages.get()
    for method, path in (
        ("get", f"contacts/{ticket.contact_id}/"), ("post", f"contacts/{ticket.contact_id}/merge/"),
        ("post", f"contacts/{ticket.contact_id}/unmerge/"), ("post", f"tickets/{ticket.id}/follow/"),
        ("get", f"tickets/{ticket.id}/followers/"), ("post", f"tickets/{ticket.id}/incident/"),
        ("get", f"tickets/{ticket.id}/scheduled/"), ("post", f"tickets/{ticket.id}/scheduled/"),
        ("get", f"tickets/{ticket.id}/scheduled/{reply.id}/"), ("delete", f"tickets/{ticket.id}/scheduled/{reply.id}/"),
        ("post", f"tickets/{ticket.id}/scheduled/{reply.id}/send/"),
        ("patch", f"tickets/{ticket.id}/messages/{message.id}/"), ("delete", f"tickets/{ticket.id}/messages/{message.id}/"),
    ):  # fmt: skip
        data = {"contact": str(ticket.contact_id), "incident": None, "text": "x", "send_at": "2099-01-01T00:00Z"}
        code, _body = agent(method, path, data if method in ("post", "patch") else None)
        assert code == 404, (method, path)
    assert ScheduledReply.objects.get() == reply
    stranger = Caller(rival, rival.admin)
    for path in (
        f"contacts/{ticket.contact_id}/",
        f"tickets/{ticket.id}/scheduled/",
        f"tickets/{ticket.id}/followers/",
    ):
        assert stranger("get", path)[0] == 404, path


@pytest.mark.parametrize("path", ["companies/", "contacts/", "notices/", "tickets/{ticket}/scheduled/"])
def test_lists_cost_the_same_for_one_and_for_three(shop, ticket, agent, path):
    def grow(number):
        Company.objects.create(name=f"К{number}")
        shop.customer_writes(address=f"v{number}")
        ScheduledReply.objects.create(
            ticket=ticket, user=shop.agent, client_id=uuid.uuid4(), text="x", send_at="2100-01-01T00:00Z"
        )
        dispatch_new_events()

    path = path.format(ticket=ticket.id)
    grow(1)
    with CaptureQueriesContext(connection) as first:
        assert len(agent("get", path)[1]["results"]) >= 1
    grow(2)
    grow(3)
    with CaptureQueriesContext(connection) as third:
        assert len(agent("get", path)[1]["results"]) >= 3
    assert len(third) == len(first), [query["sql"] for query in third.captured_queries]
