"""Whom a request goes to, the next one where the first fails, and what each call cost."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, TypeVar

from ai_assistant.drafts import OnText
from ai_assistant.models import Assistant
from ai_assistant.providers.base import (
    AuthError,
    CallContext,
    ChatProvider,
    ChatRequest,
    ChatResult,
    CircuitOpen,
    LLMError,
    ProtocolError,
    ProviderUnavailable,
    QuotaExhausted,
    RateLimited,
    estimate_tokens,
)
from ai_assistant.services.assistants import Link
from ai_assistant.services.budget import spend

# What another provider may do better; refusals of moderation and wrong requests it may not.
_ANOTHER_MAY_ANSWER = (AuthError, CircuitOpen, ProtocolError, ProviderUnavailable, QuotaExhausted, RateLimited)
# Less than this is no time for an answer.
_LEAST_SECONDS = 1.0

Answered = TypeVar("Answered", ChatResult, ChatResult | None)


class Calls(ABC):
    """`_ask_one` of a subclass asks one provider. `asked` and `cost` (roubles; None: some has no price) are for the receipt."""

    def __init__(self, assistant: Assistant, links: Sequence[Link], context: CallContext) -> None:
        self.asked: list[dict[str, Any]] = []
        self.cost: Decimal | None = Decimal(0)
        self._assistant, self._links, self._context, self._at = assistant, links, context, 0
        self._prompt = self._received = ""
        self._shown = False

    @property
    def provider(self) -> ChatProvider:
        return self._links[self._at].provider

    def may_ask_again(self) -> bool:
        return self._context.allowance.left > 0 and self._context.seconds_left() >= _LEAST_SECONDS

    @property
    def seconds_left(self) -> float:
        return self._context.seconds_left()

    def ask(self, complaint: str = "", on_text: OnText | None = None) -> tuple[ChatRequest, ChatResult]:
        """The first provider that answers: the next one is asked while the customer has seen nothing. Raises LLMError."""
        asked: list[ChatRequest] = []

        def ask_one() -> ChatResult:
            request, result = self._ask_one(complaint, on_text)
            asked[:] = [request]
            return result

        result = self._until_answered(ask_one)
        return asked[0], result

    def _until_answered(self, ask_one: Callable[[], Answered]) -> Answered:
        while True:
            started, self._received = time.monotonic(), ""
            try:
                result = ask_one()
            except LLMError as error:
                self._note(started, self._cut_off_tokens(), error=error)
                if not self._turn_to_another(error):
                    raise
            else:
                if result is not None:
                    self._note(started, result.usage.total, model=result.model)
                return result

    @abstractmethod
    def _ask_one(self, complaint: str, on_text: OnText | None) -> tuple[ChatRequest, ChatResult]: ...

    def _context_of_call(self) -> CallContext:
        return replace(self._context, has_alternative=self._at + 1 < len(self._links))

    def _turn_to_another(self, error: LLMError) -> bool:
        if self._shown or not isinstance(error, _ANOTHER_MAY_ANSWER):
            return False
        if self._at + 1 < len(self._links) and (self.may_ask_again() or self._links[self._at + 1].provider.verbatim):
            self._at += 1
            return True
        # Half a stream of which nothing was shown: the same one may begin anew.
        return bool(self._received) and self.may_ask_again()

    def _note(self, started: float, tokens: int, *, model: str = "", error: LLMError | None = None) -> None:
        link = self._links[self._at]
        cost = None if link.price is None else link.price * tokens / 1000
        self.cost = None if self.cost is None or (cost is None and tokens) else self.cost + (cost or 0)
        if tokens and not link.provider.verbatim:
            spend(self._assistant, tokens, cost)
        self.asked.append(
            {
                "provider": link.provider.name, "model": model, "code": error.code if error else "",
                "message": error.safe_message if error else "", "ms": round((time.monotonic() - started) * 1000),
                "tokens": tokens, "cost": None if cost is None else float(cost),
            }
        )  # fmt: skip

    def _cut_off_tokens(self) -> int:
        """What a provider will charge for an answer of which only a part arrived."""
        return estimate_tokens(self._prompt) + estimate_tokens(self._received) if self._received else 0
