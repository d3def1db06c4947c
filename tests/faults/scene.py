"""The channels of the stories: a bot whose provider knows no keys, an own app that does; chats in both, and words for them."""

import itertools
import json
import random
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import Any

import httpx

from benchmarks.harness import http_request
from tests.cast import Workspace
from tests.faults.house import House, timed, unsettled
from tests.faults.ledger import Entry, Ledger, Verdict, judge_receiving, judge_sending
from tests.servers import LiveServer, until
from tests.standins.app import AppStandIn
from tests.standins.server import Answer, Request
from tests.standins.telegram import TOKEN, TelegramStandIn

SECRET = "a secret of the own app, long enough"
# Of chats, over all workspaces of a story: the stand-ins are the same.
_NUMBERS = itertools.count(710_000_000)


class Slow(TelegramStandIn):
    def handle(self, request: Request) -> Answer:
        time.sleep(random.uniform(0.01, 0.04))
        return super().handle(request)


class SlowApp(AppStandIn):
    def __init__(self) -> None:
        super().__init__(SECRET)

    def handle(self, request: Request) -> Answer:
        time.sleep(random.uniform(0.005, 0.02))
        return super().handle(request)


def _is_ours(entry: Entry) -> bool:
    """Our keys are UUIDs, a provider's are numbers."""
    return not entry.key.isdecimal()


class Scene:
    def __init__(self, house: House, telegram: Slow, app: SlowApp) -> None:
        self.house, self.telegram, self.app = house, telegram, app
        self.shop, self.ledger = house.workspace, house.ledger
        self._seqs: dict[str, int] = {}
        self._tickets: dict[str, int] = {}

    @classmethod
    def beside(cls, other: "Scene", workspace: Workspace) -> "Scene":
        """The same processes and stand-ins, another workspace with a ledger of its own."""
        scene = cls(other.house, other.telegram, other.app)
        scene.shop, scene.ledger = workspace, Ledger(other.house.folder / f"{workspace.schema}.jsonl")
        return scene

    # -- channels

    @cached_property
    def bot(self) -> Any:
        return self._channel(kind="telegram", name="bot", external_id="123456789", secrets={"token": TOKEN})

    @cached_property
    def own_app(self) -> Any:
        config = {"callback_url": self.app.callback}
        return self._channel(kind="api", name="app", external_id="app", config=config, secrets={"secret": SECRET})

    def _channel(self, **fields: Any) -> Any:
        from channels_app.models import Channel

        with self.shop.enter():
            return Channel.objects.create(health=Channel.Health.OK, **fields)

    # -- what agents write

    def open_chats(self, channel: Any, count: int) -> list[str]:
        """Customers who have written once; names of their chats."""
        names = [str(next(_NUMBERS)) for _chat in range(count)]
        self.shop.channel = channel
        for name in names:
            self._tickets[name] = self.shop.customer_writes("здравствуйте", address=name).ticket_id
        return names

    def entry(self, chat: str) -> Entry:
        seq = self._seqs[chat] = self._seqs.get(chat, 0) + 1
        return self.ledger.write(chat, seq)

    def post(self, chat: str, **fields: Any) -> Entry:
        """Through the service, as the page and the API do; accepted when it is committed."""
        from tickets.services.post import post_message

        entry = self.entry(chat)
        with self.shop.enter():
            post_message(
                ticket_id=self._tickets[chat], client_id=uuid.UUID(entry.key), text=entry.text, user=self.shop.agent,
                **fields,
            )  # fmt: skip
        self.ledger.accept(entry)
        return entry

    def post_over_http(self, web: LiveServer, chat: str, token: str, entry: Entry | None = None) -> httpx.Response:
        entry = entry or self.entry(chat)
        with web.client(self.shop, Authorization=f"Bearer {token}") as http:
            answer = http.post(
                f"/api/v1/tickets/{self._tickets[chat]}/messages/", json={"client_id": entry.key, "text": entry.text}
            )
        if answer.is_success:
            self.ledger.accept(entry)
        return answer

    def read_tickets(self, web: LiveServer, token: str) -> int:
        with web.client(self.shop, Authorization=f"Bearer {token}") as http:
            return http.get("/api/v1/tickets/").status_code

    def ticket_of(self, chat: str) -> int:
        return self._tickets[chat]

    # -- what customers write

    def update(self, number: int, chat: str, **content: Any) -> tuple[Entry, dict[str, Any]]:
        """An update of Telegram with a text that names its entry."""
        seq = self._seqs[chat] = self._seqs.get(chat, 0) + 1
        entry = self.ledger.write(chat, seq, key=str(number))
        message = {
            "message_id": number, "date": int(time.time()), "text": entry.text,
            "from": {"id": int(chat), "first_name": "Марина"}, "chat": {"id": int(chat), "type": "private"}, **content,
        }  # fmt: skip
        return entry, {"update_id": number, "message": message}

    def call_webhook(
        self, web: LiveServer, update: dict[str, Any] | bytes, entry: Entry | None = None, *, tries: int = 60
    ) -> int:
        """As Telegram does: whatever is not 2xx comes again. Returns the last status."""
        status = 0
        for attempt in range(tries):
            try:
                with web.client(self.shop, **{"X-Telegram-Bot-Api-Secret-Token": self.bot_secret}) as http:
                    status = http.post(f"/hooks/telegram/{self.bot.id}/", content=body_of(update)).status_code
            except httpx.HTTPError:
                status = 0
            if 200 <= status < 300:
                if entry is not None:
                    self.ledger.accept(entry)
                return status
            if attempt + 1 < tries:
                time.sleep(min(1.0, 0.1 * 2**attempt))
        return status

    @cached_property
    def bot_secret(self) -> str:
        from omnisupport.lib.crypto import derive_secret

        return derive_secret(f"telegram:{self.bot.id}")

    def webhook_request(self, update: dict[str, Any] | bytes) -> bytes:
        """The same call as bytes, for benchmarks.harness.flood."""
        return http_request(
            "POST", f"/hooks/telegram/{self.bot.id}/", self.shop.host, body_of(update),
            X_Telegram_Bot_Api_Secret_Token=self.bot_secret, Content_Type="application/json",
        )  # fmt: skip

    # -- verdicts

    def judge_telegram(self) -> Verdict:
        return self._judge([("", sent.get("text", "")) for sent in list(self.telegram.sent)], self.bot)

    def judge_app(self) -> Verdict:
        events = [json.loads(request.body) for request in self.app.to("/omni")]
        arrivals = [(event["id"], event.get("text", "")) for event in events if event["type"] == "message"]
        return self._judge(arrivals, self.own_app, keyed=True)

    def _judge(self, arrivals: list[tuple[str, str]], channel: Any, keyed: bool = False) -> Verdict:
        from tickets.models import ContactAddress

        with self.shop.enter():
            chats = set(ContactAddress.objects.filter(channel=channel).values_list("address", flat=True))
            return judge_sending(
                self.ledger.part(lambda entry: _is_ours(entry) and entry.chat in chats), arrivals, keyed=keyed
            )

    def judge_receiving(self, *, in_order: bool = True) -> Verdict:
        with self.shop.enter():
            verdict = judge_receiving(self.ledger.part(lambda entry: not _is_ours(entry)))
        if not in_order:
            verdict.disordered.clear()
        return verdict

    def until_settled(self, seconds: float) -> float:
        """Waits until nothing is to leave any more. Returns seconds, or raises AssertionError."""
        with timed() as taken, self.shop.enter():
            until(lambda: unsettled() == 0, seconds, f"all is sent; left over: {unsettled()}")
        return taken[0]

    def settles(self, seconds: float) -> bool:
        try:
            self.until_settled(seconds)
        except AssertionError:
            return False
        return True


def body_of(update: dict[str, Any] | bytes) -> bytes:
    return update if isinstance(update, bytes) else json.dumps(update, ensure_ascii=False).encode()


def at_once(function: Any, times: int) -> list[Any]:
    from django.db import connection

    def call(number: int) -> Any:
        try:
            return function(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(call, range(times)))
