"""What holds a message back or changes it on its way out: turns, large files, reply windows, templates."""

import uuid
from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.utils import timezone

from channels_app.base import Limits, Rate, SendResult, Template
from channels_app.kinds import adapter_class
from channels_app.models import Channel, MessageTemplate
from channels_app.services import channels, delivery
from channels_app.services.templates import send_template, sync_templates
from omnisupport.lib.errors import InvalidInput, NotFound
from omnisupport.lib.limits import take_turn
from tickets.models import Attachment, Message
from tickets.services.post import post_message


@pytest.fixture
def letters(monkeypatch):
    """A kind with every restriction there is; gives what left through it."""
    kind = adapter_class("widget")
    sent = []
    monkeypatch.setattr(
        kind, "send", lambda self, message: sent.append(message) or SendResult(external_id=f"x{len(sent)}")
    )
    return kind, sent


def say(shop, ticket, text="Здравствуйте", **fields) -> Message:
    return post_message(ticket_id=ticket.id, client_id=uuid.uuid4(), text=text, user=shop.agent, **fields)


def test_a_chat_waits_its_turn_and_others_do_not(shop, letters, monkeypatch):
    kind, sent = letters
    monkeypatch.setattr(kind, "chat_rate", Rate(per_second=0.1, burst=2))
    busy, quiet = shop.customer_writes().ticket, shop.customer_writes(address="other").ticket
    for number in range(4):
        say(shop, busy, f"№{number}")
    delivery.deliver_chat(busy.address_id)
    assert [message.text for message in sent] == ["№0", "№1"]
    say(shop, quiet)
    delivery.deliver_chat(quiet.address_id)
    assert len(sent) == 3
    waiting = Message.objects.filter(delivery="queued")
    assert waiting.count() == 2 and all(message.attempts == 0 for message in waiting)
    assert all(message.due_at > timezone.now() + timedelta(seconds=5) for message in waiting)


def test_turns_are_shared_and_come_back():
    key = f"turns:{uuid.uuid4()}"
    taken = [take_turn(key, per_second=50, burst=3) for _ in range(4)]
    assert taken[:3] == [0, 0, 0] and 0 < taken[3] <= 0.02
    other = f"turns:{uuid.uuid4()}"
    assert take_turn(other, per_second=50, burst=3) == 0


def test_without_redis_messages_go_out_all_the_same(settings, monkeypatch):
    from redis.exceptions import ConnectionError as Away

    from omnisupport.lib import limits

    def away(**_kwargs):
        raise Away

    monkeypatch.setattr(limits, "_turn_script", lambda: away)
    assert take_turn("any", per_second=1, burst=1) == 0


def attached(shop, name: str, body: bytes) -> Attachment:
    row = Attachment(name=name, mime="application/pdf", size=len(body), uploaded_by=shop.agent)
    row.file.save(name, ContentFile(body), save=True)
    return row


def test_a_file_over_the_limit_leaves_as_a_link_that_opens(shop, letters, monkeypatch):
    kind, sent = letters
    monkeypatch.setattr(kind, "limits", Limits(file_bytes=10))
    ticket = shop.customer_writes().ticket
    large, small = attached(shop, "каталог.pdf", b"%PDF-1.4 " + b"x" * 40), attached(shop, "чек.pdf", b"%PDF")
    say(shop, ticket, "Каталог", attachment_ids=[large.id, small.id])
    delivery.deliver_chat(ticket.address_id)
    assert [file.name for file in sent[0].files] == ["чек.pdf"]
    link = sent[0].text.rpartition(": ")[2]
    assert link.endswith(".pdf") and "каталог.pdf" in sent[0].text
    path = "/files/" + link.partition("/files/")[2]
    assert shop.client().get(path).content == b"%PDF-1.4 " + b"x" * 40
    assert shop.client().get(path.replace("~", "~x", 1)).status_code == 404


def test_a_link_opens_nothing_elsewhere_and_grows_old(shop, rival, monkeypatch):
    from tickets import links

    with shop.enter():
        path = links.link_path(attached(shop, "a.pdf", b"%PDF"))
    assert rival.client().get(path).status_code == 404
    monkeypatch.setattr(links, "GOOD_FOR", timedelta(seconds=-1))
    assert shop.client().get(path).status_code == 404


@pytest.fixture
def strict(letters, monkeypatch):
    """Twenty-four hours for free text, templates after that."""
    kind, sent = letters
    monkeypatch.setattr(kind, "window", timedelta(hours=24))
    monkeypatch.setattr(kind, "has_templates", True)
    found = [
        Template("1", "order", "ru", "APPROVED", "UTILITY", "Заказ {{number}} готов, {{name}}.", ("number", "name"))
    ]
    monkeypatch.setattr(kind, "fetch_templates", lambda self: found)
    return found, sent


def test_after_the_window_only_a_template_leaves(shop, strict):
    _found, sent = strict
    ticket = shop.customer_writes().ticket
    say(shop, ticket, "вовремя")
    delivery.deliver_chat(ticket.address_id)
    ticket.address.__class__.objects.update(last_inbound_at=timezone.now() - timedelta(hours=25))
    late = say(shop, ticket, "поздно")
    delivery.deliver_chat(ticket.address_id)
    late.refresh_from_db()
    assert late.delivery == "failed" and late.delivery_error
    sync_templates(shop.channel.id)
    template = MessageTemplate.objects.get()
    given = {"number": "17", "name": "Марина\n "}
    send_template(
        ticket_id=ticket.id, template_id=template.id, variables=given, client_id=uuid.uuid4(), user=shop.agent
    )
    delivery.deliver_chat(ticket.address_id)
    assert [message.text for message in sent] == ["вовремя", "Заказ 17 готов, Марина."]
    assert sent[1].template == {"name": "order", "language": "ru", "variables": {"number": "17", "name": "Марина"}}


def test_templates_are_a_copy_of_the_providers_list(shop, strict):
    found, _sent = strict
    assert sync_templates(shop.channel.id) == 1
    found[:] = [Template("2", "new", "ru", "PENDING", "UTILITY", "Привет")]
    Channel.objects.update(templates_synced_at=timezone.now() - timedelta(days=1), external_id="1")
    channels.check_channel(shop.channel.id)
    assert list(MessageTemplate.objects.values_list("name", "status")) == [("new", "PENDING")]


def test_a_template_needs_all_its_variables_and_its_own_channel(shop, strict):
    ticket = shop.customer_writes().ticket
    sync_templates(shop.channel.id)
    template = MessageTemplate.objects.get()
    ask = {"ticket_id": ticket.id, "client_id": uuid.uuid4(), "user": shop.agent}
    with pytest.raises(InvalidInput) as caught:
        send_template(template_id=template.id, variables={"number": "17"}, **ask)
    assert caught.value.field == "name"
    with pytest.raises(NotFound):
        send_template(template_id=template.id + 1, variables={}, **ask)
