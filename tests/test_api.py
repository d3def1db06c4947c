"""The REST API: what an integrator does, what a stranger gets, what garbage gets."""

import uuid

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.cast import PASSWORD
from tickets.models import Message, Ticket

JSON = "application/json"


@pytest.fixture
def api(shop):
    return shop.client(HTTP_AUTHORIZATION=f"Bearer {shop.token(shop.agent)}")


@pytest.fixture
def admin_api(shop):
    return shop.client(HTTP_AUTHORIZATION=f"Bearer {shop.token(shop.admin)}")


def test_log_in_look_around_log_out(shop):
    client = shop.client()
    tokens = client.post("/api/v1/auth/token/", {"email": "agent@example.com", "password": PASSWORD}, JSON).json()
    me = client.get("/api/v1/me/", HTTP_AUTHORIZATION=f"Bearer {tokens['access']}")
    assert me.json()["email"] == "agent@example.com"
    renewed = client.post("/api/v1/auth/refresh/", {"refresh": tokens["refresh"]}, JSON).json()
    bearer = {"HTTP_AUTHORIZATION": f"Bearer {renewed['access']}"}
    assert client.post("/api/v1/auth/logout/", **bearer).status_code == 204
    assert client.get("/api/v1/me/", **bearer).status_code == 401


def test_guessing_passwords_is_slowed_down(shop):
    client = shop.client()
    statuses = [
        client.post("/api/v1/auth/token/", {"email": "agent@example.com", "password": f"guess {n}"}, JSON,
                    HTTP_X_FORWARDED_FOR=f"10.0.0.{n}").status_code
        for n in range(11)
    ]  # fmt: skip
    assert statuses[0] == 401
    assert statuses[-1] == 429


def test_a_reply_with_the_same_key_is_one_message(shop, api):
    ticket = shop.customer_writes().ticket
    key = {"HTTP_IDEMPOTENCY_KEY": str(uuid.uuid4())}
    url = f"/api/v1/tickets/{ticket.id}/messages/"
    answers = [api.post(url, {"text": "Едет"}, JSON, **key) for _ in range(3)]
    assert {a.status_code for a in answers} == {201}
    assert len({a.json()["id"] for a in answers}) == 1
    assert answers[0].json()["delivery"] == "queued"
    assert Message.objects.filter(author="agent").count() == 1


def test_a_ticket_is_changed_through_the_services(shop, api):
    ticket = shop.customer_writes().ticket
    answer = api.patch(
        f"/api/v1/tickets/{ticket.id}/",
        {
            "status": "solved",
            "priority": 3,
            "assignee": str(shop.colleague.id),
            "tags": ["возврат"],
            "team": shop.team.id,
        },
        JSON,
    )
    assert answer.status_code == 200
    body = answer.json()
    assert (body["status"], body["priority"], body["assignee"], body["tags"]) == (
        "solved", 3, str(shop.colleague.id), ["возврат"],
    )  # fmt: skip


def test_a_file_goes_into_a_message_of_its_uploader_only(shop, api):
    ticket = shop.customer_writes().ticket
    upload = api.post("/api/v1/attachments/", {"file": SimpleUploadedFile("акт.txt", "Акт".encode())})
    assert upload.status_code == 201
    body = {"text": "", "attachments": [upload.json()["id"]]}
    colleague = shop.client(HTTP_AUTHORIZATION=f"Bearer {shop.token(shop.colleague)}")
    assert colleague.post(f"/api/v1/tickets/{ticket.id}/messages/", body, JSON).status_code == 400
    sent = api.post(f"/api/v1/tickets/{ticket.id}/messages/", body, JSON)
    assert [file["name"] for file in sent.json()["attachments"]] == ["акт.txt"]


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("path", ["tickets/", "contacts/", "channels/", "users/", "teams/", "tickets/{id}/messages/"])
def test_lists_cost_the_same_for_one_row_and_for_three(shop, api, path, count, query_costs):
    ticket = None
    for n in range(count):
        ticket = shop.customer_writes(address=f"v{n}").ticket
    for _ in range(count - 1):
        shop.customer_writes(address=f"v{count - 1}")
    url = f"/api/v1/{path.format(id=ticket.id)}"
    api.get(url)
    with CaptureQueriesContext(connection) as queries:
        assert api.get(url).status_code == 200
    assert query_costs.setdefault(path, len(queries)) == len(queries)
    assert len(queries) <= 6


@pytest.fixture(scope="module")
def query_costs() -> dict[str, int]:
    return {}


def test_pages_follow_a_cursor(shop, api):
    for n in range(5):
        shop.customer_writes(address=f"v{n}")
    first = api.get("/api/v1/tickets/?limit=2").json()
    second = api.get(first["next"]).json()
    numbers = [t["number"] for t in first["results"] + second["results"]]
    assert numbers == ["5", "4", "3", "2"]


def test_secrets_of_a_channel_are_never_shown(shop, admin_api, api):
    made = admin_api.post("/api/v1/channels/", {"kind": "widget", "name": "Сайт 2", "config": {}, "secrets": {}}, JSON)
    assert made.status_code == 201
    for client in (admin_api, api):
        assert "secrets" not in client.get(f"/api/v1/channels/{made.json()['id']}/").json()
    assert api.post("/api/v1/channels/", {"kind": "widget", "name": "x"}, JSON).status_code == 403


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("post", "auth/token/", "{"),
        ("post", "auth/token/", "[]"),
        ("post", "auth/token/", '{"email": {"a": 1}, "password": []}'),
        ("post", "auth/refresh/", '{"refresh": 5}'),
        ("patch", "tickets/{id}/", '{"status": "exploded"}'),
        ("patch", "tickets/{id}/", '{"status": ["solved"]}'),
        ("patch", "tickets/{id}/", '{"number": 7, "created_at": "2020-01-01"}'),
        ("patch", "tickets/{id}/", "null"),
        ("patch", "tickets/{id}/", '{"assignee": "me"}'),
        ("patch", "tickets/{id}/", '{"team": 99999999999999999999999}'),
        ("post", "tickets/{id}/messages/", '{"text": "", "attachments": []}'),
        ("post", "tickets/{id}/messages/", '{"text": "x", "client_id": "not-a-uuid"}'),
        ("post", "tickets/{id}/messages/", '{"text": "x", "kind": "shout"}'),
        ("post", "tickets/{id}/messages/", '{"text": "x", "reply_to": 1e99}'),
        ("post", "channels/", '{"kind": "../../etc", "name": "x"}'),
        ("post", "channels/", '{"kind": "no_such_kind", "name": "x"}'),
    ],
)
def test_garbage_gets_a_clear_4xx_in_the_readers_language(shop, admin_api, method, path, body):
    ticket = shop.customer_writes().ticket
    before = Message.objects.count(), Ticket.objects.get().status
    answer = getattr(admin_api, method)(f"/api/v1/{path.format(id=ticket.id)}", body, JSON)
    assert 400 <= answer.status_code < 500, answer.content
    error = answer.json()["error"]
    assert error["code"] and error["message"]
    assert (Message.objects.count(), Ticket.objects.get().status) == before


@pytest.mark.parametrize("name", ["virus.exe", "run.BAT", "..\\..\\x.js", ".htaccess"])
def test_programs_are_refused(api, name):
    answer = api.post("/api/v1/attachments/", {"file": SimpleUploadedFile(name, b"MZ\x90\x00")})
    assert answer.status_code == 415


def test_large_uploads_are_refused_with_the_limit(api, settings):
    settings.MAX_UPLOAD_BYTES = 1024 * 1024
    answer = api.post("/api/v1/attachments/", {"file": SimpleUploadedFile("big.bin", b"x" * (1024 * 1024 + 1))})
    assert answer.status_code == 413
    assert "1" in answer.json()["error"]["message"]


def test_a_token_is_not_taken_from_the_url(shop):
    assert shop.client().get(f"/api/v1/me/?token={shop.token(shop.agent)}").status_code == 401
