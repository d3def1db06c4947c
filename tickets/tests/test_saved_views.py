"""Views that people make: what they find, in which order, who sees and changes them, and what stands in the sidebar."""

import re
import uuid
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from redis.exceptions import ConnectionError as RedisConnectionError

from channels_app.models import Channel
from omnisupport.lib.errors import Forbidden, InvalidInput, NotFound
from tenants.events.models import Event
from tickets import queries
from tickets.conditions import read_conditions
from tickets.counting import Asked, bounded_counts
from tickets.models import Company, CustomField, CustomStatus, Incident, SavedView, Ticket
from tickets.queries import Selection, lists
from tickets.services.contacts import update_contact
from tickets.services.tickets import (
    assign_ticket,
    set_priority,
    set_status,
    set_tags,
    set_team,
    set_ticket_attributes,
)  # fmt: skip
from tickets.services.views import delete_view, save_view


def conditions(*groups, match="all"):
    return {"match": match, "groups": list(groups)}


def group(*asked, match="all"):
    made = [dict(zip(("field", "op", "value"), one, strict=False)) for one in asked]
    return {"match": match, "conditions": made}


def one(field, op, value=None):
    return conditions(group((field, op, value)))


@pytest.fixture
def desk(shop):
    """Four conversations by the name of their customer's address: a, b, c, d; d has a contact of its own."""
    # The counts of the story before would be shown for some seconds more.
    cache.clear()
    return {name: shop.customer_writes(f"Вопрос {name}", address=name).ticket for name in "abcd"}


def found(shop, asked, user=None) -> str:
    """The names of the conversations that a view finds, in order of the alphabet."""
    user = user or shop.agent
    read = read_conditions(asked, queries.condition_fields(user)).to_json()
    page = queries.list_tickets(Selection(user, "v0", saved=SavedView(conditions=read, sort="activity")))
    return "".join(sorted(Ticket.objects.get(id=ticket.id).address.address for ticket in page.tickets))


def put(shop, desk) -> None:
    """Something of everything."""
    a, b, c, d = (desk[name].id for name in "abcd")
    named = CustomStatus.objects.create(id=77, name="Ждём склад", category="waiting")
    assign_ticket(a, assignee_id=shop.agent.id, actor=None)
    assign_ticket(b, assignee_id=shop.colleague.id, actor=None)
    assign_ticket(c, assignee_id=shop.assistant.id, actor=None)
    set_team(a, team_id=shop.team.id, actor=None)
    set_team(b, team_id=shop.other_team.id, actor=None)
    set_status(b, status=named.key, actor=None)
    set_status(c, status="solved", actor=None)
    set_priority(a, priority=4, actor=None)
    set_tags(a, names=["vip", "возврат"], actor=None)
    set_tags(b, names=["vip"], actor=None)
    for key, kind, options in [
        ("order", "text", []), ("pieces", "number", []), ("day", "date", []), ("paid", "checkbox", []),
        ("reason", "choice", ["Брак", "Размер"]), ("crm", "link", []),
    ]:  # fmt: skip
        CustomField.objects.create(key=key, label=key, type=kind, options=options)
    CustomField.objects.create(target="contact", key="plan", label="Тариф")
    CustomField.objects.create(target="company", key="size", label="Размер", type="number")
    today = timezone.localdate()
    set_ticket_attributes(
        a,
        changes={
            "order": "А-17", "pieces": 5, "day": today.isoformat(), "paid": True, "reason": "Брак",
            "crm": "https://crm.example/1",
        },
        actor=None,
    )  # fmt: skip
    set_ticket_attributes(
        b,
        changes={"order": "Б-2", "pieces": 1, "day": "2020-01-01", "paid": False, "reason": "Размер"},
        actor=None,
    )
    update_contact(
        desk["d"].contact_id, changes={"attributes": {"plan": "gold"}, "email": "D@shop.example"}, actor=None
    )
    contact = desk["d"].contact
    contact.refresh_from_db()
    contact.company = Company.objects.create(name="ООО Ромашка", attributes={"size": 50})
    contact.save()
    Ticket.objects.filter(id=a).update(subject="Возврат денег", created_at=timezone.now() - timedelta(days=10))
    Ticket.objects.filter(id=d).update(handed_over_at=timezone.now(), incident=Incident.objects.create(title="Сбой"))
    Ticket.objects.filter(id=c).update(assistant_replied=True, reopened_count=1)


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        (("status", "any", ["open"]), "ad"),
        (("status", "any", ["waiting"]), "b"),
        (("status", "any", ["s77", "solved"]), "bc"),
        (("status", "none", ["s77"]), "acd"),
        (("assignee", "any", ["me"]), "a"),
        (("assignee", "any", ["nobody", "assistant"]), "cd"),
        (("assignee", "none", ["me"]), "bcd"),
        (("assignee", "none", ["me", "nobody"]), "bc"),
        (("team", "any", ["mine"]), "a"),
        (("team", "any", ["nobody"]), "cd"),
        (("team", "none", ["mine"]), "bcd"),
        (("kind", "any", ["widget"]), "abcd"),
        (("priority", "any", ["4", "3"]), "a"),
        (("subject", "contains", "ВОЗВРАТ"), "a"),
        (("subject", "lacks", "возврат"), "bcd"),
        (("created", "older", "7d"), "a"),
        (("created", "newer", "90m"), "bcd"),
        (("waiting", "set"), "abd"),
        (("solved", "unset"), "abd"),
        (("unanswered", "yes"), "abd"),
        (("unanswered", "no"), "c"),
        (("handed_over", "yes"), "d"),
        (("incident", "no"), "abc"),
        (("assistant_replied", "yes"), "c"),
        (("reopened", "yes"), "c"),
        (("contact_email", "is", "d@SHOP.example"), "d"),
        (("contact_email", "unset"), "abc"),
        (("company", "contains", "ромашка"), "d"),
        (("company", "set"), "d"),
        (("company", "unset"), "abc"),
        (("company", "lacks", "ромашка"), "abc"),
        (("ticket.order", "contains", "17"), "a"),
        (("ticket.order", "is", "а-17"), "a"),
        (("ticket.order", "isnt", "А-17"), "bcd"),
        (("ticket.order", "lacks", "17"), "bcd"),
        (("ticket.order", "set"), "ab"),
        (("ticket.order", "unset"), "cd"),
        (("ticket.pieces", "least", 5), "a"),
        (("ticket.pieces", "most", 4.5), "b"),
        (("ticket.pieces", "equals", 5), "a"),
        (("ticket.day", "before", "2026-01-01"), "b"),
        (("ticket.day", "from", "2026-01-01"), "a"),
        (("ticket.day", "on", "2020-01-01"), "b"),
        (("ticket.day", "older", "30d"), "b"),
        (("ticket.day", "newer", "1d"), "a"),
        (("ticket.paid", "yes"), "a"),
        (("ticket.paid", "no"), "bcd"),
        (("ticket.reason", "any", ["Брак"]), "a"),
        (("ticket.reason", "none", ["Брак"]), "bcd"),
        (("ticket.crm", "contains", "crm.example"), "a"),
        (("contact.plan", "is", "gold"), "d"),
        (("company.size", "least", 10), "d"),
        (("company.size", "unset"), "abc"),
    ],
)
def test_every_condition_finds_its_own(shop, desk, asked, names):
    put(shop, desk)
    assert found(shop, one(*asked)) == names


def test_tags_any_all_none(shop, desk):
    put(shop, desk)
    ids = {label: value for value, label in queries.condition_fields(shop.agent)["tags"].options}
    both = [ids["vip"], ids["возврат"]]
    assert found(shop, one("tags", "any", both)) == "ab"
    assert found(shop, one("tags", "all", both)) == "a"
    assert found(shop, one("tags", "none", [ids["возврат"]])) == "bcd"


def test_groups_are_joined_by_all_or_any(shop, desk):
    put(shop, desk)
    urgent = group(("priority", "any", ["4"]), ("company", "set"), match="any")
    theirs = group(("assignee", "any", ["nobody"]), ("handed_over", "yes"))
    assert found(shop, conditions(urgent, theirs)) == "d"
    assert found(shop, conditions(urgent, theirs, match="any")) == "ad"
    assert (
        found(shop, conditions(group(("team", "any", ["mine"])), group(("assignee", "any", ["me"]))), shop.colleague)
        == "b"
    )


def test_spam_snoozed_and_merged_are_left_out_unless_asked_for(shop, desk):
    Ticket.objects.filter(id=desk["a"].id).update(is_spam=True)
    Ticket.objects.filter(id=desk["b"].id).update(is_snoozed=True)
    Ticket.objects.filter(id=desk["c"].id).update(merged_into=desk["d"].id)
    assert found(shop, one("status", "any", ["open"])) == "d"
    assert found(shop, one("spam", "yes")) == "a"
    assert found(shop, one("snoozed", "yes")) == "b"
    assert found(shop, one("merged", "yes")) == "c"
    assert found(shop, conditions(group(("snoozed", "yes"), ("snoozed", "no"), match="any"))) == "bd"


@pytest.mark.parametrize(
    ("data", "place"),
    [
        (None, "conditions"),
        ({}, "conditions"),
        ({"groups": []}, "conditions"),
        ({"groups": "x"}, "conditions"),
        ({"groups": [{"conditions": []}]}, "conditions"),
        ({"groups": [3]}, "conditions.0"),
        ({"match": "some", "groups": [group(("spam", "yes"))]}, "conditions"),
        ({"groups": [group(("spam", "yes"), match="some")]}, "conditions.0"),
        ({"groups": [group(("spam", "yes"))] * 11}, "conditions"),
        ({"groups": [group(*[("spam", "yes")] * 21)]}, "conditions.0"),
        (conditions(group(("spam", "yes"), ("nothing", "is", "x"))), "conditions.0.1"),
        (one("status", "is", "open"), "conditions.0.0"),
        (one("status", "any", "open"), "conditions.0.0"),
        (one("status", "any", []), "conditions.0.0"),
        (one("status", "any", ["lost"]), "conditions.0.0"),
        (one("status", "any", [["open"]]), "conditions.0.0"),
        (one("assignee", "any", ["00000000-0000-4000-8000-000000000000"]), "conditions.0.0"),
        (one("created", "older", "7"), "conditions.0.0"),
        (one("created", "older", "999999d"), "conditions.0.0"),
        (one("created", "before", "31.01.2027"), "conditions.0.0"),
        (one("subject", "contains", ""), "conditions.0.0"),
        (one("subject", "contains", "a\x00"), "conditions.0.0"),
        (one("subject", "contains", "x" * 201), "conditions.0.0"),
        (one("ticket.order", "contains", "x"), "conditions.0.0"),
        ({"groups": [{"conditions": ["spam"]}]}, "conditions.0.0"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_place(shop, data, place):
    with pytest.raises(InvalidInput) as refused:
        read_conditions(data, queries.condition_fields(shop.agent))
    assert refused.value.field == place and str(refused.value)


def test_a_view_lives_on_when_a_field_or_a_name_it_asks_for_is_deleted(shop, desk):
    put(shop, desk)
    view = make(shop, asked=conditions(group(("ticket.order", "is", "А-17"), ("status", "any", ["s77"]), match="any")))
    CustomField.objects.filter(key="order").delete()
    CustomStatus.objects.all().delete()
    client = shop.client(shop.agent)
    assert titles(client.get("/inbox/", {"view": view.key})) == [desk["a"].number]
    editor = client.get(f"/inbox/views/{view.pk}/").content.decode()
    assert "deleted field: ticket.order" in editor


# ---- Order and pages -------------------------------------------------------------------------------------------------


def titles(answer) -> list[int]:
    return [int(number) for number in re.findall(r'href="/inbox/(\d+)/\?', answer.content.decode())]


def walk(selection, *, back=False) -> list[int]:
    """All pages, one after the other; with `back` from the last to the first."""
    page = queries.list_tickets(selection)
    seen = [ticket.number for ticket in page.tickets]
    while page.cursor:
        page = queries.list_tickets(selection, page.cursor)
        seen += [ticket.number for ticket in page.tickets]
    if not back:
        return seen
    seen = [ticket.number for ticket in page.tickets]
    while page.previous:
        page = queries.list_tickets(selection, before=page.previous)
        seen = [ticket.number for ticket in page.tickets] + seen
    return seen


@pytest.fixture
def queue(shop, monkeypatch):
    """Seven conversations with equal moments among them; pages of two."""
    monkeypatch.setattr(lists, "PAGE", 2)
    now = timezone.now()
    for number, (priority, hours, waits) in enumerate(
        [(2, 1, 5), (4, 2, None), (2, 3, 5), (4, 2, 1), (1, 9, None), (3, 0, 7), (2, 3, None)], start=1
    ):
        shop.customer_writes(address=f"q{number}")
        Ticket.objects.filter(number=number).update(
            priority=priority,
            last_activity_at=now - timedelta(hours=hours),
            created_at=now - timedelta(hours=hours),
            waiting_since=now - timedelta(hours=waits) if waits is not None else None,
        )


ORDERS = {
    "activity": [6, 1, 4, 2, 7, 3, 5],
    "created": [6, 1, 4, 2, 7, 3, 5],
    "waiting": [6, 3, 1, 4, 7, 5, 2],
    "priority": [4, 2, 6, 1, 7, 3, 5],
}


@pytest.mark.parametrize("sort", ORDERS)
def test_pages_follow_each_other_both_ways_in_every_order(shop, queue, sort):
    selection = Selection(shop.agent, "open", sort=sort)
    assert walk(selection) == ORDERS[sort]
    assert walk(selection, back=True) == ORDERS[sort]


@pytest.mark.parametrize("sort", ORDERS)
def test_the_numbers_of_rows_say_the_same_order(shop, queue, sort, monkeypatch):
    monkeypatch.setattr(lists, "PAGE", 50)
    rows = queries.list_tickets(Selection(shop.agent, "open", sort=sort)).rows
    keys = [(row.order, row.ticket.id) for row in rows]
    assert keys == sorted(keys, reverse=True) and all(0 <= order < 2**53 for order, _id in keys)


@pytest.mark.parametrize("sort", ORDERS)
def test_a_link_to_a_conversation_opens_the_list_at_its_place(shop, queue, sort):
    selection = Selection(shop.agent, "open", sort=sort)
    for number in range(1, 8):
        page = queries.list_around(selection, Ticket.objects.get(number=number))
        assert number in {ticket.number for ticket in page.tickets}
        following = queries.list_tickets(selection, page.cursor).tickets if page.cursor else []
        earlier = queries.list_tickets(selection, before=page.previous).tickets if page.previous else []
        shown = [ticket.number for ticket in [*earlier, *page.tickets, *following]]
        assert shown == [one for one in ORDERS[sort] if one in shown]
    set_status(Ticket.objects.get(number=1).id, status="solved", actor=None)
    assert queries.list_around(selection, Ticket.objects.get(number=1)) is None


def test_what_comes_meanwhile_moves_no_page(shop, queue):
    selection = Selection(shop.agent, "open")
    first = queries.list_tickets(selection)
    shop.customer_writes("новое", address="newcomer")
    assert [ticket.number for ticket in queries.list_tickets(selection, first.cursor).tickets] == [4, 2]


def test_the_page_of_a_deep_link_has_both_ends(shop, queue):
    client = shop.client(shop.agent)
    html = client.get("/inbox/7/?view=open").content.decode()
    assert 'id="rows-before"' in html and 'id="rows-more"' in html
    before = re.search(r'id="rows-before" hx-get="([^"]+)"', html)[1].replace("&amp;", "&")
    answer = client.get(before, HTTP_HX_REQUEST="true", HTTP_HX_TARGET="rows-before")
    assert titles(answer) == [1, 4] and b'id="rows-more"' not in answer.content
    assert 'id="rows-before"' not in client.get("/inbox/6/?view=open").content.decode()


def test_the_reader_chooses_another_order_and_it_stays_in_the_address(shop, queue):
    answer = shop.client(shop.agent).get("/inbox/", {"view": "open", "sort": "priority"})
    assert titles(answer) == [4, 2] and 'data-address="view=open&amp;sort=priority"' in answer.content.decode()
    assert titles(shop.client(shop.agent).get("/inbox/", {"view": "open", "sort": "nonsense"})) == [6, 1]


# ---- Who sees and changes them ---------------------------------------------------------------------------------------


def make(shop, user=None, asked=None, **fields) -> SavedView:
    fields = {"name": "Срочные", **fields}
    return save_view(None, user=user or shop.agent, conditions=asked or one("status", "any", ["open"]), **fields)


def names(user) -> list[str]:
    return [view.name for view in queries.saved_views(user)]


def test_views_are_personal_a_teams_or_everyones(shop):
    mine = make(shop, name="Моё")
    make(shop, name="Наше", visibility="team", team_id=shop.team.id)
    make(shop, shop.admin, name="Общее", visibility="everyone")
    assert names(shop.agent) == ["Моё", "Наше", "Общее"]
    assert names(shop.colleague) == ["Общее"]
    assert names(shop.admin) == ["Наше", "Общее"]
    with pytest.raises(NotFound):
        queries.get_saved_view(mine.pk, shop.admin)
    # Somebody else's address of a view leads to one's own first.
    assert 'id="view-mine"' in shop.client(shop.colleague).get("/inbox/", {"view": mine.key}).content.decode()
    assert shop.client(shop.colleague).get(f"/inbox/views/{mine.pk}/").status_code == 404


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"visibility": "everyone"}, Forbidden),
        ({"visibility": "world"}, InvalidInput),
        ({"visibility": "team"}, InvalidInput),
        ({"name": "  "}, InvalidInput),
        ({"name": "x" * 61}, InvalidInput),
        ({"sort": "best"}, InvalidInput),
    ],
)
def test_what_an_agent_may_not_or_cannot_save(shop, fields, error):
    with pytest.raises(error):
        make(shop, **fields)
    with pytest.raises(InvalidInput):
        make(shop, visibility="team", team_id=shop.other_team.id)
    assert not SavedView.objects.exists()


def test_only_owner_and_admins_change_and_delete(shop):
    view = make(shop, name="Наше", visibility="team", team_id=shop.team.id)
    shop.team.members.add(shop.colleague)
    with pytest.raises(Forbidden):
        save_view(view, user=shop.colleague, name="Чужое", conditions=view.conditions)
    with pytest.raises(Forbidden):
        delete_view(view, shop.colleague)
    save_view(view, user=shop.admin, name="Лучше", conditions=view.conditions, visibility="everyone")
    delete_view(view, shop.agent)
    payloads = Event.objects.filter(type="view.changed").order_by("id").values_list("payload", flat=True)
    assert [payload["what"] for payload in payloads] == ["created", "changed", "deleted"]


def test_the_log_says_nothing_of_a_personal_view_but_that_it_is_there(shop):
    view = make(shop, name="Тайное")
    assert Event.objects.get(type="view.changed").payload == {"view_id": str(view.pk), "what": "created"}


def test_whoever_sees_no_phones_cannot_find_them_out_by_asking(shop):
    shop.agent.sees_contact_details = False
    with pytest.raises(InvalidInput):
        make(shop, asked=one("contact_phone", "contains", "7"))


# ---- The sidebar -----------------------------------------------------------------------------------------------------


def count_of(html, name) -> str:
    entry = re.search(rf'id="view-{name}".*?</a>', html, re.S)
    assert entry, name
    found = re.search(r'nav__count">([^<]*)<', entry[0])
    return found[1] if found else ""


def test_saved_views_teams_and_channels_stand_in_the_sidebar_with_their_counts(shop, desk):
    other = Channel.objects.create(kind="widget", name="Магазин", config={})
    set_team(desk["a"].id, team_id=shop.team.id, actor=None)
    set_status(desk["b"].id, status="waiting", actor=None)
    view = make(shop, asked=one("status", "any", ["open", "waiting", "solved"]))
    set_status(desk["c"].id, status="solved", actor=None)
    html = shop.client(shop.agent).get("/inbox/").content.decode()
    # What is solved is found, but waits for nobody.
    assert count_of(html, view.key) == "3"
    assert (count_of(html, f"t{shop.team.id}"), count_of(html, f"t{shop.other_team.id}")) == ("1", "")
    assert (count_of(html, f"c{shop.channel.id}"), count_of(html, f"c{other.id}")) == ("2", "")
    client = shop.client(shop.agent)
    assert titles(client.get("/inbox/", {"view": f"t{shop.team.id}"})) == [desk["a"].number]
    assert titles(client.get("/inbox/", {"view": f"c{shop.channel.id}"})) == [desk["d"].number, desk["a"].number]
    assert (
        "Срочные"
        in re.search(r'id="list-title".*?</h1>', client.get("/inbox/", {"view": view.key}).content.decode())[0]
    )


@pytest.mark.parametrize("view", ["v1", "v99999999999999999999", "v²", "t", "tx", "cx", "c1", "v-1", "vNone"])
def test_made_up_views_lead_to_ones_own(shop, view):
    html = shop.client(shop.agent).get("/inbox/", {"view": view}).content.decode()
    assert re.search(r'id="view-mine"[^>]*aria-current="true"', html, re.S) or (view == "t" and html)


def test_a_count_is_of_the_viewer_and_of_what_they_may_see(shop, desk):
    view = make(shop, shop.admin, asked=one("assignee", "any", ["me"]), visibility="everyone")
    everyones = make(shop, shop.admin, name="Все", visibility="everyone")
    assign_ticket(desk["a"].id, assignee_id=shop.agent.id, actor=None)
    shop.colleague.access = "own"
    shop.colleague.save()
    shown = {}
    for user in (shop.admin, shop.agent, shop.colleague):
        html = shop.client(user).get("/inbox/").content.decode()
        shown[user.name] = (count_of(html, view.key), count_of(html, everyones.key))
    assert shown == {"Анна Админ": ("", "4"), "Олег Агент": ("1", "4"), "Вера Коллега": ("", "")}


def test_counts_stop_at_a_hundred_and_are_not_made_twice_while_nothing_happens(shop, desk, monkeypatch):
    monkeypatch.setattr("tickets.counting.MOST", 3)
    asked = [Asked("x", queries.view_query(Selection(shop.agent, "open")), version=uuid.uuid4().hex)]
    with CaptureQueriesContext(connection) as first:
        assert bounded_counts(asked, 7) == ({"x": 3}, False)
    with CaptureQueriesContext(connection) as second:
        assert bounded_counts(asked, 7) == ({"x": 3}, False)
        # Something has happened a moment ago: the number may be a little late, and says so.
        assert bounded_counts(asked, 8) == ({"x": 3}, True)
    assert [len([one for one in log if "tickets_ticket" in one["sql"]]) for log in (first, second)] == [1, 0]
    monkeypatch.setattr("tickets.counting.time.time", lambda: timezone.now().timestamp() + 6)
    set_status(desk["a"].id, status="closed", actor=None)
    set_status(desk["b"].id, status="closed", actor=None)
    assert bounded_counts(asked, 8) == ({"x": 2}, False)


def test_without_redis_the_list_comes_without_these_numbers(shop, desk, monkeypatch):
    def fail(*_args):
        raise RedisConnectionError

    monkeypatch.setattr("tickets.counting.cache.get_many", fail)
    html = shop.client(shop.agent).get("/inbox/", {"view": "open"}).content.decode()
    assert count_of(html, "open") == "4" and count_of(html, f"t{shop.team.id}") == ""


# ---- The editor ------------------------------------------------------------------------------------------------------


def filled(**changes):
    return {
        "name": "Срочные", "visibility": "personal", "sort": "waiting", "match": "all", "g0-match": "any",
        "g0-c0-field": "priority", "g0-c0-was": "priority", "g0-c0-op": "any", "g0-c0-options": ["3", "4"],
        "g0-c1-field": "waiting", "g0-c1-was": "waiting", "g0-c1-op": "older", "g0-c1-amount": "2", "g0-c1-unit": "h",
        **changes,
    }  # fmt: skip


def test_a_view_is_made_by_a_form_and_opens(shop, desk):
    set_priority(desk["b"].id, priority=4, actor=None)
    client = shop.client(shop.agent)
    answer = client.post("/inbox/views/new/", filled(do="save"))
    view = SavedView.objects.get()
    assert answer["Location"] == f"/inbox/?view={view.key}" and view.sort == "waiting"
    assert titles(client.get(answer["Location"])) == [desk["b"].number]
    page = client.get(f"/inbox/views/{view.pk}/").content.decode()
    assert 'value="4" checked' in page and 'value="2"' in page and "Conversations now: 1" in page


def test_buttons_add_and_remove_without_saving(shop):
    client = shop.client(shop.agent)

    def lines(do) -> list[str]:
        return re.findall(
            r'<div class="line-edit" id="(\S+)"', client.post("/inbox/views/new/", filled(do=do)).content.decode()
        )

    assert lines("preview") == ["g0-c0", "g0-c1"]
    assert lines("add-0") == ["g0-c0", "g0-c1", "g0-c2"]
    assert lines("drop-0-0") == ["g0-c0"]
    assert lines("group") == ["g0-c0", "g0-c1", "g1-c0"]
    for odd in ("add-7", "drop-0-9", "drop-9-9", "drop", "add-x", "x" * 500):
        assert lines(odd) == ["g0-c0", "g0-c1"]
    assert not SavedView.objects.exists()


def test_a_mistake_is_told_at_its_condition_and_nothing_typed_is_lost(shop):
    answer = shop.client(shop.agent).post("/inbox/views/new/", filled(do="save", **{"g0-c1-amount": "много"}))
    html = answer.content.decode()
    assert answer.status_code == 400 and "Customer waits since: write a span like" in html
    assert 'value="много"' in html and 'value="Срочные"' in html and 'value="4" checked' in html


def test_another_field_forgets_the_value_of_the_one_before(shop):
    html = (
        shop.client(shop.agent)
        .post("/inbox/views/new/", filled(do="preview", **{"g0-c0-field": "subject"}))
        .content.decode()
    )
    assert '<option value="subject" selected>' in html and 'name="g0-c0-value" value=""' in html
    assert "Not complete yet" in html


def test_the_editor_deletes(shop):
    view = make(shop)
    assert shop.client(shop.agent).post(f"/inbox/views/{view.pk}/", filled(do="delete")).status_code == 302
    assert not SavedView.objects.exists()


# ---- REST ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def api(shop):
    client = shop.client(HTTP_AUTHORIZATION=f"Bearer {shop.token(shop.agent)}")

    def call(method, path="", data=None):
        kwargs = {"data": data, "content_type": "application/json"} if data is not None else {}
        return getattr(client, method)(f"/api/v1/saved-views/{path}", **kwargs)

    return call


def test_views_are_made_changed_read_and_deleted_by_the_api(shop, desk, api):
    made = api("post", data={"name": "Открытые", "conditions": one("status", "any", ["open"]), "sort": "created"})
    assert made.status_code == 201
    view = made.json()
    assert (view["owner"], view["visibility"], view["conditions"]["groups"][0]["match"]) == (
        str(shop.agent.id), "personal", "all",
    )  # fmt: skip
    changed = api("patch", f"{view['id']}/", {"name": "Наши", "visibility": "team", "team": shop.team.id})
    assert changed.json()["conditions"] == view["conditions"] and changed.json()["team"] == shop.team.id
    assert [row["name"] for row in api("get").json()] == ["Наши"]
    assert api("get", f"{view['id']}/").json()["sort"] == "created"
    assert api("delete", f"{view['id']}/").status_code == 204
    assert api("get", f"{view['id']}/").status_code == 404


def test_the_api_says_what_is_wrong_and_where(shop, api):
    refused = api("post", data={"name": "x", "conditions": one("status", "any", ["lost"])})
    assert (refused.status_code, refused.json()["error"]["field"]) == (400, "conditions.0.0")
    assert api("post", data={"conditions": one("spam", "yes")}).json()["error"]["field"] == "name"
    everyone = {"name": "x", "conditions": one("spam", "yes"), "visibility": "everyone"}
    assert api("post", data=everyone).status_code == 403
    foreign = make(shop, shop.colleague)
    assert api("patch", f"{foreign.pk}/", {"name": "y"}).status_code == 404
    assert api("delete", f"{foreign.pk}/").status_code == 404


def test_fields_of_conditions_are_described(shop, api):
    CustomField.objects.create(key="reason", label="Причина", type="choice", options=["Брак"])
    fields = {field["key"]: field for field in api("get", "fields/").json()}
    assert fields["ticket.reason"]["options"] == [["Брак", "Брак"]] and "any" in fields["ticket.reason"]["ops"]
    assert ["me", "me"] in fields["assignee"]["options"]


def test_tickets_of_a_view_page_both_ways_at_a_fixed_cost(shop, queue, api):
    view = make(shop, sort="priority")

    def numbers(answer) -> list[int]:
        return [int(row["number"]) for row in answer.json()["results"]]

    first = api("get", f"{view.pk}/tickets/")
    assert numbers(first) == [4, 2] and first.json()["previous"] is None
    second = api("get", f"{view.pk}/tickets/?{first.json()['next'].split('?')[1]}")
    assert numbers(second) == [6, 1]
    assert numbers(api("get", f"{view.pk}/tickets/?{second.json()['previous'].split('?')[1]}")) == [4, 2]
    assert api("get", f"{view.pk}/tickets/?after=x").status_code == 400
    with CaptureQueriesContext(connection) as log:
        api("get", f"{view.pk}/tickets/")
    # login, person, view, rows, tickets, tags
    assert len([one for one in log if not one["sql"].startswith("SET ")]) == 6
