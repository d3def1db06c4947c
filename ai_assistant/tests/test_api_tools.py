"""An integrator sets tools up and decides on what was learned, by REST and with nothing but an admin's rights."""

import json
from typing import Any

import pytest
from django.conf import settings as django_settings

from ai_assistant.models import CustomAnswer, LearnedAnswer, Tool
from ai_assistant.tests.test_tools import FIELDS, PARAMETERS, SECRET, ShopApi
from tests.cast import HostClient, Workspace

TOOLS = "/api/v1/assistant-tools/"
LEARNED = "/api/v1/learned-answers/"


def rest(workspace: Workspace, user: Any) -> HostClient:
    return workspace.client(HTTP_AUTHORIZATION=f"Bearer {workspace.token(user)}")


@pytest.fixture
def api(settings):
    with ShopApi() as server:
        settings.OUTBOUND_ALLOWED_HOSTS = {*django_settings.OUTBOUND_ALLOWED_HOSTS, server.host}
        yield server


@pytest.fixture
def body(api):
    return {
        "name": "order_status", "title": "Статус заказа", "description": "Where an order is.", "method": "GET",
        "url": f"{api.url}/orders/{{order}}", "headers": {"Authorization": f"Bearer {SECRET}"},
        "parameters": PARAMETERS, "fields": FIELDS,
    }  # fmt: skip


def test_a_tool_is_made_tried_changed_and_deleted_and_its_secret_never_comes_back(shop, api, body):
    client = rest(shop, shop.admin)
    made = client.post(TOOLS, body, "application/json")
    assert made.status_code == 201 and made.json()["header_names"] == ["Authorization"]
    tool = Tool.objects.get()
    path = f"{TOOLS}{tool.id}/"
    tried = client.post(f"{path}try/", {"arguments": {"order": "A-1042", "customer": "42"}}, "application/json")
    assert tried.json()["state"] == "done" and "в пути" in tried.json()["text"] and "margin" not in tried.json()["text"]
    assert api.requests[0].headers["authorization"] == f"Bearer {SECRET}"
    changed = client.patch(path, {"title": "Где заказ", "timeout": 3}, "application/json")
    assert (changed.json()["title"], changed.json()["timeout"]) == ("Где заказ", 3)
    tool.refresh_from_db()
    assert tool.headers == {"Authorization": f"Bearer {SECRET}"}
    assert SECRET not in json.dumps([made.json(), tried.json(), changed.json(), client.get(TOOLS).json()])
    assert client.delete(path).status_code == 204 and not Tool.objects.exists()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"url": "http://169.254.169.254/{order}"}, "url"),
        ({"fields": []}, "fields"),
        ({"name": "Order Status"}, "name"),
        ({"timeout": 60}, "timeout"),
        ({"parameters": {"properties": {"order": {"type": "file"}}}}, "parameters"),
        ({"needs_verified": False}, "needs_verified"),
    ],
)
def test_what_makes_no_sense_is_refused_at_its_field(shop, body, change, field):
    refused = rest(shop, shop.admin).post(TOOLS, {**body, **change}, "application/json")
    assert refused.status_code == 400 and field in json.dumps(refused.json()) and not Tool.objects.exists()


def test_an_argument_that_its_pattern_forbids_calls_nobody(shop, api, body):
    client = rest(shop, shop.admin)
    path = f"{TOOLS}{client.post(TOOLS, body, 'application/json').json()['id']}/try/"
    refused = client.post(path, {"arguments": {"order": "../admin", "customer": "42"}}, "application/json")
    assert refused.status_code == 400 and refused.json()["error"]["field"] == "order" and api.requests == []


@pytest.fixture
def learned(shop):
    return LearnedAnswer.objects.create(
        ticket_id=1, question_message_id=1, state="proposed", question="Есть ли парковка?", text="Да, во дворе."
    )


def test_a_proposal_becomes_a_custom_answer_once(shop, learned):
    client = rest(shop, shop.admin)
    assert [row["question"] for row in client.get(f"{LEARNED}?state=proposed").json()["results"]] == [
        "Есть ли парковка?"
    ]
    given = {"questions": ["Есть ли у вас парковка?"], "text": "Да, во дворе, бесплатно.", "as": "custom_answer"}
    assert client.post(f"{LEARNED}{learned.id}/approve/", given, "application/json").json()["state"] == "approved"
    assert CustomAnswer.objects.get().text == "Да, во дворе, бесплатно."
    assert client.post(f"{LEARNED}{learned.id}/reject/").status_code == 409


def test_a_rejected_proposal_keeps_no_words(shop, learned):
    answer = rest(shop, shop.admin).post(f"{LEARNED}{learned.id}/reject/").json()
    assert (answer["state"], answer["question"], answer["text"]) == ("rejected", "", "")


@pytest.mark.parametrize("path", [TOOLS, LEARNED])
def test_only_admins_of_this_workspace(shop, rival, path, learned):
    assert rest(shop, shop.agent).get(path).status_code == 403
    with rival.enter():
        foreign = rest(rival, rival.admin)
        assert foreign.get(path).json()["results"] == []
        assert foreign.get(f"{LEARNED}{learned.id}/").status_code == 404


@pytest.mark.parametrize("path", [TOOLS, LEARNED])
def test_a_list_costs_the_same_whatever_its_length(shop, body, path, django_assert_max_num_queries):
    client = rest(shop, shop.admin)
    for number in range(3):
        client.post(TOOLS, {**body, "name": f"tool_{number}"}, "application/json")
        LearnedAnswer.objects.create(
            ticket_id=1, question_message_id=10 + number, state="proposed", question="?", text="!"
        )
    with django_assert_max_num_queries(4):
        assert len(client.get(path).json()["results"]) == 3
