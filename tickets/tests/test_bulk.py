"""Many conversations at once: what is changed, what is refused and counted, and what undoing restores."""

import threading
import uuid
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from omnisupport.lib.errors import Conflict, InvalidInput, NotFound
from tenants.events.models import Event
from tests.servers import until
from tickets import queries
from tickets.models import BulkChange, BulkItem, CustomField, CustomStatus, Incident, Message, Ticket
from tickets.queries import Selection
from tickets.services import bulk as service
from tickets.services.bulk import begin_bulk, run_bulk, stalled_bulks, undo_bulk
from tickets.services.incidents import open_incident, set_incident_open
from tickets.services.snoozing import snooze_ticket
from tickets.services.tickets import (
    assign_ticket,
    lock_ticket,
    move_priority,
    set_status,
    set_tags,
    set_ticket_attributes,
)

HX = {"HTTP_HX_REQUEST": "true"}
JSON = "application/json"


@pytest.fixture
def ids(shop):
    return [shop.customer_writes(address=f"a{n}").ticket.id for n in range(5)]


def run(bulk):
    while run_bulk(bulk.id):
        pass
    bulk.refresh_from_db()
    return bulk


def change(shop, ids, **changes):
    return run(begin_bulk(ids, changes=changes, user=shop.agent))


def facts():
    columns = ["id", "assignee_id", "team_id", "status", "custom_status_id", "priority", "is_spam", "is_snoozed",
               "wakes_at", "incident_id"]  # fmt: skip
    return list(Ticket.objects.order_by("id").values(*columns)), sorted(Ticket.objects.values_list("id", "tags__name"))


def test_everything_can_be_changed_and_is_as_it_was_when_undone(shop, ids):
    named = CustomStatus.objects.create(name="Ждём склад", category="waiting")
    incident = open_incident("Склад стоит", user=shop.agent)
    set_tags(ids[0], names=["vip", "опт"], actor=None)
    snooze_ticket(ids[1], until=timezone.now() + timedelta(hours=5), actor=shop.agent)
    before = facts()
    bulk = change(
        shop, ids, assignee=str(shop.agent.id), team=shop.team.id, status=named.key, priority=4, add_tags=["склад"],
        remove_tags=["ОПТ"], snooze={"until": None}, incident=incident.id,
    )  # fmt: skip
    assert (bulk.state, bulk.done, bulk.refused) == ("done", 5, 0)
    one = Ticket.objects.get(id=ids[0])
    assert (one.assignee, one.team, one.status, one.custom_status, one.priority) == (
        shop.agent, shop.team, "waiting", named, 4,
    )  # fmt: skip
    assert (one.is_snoozed, one.incident, queries.tags_of(one)) == (True, incident, ["vip", "склад"])
    undo_bulk(bulk.id, user=shop.agent)
    run(bulk)
    assert (bulk.state, bulk.undone, bulk.left) == ("undone", 5, 0)
    assert facts() == before


@pytest.mark.parametrize("changes", [{"status": "solved"}, {"status": "closed"}, {"spam": True}])
def test_closing_is_undone_too_with_the_snooze_that_it_ended(shop, ids, changes):
    snooze_ticket(ids[1], until=timezone.now() + timedelta(hours=5), actor=shop.agent)
    set_status(ids[2], status="waiting", actor=None)
    before = facts()
    bulk = change(shop, ids, **changes)
    assert not Ticket.objects.filter(status__in=["open", "waiting"]).exists()
    undo_bulk(bulk.id, user=shop.agent)
    run(bulk)
    assert facts() == before


def test_undoing_leaves_what_somebody_has_changed_since_and_says_how_many(shop, ids):
    bulk = change(shop, ids, priority=4, assignee=str(shop.agent.id))
    assign_ticket(ids[0], assignee_id=shop.colleague.id, actor=None)
    undo_bulk(bulk.id, user=shop.agent)
    run(bulk)
    assert (bulk.undone, bulk.left) == (4, 1)
    one = Ticket.objects.get(id=ids[0])
    # What nobody touched is restored there as well.
    assert (one.assignee, one.priority) == (shop.colleague, 2)


def test_refusals_are_counted_and_named_and_hinder_nobody(shop, ids):
    set_status(ids[3], status="solved", actor=None)
    bulk = change(shop, ids, snooze={"until": None}, priority=3)
    assert (bulk.done, bulk.refused) == (4, 1)
    item = BulkItem.objects.get(state="refused")
    assert item.ticket_id == ids[3] and item.reason
    # All of a conversation's changes, or none.
    assert Ticket.objects.get(id=ids[3]).priority == 2
    page = shop.client(shop.agent).get(f"/inbox/bulk/{bulk.id}/refused/", **HX).content.decode()
    assert item.reason in page


def test_the_conversations_are_frozen_when_it_begins(shop, ids):
    chosen = queries.ids_in(Selection(shop.agent, "unassigned"), 100)
    assert chosen == ids[::-1]
    bulk = begin_bulk(chosen, changes={"priority": 4}, user=shop.agent)
    later = shop.customer_writes(address="later").ticket
    run(bulk)
    assert Ticket.objects.filter(priority=4).count() == 5
    assert not Ticket.objects.filter(id=later.id, priority=4).exists()


def test_a_found_selection_is_as_long_as_its_pages(shop, ids):
    assert sorted(queries.ids_in(Selection(shop.agent, text="заказ"), 100)) == ids
    assert len(queries.ids_in(Selection(shop.agent, text="заказ"), 2)) == 3


def test_it_goes_on_where_a_crash_has_left_it(shop, ids, monkeypatch):
    monkeypatch.setattr(service, "CHUNK", 2)
    bulk = begin_bulk(ids, changes={"priority": 4}, user=shop.agent)
    assert run_bulk(bulk.id)
    assert stalled_bulks() == []
    BulkChange.objects.update(touched_at=timezone.now() - timedelta(minutes=2))
    assert stalled_bulks() == [bulk.id]
    assert run(bulk).done == 5
    assert Event.objects.filter(type="ticket.priority_changed").count() == 5


def test_the_same_request_twice_is_one_change(shop, ids):
    key = uuid.uuid4()
    made = {begin_bulk(ids, changes={"priority": 4}, user=shop.agent, client_id=key).id for _ in range(2)}
    assert len(made) == 1


@pytest.mark.parametrize(
    "changes",
    [{}, {"colour": 1}, {"assignee": str(uuid.uuid4())}, {"team": 99}, {"status": "lost"}, {"status": "s99"}, {"priority": 9},
     {"add_tags": []}, {"incident": 99}, {"spam": False}, {"answer": " "}, {"snooze": {"until": "2020-01-01T00:00:00+00:00"}}],
)  # fmt: skip
def test_what_makes_no_sense_does_not_begin(shop, ids, changes):
    with pytest.raises(InvalidInput):
        begin_bulk(ids, changes=changes, user=shop.agent)
    assert not BulkChange.objects.exists()


def test_one_undoes_ones_own_once_and_no_answer(shop, ids):
    bulk = change(shop, ids, priority=4)
    with pytest.raises(NotFound):
        undo_bulk(bulk.id, user=shop.colleague)
    undo_bulk(bulk.id, user=shop.agent)
    with pytest.raises(Conflict):
        undo_bulk(bulk.id, user=shop.agent)
    answered = change(shop, ids, answer="Починили")
    with pytest.raises(Conflict):
        undo_bulk(answered.id, user=shop.agent)


def test_an_incident_answers_each_customer_once_by_name(shop, ids):
    client = shop.client(shop.agent)
    answer = client.post(f"/inbox/{Ticket.objects.get(id=ids[0]).number}/incident/", {"title": "Склад стоит"}, **HX)
    incident = Incident.objects.get()
    assert f"/inbox/incidents/{incident.id}/" in answer.content.decode()
    change(shop, ids[1:4], incident=incident.id)
    set_status(ids[3], status="closed", actor=None)
    page = client.get(f"/inbox/incidents/{incident.id}/").content.decode()
    assert "Склад стоит" in page and page.count('scope="row"') == 4
    form = {"client_id": str(uuid.uuid4()), "text": "{{contact.name}}, склад открыт", "solve": "on"}
    for _ in range(2):
        client.post(f"/inbox/incidents/{incident.id}/answer/", form)
    bulk = BulkChange.objects.first()
    run(bulk)
    # Also when a worker dies between the message and its mark.
    BulkItem.objects.filter(bulk=bulk).update(state="waiting")
    BulkChange.objects.filter(id=bulk.id).update(state="running")
    run(bulk)
    sent = Message.objects.filter(author="agent")
    assert sent.count() == 3 and set(sent.values_list("text", flat=True)) == {"Марина, склад открыт"}
    assert Ticket.objects.filter(id__in=ids[:3], status="solved").count() == 3


def test_where_a_name_stands_for_nothing_nothing_is_sent(shop, ids):
    contact = Ticket.objects.get(id=ids[0]).contact
    contact.name = ""
    contact.save()
    bulk = change(shop, ids, answer="{{contact.name}}, всё работает")
    assert (bulk.done, bulk.refused) == (4, 1)
    assert "{{contact.name}}" in BulkItem.objects.get(state="refused").reason
    assert Message.objects.filter(author="agent", text="Марина, всё работает").count() == 4


def test_closing_an_incident_solves_what_is_open(shop, ids):
    incident = open_incident("Сбой", user=shop.agent)
    change(shop, ids[:2], incident=incident.id)
    shop.client(shop.agent).post(f"/inbox/incidents/{incident.id}/state/", {"value": "solve"})
    run(BulkChange.objects.first())
    assert Ticket.objects.filter(status="solved").count() == 2
    incident.refresh_from_db()
    assert not incident.is_open
    with pytest.raises(InvalidInput):
        change(shop, ids, incident=incident.id)
    set_incident_open(incident.id, is_open=True, user=shop.agent)
    assert shop.client(shop.agent).get("/inbox/incidents/").content.decode().count('scope="row"') == 1


def test_by_the_toolbar_and_the_dialog(shop, ids):
    client = shop.client(shop.agent)
    assert 'id="bulk-apply"' in client.get("/inbox/bulk/", **HX).content.decode()
    answer = client.post("/inbox/bulk/?view=unassigned", {"ids": ",".join(map(str, ids[:2])), "status": "solved"}, **HX)
    bulk = BulkChange.objects.get()
    assert 'id="bulk-job"' in answer.content.decode() and bulk.total == 2
    run(bulk)
    assert "2 conversations changed" in client.get(f"/inbox/bulk/{bulk.id}/", **HX).content.decode()
    client.post(f"/inbox/bulk/{bulk.id}/undo/", **HX)
    assert "Undone: 2" in client.get(f"/inbox/bulk/{run(bulk).id}/", **HX).content.decode()
    whole = {"whole": "on", "assignee": "none", "team": str(shop.team.id), "add_tags": "а, б", "text": "завтра в 10"}
    client.post("/inbox/bulk/?view=open", whole, **HX)
    assert run(BulkChange.objects.first()).done == 5
    assert Ticket.objects.filter(team=shop.team, is_snoozed=True, tags__name="б").count() == 5


@pytest.mark.parametrize(
    "data",
    [{}, {"ids": "1"}, {"ids": "x", "status": "solved"}, {"status": "solved"}, {"ids": "1", "assignee": "x"},
     {"ids": "1", "team": "x"}, {"ids": "1", "text": "потом"}],
)  # fmt: skip
def test_foreign_input_is_refused(shop, ids, data):
    assert shop.client(shop.agent).post("/inbox/bulk/", data, **HX).status_code == 400
    assert not BulkChange.objects.exists()


def test_a_stranger_sees_and_undoes_nothing(shop, ids):
    bulk = change(shop, ids, priority=4)
    stranger = shop.client(shop.colleague)
    assert stranger.get(f"/inbox/bulk/{bulk.id}/", **HX).status_code == 404
    assert stranger.post(f"/inbox/bulk/{bulk.id}/undo/", **HX).status_code == 404


def test_by_the_api(shop, ids):
    api = shop.client(HTTP_AUTHORIZATION=f"Bearer {shop.token(shop.agent)}")
    made = api.post("/api/v1/incidents/", {"title": "Сбой"}, JSON).json()
    body = {"view": "open", "changes": {"incident": int(made["id"]), "assignee": str(shop.agent.id)}}
    answer = api.post("/api/v1/bulk-changes/", body, JSON)
    assert answer.status_code == 202 and answer.json()["total"] == 5
    bulk = run(BulkChange.objects.get())
    assert api.get(f"/api/v1/bulk-changes/{bulk.id}/").json()["done"] == 5
    assert api.post(f"/api/v1/bulk-changes/{bulk.id}/undo/").status_code == 202
    run(bulk)
    assert api.post("/api/v1/bulk-changes/", {"tickets": ids, "changes": {}}, JSON).status_code == 400
    assert api.post("/api/v1/bulk-changes/", {"tickets": ["x"], "changes": {"priority": 3}}, JSON).status_code == 400
    change(shop, ids[:2], incident=int(made["id"]))
    url = f"/api/v1/incidents/{made['id']}"
    assert api.post(f"{url}/answer/", {"text": "Чиним"}, JSON).json()["total"] == 2
    assert not api.patch(f"{url}/", {"is_open": False}, JSON).json()["is_open"]
    assert api.patch("/api/v1/incidents/999/", {"is_open": False}, JSON).status_code == 404


def test_many_conversations_cost_as_many_statements_as_one(shop, ids):
    def cost(chosen, tag):
        changes = {"assignee": str(shop.agent.id), "add_tags": [tag], "status": "solved"}
        bulk = begin_bulk(chosen, changes=changes, user=shop.agent)
        with CaptureQueriesContext(connection) as queries_made:
            run_bulk(bulk.id)
        return len(queries_made)

    set_tags(ids[0], names=["опт", "розница"], actor=None)
    assert cost(ids[1:2], "опт") == cost(ids[2:], "розница") <= 21


def test_a_worker_that_dies_leaves_nothing_half_done(shop, ids, monkeypatch):
    bulk = begin_bulk(ids, changes={"priority": 4, "add_tags": ["склад"], "status": "solved"}, user=shop.agent)
    before = facts(), Event.objects.count()

    def die(*_arguments):
        raise MemoryError

    with monkeypatch.context() as patched:
        patched.setattr(service, "update_rows", die)
        with pytest.raises(MemoryError), transaction.atomic():
            run_bulk(bulk.id)
    assert (facts(), Event.objects.count()) == before
    assert run(bulk).done == 5
    assert sorted(Event.objects.filter(type__startswith="ticket.").exclude(type="ticket.created").values_list(
        "ticket_id", "type"
    )) == sorted((ticket, f"ticket.{what}_changed") for ticket in ids for what in ("priority", "tags", "status"))  # fmt: skip


def test_of_a_refused_conversation_nothing_is_written_and_the_others_are(shop, ids):
    CustomField.objects.create(target="ticket", key="order", label="Заказ", type="text", required_to_solve=True)
    for ticket in ids[1:]:
        set_ticket_attributes(ticket, changes={"order": "7"}, actor=None)
    bulk = change(shop, ids, assignee=str(shop.agent.id), add_tags=["опт"], status="solved")
    assert (bulk.done, bulk.refused) == (4, 1)
    refused = Ticket.objects.get(id=ids[0])
    assert (refused.assignee, refused.status, queries.tags_of(refused)) == (None, "open", [])
    assert not Event.objects.filter(ticket_id=ids[0], type__in=["ticket.assigned", "ticket.tags_changed"]).exists()


def test_of_two_closed_conversations_of_one_customer_one_is_reopened(shop):
    closed = []
    for _turn in range(2):
        closed.append(shop.customer_writes(address="a").ticket.id)
        set_status(closed[-1], status="closed", actor=None)
    bulk = change(shop, closed, status="open")
    assert (bulk.done, bulk.refused) == (1, 1)
    assert Ticket.objects.filter(status="open").count() == 1


def test_a_conversation_that_somebody_holds_is_done_after_the_others(live_shop):
    with live_shop.enter():
        ids = [live_shop.customer_writes(address=f"a{n}").ticket.id for n in range(3)]
        bulk = begin_bulk(ids, changes={"priority": 4}, user=live_shop.agent)
    held, others_done = threading.Event(), threading.Event()

    def hold():
        with live_shop.enter(), transaction.atomic():
            ticket = lock_ticket(ids[0])
            held.set()
            others_done.wait(30)
            # What its holder does counts, and is respected.
            move_priority(ticket, 3, None)
        connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(30)

    def work():
        with live_shop.enter():
            run(bulk)
        connection.close()

    worker = threading.Thread(target=work)
    worker.start()
    with live_shop.enter():
        until(lambda: Ticket.objects.filter(priority=4).count() == 2)
    others_done.set()
    holder.join(30)
    worker.join(30)
    with live_shop.enter():
        assert BulkItem.objects.get(ticket_id=ids[0]).before == {"priority": 3}
        assert set(Ticket.objects.values_list("priority", flat=True)) == {4}
