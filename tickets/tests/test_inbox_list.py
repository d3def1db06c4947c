"""The list of conversations: what each view shows, how it pages, and that its cost does not grow with the rows."""

import re
import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from omnisupport.lib.errors import InvalidInput
from tenants.accounts.models import User
from tickets import queries
from tickets.models import CustomStatus, Sort, Status, Ticket
from tickets.queries import Selection, lists
from tickets.services.post import post_message
from tickets.services.tickets import assign_ticket, set_status, set_team


def reader(workspace, user=None):
    """A browser that reads English."""
    client = workspace.client(user)
    client.cookies["language"] = "en"
    return client


def titles(answer) -> list[str]:
    """The numbers of the conversations in the order of the page."""
    return re.findall(r'href="/inbox/(\d+)/\?', answer.content.decode())


@pytest.fixture
def desk(shop):
    """Five conversations: the agent's, a colleague's, nobody's, the assistant's, and a solved one."""
    tickets = {}
    for name in ("mine", "theirs", "nobodys", "assistants", "solved"):
        tickets[name] = shop.customer_writes(f"Вопрос {name}", address=name).ticket
    assign_ticket(tickets["mine"].id, assignee_id=shop.agent.id, actor=None)
    assign_ticket(tickets["theirs"].id, assignee_id=shop.colleague.id, actor=None)
    assign_ticket(tickets["assistants"].id, assignee_id=shop.assistant.id, actor=None)
    set_status(tickets["solved"].id, status="solved", actor=None)
    return tickets


@pytest.mark.parametrize(
    ("view", "shown"),
    [
        ("mine", ["mine"]),
        ("unassigned", ["nobodys"]),
        ("open", ["assistants", "nobodys", "theirs", "mine"]),
        ("assistant", ["assistants"]),
        ("waiting", []),
        ("solved", ["solved"]),
        ("closed", []),
        ("nonsense", ["mine"]),
    ],
)
def test_each_view_shows_its_own(shop, desk, view, shown):
    answer = reader(shop, shop.agent).get("/inbox/", {"view": view})
    assert titles(answer) == [str(desk[name].number) for name in shown]


def test_views_carry_counts(shop, desk):
    set_status(desk["theirs"].id, status="waiting", actor=None)
    assert queries.count_views(shop.agent) == {
        "mine": 1, "unassigned": 1, "open": 3, "assistant": 1, "waiting": 1, "snoozed": 0,
    }  # fmt: skip


def test_channel_and_team_narrow_a_view(shop, desk):
    set_team(desk["nobodys"].id, team_id=shop.team.id, actor=None)
    client = reader(shop, shop.agent)
    assert titles(client.get("/inbox/", {"view": "open", "team": shop.team.id})) == [str(desk["nobodys"].number)]
    assert len(titles(client.get("/inbox/", {"view": "open", "channel": shop.channel.id}))) == 4
    assert titles(client.get("/inbox/", {"view": "open", "channel": uuid.uuid4()})) == []


@pytest.mark.parametrize("text", ["вопрос SOLVED", "марина", "№5", "#5", "5"])
def test_search_finds_words_names_and_numbers_in_every_state(shop, desk, text):
    answer = reader(shop, shop.agent).get("/inbox/", {"q": text})
    assert str(desk["solved"].number) in titles(answer)


def test_search_for_nothing_known_says_so(shop, desk):
    answer = reader(shop, shop.agent).get("/inbox/", {"q": "верблюд"})
    assert titles(answer) == []
    assert "верблюд" in answer.content.decode()


@pytest.mark.parametrize("text", ["%", "_", "'", "9" * 40, "<script>alert(1)</script>"])
def test_strange_searches_are_only_text(shop, desk, text):
    answer = reader(shop, shop.agent).get("/inbox/", {"q": text})
    assert answer.status_code == 200
    assert b"<script>alert" not in answer.content


def test_pages_follow_each_other_without_gap_or_double(shop, monkeypatch):
    monkeypatch.setattr(lists, "PAGE", 3)
    for number in range(8):
        shop.customer_writes(address=f"a{number}")
    # Some share the microsecond: the id decides.
    Ticket.objects.filter(number__in=[3, 4, 5]).update(last_activity_at=timezone.now() - timedelta(hours=1))
    selection, cursor, seen = Selection(shop.agent, "open"), "", []
    for _page in range(4):
        page = queries.list_tickets(selection, cursor)
        seen += [ticket.number for ticket in page.tickets]
        cursor = page.cursor
        if not cursor:
            break
    assert seen == [8, 7, 6, 2, 1, 5, 4, 3]


@pytest.mark.parametrize("cursor", ["x", "1", "1-", "-1", "1-x", "²-1", "9" * 30 + "-1"])
def test_a_made_up_cursor_is_refused(shop, cursor):
    with pytest.raises(InvalidInput):
        queries.list_tickets(Selection(shop.agent), cursor)


def test_a_next_page_is_rows_only(shop, monkeypatch):
    monkeypatch.setattr(lists, "PAGE", 2)
    for number in range(3):
        shop.customer_writes(address=f"a{number}")
    client = reader(shop, shop.agent)
    cursor = queries.list_tickets(Selection(shop.agent, "open")).cursor
    answer = client.get(
        "/inbox/", {"view": "open", "after": cursor}, HTTP_HX_REQUEST="true", HTTP_HX_TARGET="rows-more"
    )
    assert titles(answer) == ["1"]
    assert b"<html" not in answer.content


def test_fresh_rows_leave_out_what_the_view_no_longer_shows(shop, desk):
    assign_ticket(desk["mine"].id, assignee_id=shop.colleague.id, actor=None)
    ids = ",".join(str(desk[name].id) for name in ("mine", "nobodys"))
    client = reader(shop, shop.agent)
    assert titles(client.get("/inbox/rows/", {"view": "mine", "ids": ids})) == []
    assert titles(client.get("/inbox/rows/", {"view": "unassigned", "ids": ids})) == [str(desk["nobodys"].number)]


def test_fresh_rows_bring_the_counts_when_they_are_asked_for(shop, desk):
    asked = {"view": "mine", "ids": str(desk["mine"].id)}
    client = reader(shop, shop.agent)
    client.get("/inbox/rows/", asked)
    with CaptureQueriesContext(connection) as captured:
        assert 'id="views"' not in client.get("/inbox/rows/", asked).content.decode()
    # session, person, rows, drafts
    assert len([query for query in captured if not query["sql"].startswith("SET ")]) == 4
    page = client.get("/inbox/rows/", {**asked, "counts": "1"}).content.decode()
    assert 'id="views"' in page and titles(client.get("/inbox/rows/", {**asked, "counts": "1"})) == ["1"]


def test_the_list_costs_the_same_for_one_row_and_three(shop):
    client = reader(shop, shop.agent)

    def cost() -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert client.get("/inbox/", {"view": "open"}).status_code == 200
        return len([query for query in captured if not query["sql"].startswith("SET ")])

    assign_ticket(shop.customer_writes(address="a").ticket.id, assignee_id=shop.agent.id, actor=None)
    client.get("/inbox/")
    one = cost()
    for address in "bc":
        ticket = shop.customer_writes(address=address).ticket
        post_message(ticket_id=ticket.id, client_id=uuid.uuid4(), text="ok", user=shop.colleague)
        set_team(ticket.id, team_id=shop.team.id, actor=None)
    assert cost() == one
    # session, person, sequence, rows, drafts, counts, unseen mentions, teams, channels, saved views, bulk, notices
    assert one == 12


def test_a_search_in_an_open_conversation_keeps_it_in_the_address(shop, desk):
    answer = reader(shop, shop.agent).get(
        "/inbox/",
        {"q": "вопрос", "keep": "1"},
        HTTP_HX_REQUEST="true",
        HTTP_HX_TARGET="list",
        HTTP_HX_CURRENT_URL=f"http://{shop.host}/inbox/2/?view=mine",
    )
    assert answer["HX-Replace-Url"].startswith("/inbox/2/?view=mine&q=")
    assert b'id="conversation"' not in answer.content


def test_going_back_gets_a_whole_page_and_caches_know_the_difference(shop):
    answer = reader(shop, shop.agent).get(
        "/inbox/", HTTP_HX_REQUEST="true", HTTP_HX_TARGET="list", HTTP_HX_HISTORY_RESTORE_REQUEST="true"
    )
    assert b"<html" in answer.content
    assert {"HX-Request", "HX-Target"} <= {name.strip() for name in answer["Vary"].split(",")}


def test_strangers_are_sent_to_the_log_in_page(shop, rival):
    assert reader(shop).get("/inbox/")["Location"] == "/accounts/login/?next=/inbox/"
    script = reader(shop).get("/inbox/rows/", HTTP_HX_REQUEST="true", HTTP_HX_CURRENT_URL="http://x/inbox/7/?a=1")
    assert (script.status_code, script["HX-Redirect"]) == (401, "/accounts/login/?next=%2Finbox%2F7%2F")
    # A session of another workspace is nobody's here.
    foreign = reader(rival, rival.agent).cookies["session"].value
    client = reader(shop)
    client.cookies["session"] = foreign
    assert client.get("/inbox/").status_code == 302
    assert reader(shop, shop.assistant).get("/inbox/").status_code == 403


def test_a_row_shows_our_words_without_their_marks(shop):
    agent = reader(shop, shop.agent)
    ticket = shop.customer_writes("Звёздочки *мои*").ticket
    assert "Звёздочки *мои*" in agent.get("/inbox/", {"view": "open"}).content.decode()
    post_message(ticket_id=ticket.id, client_id=uuid.uuid4(), text="Есть **две** модели: `A_1`", user=shop.agent)
    assert "Есть две модели: A_1" in agent.get("/inbox/", {"view": "open"}).content.decode()


@pytest.mark.parametrize("sort", Sort.values)
def test_every_order_reads_its_rows_and_the_names_on_them_in_one_query(shop, sort):
    nameless = User.objects.create_user("nameless@shop.example", "a long password")
    asked = CustomStatus.objects.create(name="Спросили склад", category=Status.OPEN)
    for n, person in enumerate((shop.agent, nameless, None)):
        ticket = shop.customer_writes(address=f"a{n}").ticket
        assign_ticket(ticket.id, assignee_id=person and person.id, actor=None)
        Ticket.objects.filter(id=ticket.id).update(custom_status=asked if person else None)
    with CaptureQueriesContext(connection) as captured:
        tickets = queries.list_tickets(Selection(shop.agent, "open", sort=sort)).tickets
        found = {(str(one.assignee), str(one.channel), one.channel.kind, one.state) for one in tickets}
    open_ = Status.OPEN.label
    assert found == {
        (str(shop.agent), "Сайт", "widget", "Спросили склад"),
        ("nameless@shop.example", "Сайт", "widget", "Спросили склад"),
        ("None", "Сайт", "widget", open_),
    }
    assert len([query for query in captured if query["sql"].startswith("SELECT")]) == 1
