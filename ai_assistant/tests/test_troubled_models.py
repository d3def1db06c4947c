"""Whatever a model does, a turn ends in one whole answer or one hand-over, and asks it twice at most."""

import itertools
import time

import pytest

from ai_assistant.models import Answer
from ai_assistant.providers.tests.conftest import GIGACHAT_KEYS, YANDEX_KEYS, gigachat, yandexgpt
from ai_assistant.tests.conftest import QUESTION, Talk, says, utters
from omnisupport.lib.redis import redis_client
from tests.standins.server import Answer as Reply
from tests.standins.server import drip

__all__ = ["gigachat", "yandexgpt"]

WHOLE = "Вернуть байдарку можно в течение 45 дней, если она не была в воде. [1]"


def cut_after(frames):
    return lambda request: Reply(chunks=list(says(WHOLE, 1)(request).chunks or ())[:frames], cut=True)


def ends_after(frames):
    return lambda request: Reply(chunks=list(says(WHOLE, 1)(request).chunks or ())[:frames])


def broken_frame(request):
    chunks = list(says(WHOLE, 1)(request).chunks or ())
    return Reply(chunks=[*chunks[:3], b'data: {"choices": [{"del\n\n', *chunks[3:]])


def half_whole(request):
    """Not streamed: the body breaks off."""
    reply = says(WHOLE, 1)(request)
    reply.cut = True
    return reply


def silent(_request):
    time.sleep(1.5)


FAULTS = {
    **{f"cut after {frames} frames": cut_after(frames) for frames in (0, 1, 4, 9, 14)},
    **{f"ends quietly after {frames} frames": ends_after(frames) for frames in (0, 1, 4, 9, 14)},
    "broken frame": broken_frame,
    "broken body": half_whole,
    "empty text": utters(""),
    "spaces": utters("   \n"),
    "no JSON": utters("Вернуть можно за 45 дней"),
    "half of the JSON": utters('{"answer": "Вернуть байдарку можно в теч'),
    "cut at the length": utters('{"answer": "Вернуть байдарку можно в течение 45 дней, если', finish="length"),
    "moderation": utters("Не люблю менять тему разговора.", finish="content_filter"),
    "wrong language": says("You can return a kayak within 45 days if it has not been in the water. [1]", 1),
    "invented number": says("Вернуть байдарку можно в течение 60 дней. [1]", 1),
    "key refused": Reply(401, json={"error": {"message": "no"}}),
    "used up": Reply(402, json={"error": {"message": "pay"}}),
    "forbidden": Reply(403, json={"error": {"message": "no"}}),
    "busy": Reply(429, json={"error": {"message": "slow down"}}),
    "busy for long": Reply(429, json={"error": {"message": "slow down"}}, headers={"Retry-After": "20"}),
    "error": Reply(500, json={"error": {"message": "oops"}}),
    "bad gateway": Reply(502, html="<h1>Bad gateway</h1>"),
    "not there": Reply(503, html=""),
    "died": Reply(raw=[]),
    "no HTTP": Reply(raw=[b"\x00\x01\x02 what?\r\n\r\n"]),
}
SLOW = {
    "silence": silent,
    "slow drip": lambda _request: Reply(chunks=drip(b": wait\n\n", 0.05)),
    "slow drip of a body": lambda _request: Reply(raw=itertools.chain([b"HTTP/1.1 200 OK\r\n\r\n"], drip(b" ", 0.05))),
}


def take_turns(talk: Talk, model, turns):
    """Each (name, reactions) is a turn in a conversation of its own."""
    for number, (name, reactions) in enumerate(turns):
        forget()
        model.requests.clear()
        model._script.clear()
        model.script(*reactions)
        receipt = talk.asks(QUESTION, address=f"visitor-{number}")
        (line,) = talk.lines()
        if receipt.outcome == Answer.Outcome.ANSWERED:
            assert line.author == "assistant" and line.text.rstrip(".").endswith("[1]") and "45 дней" in line.text, name
        else:
            assert receipt.outcome == Answer.Outcome.HANDED_OVER and line.author == "system", name
            assert line.content == {"handoff": receipt.reason} and "зову человека" in line.text, name
        assert receipt.finished_at and receipt.text == (line.text if line.author == "assistant" else ""), name
        assert len(billed(receipt)) <= 2, (name, receipt.asked)
        assert talk.turn().id == receipt.id and len(talk.lines()) == 1


def billed(receipt):
    free = {"llm_auth", "llm_quota", "llm_rate_limited", "llm_circuit_open", "llm_context_too_long"}
    return [call for call in receipt.asked if call["code"] not in free]


def test_every_fault_once_and_twice(talk, model, naps):
    once = [(name, [fault]) for name, fault in FAULTS.items()]
    twice = [(name, [fault, fault, fault]) for name, fault in FAULTS.items()]
    take_turns(talk, model, once + twice)


def test_one_fault_after_another(talk, model, naps):
    names = list(FAULTS)
    pairs = [(names[n], names[(n * 7 + 3) % len(names)]) for n in range(len(names))]
    take_turns(talk, model, [(f"{a}, {b}", [FAULTS[a], FAULTS[b]]) for a, b in pairs])


@pytest.mark.parametrize("name", SLOW)
def test_a_model_without_end(talk, model, naps, monkeypatch, name):
    monkeypatch.setattr("ai_assistant.services.composing.TURN_SECONDS", 1.2)
    monkeypatch.setattr("ai_assistant.providers.base.wire.FIRST_BYTE_SECONDS", 0.6)
    take_turns(talk, model, [(name, [SLOW[name]] * 3)])
    assert talk.receipt().asked[-1]["code"] == "llm_timeout"


@pytest.mark.parametrize("kind", ["gigachat", "yandexgpt"])
def test_the_other_services(talk, assistant, request, kind, naps):
    stand_in = request.getfixturevalue(kind)
    assistant.provider = kind
    assistant.credentials = {"gigachat": GIGACHAT_KEYS, "yandexgpt": YANDEX_KEYS}[kind]
    assistant.save()
    bad = {
        "gigachat": [("finish", "length"), ("finish", "blacklist"), ("finish", "error"), ("end_quietly_after", 2),
                     ("cut_after", 0), ("cut_after", 3), ("exhausted", {"GigaChat-2"})],
        "yandexgpt": [("status", "ALTERNATIVE_STATUS_TRUNCATED_FINAL"), ("status", "ALTERNATIVE_STATUS_CONTENT_FILTER"),
                      ("status", "ALTERNATIVE_STATUS_PARTIAL"), ("end_quietly_after", 2), ("cut_after", 0),
                      ("cut_after", 3), ("error_after", 2), ("billing_active", False)],
    }[kind]  # fmt: skip
    for number, (knob, value) in enumerate(bad):
        forget()
        before = getattr(stand_in, knob)
        setattr(stand_in, knob, value)
        receipt = talk.asks(QUESTION, address=f"visitor-{number}")
        setattr(stand_in, knob, before)
        (line,) = talk.lines()
        whole = receipt.outcome == "answered" and "45 дней" in line.text
        assert whole or line.content == {"handoff": receipt.reason}, (knob, value)
        assert len(billed(receipt)) <= 2 and "{" not in line.text, (knob, value)


def forget():
    """Nobody rests, as if it had been long ago."""
    for key in redis_client().scan_iter("llm:*:rest:*"):
        redis_client().delete(key)
