"""The one retry loop."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from ai_assistant.providers.base import (
    AuthError,
    BadRequest,
    BudgetExceeded,
    CircuitOpen,
    ContentFiltered,
    ContextTooLong,
    Delta,
    Gate,
    LLMError,
    OptionRefused,
    ProtocolError,
    ProviderUnavailable,
    QuotaExhausted,
    RateLimited,
    StreamEvent,
    stream_with_retries,
    with_retries,
)
from ai_assistant.providers.base.wire import read_retry_after
from ai_assistant.providers.tests.conftest import collect, context

GATE = Gate("x", "key")


def failing(*errors: LLMError) -> Callable[[], str]:
    left = list(errors)

    def call() -> str:
        if left:
            raise left.pop(0)
        return "answer"

    return call


@pytest.mark.parametrize("error", [ProviderUnavailable, RateLimited])
def test_two_retries(error: type[LLMError], naps: list[float]) -> None:
    assert with_retries(GATE, failing(error(), error()), context()) == "answer"
    assert [0 <= nap <= limit for nap, limit in zip(naps, [1, 2], strict=True)] == [True, True]
    with pytest.raises(error):
        with_retries(GATE, failing(error(), error(), error()), context())


def test_unreadable_answer_is_retried_once(naps: list[float]) -> None:
    assert with_retries(GATE, failing(ProtocolError()), context()) == "answer"
    with pytest.raises(ProtocolError):
        with_retries(GATE, failing(ProtocolError(), ProtocolError()), context())
    assert len(naps) == 2


@pytest.mark.parametrize(
    "error",
    [AuthError, QuotaExhausted, ContextTooLong, ContentFiltered, BadRequest, BudgetExceeded, CircuitOpen],
)
def test_what_a_retry_cannot_mend(error: type[LLMError], naps: list[float]) -> None:
    with pytest.raises(error):
        with_retries(GATE, failing(error()), context())
    assert naps == []


def test_refused_option_is_tried_again_at_once(naps: list[float]) -> None:
    assert with_retries(GATE, failing(OptionRefused()), context()) == "answer"
    assert naps == [0.0]


def test_no_retry_without_time_for_it(naps: list[float]) -> None:
    with pytest.raises(ProviderUnavailable):
        with_retries(GATE, failing(ProviderUnavailable()), context(0.9))
    assert naps == []


def test_stream_is_never_replayed() -> None:
    starts: list[int] = []

    def start() -> Iterator[StreamEvent]:
        starts.append(1)
        yield Delta("Здрав")
        raise ProviderUnavailable

    events, error = collect(stream_with_retries(GATE, start, context()))
    assert (events, type(error), len(starts)) == ([Delta("Здрав")], ProviderUnavailable, 1)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [(None, None), ("", None), ("7", 7.0), ("-5", None), ("soon", None), ("nan", None), ("Wed, 99 Foo", None)],
)
def test_retry_after_header(header: str | None, seconds: float | None) -> None:
    assert read_retry_after(header) == seconds


def test_retry_after_as_a_date() -> None:
    assert 50 < (read_retry_after(format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)) or 0) <= 60
    assert read_retry_after("Wed, 21 Oct 2015 07:28:00 GMT") == 0.0


def test_every_error_has_its_own_code_and_a_sentence_for_people() -> None:
    kinds = [LLMError, *LLMError.__subclasses__(), *BadRequest.__subclasses__()]
    assert len({kind.code for kind in kinds}) == len(kinds) == 12
    assert all(kind().safe_message.endswith((".", "…")) for kind in kinds)
