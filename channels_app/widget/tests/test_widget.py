"""The web chat: a visitor opens it, writes, comes back, asks for a person; a stranger gets nothing."""

import asyncio
import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from channels_app.widget.adapter import Config, site_origin
from channels_app.widget.sessions import sign_file
from tenants.events.dispatch import dispatch_new_events
from tests.cast import HostClient, Workspace
from tickets.models import Attachment, Contact, ContactAddress, Message, MessageKind, Ticket
from tickets.queries import facts_of
from tickets.services.post import post_message

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489"
    "0000000a49444154789c6360000002000100ffff03000006000557bfabd40000000049454e44ae426082"
)


class Visitor:
    """A browser with the chat open."""

    def __init__(self, workspace: Workspace, language: str = "en") -> None:
        self.http: HostClient = workspace.client(HTTP_ACCEPT_LANGUAGE=language)
        self.base = f"/widget/{workspace.channel.id}/"
        self.token = ""
        self.token = self.post("session/").json()["token"]

    @property
    def headers(self) -> dict[str, str]:
        return {"HTTP_AUTHORIZATION": f"Visitor {self.token}"} if self.token else {}

    def post(self, path: str, body: Any = None) -> Any:
        return self.http.post(self.base + path, body or {}, "application/json", **self.headers)

    def get(self, path: str) -> Any:
        return self.http.get(self.base + path, **self.headers)

    def say(self, text: str = "Где заказ?", **fields: Any) -> Any:
        return self.post("messages/", {"client_id": str(uuid.uuid4()), "text": text, **fields})

    def upload(self, name: str, body: bytes) -> Any:
        return self.http.post(self.base + "attachments/", {"file": SimpleUploadedFile(name, body)}, **self.headers)


def test_opening_the_chat_writes_nothing(shop):
    Visitor(shop)
    assert not Contact.objects.exists() and not ContactAddress.objects.exists()


def test_a_message_is_stored_and_found_again(shop):
    visitor = Visitor(shop)
    sent = visitor.say("Где заказ?")
    assert sent.status_code == 201
    shop.channel.refresh_from_db()
    assert shop.channel.last_inbound_at is not None
    assert (sent.json()["author"], sent.json()["text"], sent.json()["state"]) == ("visitor", "Где заказ?", "sent")
    back = visitor.post("session/").json()
    assert [m["id"] for m in back["messages"]] == [sent.json()["id"]]
    assert visitor.get(f"messages/?after={sent.json()['id']}").json()["messages"] == []


def test_replies_are_shown_and_notes_never(shop):
    visitor = Visitor(shop)
    visitor.say()
    ticket = Ticket.objects.get()
    post_message(
        ticket_id=ticket.id, client_id=uuid.uuid4(), text="CANARY note", user=shop.agent, kind=MessageKind.NOTE
    )
    post_message(ticket_id=ticket.id, client_id=uuid.uuid4(), text="Едет", user=shop.agent)
    session = visitor.post("session/")
    assert [m["text"] for m in session.json()["messages"]] == ["Где заказ?", "Едет"]
    assert session.json()["unread"] == 1
    assert "CANARY" not in session.content.decode()
    visitor.post("read/", {"last": session.json()["messages"][-1]["id"]})
    assert visitor.post("session/").json()["unread"] == 0


def test_what_the_shop_says_of_its_visitor_stands_beside_the_conversation(shop):
    visitor = Visitor(shop, language="ru")
    page = {"url": "https://shop.example/cart", "title": "Корзина"}
    visitor.say(page=page, attributes={"plan": "pro", "orders": 3})
    ticket = Ticket.objects.get()
    assert ticket.contact.language == "ru"
    assert facts_of(ticket) == {"page": "https://shop.example/cart", "plan": "pro", "orders": 3}
    ticket.contact.attributes = {"plan": "checked by Anna"}
    assert facts_of(ticket)["plan"] == "checked by Anna"
    panel = shop.client(shop.agent).get(f"/inbox/{ticket.number}/").content.decode()
    assert "https://shop.example/cart" in panel


@pytest.mark.parametrize(
    "told",
    [
        {"page": "x", "attributes": ["y"]},
        {"page": {"url": {"a": 1}}, "attributes": {"deep": {"a": [1]}, "": "x", "nothing": None}},
        {"attributes": {f"name {n}" * 20: "\x00value" * 200 for n in range(60)}},
    ],
)
def test_nonsense_about_the_visitor_never_costs_their_message(shop, told):
    visitor = Visitor(shop)
    assert visitor.say("Где заказ?", **told).status_code == 201
    assert len(facts_of(Ticket.objects.get())) <= 30


def test_a_retried_message_is_one(live_shop):
    visitor = Visitor(live_shop)
    client_id = str(uuid.uuid4())

    def send(_n: int) -> str:
        again = Visitor.__new__(Visitor)
        again.http, again.base, again.token = live_shop.client(), visitor.base, visitor.token
        try:
            return str(again.post("messages/", {"client_id": client_id, "text": "раз"}).json()["id"])
        finally:
            connection.close()

    with ThreadPoolExecutor(5) as pool:
        ids = set(pool.map(send, range(5)))
    assert len(ids) == 1
    assert Message.objects.count() == 1


def test_asking_for_a_person_hands_over_once_and_says_so(shop):
    shop.channel.first_assignee = shop.assistant
    shop.channel.save()
    visitor = Visitor(shop)
    visitor.say()
    for _ in range(2):
        assert visitor.post("handoff/").json()["author"] == "system"
    ticket = Ticket.objects.get()
    assert ticket.assignee is None and ticket.handoff_reason == "asked"
    assert Message.objects.filter(author="system").count() == 1
    visitor.say("Вы здесь?")
    visitor.post("handoff/")
    assert Message.objects.filter(author="system").count() == 2


def test_a_person_can_be_asked_for_before_a_word_is_said(shop):
    assert Visitor(shop).post("handoff/").status_code == 201
    assert Ticket.objects.get().assignee is None


def test_files_go_in_and_out_by_short_links(shop):
    visitor = Visitor(shop)
    uploaded = visitor.upload("фото.png", PNG).json()
    sent = visitor.say("", attachments=[uploaded["id"]]).json()
    url = sent["attachments"][0]["url"]
    answer = shop.client().get(url)
    assert answer.status_code == 200 and answer.content == PNG
    assert answer["X-Content-Type-Options"] == "nosniff" and "sandbox" in answer["Content-Security-Policy"]
    assert shop.client().get(url.replace("sig=", "sig=x")).status_code == 404


def test_a_page_that_was_uploaded_is_never_shown_as_one(shop):
    visitor = Visitor(shop)
    uploaded = visitor.upload("x.html", b"<script>alert(1)</script>").json()
    sent = visitor.say("", attachments=[uploaded["id"]]).json()
    answer = shop.client().get(sent["attachments"][0]["url"])
    assert answer["Content-Disposition"].startswith("attachment")
    assert answer["Content-Type"] == "application/octet-stream"


def test_another_visitor_gets_nothing_of_it(shop):
    anna, boris = Visitor(shop), Visitor(shop)
    anna.say("CANARY")
    file = anna.upload("a.png", PNG).json()["id"]
    assert boris.get("messages/").json()["messages"] == []
    boris.say("", attachments=[file])
    assert Attachment.objects.get().message is None
    anna.say("", attachments=[file])
    link = f"{boris.base}files/{file}/?sig={sign_file(file, boris.token)}"
    assert boris.http.get(link).status_code == 404


def test_a_token_is_nothing_in_another_workspace_or_channel(shop, rival):
    visitor = Visitor(shop)
    visitor.say("CANARY")
    stranger = rival.client(HTTP_AUTHORIZATION=f"Visitor {visitor.token}")
    for path in ("messages/", "session/", "handoff/", "attachments/", "read/"):
        answer = stranger.post(f"/widget/{rival.channel.id}/{path}", {}, "application/json")
        assert answer.status_code == 401, path
        assert "CANARY" not in answer.content.decode()
    assert stranger.get(f"/widget/{shop.channel.id}/config/").status_code == 404


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("messages/", "{"),
        ("messages/", "[]"),
        ("messages/", "null"),
        ("messages/", '{"text": "x"}'),
        ("messages/", '{"client_id": "1", "text": "x"}'),
        ("messages/", '{"client_id": "00000000-0000-4000-8000-000000000000", "text": "  "}'),
        ("messages/", '{"client_id": "00000000-0000-4000-8000-000000000000", "text": {"a": 1}}'),
        ("messages/", '{"client_id": "00000000-0000-4000-8000-000000000000", "text": "' + "я" * 5001 + '"}'),
        ("messages/", "[" * 5000),
        ("read/", '{"last": "one"}'),
        ("read/", '{"last": 1e400}'),
        ("attachments/", "{}"),
    ],
)
@pytest.mark.parametrize(("language", "alphabet"), [("ru", "абвгдежзиклмнопрст"), ("en", "abcdefghijklmnopqrst")])
def test_garbage_gets_a_clear_answer_in_the_readers_language(shop, path, body, language, alphabet):
    visitor = Visitor(shop, language)
    answer = visitor.http.post(visitor.base + path, body, "application/json", **visitor.headers)
    assert answer.status_code == 400
    message = answer.json()["error"]["message"]
    assert message and not Message.objects.exists()


def test_a_flood_is_slowed_down(shop):
    visitor = Visitor(shop)
    statuses = [visitor.say(str(n)).status_code for n in range(31)]
    assert statuses[-1] == 429 and statuses[0] == 201
    assert Message.objects.count() == 30


def test_only_the_customers_sites_may_frame_the_chat(shop):
    shop.channel.config = Config(allowed_sites=["https://Shop.example/page"]).model_dump()
    shop.channel.save()
    page = shop.client().get(f"/widget/{shop.channel.id}/")
    assert "frame-ancestors 'self' https://shop.example" in page["Content-Security-Policy"]
    assert "X-Frame-Options" not in page and not page.cookies
    allowed = shop.client().get(f"/widget/{shop.channel.id}/config/", HTTP_ORIGIN="https://shop.example")
    foreign = shop.client().get(f"/widget/{shop.channel.id}/config/", HTTP_ORIGIN="https://evil.test")
    assert allowed["Access-Control-Allow-Origin"] == "https://shop.example"
    assert "Access-Control-Allow-Origin" not in foreign


@pytest.mark.parametrize(
    "site",
    ["shop.example", "javascript:x", "https://*.example", "https://a@b.example", "https://a.example; script-src *"],
)
def test_sites_that_would_open_the_policy_are_refused(site):
    with pytest.raises(ValueError):
        site_origin(site)


async def _hello(url: str, host: str, port: int, token: str, origin: str) -> dict[str, Any]:
    async with connect(
        url, host="127.0.0.1", port=port, origin=origin, subprotocols=["omni.v1", f"token.{token}"]
    ) as socket:
        assert socket.subprotocol == "omni.v1"
        hello = json.loads(await asyncio.wait_for(socket.recv(), 10))
        return dict(hello)


def test_the_socket_brings_replies_and_refuses_strangers(live_shop, live_rival, web):
    visitor = Visitor(live_shop)
    sent = visitor.say().json()
    port, token = web.port, visitor.token
    own, other = f"http://{live_shop.host}:{port}", f"http://{live_rival.host}:{port}"

    async def story() -> None:
        url = f"ws://{live_shop.host}:{port}/ws/widget/"
        async with connect(
            url, host="127.0.0.1", port=port, origin=own, subprotocols=["omni.v1", f"token.{token}"]
        ) as socket:
            hello = json.loads(await socket.recv())

            def reply() -> None:
                with live_shop.enter():
                    ticket = Ticket.objects.get()
                    for kind in (MessageKind.NOTE, MessageKind.PUBLIC):
                        post_message(
                            ticket_id=ticket.id,
                            client_id=uuid.uuid4(),
                            text=f"as {kind}",
                            user=live_shop.agent,
                            kind=kind,
                        )
                    dispatch_new_events()
                connection.close()

            await asyncio.to_thread(reply)
            frame = json.loads(await asyncio.wait_for(socket.recv(), 10))
            assert (frame["type"], frame["message"]["text"]) == ("message", "as public") or frame["message"][
                "id"
            ] == sent["id"]
            await socket.send(json.dumps({"type": "since", "seq": hello["seq"]}))
            texts = []
            while "as public" not in texts[-1:]:
                texts.append(json.loads(await asyncio.wait_for(socket.recv(), 10))["message"]["text"])
            assert "as note" not in texts
        for bad_url, bad_token, bad_origin in (
            (url, "", own), (url, token + "x", own), (url, token, "https://evil.test"),
            (f"ws://{live_rival.host}:{port}/ws/widget/", token, other),
        ):  # fmt: skip
            with pytest.raises(InvalidStatus):
                await _hello(bad_url, "", port, bad_token, bad_origin)

    asyncio.run(story())


def test_a_begun_conversation_can_go_on_in_a_messenger(shop):
    from channels_app.models import Channel

    Channel.objects.create(kind="telegram", name="bot", external_id="1", health="ok", config={"link": "https://t.me/b"})
    visitor = Visitor(shop)
    assert visitor.get("elsewhere/").json() == {"ways": []}
    visitor.say()
    (way,) = visitor.get("elsewhere/").json()["ways"]
    assert way["title"] == "Telegram" and way["url"].startswith("https://t.me/b?start=c")
