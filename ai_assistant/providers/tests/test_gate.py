"""What processes know together of a credential: its places, who gets them, and when it rests."""

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from ai_assistant.providers.base import (
    Allowance,
    AuthError,
    CircuitOpen,
    Gate,
    LLMError,
    ProviderUnavailable,
    QuotaExhausted,
    RateLimited,
    with_retries,
)
from ai_assistant.providers.tests.conftest import context
from omnisupport.lib.redis import redis_client

GATE = Gate("x", "key", places=10)


def fails(error: Exception, gate: Gate = GATE, **more: object) -> LLMError:
    with pytest.raises(LLMError) as caught, gate.passed(context(**more)):
        raise error
    return caught.value


def passes(gate: Gate = GATE, **more: object) -> bool:
    with gate.passed(context(**more)):
        return True


class Crowd:
    """Calls of many workspaces at once: at each start, how many ran, and whether other workspaces were waiting."""

    def __init__(self, gate: Gate, seconds: float) -> None:
        self.gate, self.seconds = gate, seconds
        self.running: Counter[str] = Counter()
        self.peak, self.most_while_others_wait = 0, 0
        self.order: list[str] = []
        self._lock = threading.Lock()

    def call(self, tenant: str) -> None:
        with self.gate.passed(context(20, tenant=tenant)):
            waiting = {m.decode().partition("|")[2] for m in redis_client().zrange(self.gate._name("waiting"), 0, -1)}
            with self._lock:
                self.running[tenant] += 1
                self.order.append(tenant)
                self.peak = max(self.peak, self.running.total())
                if waiting - {tenant}:
                    self.most_while_others_wait = max(self.most_while_others_wait, self.running[tenant])
            time.sleep(self.seconds)
            with self._lock:
                self.running[tenant] -= 1


def test_never_more_at_once_than_places_and_nobody_has_more_than_a_share_while_others_wait():
    crowd = Crowd(GATE, 0.3)
    with ThreadPoolExecutor(40) as pool:
        # Everybody is at the door before the first may pass.
        with Closed(GATE):
            calls = [pool.submit(crowd.call, tenant) for tenant in ["big"] * 20 + [f"t{n}" for n in range(20)]]
            _until_waiting(GATE, 40)
        for call in calls:
            call.result(30)
    assert crowd.peak <= 10
    assert crowd.most_while_others_wait <= 3
    assert len(crowd.order) == 40


def test_a_flood_does_not_put_off_the_neighbour():
    gate = Gate("x", "single", places=1)
    crowd = Crowd(gate, 0.05)
    with ThreadPoolExecutor(12) as pool:
        with Closed(gate):
            calls = [pool.submit(crowd.call, "big") for _ in range(10)]
            _until_waiting(gate, 10)
            calls += [pool.submit(crowd.call, "small")]
            _until_waiting(gate, 11)
        for call in calls:
            call.result(30)
    assert crowd.order.index("small") <= 1


def test_a_lone_workspace_has_all_places():
    with ThreadPoolExecutor(10) as pool:
        gate = threading.Barrier(10)

        def call() -> None:
            with GATE.passed(context(20, tenant="only")):
                gate.wait(10)

        for running in [pool.submit(call) for _ in range(10)]:
            running.result(15)


def test_the_place_of_a_killed_worker_comes_back():
    gate = Gate("x", "killed", places=1)
    redis_client().zadd(gate._name("running"), {"dead|shop": _redis_ms() + 400})
    assert passes(gate)


def test_whoever_gets_no_place_in_time_is_turned_away_and_waits_no_longer():
    gate = Gate("x", "full", places=1)
    redis_client().zadd(gate._name("running"), {"other|rival": _redis_ms() + 60_000})
    with pytest.raises(RateLimited), gate.passed(context(6.2, tenant="shop")):
        raise AssertionError
    assert not redis_client().zcard(gate._name("waiting"))


def test_it_opens_after_five_failures_in_a_row_and_one_call_tries():
    for _ in range(5):
        fails(ProviderUnavailable())
    assert isinstance(fails(LetThrough()), CircuitOpen)
    end_rest(GATE)
    with GATE.passed(context()):
        # Only one of them is the try.
        assert isinstance(fails(LetThrough()), CircuitOpen)
    assert passes() and passes()


def test_a_failed_try_opens_it_again():
    for _ in range(5):
        fails(ProviderUnavailable())
    end_rest(GATE)
    assert isinstance(fails(ProviderUnavailable()), ProviderUnavailable)
    assert isinstance(fails(LetThrough()), CircuitOpen)


def test_a_success_begins_the_count_anew():
    for _ in range(4):
        fails(ProviderUnavailable())
    assert passes()
    for _ in range(4):
        fails(ProviderUnavailable())
    assert passes()


@pytest.mark.parametrize("error", [AuthError(), QuotaExhausted()])
def test_a_refused_key_and_a_used_up_volume_are_not_asked_again(error):
    fails(error)
    assert type(fails(LetThrough())) is type(error)


def test_retry_after_holds_for_everybody_else_too():
    fails(RateLimited(retry_after=20))
    error = fails(LetThrough())
    assert type(error) is RateLimited and 15 < (error.retry_after or 0) <= 20
    assert passes(Gate("x", "another key"))


def test_a_short_retry_after_is_waited_for_unless_another_provider_stands_ready():
    fails(RateLimited(retry_after=0.4))
    assert isinstance(fails(LetThrough(), has_alternative=True), RateLimited)
    started = time.monotonic()
    assert passes()
    assert time.monotonic() - started >= 0.2


def test_the_test_of_the_keys_is_let_through_and_ends_the_rest():
    fails(AuthError())
    assert passes(purpose="check")
    assert passes()


def test_what_the_model_worked_on_costs_and_what_was_refused_at_the_door_does_not():
    allowance = Allowance(2)
    fails(RateLimited(), allowance=allowance)
    fails(AuthError(), Gate("x", "other"), allowance=allowance)
    assert allowance.left == 2
    fails(ProviderUnavailable(), allowance=allowance)
    passes(allowance=allowance)
    assert allowance.left == 0


def test_no_retry_without_an_allowance_or_with_another_provider():
    for more in ({"allowance": Allowance(1)}, {"has_alternative": True}):
        calls: list[int] = []

        def call(calls: list[int] = calls) -> str:
            calls.append(1)
            raise ProviderUnavailable

        with pytest.raises(ProviderUnavailable):
            with_retries(Gate("x", str(more)), call, context(**more))
        assert len(calls) == 1


def test_without_redis_the_door_is_open(monkeypatch):
    monkeypatch.setattr("omnisupport.lib.redis._silent_until", float("inf"))
    assert passes()


def end_rest(gate: Gate) -> None:
    redis_client().hset(gate._rest_name, "until", 0)


class LetThrough(Exception):
    """Raised inside a gate that should have been shut."""


class Closed:
    """All places are taken by somebody else."""

    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        self.members = {f"held{n}|nobody": _redis_ms() + 60_000 for n in range(gate.places)}

    def __enter__(self) -> None:
        redis_client().zadd(self.gate._name("running"), self.members)

    def __exit__(self, *_exc: object) -> None:
        redis_client().zrem(self.gate._name("running"), *self.members)


def _until_waiting(gate: Gate, count: int) -> None:
    for _ in range(500):
        if redis_client().zcard(gate._name("waiting")) >= count:
            return
        time.sleep(0.02)
    raise AssertionError(f"{count} calls were to wait")


def _redis_ms() -> int:
    seconds, micros = redis_client().time()
    return seconds * 1000 + micros // 1000
