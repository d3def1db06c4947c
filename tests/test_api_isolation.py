"""Every route of the OpenAPI schema, called as a stranger of another workspace with ids that exist here: nothing gets out.

The routes come from the schema itself, so a new one is covered without being named.
"""

import json
import re
import uuid

import pytest
from drf_spectacular.generators import SchemaGenerator

CANARY = "CANARY-9f2c4e"
# The only routes that ask for no token: they give one, or describe the API.
OPEN = {"/api/v1/auth/token/", "/api/v1/auth/refresh/", "/api/v1/schema/"}


@pytest.fixture
def schema(shop):
    return SchemaGenerator(urlconf="omnisupport.urls").get_schema(request=None, public=True)


@pytest.fixture
def ids(shop):
    """Things of `shop`, each with the canary in its text."""
    from ai_assistant.models import Answer, CustomAnswer, ForbiddenTopic, Tool
    from channels_app.models import InboundEvent
    from knowledge.help_centre.services import publish_article, save_article
    from knowledge.models import Source, Synonyms
    from knowledge.services.articles import write_article
    from tickets.models import (
        Attachment,
        BulkChange,
        Company,
        ContactImport,
        CustomField,
        CustomStatus,
        Incident,
        Macro,
        SavedView,
        ScheduledReply,
        Tag,
        Team,
    )  # fmt: skip
    from tickets.webhooks.models import WebhookDelivery, WebhookEndpoint

    message = shop.customer_writes(CANARY)
    # Numbers that the stranger's own rows do not have, so that only a leak can answer 200.
    event = InboundEvent.objects.create(
        id=987654, channel=shop.channel, event_key=CANARY, body=CANARY.encode(), state="failed"
    )
    webhook = WebhookEndpoint.objects.create(name=CANARY, url="https://canary.example/", events=["ticket.created"])
    delivery = WebhookDelivery.objects.create(
        id=987654, endpoint=webhook, event_key=CANARY, event_type="ping", body="{}"
    )
    suggestion = Answer.objects.create(
        ticket_id=message.ticket_id, question_message_id=message.id, text=CANARY, outcome="suggested"
    )
    attachment = Attachment.objects.create(message=message, name=CANARY, uploaded_by=shop.agent)
    draft = save_article(document_id=write_article(CANARY, CANARY).id, language="en")
    return {
        "tickets": message.ticket_id,
        "ticket_pk": message.ticket_id,
        "messages": message.id,
        "contacts": message.ticket.contact_id,
        "companies": Company.objects.create(id=987654, name=CANARY).id,
        "scheduled": ScheduledReply.objects.create(
            id=987654,
            ticket=message.ticket,
            user=shop.agent,
            client_id=uuid.uuid4(),
            text=CANARY,
            send_at="2100-01-01T00:00Z",
        ).id,
        "channels": shop.channel.id,
        "users": shop.agent.id,
        "people": shop.agent.id,
        "contact-imports": ContactImport.objects.create(
            id=987654, name=CANARY, shape={"header": [CANARY], "rows": 1}
        ).id,
        "teams": Team.objects.create(id=987654, name=CANARY).id,
        "tags": Tag.objects.create(id=987654, name=CANARY).id,
        "inbound-events": event.id,
        "webhooks": webhook.id,
        "webhook-deliveries": delivery.id,
        "attachments": attachment.id,
        "suggestions": suggestion.id,
        "forbidden-topics": ForbiddenTopic.objects.create(id=987654, name=CANARY, phrases=[CANARY]).id,
        "custom-answers": CustomAnswer.objects.create(id=987654, questions=[CANARY], text=CANARY).id,
        "documents": uuid.uuid4(),
        "help-articles": publish_article(draft.id).id,
        "sources": Source.objects.create(url=f"https://{CANARY.lower()}.example/").id,
        "synonyms": Synonyms.objects.create(id=987654, phrases=[CANARY, "other"]).id,
        "assistant-tools": Tool.objects.create(id=987654, name=CANARY, title=CANARY, url="https://canary.example/").id,
        "learned-answers": 987654,
        "custom-statuses": CustomStatus.objects.create(id=987654, name=CANARY, category="open").id,
        "custom-fields": CustomField.objects.create(id=987654, key="canary", label=CANARY).id,
        "macros": Macro.objects.create(id=987654, name=CANARY, visibility="everyone").id,
        "saved-views": SavedView.objects.create(id=987654, name=CANARY, visibility="everyone", owner=shop.admin).id,
        "incidents": Incident.objects.create(id=987654, title=CANARY).id,
        "bulk-changes": BulkChange.objects.create(id=987654, user=shop.agent, changes={"answer": CANARY}).id,
    }


def _concrete(path: str, ids: dict[str, object]) -> str:
    """`/tickets/{ticket_pk}/messages/{id}/` with the ids of the things that stand before the braces."""
    parts = path.strip("/").split("/")
    for index, part in enumerate(parts):
        if part.startswith("{"):
            name = part.strip("{}")
            parts[index] = str(ids[name] if name in ids else ids[parts[index - 1]])
    return "/" + "/".join(parts) + "/"


def _operations(schema):
    return [
        (method, path)
        for path, methods in schema["paths"].items()
        for method in methods
        if method in {"get", "post", "put", "patch", "delete"} and path not in OPEN
    ]


def test_a_token_of_another_workspace_opens_no_route(shop, rival, schema, ids):
    stranger = shop.client(HTTP_AUTHORIZATION=f"Bearer {rival.token(rival.admin)}")
    for method, path in _operations(schema):
        answer = stranger.generic(method.upper(), _concrete(path, ids), "{}", "application/json")
        assert answer.status_code == 401, (method, path, answer.status_code)
        assert CANARY not in answer.content.decode()


def test_ids_of_another_workspace_do_not_exist_here(shop, rival, schema, ids):
    """The stranger is at home, with a good token, and asks for things of the other workspace."""
    at_home = rival.client(HTTP_AUTHORIZATION=f"Bearer {rival.token(rival.admin)}")
    agent = str(shop.agent.id)
    stolen = {"contact": str(ids["contacts"]), "assignee": agent, "first_assignee": agent, "text": "x"}
    body = json.dumps({**stolen, "attachments": [str(ids["attachments"])]})
    seen = 0
    for method, path in _operations(schema):
        if path.endswith("/auth/logout/"):  # would end the stranger's own login
            continue
        answer = at_home.generic(method.upper(), _concrete(path, ids), body, "application/json")
        if "{" in path:
            assert answer.status_code in {400, 404, 405, 415}, (method, path, answer.status_code)
        assert CANARY not in answer.content.decode(), (method, path)
        seen += 1
    assert seen > 30


def test_nobody_without_a_token_gets_anything(shop, schema, ids):
    anonymous = shop.client()
    for method, path in _operations(schema):
        answer = anonymous.generic(method.upper(), _concrete(path, ids), "{}", "application/json")
        assert answer.status_code == 401, (method, path, answer.status_code)


def test_every_route_is_described(schema):
    assert all(re.match(r"^/api/v1/[a-z]", path) for path in schema["paths"])
    assert {"/api/v1/tickets/{id}/", "/api/v1/ask/", "/api/v1/documents/", "/api/v1/search/"} <= set(schema["paths"])
