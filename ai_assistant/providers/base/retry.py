"""The only retry loop around models: the task that calls us must not have a second one."""

import random
from collections.abc import Callable, Iterator
from time import sleep
from typing import TypeVar

import structlog

from ai_assistant.providers.base.chat import CallContext, StreamEvent
from ai_assistant.providers.base.errors import LLMError, OptionRefused, timed_out
from ai_assistant.providers.base.gate import LONGEST_REST_WAITED, Gate

log = structlog.get_logger(__name__)
Result = TypeVar("Result")

# A retry that would start with less time than this cannot end well.
_LEAST_TIME = 1.0


def with_retries(gate: Gate, call: Callable[[], Result], context: CallContext) -> Result:
    """At most two retries with full jitter, never beyond the deadline or the turn's allowance. Raises the last LLMError."""
    attempt = 0
    while True:
        _check_deadline(gate.provider, context)
        try:
            with gate.passed(context):
                return call()
        except LLMError as error:
            attempt += 1
            _rest_or_raise(error, attempt, context)


def stream_with_retries(
    gate: Gate, start: Callable[[], Iterator[StreamEvent]], context: CallContext
) -> Iterator[StreamEvent]:
    """As `with_retries`, but what was once emitted is never sent again: then the error goes to the caller."""
    attempt, emitted = 0, False
    while True:
        _check_deadline(gate.provider, context)
        try:
            with gate.passed(context):
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
    fits = wait + min(_LEAST_TIME, context.least_seconds) <= context.seconds_left()
    retrying = fits and _is_worth_a_retry(error, attempt, context)
    log.warning(
        "llm_attempt_failed", provider=error.provider, code=error.code, request_id=error.request_id,
        attempt=attempt, retrying=retrying, purpose=context.purpose,
    )  # fmt: skip
    if not retrying:
        raise error
    sleep(wait)


def _is_worth_a_retry(error: LLMError, attempt: int, context: CallContext) -> bool:
    if isinstance(error, OptionRefused):
        return True
    if context.has_alternative or context.allowance.left <= 0 or (error.retry_after or 0) > LONGEST_REST_WAITED:
        return False
    return error.retryable and attempt <= error.max_retries


def _wait(error: LLMError, attempt: int) -> float:
    if isinstance(error, OptionRefused):
        return 0.0
    jitter = random.uniform(0, min(LONGEST_REST_WAITED, 0.5 * 2**attempt))  # noqa: S311
    return jitter if error.retry_after is None else error.retry_after + jitter / 4
