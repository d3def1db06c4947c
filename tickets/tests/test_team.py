"""Who is here, how much each has, and what becomes of the work of those who left."""

import re

import pytest

from omnisupport.lib.redis import redis_client
from tenants.accounts.models import User
from tenants.events.models import Event
from tenants.names import tenant_key
from tenants.sweeper import find_work
from tickets.models import Ticket
from tickets.presence import move_screen
from tickets.services.tickets import assign_ticket, set_status, set_team
from tickets.tasks import return_work_of_those_who_left


@pytest.fixture
def held(shop):
    """The agent's conversations: open, waiting, solved; and one of a colleague."""
    tickets = {}
    for name, status in (("open", "open"), ("waiting", "waiting"), ("solved", "solved"), ("theirs", "open")):
        ticket = shop.customer_writes(address=name).ticket
        assign_ticket(ticket.id, assignee_id=(shop.colleague if name == "theirs" else shop.agent).id, actor=None)
        set_status(ticket.id, status=status, actor=None)
        tickets[name] = ticket
    set_team(tickets["open"].id, team_id=shop.team.id, actor=None)
    return tickets


def holders(held) -> dict[str, str | None]:
    rows = dict(Ticket.objects.values_list("id", "assignee__name"))
    return {name: rows[ticket.id] for name, ticket in held.items()}


def leaves(person) -> None:
    person.is_active = False
    person.save()


def sweeper_finds(shop) -> bool:
    return any((schema, sweep.name) == (shop.schema, "work_of_those_who_left") for schema, sweep in find_work())


def test_the_work_of_somebody_who_left_goes_back_with_a_line_that_says_so(shop, held):
    assert not sweeper_finds(shop)
    leaves(shop.agent)
    assert sweeper_finds(shop)
    assert return_work_of_those_who_left.run() == 2
    assert not sweeper_finds(shop)
    solved, theirs = shop.agent.name, shop.colleague.name
    assert holders(held) == {"open": None, "waiting": None, "solved": solved, "theirs": theirs}
    ticket = Ticket.objects.get(id=held["open"].id)
    assert ticket.team == shop.team
    page = shop.client(shop.admin).get(f"/inbox/{ticket.number}/").content.decode()
    assert "Back in the queue: Олег Агент does not work here any more" in page


def test_an_admin_returns_the_work_of_somebody_who_is_ill(shop, held):
    answer = shop.client(shop.admin).post("/team/hand-back/", {"value": str(shop.agent.id)}, follow=True)
    assert "2 conversations have nobody now." in answer.content.decode()
    assert holders(held)["open"] is None and holders(held)["theirs"] == shop.colleague.name
    event = Event.objects.filter(type="ticket.assigned", ticket_id=held["open"].id).latest("id")
    assert (event.actor, event.payload["why"]) == (shop.admin, "returned")
    page = shop.client(shop.admin).get(f"/inbox/{held['open'].number}/").content.decode()
    assert "Back in the queue: the work of Олег Агент was returned · Анна Админ" in page


@pytest.mark.parametrize("path", ["/team/hand-back/", "/team/capacity/"])
def test_agents_may_not_do_what_admins_do(shop, held, path):
    data = {"value": str(shop.colleague.id), "person": str(shop.colleague.id), "capacity": "1"}
    assert shop.client(shop.agent).post(path, data).status_code == 403
    assert holders(held)["theirs"] == shop.colleague.name


def test_what_makes_no_sense_is_refused(shop, held):
    admin = shop.client(shop.admin)
    stranger = "00000000-0000-0000-0000-000000000000"
    assert admin.post("/team/hand-back/", {"value": stranger}).status_code == 404
    assert admin.post("/team/hand-back/", {"value": ""}).status_code == 404
    assert admin.post("/team/hand-back/", {"value": str(shop.assistant.id)}).status_code == 404
    assert admin.post("/team/capacity/", {"person": str(shop.agent.id), "capacity": "-1"}).status_code == 400


def test_load_and_capacity_stand_beside_the_name(shop, held):
    admin = shop.client(shop.admin)
    admin.post("/team/capacity/", {"person": str(shop.agent.id), "capacity": "3"})
    page = admin.get(f"/inbox/{held['theirs'].number}/").content.decode()
    assert "Олег Агент · 1/3</option>" in page and "Вера Коллега · 1</option>" in page
    assert ">Ассистент</option>" in page
    admin.post("/team/capacity/", {"person": str(shop.agent.id), "capacity": ""})
    assert User.objects.get(id=shop.agent.id).capacity is None
    assert [e.payload["capacity"] for e in Event.objects.filter(type="person.changed").order_by("id")] == [
        {"from": None, "to": 3}, {"from": 3, "to": None},
    ]  # fmt: skip


def state_of(page: str, person) -> str:
    return re.search(rf'id="person-{person.id}".*?badge[^>]*>([^<]*)<', page, re.S)[1]


def test_the_page_tells_who_is_here(shop):
    oleg, vera, anna = shop.agent, shop.colleague, shop.admin
    try:
        move_screen(shop.schema, "a", user_id=oleg.id, name=oleg.name)
        move_screen(shop.schema, "b", user_id=vera.id, name=vera.name, idle=True)
        page = shop.client(anna).get("/team/").content.decode()
        assert [state_of(page, person) for person in (oleg, vera, anna, shop.owner)] == [
            "online", "away", "online", "offline",
        ]  # fmt: skip
        # Going away by hand; coming back is by hand too.
        client = shop.client(oleg)
        answer = client.post("/team/away/", {"value": "on", "next": "/dashboard/"})
        assert answer["Location"] == "/dashboard/"
        assert state_of(client.get("/team/").content.decode(), oleg) == "away"
        assert (
            "Олег Агент · 0 · away</option>"
            in client.get(f"/inbox/{shop.customer_writes().ticket.number}/").content.decode()
        )
        client.post("/team/away/", {"value": ""})
        assert state_of(client.get("/team/").content.decode(), oleg) == "online"
        assert [e.payload["away"] for e in Event.objects.filter(type="person.changed").order_by("id")] == [True, False]
    finally:
        redis_client().delete(tenant_key("screens"))


def test_going_away_leads_nowhere_else(shop):
    client = shop.client(shop.agent)
    for elsewhere in ("https://evil.test/", "//evil.test/", "/\\evil.test/"):
        assert client.post("/team/away/", {"value": "on", "next": elsewhere})["Location"] == "/inbox/"


def test_a_program_sees_who_is_here_and_how_much_each_has(shop, held):
    client = by_token(shop, shop.colleague)
    try:
        move_screen(shop.schema, "a", user_id=shop.agent.id, name=shop.agent.name)
        rows = {row["name"]: row for row in client.get("/api/v1/people/").json()["results"]}
    finally:
        redis_client().delete(tenant_key("screens"))
    assert set(rows) == {"Анна Админ", "Олег Агент", "Вера Коллега", shop.owner.name}
    agent = rows["Олег Агент"]
    assert (agent["state"], agent["open_conversations"], agent["capacity"]) == ("online", 1, None)
    assert rows["Вера Коллега"]["state"] == "offline"
    assert client.get("/api/v1/people/me/").json()["name"] == "Вера Коллега"


def test_by_token_one_goes_away_oneself_and_admins_set_what_one_may_have(shop, held):
    agent, admin = by_token(shop, shop.agent), by_token(shop, shop.admin)
    path = f"/api/v1/people/{shop.agent.id}/"
    assert patch(agent, "/api/v1/people/me/", {"is_away": True}) == 200
    assert patch(admin, path, {"is_away": False}) == 403
    assert [patch(agent, path, {"capacity": 50}), patch(admin, path, {"capacity": 1001})] == [403, 400]
    assert patch(admin, path, {"capacity": 12}) == 200
    shop.agent.refresh_from_db()
    assert (shop.agent.is_away, shop.agent.capacity) == (True, 12)
    told = [event.payload for event in Event.objects.filter(type="person.changed").order_by("id")]
    assert [{key: row[key] for key in row if key != "user"} for row in told] == [
        {"away": True}, {"capacity": {"from": None, "to": 12}},
    ]  # fmt: skip
    assert agent.post(f"{path}return-work/").status_code == 403
    assert admin.post(f"{path}return-work/").json() == {"returned": 2}
    assert holders(held)["open"] is None
    assert patch(admin, f"/api/v1/people/{shop.assistant.id}/", {"capacity": 1}) == 404


def test_people_are_not_seen_from_another_workspace(shop, rival):
    stranger, path = by_token(rival, rival.admin), f"/api/v1/people/{shop.agent.id}/"
    assert stranger.get(path).status_code == 404
    assert patch(stranger, path, {"capacity": 1}) == 404
    assert stranger.post(f"{path}return-work/").status_code == 404
    shop.agent.refresh_from_db()
    assert shop.agent.capacity is None


def test_a_list_of_people_costs_the_same_however_many_there_are(shop, django_assert_num_queries):
    client = by_token(shop, shop.agent)
    for count in (4, 6):
        while User.objects.people().count() < count:
            User.objects.create_user(f"new{User.objects.count()}@example.com", name="Новый")
        with django_assert_num_queries(5):
            assert len(client.get("/api/v1/people/").json()["results"]) == count


def by_token(workspace, person):
    return workspace.client(HTTP_AUTHORIZATION=f"Bearer {workspace.token(person)}")


def patch(client, path, data) -> int:
    return client.patch(path, data, "application/json").status_code
