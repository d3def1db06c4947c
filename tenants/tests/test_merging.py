"""Calls with the same arguments are one call while it waits; one that was lost holds nobody up."""

import json

import pytest

from omnisupport.lib.redis import redis_client
from tenants.events.tasks import dispatch_events
from tenants.tasking import MergedCalls, _forget_waiting, forget_lost_calls, wake


@pytest.fixture
def sent(shop, monkeypatch):
    """What would go to the broker; `sent.queue(n)` is how much waits there."""

    class Sent(list):
        headers: list[dict[str, str]]

        def queue(self, length: int) -> None:
            redis_client().delete("default")
            if length:
                redis_client().rpush("default", *range(length))

    calls = Sent()
    calls.headers = []

    def send(args, *, headers, **_options):
        calls.append(args)
        calls.headers.append(headers)

    monkeypatch.setattr(dispatch_events, "apply_async", send)
    MergedCalls(dispatch_events).let_go()
    yield calls
    calls.queue(0)
    MergedCalls(dispatch_events).let_go()


def test_a_call_that_waits_serves_later_ones(sent, shop):
    wake(dispatch_events)
    sent.queue(1)
    for _ in range(5):
        assert wake(dispatch_events)
    assert len(sent) == 1
    # It begins: whoever calls from now on may have something that it does not see.
    _forget_waiting(dispatch_events, (), shop.schema)
    wake(dispatch_events)
    assert len(sent) == 2


def test_a_call_that_was_lost_is_sent_again(sent):
    """The process ended before it reached the broker, or the worker that had taken it."""
    wake(dispatch_events)
    sent.queue(0)
    wake(dispatch_events)
    assert len(sent) == 2


def test_whoever_is_at_work_needs_no_calls(sent):
    calls = MergedCalls(dispatch_events)
    calls.hold_back()
    sent.queue(0)
    wake(dispatch_events)
    assert sent == []
    calls.let_go()
    wake(dispatch_events)
    assert len(sent) == 1


def test_what_a_dead_worker_had_taken_is_sent_again_when_one_starts(sent):
    wake(dispatch_events)
    sent.queue(1)
    forget_lost_calls()
    wake(dispatch_events)
    assert len(sent) == 1
    # Taken, never begun, and others wait behind it.
    redis_client().hset("unacked", "tag", json.dumps([{"headers": sent.headers[0]}, "", "default"]))
    forget_lost_calls()
    redis_client().delete("unacked")
    wake(dispatch_events)
    assert len(sent) == 2
