"""R-15 to R-18: whatever the model does, a customer's turn ends in one answer or one hand-over, in time."""

import random
import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.db import connection

from ai_assistant.providers.tests.conftest import GIGACHAT_KEYS
from ai_assistant.tests.conftest import QUESTION, RETURNS
from tests.cast import Workspace
from tests.faults.house import House, scaled
from tests.faults.scene import Scene, Slow, SlowApp
from tests.servers import until
from tests.standins.gigachat import GigaChatStandIn
from tests.standins.server import Answer, Request, drip

# A company's, with fewer calls at once than it would have.
SCOPE, STREAMS = "GIGACHAT_API_CORP", 3
FACT = "45 дней"
# Seconds from the question to its end, the burst's settling included.
IN_TIME = timedelta(seconds=30)
# Of the billed calls that a turn may make.
MOST_CALLS = 2
FREE = {"llm_auth", "llm_quota", "llm_rate_limited", "llm_circuit_open", "llm_context_too_long"}


class Troubled(GigaChatStandIn):
    """Each chat call takes a moment and meets one of `troubles` with their share of chance; `most` were at once."""

    def __init__(self) -> None:
        super().__init__()
        self.scope, self.limit = SCOPE, STREAMS
        self.troubles: dict[str, float] = {}
        self.met: Counter[str] = Counter()
        self.most = 0
        self._chance = random.Random(15)

    def turn_away(self, request: Request) -> Answer | None:
        self.most = max(self.most, self.in_flight("/v1/"))
        return super().turn_away(request)

    def handle(self, request: Request) -> Answer:
        if request.path != "/v1/chat/completions":
            return super().handle(request)
        time.sleep(self._chance.uniform(0.2, 0.6))
        answer = super().handle(request)
        draw = self._chance.random()
        for name, share in self.troubles.items():
            draw -= share
            if draw < 0 and answer.status == 200:
                self.met[name] += 1
                return _TROUBLES[name](answer)
        return answer


def _cut(answer: Answer) -> Answer:
    return Answer(chunks=list(answer.chunks or ())[:2], cut=True)


def _ends_early(answer: Answer) -> Answer:
    return Answer(chunks=list(answer.chunks or ())[:2])


def _broken_frame(answer: Answer) -> Answer:
    frames = list(answer.chunks or ())
    return Answer(chunks=[frames[0], b'data: {"choices": [{"del\n\n', *frames[1:]])


def _finished(reason: str) -> Any:
    def change(answer: Answer) -> Answer:
        chunks = list(answer.chunks or ())
        return Answer(chunks=[chunk.replace(b'"stop"', f'"{reason}"'.encode()) for chunk in chunks])

    return change


def _silent(_answer: Answer) -> Answer:
    time.sleep(40)
    return Answer(raw=[])


def _wrong_language(answer: Answer) -> Answer:
    said = "Вернуть байдарку можно в течение"
    chunks = b"".join(answer.chunks or ()).decode()
    return Answer(chunks=[chunks.replace(said, "You can return a kayak within").encode()])


_TROUBLES: dict[str, Any] = {
    "busy": lambda _answer: Answer(429, json={"status": 429, "message": "Too Many Requests"}),
    "busy for 20 s": lambda _answer: Answer(
        429, json={"status": 429, "message": "Too Many Requests"}, headers={"Retry-After": "20"}
    ),
    "error": lambda _answer: Answer(500, json={"status": 500, "message": "Internal Server Error"}),
    "not there": lambda _answer: Answer(503, html="<h1>Service Unavailable</h1>"),
    "silence": _silent,
    "drip": lambda _answer: Answer(chunks=drip(b": wait\n\n", 0.5)),
    "died": lambda _answer: Answer(raw=[]),
    "cut": _cut,
    "ends early": _ends_early,
    "broken frame": _broken_frame,
    "nothing said": lambda _answer: Answer(chunks=[b"data: [DONE]\n\n"]),
    "blacklist": _finished("blacklist"),
    "length": _finished("length"),
    "wrong language": _wrong_language,
}


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Iterator[Troubled]:
    with Troubled() as stand_in:
        yield stand_in


@pytest.fixture
def scene(live_shop: Workspace, tmp_path: Path, model: Troubled) -> Iterator[Scene]:
    """An own app whose customers the assistant answers from one document, with GigaChat."""
    with Slow() as telegram, SlowApp() as app:
        allowed = ",".join(server.host for server in (telegram, app, model))
        house = House(
            live_shop, tmp_path, OUTBOUND_ALLOWED_HOSTS=allowed, TELEGRAM_API_URL=telegram.url,
            GIGACHAT_STREAMS=str(STREAMS), **model.settings,
        )  # fmt: skip
        try:
            yield Scene(house, telegram, app)
        finally:
            model.gate.set()
            house.stop()
            connection.close()


def open_house(scene: Scene, off: str = "") -> None:
    from ai_assistant.services.assistants import ensure_assistant
    from knowledge.models import Document
    from knowledge.services.documents import add_document

    # One, which has the index open. That workers share places and tokens is told in ai_assistant/providers/tests.
    scene.house.open(off=off, threads=8)
    with scene.shop.enter():
        assistant = ensure_assistant()
        assistant.provider, assistant.credentials = "gigachat", {**GIGACHAT_KEYS, "scope": SCOPE}
        assistant.save()
        add_document(ContentFile(RETURNS.encode(), name="vozvrat.md"), filename="vozvrat.md")
        until(lambda: Document.objects.filter(state="ready").exists(), 60, "the document is indexed")


def ask(scene: Scene, count: int, per_second: float = 4) -> list[int]:
    """Customers, each with a question in a conversation of its own."""
    scene.shop.channel = scene.own_app
    begun, tickets = time.monotonic(), []
    for number in range(count):
        time.sleep(max(0.0, begun + number / per_second - time.monotonic()))
        message = scene.shop.customer_writes(
            QUESTION, address=f"asks-{number}-{begun}", assign_to=scene.shop.assistant.id
        )
        tickets.append(message.ticket_id)
    return tickets


def until_all_ended(tickets: list[int], seconds: float) -> None:
    from tickets.models import Ticket

    open_turns = Ticket.objects.filter(id__in=tickets, handed_over_at=None, assistant_replied=False)
    until(lambda: not open_turns.exists(), seconds, "every turn ends")
    # What would be said a second time comes now.
    time.sleep(8)


def judge(tickets: list[int]) -> dict[str, Any]:
    """How the turns ended, of each conversation what was said in public by us."""
    from ai_assistant.models import Answer as Receipt
    from tickets.models import Message, MessageKind

    ends: Counter[str] = Counter()
    slowest = timedelta()
    for ticket in tickets:
        asked, *said = Message.objects.filter(ticket_id=ticket, kind=MessageKind.PUBLIC).order_by("id")
        if len(said) != 1:
            ends["nothing" if not said else "several"] += 1
            continue
        (line,) = said
        answered = line.author == "assistant" and FACT in line.text and bool(line.content.get("citations"))
        ends["answered" if answered else "handed over" if "handoff" in line.content else "neither"] += 1
        slowest = max(slowest, line.created_at - asked.created_at)
    receipts = Receipt.objects.filter(ticket_id__in=tickets)
    calls = [sum(call["code"] not in FREE for call in receipt.asked) for receipt in receipts]
    return {"turns": len(tickets), **ends, "slowest_s": round(slowest.total_seconds(), 1), "most_calls": max(calls)}


def take_turns(scene: Scene, model: Troubled, measured: Any, case: str, troubles: dict[str, float]) -> Any:
    count = scaled(40, 125)
    open_house(scene)
    model.troubles = troubles
    tickets = ask(scene, count, per_second=2)
    until_all_ended(tickets, 60 + count)
    verdict = judge(tickets)
    measured(case, troubles=dict(model.met), most_at_once=model.most, **verdict)
    assert verdict.get("answered", 0) + verdict.get("handed over", 0) == count, verdict
    assert verdict["most_calls"] <= MOST_CALLS and 1 < model.most <= STREAMS, (model.most, verdict)
    assert scene.house.holds(verdict["slowest_s"], IN_TIME.total_seconds()), verdict
    return verdict


def test_a_model_that_is_busy(scene, model, measured):
    """R-15: without a word how long, and for twenty seconds, in which nobody asks it."""
    verdict = take_turns(scene, model, measured, "R-15", {"busy for 20 s": 0.03, "busy": 0.2})
    assert verdict.get("answered")


def test_a_model_that_fails_or_keeps_silent(scene, model, measured):
    """R-16."""
    troubles = {"error": 0.15, "not there": 0.15, "died": 0.03, "silence": 0.02, "drip": 0.02}
    assert take_turns(scene, model, measured, "R-16", troubles).get("answered")


def test_a_model_that_says_half_or_something_else(scene, model, measured):
    """R-17."""
    troubles = dict.fromkeys(
        ("cut", "ends early", "broken frame", "nothing said", "blacklist", "length", "wrong language"), 0.05
    )
    assert take_turns(scene, model, measured, "R-17", troubles).get("answered")


def test_tokens_end_while_many_are_answered(scene, model, measured):
    """R-18: of all threads one fetches a new one, and no turn suffers."""
    open_house(scene)
    tickets = ask(scene, scaled(10, 41))
    until_all_ended(tickets, 90)
    for _expiry in range(3):
        model.expire_tokens()
        tickets += ask(scene, scaled(10, 28), per_second=20)
        until_all_ended(tickets, 120)
    verdict = judge(tickets)
    fetched = sum(request.path == "/api/v2/oauth" for request in model.requests)
    measured("R-18", tokens_fetched=fetched, **verdict)
    assert verdict["answered"] == len(tickets) and fetched == 4, verdict


def test_control_turns_that_anybody_takes(scene, model, measured):
    """R-16 must fail: nobody looks whether the turn is taken, or over."""
    from ai_assistant.tasks import answer_ticket
    from tenants.tasking import wake

    open_house(scene, off="turns-for-anybody")
    tickets = ask(scene, 10, per_second=20)
    time.sleep(2)
    for ticket in tickets * 2:
        wake(answer_ticket, ticket, schema=scene.shop.schema)
    until_all_ended(tickets, 90)
    verdict = judge(tickets)
    measured("R-16", **verdict)
    assert verdict.get("several"), verdict
