"""The only retry loop around models: the task that calls us must not have a second one."""

import random
from collections.abc import Callable, Iterator
from time import sleep
from typing import TypeVar

import structlog

from ai_assistant.providers.base.chat import CallContext, StreamEvent
from ai_assistant.providers.base.errors import LLMError, OptionRefused, timed_out

log = structlog.get_logger(__name__)
Result = TypeVar("Result")

_LONGEST_WAIT = 8.0
# A retry that would start with less time than this cannot end well.
_LEAST_TIME = 1.0


def with_retries(provider: str, call: Callable[[], Result], context: CallContext) -> Result:
    """At most two retries with full jitter, never beyond the deadline. Raises the last LLMError."""
    attempt = 0
    while True:
        _check_deadline(provider, context)
        try:
            return call()
        except LLMError as error:
            attempt += 1
            _rest_or_raise(error, attempt, context)


def stream_with_retries(
    provider: str, start: Callable[[], Iterator[StreamEvent]], context: CallContext
) -> Iterator[StreamEvent]:
    """As `with_retries`, but what was once emitted is never sent again: then the error goes to the caller."""
    attempt, emitted = 0, False
    while True:
        _check_deadline(provider, context)
        try:
            for event in start():
                emitted = True
                yield event
            return
        except LLMError as error:
            attempt += 1
            if emitted:
                raise
            _rest_or_raise(error, attempt, context)


def _check_deadline(provider: str, context: CallContext) -> None:
    if context.seconds_left() <= 0:
        raise timed_out(provider)


def _rest_or_raise(error: LLMError, attempt: int, context: CallContext) -> None:
    wait = _wait(error, attempt)
    retrying = error.retryable and attempt <= error.max_retries and wait + _LEAST_TIME <= context.seconds_left()
    log.warning(
        "llm_attempt_failed", provider=error.provider, code=error.code, request_id=error.request_id,
        attempt=attempt, retrying=retrying, purpose=context.purpose,
    )  # fmt: skip
    if not retrying:
        raise error
    sleep(wait)


def _wait(error: LLMError, attempt: int) -> float:
    if isinstance(error, OptionRefused):
        return 0.0
    jitter = random.uniform(0, min(_LONGEST_WAIT, 0.5 * 2**attempt))  # noqa: S311
    return jitter if error.retry_after is None else error.retry_after + jitter / 4
