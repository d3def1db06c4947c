"""A shop with three documents, an assistant that holds the conversation, and a model that says what a test tells it to."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from celery.contrib.testing.worker import start_worker

from ai_assistant.models import Answer, Assistant
from ai_assistant.providers.tests.conftest import OPENAI_KEYS, naps, openai, rested
from ai_assistant.services.answering import answer_ticket
from ai_assistant.services.assistants import ensure_assistant, set_settings, store_assistant
from knowledge.tests.conftest import _own_index, _read_before, add
from omnisupport.celery import app
from omnisupport.lib.redis import redis_client
from tests.cast import Workspace
from tests.standins.openai import OpenAIStandIn
from tests.standins.server import Answer as Reply
from tests.standins.server import Request
from tickets.models import Message, MessageKind, Ticket
from tickets.realtime import visitor_group

__all__ = ["_own_index", "_read_before", "add", "naps", "openai", "rested"]

RETURNS = """# Возврат

Вернуть байдарку можно в течение 45 дней, если она не была в воде.

Деньги приходят на карту за 10 рабочих дней. Вопросы о возврате: 8 (800) 555-35-35, vozvrat@lavka.example.
"""
DELIVERY = """# Доставка

Курьер приезжает на следующий день, если заказ оформлен до полудня. Подробности на https://lavka.example/delivery.

## Стоимость

| Город | Цена |
|---|---|
| Москва | 300 ₽ |
| Казань | 450 ₽ |
"""
WARRANTY = """# Warranty

The warranty on paddles lasts 18 months from the day of purchase. Keep the receipt: without it nobody can help you.
"""
QUESTION = "Сколько дней можно вернуть байдарку?"


def change_assistant(assistant: Assistant, **settings: Any) -> None:
    """Past the draft that an admin's change may wait in. Raises InvalidInput with the field."""
    set_settings(assistant, **settings)
    store_assistant(assistant)


@dataclass
class Talk:
    """One conversation, seen from both of its ends."""

    shop: Workspace
    ticket: Ticket

    def customer(self, *texts: str, **fields: Any) -> Message:
        """Writes a burst; the last message is returned."""
        for text in texts:
            message: Message = self.shop.customer_writes(text, assign_to=self.shop.assistant.id, **fields)
        self.ticket = message.ticket
        return message

    def turn(self) -> Answer:
        """The assistant's turn, without waiting for the burst to settle."""
        answer_ticket(self.ticket.id)
        return self.receipt()

    def asks(self, *texts: str, **fields: Any) -> Answer:
        self.customer(*texts, **fields)
        return self.turn()

    def receipt(self) -> Answer:
        return Answer.objects.order_by("-created_at").filter(ticket_id=self.ticket.id)[0]

    def lines(self, kind: str = MessageKind.PUBLIC) -> list[Message]:
        """What was said by others than the customer."""
        return list(self.ticket.messages.filter(kind=kind).exclude(author="contact").order_by("id"))

    def last(self) -> Message:
        return self.lines()[-1]


@pytest.fixture
def library(shop: Workspace, add: Callable[..., Any], _read_before: None) -> Workspace:
    """The shop's documents, indexed."""
    for name, text in (("vozvrat.md", RETURNS), ("dostavka.md", DELIVERY), ("warranty.md", WARRANTY)):
        add(text, name)
    return shop


@pytest.fixture
def worker(live_shop: Workspace, add: Callable[..., Any], _read_before: None) -> Iterator[Workspace]:
    """A workspace with two documents, whose questions a worker of its own answers."""
    for name, text in (("vozvrat.md", RETURNS), ("dostavka.md", DELIVERY)):
        add(text, name)
    with start_worker(app, pool="threads", concurrency=2, queues=["assistant"], perform_ping_check=False):
        yield live_shop


@pytest.fixture
def assistant(shop: Workspace) -> Assistant:
    return ensure_assistant()


@pytest.fixture
def talk(library: Workspace, assistant: Assistant) -> Talk:
    return Talk(library, Ticket())


@pytest.fixture
def model(openai: OpenAIStandIn, assistant: Assistant) -> OpenAIStandIn:
    """The assistant asks this server. Unscripted, it answers from the sources in its prompt and cites them."""
    assistant.provider, assistant.credentials = "openai_compatible", OPENAI_KEYS
    assistant.save()
    return openai


def says(answer: str, *citations: int, **changes: Any) -> Callable[[Request], Reply]:
    """A model that gives this answer, streamed or whole as it is asked."""
    whole = {"answer": answer, "citations": list(citations), "answerable": True, **changes}
    return utters(json.dumps(whole, ensure_ascii=False))


def utters(text: str, finish: str = "stop") -> Callable[[Request], Reply]:
    """A model that says this, JSON or not."""

    def react(request: Request) -> Reply:
        if not request.json.get("stream"):
            choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": finish}
            return Reply(json={"object": "chat.completion", "model": "scripted", "choices": [choice]})
        pieces = [text[i : i + 7] for i in range(0, len(text), 7)]
        frames: list[Any] = [{"choices": [{"index": 0, "delta": {"content": piece}}]} for piece in pieces]
        frames.append({"choices": [{"index": 0, "delta": {}, "finish_reason": finish}]})
        lines = [f"data: {json.dumps({'model': 'scripted', **frame})}\n\n".encode() for frame in frames]
        return Reply(chunks=[*lines, b"data: [DONE]\n\n"])

    return react


def prompt_of(request: Request) -> str:
    """All that the model was told."""
    return "\n".join(message["content"] for message in request.json["messages"])


@pytest.fixture
def screen(shop: Workspace) -> Iterator[Callable[[], str]]:
    """What the customer's chat window shows of the answer that is being written."""
    with redis_client().pubsub(ignore_subscribe_messages=True) as channel:
        channel.subscribe(f"rt:{visitor_group(shop.channel.id, 'visitor-1')}")
        channel.get_message(timeout=1)

        def shown() -> str:
            text = ""
            while frame := channel.get_message(timeout=0.2):
                data = json.loads(frame["data"])
                if data["type"] == "delta":
                    text = data["text"] if data["replace"] else text + data["text"]
            return text

        yield shown
