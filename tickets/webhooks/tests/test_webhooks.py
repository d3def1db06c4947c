"""Integrators hear of events: signed, each under one id however often it is tried, nobody held up by a slow neighbour."""

import json
import threading
from datetime import timedelta

import pytest
from django.core import mail
from django.db import connection
from django.utils import timezone

from omnisupport.lib.errors import InvalidInput
from tenants.events.dispatch import dispatch_new_events
from tenants.events.models import Event
from tenants.sweeper import find_work
from tests.servers import until
from tests.standins.app import AppStandIn
from tests.standins.server import Answer
from tickets.services.attachments import keep_fetched
from tickets.services.receive import IncomingFile
from tickets.services.tickets import set_status
from tickets.webhooks import services
from tickets.webhooks.models import WebhookDelivery, WebhookEndpoint
from tickets.webhooks.payloads import EVENT_TYPES
from tickets.webhooks.subscribers import tell_integrators
from tickets.webhooks.tasks import drain_endpoint, mail_switched_off

JSON = "application/json"


@pytest.fixture
def app(settings):
    with AppStandIn() as stand_in:
        settings.OUTBOUND_ALLOWED_HOSTS = [stand_in.host]
        yield stand_in


@pytest.fixture
def endpoint(shop, app):
    endpoint, app.secret = services.create_endpoint(
        url=app.callback, events=["message.received", "ticket.status_changed"]
    )
    return endpoint


def happens(shop, text="Где заказ?", **fields):
    message = shop.customer_writes(text, **fields)
    dispatch_new_events()
    return message


def due_now():
    WebhookDelivery.objects.filter(state="pending").update(due_at=timezone.now())
    WebhookEndpoint.objects.update(rest_until=None)


def fresh(endpoint):
    endpoint.refresh_from_db()
    return endpoint


def test_an_event_is_told_with_what_it_is_about(shop, endpoint, app):
    message = happens(shop)
    services.drain_endpoint(endpoint.id)
    event = Event.objects.get(type="message.received")
    (told,) = app.taken
    assert (told["id"], told["seq"], told["type"]) == (f"evt_{event.pk}", str(event.seq), "message.received")
    assert told["data"]["message"]["text"] == "Где заказ?"
    assert told["data"]["ticket"]["number"] == str(message.ticket.number)
    assert told["data"]["contact"]["name"] == "Марина"
    assert app.requests[0].headers["x-omni-event"] == "message.received"
    row = WebhookDelivery.objects.get()
    assert (row.state, row.attempts, row.last_status, row.last_response) == ("delivered", 1, 200, "{}")
    assert row.finished_at and json.loads(row.body) == told


def test_files_are_told_with_links_that_open_without_a_session(shop, endpoint, app):
    message = shop.customer_writes(files=(IncomingFile(name="a.txt", remote={"x": 1}),))
    keep_fetched(message.attachments.get(), b"text", name="a.txt")
    services.change_endpoint(endpoint, url=endpoint.url, events=["attachment.changed"], name="", is_active=True)
    dispatch_new_events()
    services.drain_endpoint(endpoint.id)
    (file,) = app.taken[0]["data"]["message"]["attachments"]
    base, _slash, path = file["url"].partition(shop.host)
    assert base == "http://" and b"".join(shop.client().get("/" + path.split("/", 1)[1])) == b"text"


def test_what_nobody_woke_is_found_by_the_sweeper(shop, endpoint, app):
    happens(shop)
    WebhookDelivery.objects.update(due_at=timezone.now() - timedelta(seconds=5))
    assert (shop.schema, "webhooks") in [(schema, sweep.name) for schema, sweep in find_work()]
    assert services.due_endpoints() == [endpoint.id]
    services.drain_endpoint(endpoint.id)
    assert (shop.schema, "webhooks") not in [(schema, sweep.name) for schema, sweep in find_work()]


def test_only_what_was_asked_for_is_told(shop, endpoint, app):
    message = happens(shop)
    set_status(message.ticket_id, status="solved", actor=shop.agent)
    dispatch_new_events()
    services.drain_endpoint(endpoint.id)
    assert [event["type"] for event in app.taken] == ["message.received", "ticket.status_changed"]
    assert app.taken[1]["data"]["to"] == "solved"


def test_a_dispatcher_that_comes_twice_doubles_nothing(shop, endpoint, app):
    happens(shop)
    event = Event.objects.get(type="message.received")
    for _ in range(3):
        tell_integrators(event)
    services.drain_endpoint(endpoint.id)
    assert WebhookDelivery.objects.count() == len(app.requests) == 1


def test_a_failure_is_tried_again_under_the_same_id(shop, endpoint, app):
    app.script(Answer(500, json={"why": "потому"}), Answer(raw=[]))
    happens(shop)
    for _ in range(3):
        services.drain_endpoint(endpoint.id)
        due_now()
    bodies = [request.body for request in app.requests]
    assert len(bodies) == 3 and len(set(bodies)) == 1 and len(app.taken) == 1
    assert fresh(endpoint).failures == 0 and endpoint.failing_since is None


def test_what_came_back_is_kept_to_be_read(shop, endpoint, app):
    app.script(Answer(500, json={"why": "x" * 9000}))
    happens(shop)
    services.drain_endpoint(endpoint.id)
    row = WebhookDelivery.objects.get()
    assert (row.state, row.last_status, len(row.last_response)) == ("pending", 500, services.KEPT_RESPONSE)
    assert "500" in row.last_error and "500" in fresh(endpoint).last_error


def test_pauses_grow_and_stay_within_a_day(endpoint, monkeypatch):
    pauses = [
        (services._later(n, None, timedelta(seconds=10), services.LONGEST_PAUSE) - timezone.now()) for n in range(1, 40)
    ]
    assert timedelta(seconds=4) < pauses[0] < timedelta(seconds=11)
    assert max(pauses) <= timedelta(hours=24) and pauses[-1] >= timedelta(hours=11)
    asked = services._later(1, 900.0, timedelta(seconds=10), services.LONGEST_PAUSE) - timezone.now()
    assert timedelta(seconds=890) < asked < timedelta(seconds=910)


def test_an_endpoint_that_fails_rests_as_a_whole(shop, endpoint, app):
    app.script(*[Answer(503)] * 5)
    for n in range(5):
        happens(shop, address=f"v{n}")
    assert services.drain_endpoint(endpoint.id) == 1
    assert services.drain_endpoint(endpoint.id) == 0
    assert services.due_endpoints() == []


def test_a_poison_event_holds_up_none_behind_it(shop, endpoint, app):
    def refuses_poison(request):
        return Answer(500) if "poison" in request.body.decode() else None

    app.script(*[refuses_poison] * 10)
    for n, text in enumerate(["poison", "раз", "два"]):
        happens(shop, text, address=f"v{n}")
    services.drain_endpoint(endpoint.id)
    WebhookEndpoint.objects.update(rest_until=None)
    services.drain_endpoint(endpoint.id)
    assert [event["data"]["message"]["text"] for event in app.taken] == ["раз", "два"]
    assert WebhookDelivery.objects.filter(state="pending").count() == 1


def test_gone_for_good_is_switched_off_at_once_and_told(shop, endpoint, app, monkeypatch):
    app.script(Answer(410))
    happens(shop)
    services.drain_endpoint(endpoint.id)
    assert not fresh(endpoint).is_active and "410" in endpoint.off_reason
    event = Event.objects.get(type="webhook.switched_off")
    for _ in range(2):
        mail_switched_off.run(event.pk, event.payload["name"], event.payload["note"])
    assert sorted(letter.to[0] for letter in mail.outbox) == ["admin@example.com", "owner@shop.example"]
    assert "410" in mail.outbox[0].body and "/admin/webhooks/" in mail.outbox[0].body
    # Nothing more is kept for it.
    happens(shop, address="v2")
    assert WebhookDelivery.objects.count() == 1


def test_three_days_of_failures_switch_it_off(shop, endpoint, app):
    app.script(Answer(500), Answer(500))
    happens(shop)
    services.drain_endpoint(endpoint.id)
    assert fresh(endpoint).is_active
    WebhookEndpoint.objects.update(failing_since=timezone.now() - timedelta(days=3, minutes=1))
    due_now()
    services.drain_endpoint(endpoint.id)
    assert not fresh(endpoint).is_active and endpoint.off_reason
    # Switched on again it begins anew, and what waited arrives.
    services.change_endpoint(endpoint, url=endpoint.url, events=endpoint.events, name="", is_active=True)
    due_now()
    services.drain_endpoint(endpoint.id)
    assert len(app.taken) == 1 and fresh(endpoint).off_reason == ""


def test_a_delivery_that_nobody_takes_for_three_days_is_given_up_and_can_be_sent_again(shop, endpoint, app):
    app.script(Answer(500))
    happens(shop)
    WebhookDelivery.objects.update(created_at=timezone.now() - timedelta(days=3, minutes=1))
    services.drain_endpoint(endpoint.id)
    row = WebhookDelivery.objects.get()
    assert row.state == "failed" and row.finished_at
    client = shop.client(shop.admin)
    data = {"action": "send_again", "_selected_action": [row.pk]}
    assert client.post("/admin/webhooks/webhookdelivery/", data, follow=True).status_code == 200
    services.drain_endpoint(endpoint.id)
    row.refresh_from_db()
    assert row.state == "delivered" and app.taken[0]["id"] == row.event_key
    assert row.event_key in client.get(f"/admin/webhooks/webhookdelivery/{row.pk}/change/").content.decode()


def test_addresses_inside_are_refused_and_redirects_not_followed(shop, endpoint, app):
    for url in ("http://169.254.169.254/", "http://localhost/", "https://a.internal/x", "javascript:alert(1)", ""):
        with pytest.raises(InvalidInput):
            services.create_endpoint(url=url, events=["ticket.created"])
    app.script(Answer(302, headers={"Location": "http://169.254.169.254/latest"}))
    happens(shop)
    services.drain_endpoint(endpoint.id)
    assert WebhookDelivery.objects.get().last_status == 302


def test_two_drainers_send_nothing_twice(live_shop, app):
    endpoint, app.secret = services.create_endpoint(url=app.callback, events=["message.received"])
    for n in range(8):
        live_shop.customer_writes(f"{n}", address=f"v{n}")
    dispatch_new_events()

    def drain():
        with live_shop.enter():
            services.drain_endpoint(endpoint.id)
        connection.close()

    threads = [threading.Thread(target=drain) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    services.drain_endpoint(endpoint.id)
    assert len(app.requests) == 8 and {event["data"]["message"]["text"] for event in app.taken} == set("01234567")


def test_a_slow_endpoint_delays_no_other(live_shop, app, settings, tmp_path):
    """Through a real worker: three addresses hang for as long as they may, the fourth hears within seconds."""
    from tests.servers import beat_process, worker_process

    with AppStandIn() as hanging:
        hosts = f"{app.host},{hanging.host}"
        settings.OUTBOUND_ALLOWED_HOSTS = hosts.split(",")
        good, app.secret = services.create_endpoint(url=app.callback, events=["message.received"])
        for n in range(3):
            services.create_endpoint(url=f"{hanging.callback}{n}", events=["message.received"])
        hanging.gate.clear()
        WebhookEndpoint.objects.filter(id=good.id).update(last_success_at=timezone.now())
        # So long that a busy machine does not look like one that waits for them.
        patient = {"OUTBOUND_ALLOWED_HOSTS": hosts, "WEBHOOK_TIMEOUT": "60"}
        processes = [worker_process(tmp_path, **patient), beat_process(tmp_path)]
        try:
            for process in processes:
                process.start()
            live_shop.customer_writes("первое")
            until(lambda: hanging.in_flight() > 0, 40, "somebody hangs")
            live_shop.customer_writes("второе", address="v2")
            until(lambda: len(app.taken) == 2, 40, "the good one hears of both")
            assert hanging.in_flight() > 0
        finally:
            hanging.gate.set()
            for process in processes:
                process.kill()


def test_a_killed_drainers_claim_ends(shop, endpoint, app):
    happens(shop)
    WebhookEndpoint.objects.update(claimed_until=timezone.now() + services.CLAIM)
    assert services.drain_endpoint(endpoint.id) == 0
    WebhookEndpoint.objects.update(claimed_until=timezone.now() - timedelta(seconds=1))
    assert services.drain_endpoint(endpoint.id) == 1


def test_old_deliveries_are_cleared_in_bites(shop, endpoint, app):
    for n in range(5):
        happens(shop, address=f"v{n}")
    services.drain_endpoint(endpoint.id)
    assert services.delete_old_deliveries(timedelta(days=30)) == 0
    WebhookDelivery.objects.update(finished_at=timezone.now() - timedelta(days=31))
    assert services.delete_old_deliveries(timedelta(days=30), batch=3) == 3
    assert services.delete_old_deliveries(timedelta(days=30), batch=3) == 2


# ---- REST and admin


@pytest.fixture
def api(shop):
    return shop.client(HTTP_AUTHORIZATION=f"Bearer {shop.token(shop.admin)}")


def test_the_api_manages_webhooks_for_admins_only(shop, app, api):
    new = {"url": app.callback, "events": ["ticket.created", "message.received"], "name": "ERP"}
    made = api.post("/api/v1/webhooks/", new, JSON)
    assert made.status_code == 201 and made["Cache-Control"] == "no-store"
    app.secret, path = made.json()["secret"], f"/api/v1/webhooks/{made.json()['id']}/"
    assert "secret" not in api.get(path).json() and app.secret not in api.get("/api/v1/webhooks/").content.decode()
    agent = shop.client(HTTP_AUTHORIZATION=f"Bearer {shop.token(shop.agent)}")
    assert {agent.get(path).status_code, agent.post("/api/v1/webhooks/", new, JSON).status_code} == {403}
    assert api.patch(path, {"events": ["ticket.created"]}, JSON).json()["events"] == ["ticket.created"]

    test = api.post(f"{path}test/")
    assert test.status_code == 202
    drain_endpoint.run(made.json()["id"])
    assert [event["type"] for event in app.taken] == ["ping"]
    log = api.get(f"/api/v1/webhook-deliveries/?endpoint={made.json()['id']}").json()["results"]
    assert [(row["state"], row["last_status"]) for row in log] == [("delivered", 200)]
    assert api.post(f"/api/v1/webhook-deliveries/{log[0]['id']}/retry/").status_code == 202
    assert api.post(f"{path}secret/").json()["secret"] != app.secret
    assert api.delete(path).status_code == 204


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "http://10.0.0.1/", "events": ["ticket.created"]},
        {"url": "https://a.example/", "events": []},
        {"url": "https://a.example/", "events": ["ticket.exploded"]},
        {"url": 5, "events": "x"},
        {},
    ],
)
def test_garbage_is_refused_with_a_reason(shop, api, wrong):
    answer = api.post("/api/v1/webhooks/", wrong, JSON)
    assert answer.status_code == 400 and answer.json()["error"]["message"]
    assert not WebhookEndpoint.objects.exists()


def test_the_admin_shows_the_secret_once(shop, app):
    client = shop.client(shop.admin)
    form = {"name": "ERP", "url": app.callback, "events": ["ticket.created"], "is_active": "on"}
    answer = client.post("/admin/webhooks/webhookendpoint/add/", form)
    endpoint = WebhookEndpoint.objects.get()
    secret = endpoint.secrets["secret"]
    assert answer.status_code == 200 and secret in answer.content.decode() and "no-store" in answer["Cache-Control"]
    page = f"/admin/webhooks/webhookendpoint/{endpoint.pk}/change/"
    assert secret not in client.get(page).content.decode()
    client.post(page, {**form, "events": ["ticket.created", "message.posted"]})
    assert fresh(endpoint).events == ["ticket.created", "message.posted"] and endpoint.secrets["secret"] == secret
    assert client.post("/admin/webhooks/webhookendpoint/add/", {**form, "url": "http://10.0.0.1/"}).status_code == 400
    assert WebhookEndpoint.objects.count() == 1


def test_a_stranger_sees_nothing(shop, rival, endpoint):
    token = rival.token(rival.admin)
    client = rival.client(HTTP_AUTHORIZATION=f"Bearer {token}")
    assert client.get(f"/api/v1/webhooks/{endpoint.id}/").status_code == 404


def test_the_manual_names_every_event(shop):
    from pathlib import Path

    manual = (Path(__file__).parents[3] / "docs" / "api.md").read_text(encoding="utf-8")
    assert all(f"`{event}`" in manual for event in EVENT_TYPES)
