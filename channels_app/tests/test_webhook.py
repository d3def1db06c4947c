"""A provider's webhook through the running server: stored before 200, once, in order; garbage holds nobody up."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from channels_app.models import Channel, InboundEvent
from channels_app.services import inbound
from channels_app.services.inbound import drain_channel, replay
from omnisupport.lib.crypto import derive_secret
from tests.cast import Workspace
from tests.servers import LiveServer
from tests.standins.telegram import TOKEN
from tickets.models import ContactAddress, Message, Ticket


class Bot:
    """A Telegram channel of a workspace and the webhook that Telegram would call."""

    def __init__(self, workspace: Workspace, web: LiveServer, **fields: Any) -> None:
        with workspace.enter():
            self.channel = Channel.objects.create(
                kind="telegram", name="bot", external_id="123456789", secrets={"token": TOKEN}, **fields
            )
        self.workspace, self.web = workspace, web
        self.secret = derive_secret(f"telegram:{self.channel.id}")

    def update(self, number: int, text: str = "привет", chat: int = 7, message_id: int = 0) -> dict[str, Any]:
        person = {"id": chat, "first_name": "Марина"}
        message = {
            "message_id": message_id or number,
            "from": person,
            "chat": {"id": chat, "type": "private"},
            "date": 1790008407,
        }
        return {"update_id": number, "message": {**message, "text": text}}

    def call(self, body: Any, *, secret: str | None = None, path: str = "") -> int:
        headers = {"X-Telegram-Bot-Api-Secret-Token": self.secret if secret is None else secret}
        data = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
        with self.web.client(self.workspace, **headers) as http:
            return http.post(path or f"/hooks/telegram/{self.channel.id}/", content=data).status_code


@pytest.fixture
def bot(live_shop, web):
    return Bot(live_shop, web)


def test_an_update_posted_five_times_at_once_is_one_message(bot):
    with ThreadPoolExecutor(5) as pool:
        statuses = list(pool.map(lambda _n: bot.call(bot.update(1)), range(5)))
    assert statuses == [200] * 5
    assert InboundEvent.objects.count() == 1
    drain_channel(bot.channel.id)
    assert Message.objects.count() == Ticket.objects.count() == 1


@pytest.mark.parametrize("secret", ["", "wrong", "x" * 300])
def test_without_the_secret_nothing_is_stored(bot, secret):
    assert bot.call(bot.update(1), secret=secret) == 401
    assert not InboundEvent.objects.exists()


def test_another_workspaces_webhook_is_not_found(bot, live_rival):
    stranger = Bot.__new__(Bot)
    stranger.__dict__ = {**bot.__dict__, "workspace": live_rival}
    assert stranger.call(bot.update(1)) == 404


@pytest.mark.parametrize(
    "path", ["/hooks/", "/hooks/telegram/", "/hooks/telegram/1/", "/hooks/nothing/{id}/", "/hooks/widget/{id}/"]
)
def test_wrong_addresses(bot, path):
    assert bot.call(bot.update(1), path=path.format(id=bot.channel.id)) == 404


def test_too_large_bodies_are_refused(bot):
    assert bot.call(b" " * (10 * 1024 * 1024 + 1)) == 413


def test_a_poison_update_does_not_hold_up_those_behind_it(bot, monkeypatch):
    real = inbound.apply_result

    def fails_on_poison(channel: Channel, result: Any) -> None:
        if "poison" in result.incoming.text:
            raise RuntimeError("a bug of ours")
        real(channel, result)

    monkeypatch.setattr(inbound, "apply_result", fails_on_poison)
    for body in (b"\xff\xfe garbage", b"{}", bot.update(2, "poison"), {"update_id": 3, "message": {"chat": None}}):
        assert bot.call(body) == 200
    for number in range(10, 20):
        bot.call(bot.update(number, f"good {number}"))
    drain_channel(bot.channel.id)
    assert list(Message.objects.order_by("id").values_list("text", flat=True)) == [f"good {n}" for n in range(10, 20)]
    failed = InboundEvent.objects.filter(state="failed")
    assert failed.count() == 4 and all(event.error for event in failed)
    assert failed.get(event_key="2").attempts == 3


def test_what_failed_is_replayed_once_the_bug_is_mended(bot, monkeypatch):
    with monkeypatch.context() as broken:
        broken.setattr(inbound, "apply_result", lambda channel, result: 1 / 0)
        bot.call(bot.update(1, "не потеряно"))
        drain_channel(bot.channel.id)
    assert not Message.objects.exists()
    ids = list(InboundEvent.objects.values_list("id", flat=True))
    assert replay(ids) == [bot.channel.id]
    for _ in range(2):
        drain_channel(bot.channel.id)
    assert Message.objects.get().text == "не потеряно"


def test_edits_change_the_message_and_never_make_a_second(bot):
    original, edit = bot.update(1, "заказ 4470"), bot.update(2, "заказ 4471", message_id=1)
    edit["edited_message"] = edit.pop("message")
    for body in (original, edit, edit):
        bot.call(body)
    drain_channel(bot.channel.id)
    assert Message.objects.get().text == "заказ 4471"


def test_an_edit_that_comes_first_becomes_the_message(bot):
    edit = bot.update(2, "уже исправлено", message_id=1)
    edit["edited_message"] = edit.pop("message")
    bot.call(edit)
    bot.call(bot.update(1, "опечатка"))
    drain_channel(bot.channel.id)
    assert Message.objects.get().text == "уже исправлено"


def test_blocking_the_bot_is_noted_and_writing_again_lifts_it(bot):
    member = {
        "chat": {"id": 7, "type": "private"},
        "from": {"id": 7},
        "date": 1,
        "new_chat_member": {"status": "kicked"},
    }
    bot.call(bot.update(1))
    bot.call({"update_id": 2, "my_chat_member": member})
    drain_channel(bot.channel.id)
    assert ContactAddress.objects.get().unreachable_reason
    bot.call(bot.update(3, "я вернулась"))
    drain_channel(bot.channel.id)
    assert not ContactAddress.objects.get().unreachable_reason


def test_many_chats_at_once_through_several_drainers(bot):
    updates = [bot.update(n, f"{n}", chat=100 + n % 7) for n in range(60)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(bot.call, updates + updates[::2]))
        list(pool.map(lambda _n: _drain(bot), range(8)))
    assert Message.objects.count() == 60
    assert Ticket.objects.count() == ContactAddress.objects.count() == 7


def _drain(bot: Bot) -> None:
    from django.db import connection

    with bot.workspace.enter():
        drain_channel(bot.channel.id)
    connection.close()
