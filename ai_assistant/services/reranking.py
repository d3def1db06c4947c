"""A light model puts the found passages in order. Whatever it does wrong, or too late, they stay in the order of the search."""

import json
import secrets
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import structlog
from django.conf import settings

from ai_assistant.models import Assistant
from ai_assistant.prompts import rerank_request
from ai_assistant.providers import is_verbatim, load_provider
from ai_assistant.providers.base import CallContext, ChatResult, ProtocolError
from ai_assistant.services.assistants import price_of
from ai_assistant.services.budget import check_budget, spend
from knowledge.search import Passage
from omnisupport.lib.errors import AppError

log = structlog.get_logger(__name__)

# So many passages are looked at: what stands lower in the search is right in one question of thirty.
CANDIDATES = 20
SECONDS = 1.5
_LEAST_SECONDS = 0.5


def reranks(assistant: Assistant) -> bool:
    return assistant.reranks and not is_verbatim(assistant.provider)


def rerank(
    assistant: Assistant, query: str, passages: Sequence[Passage], context: CallContext
) -> tuple[list[Passage], dict[str, Any]]:
    """In the model's order, and what the receipt says of the call. Never raises. `query` has no personal data."""
    started = time.monotonic()
    told: dict[str, Any] = {
        "purpose": "rerank", "provider": assistant.provider, "model": assistant.rerank_model, "code": "", "message": "",
        "tokens": 0, "cost": 0.0,
    }  # fmt: skip
    ordered = list(passages)
    try:
        check_budget(assistant)
        provider = load_provider(assistant.provider, assistant.credentials, settings, model=assistant.rerank_model)
        deadline = min(context.deadline, started + SECONDS)
        # With an alternative, the order that is there, nothing is tried twice; and the answer's calls are not used up.
        own = CallContext(
            deadline, purpose="rerank", tenant=context.tenant, has_alternative=True, least_seconds=_LEAST_SECONDS
        )
        result = provider.complete(rerank_request(query, passages, secrets.token_hex(4)), own)
        told |= _paid(assistant, result)
        ordered = _in_order(passages, result)
    except AppError as error:
        log.warning("rerank_failed", provider=assistant.provider, code=error.code)
        told |= {"code": error.code, "message": str(error)}
    return ordered, {**told, "ms": round((time.monotonic() - started) * 1000)}


def _paid(assistant: Assistant, result: ChatResult) -> dict[str, Any]:
    price = price_of(assistant.provider, assistant.price if assistant.rerank_price is None else assistant.rerank_price)
    cost = None if price is None else price * result.usage.total / 1000
    spend(assistant, result.usage.total, cost)
    return {
        "model": result.model, "tokens": result.usage.total, "cost": None if cost is None else float(cost),
    }  # fmt: skip


def _in_order(passages: Sequence[Passage], result: ChatResult) -> list[Passage]:
    """Those that it names, then the others as they were. Raises ProtocolError for anything but different numbers of theirs."""
    numbers, known = _numbers(result.text) if result.finish == "stop" else None, range(1, len(passages) + 1)
    if numbers is None or len(set(numbers)) != len(numbers) or not set(numbers) <= set(known):
        raise ProtocolError(provider=result.provider, request_id=result.request_id)
    others = [number for number in known if number not in numbers]
    # Scores go with the places: whoever reads them later finds them falling.
    scores = sorted((passage.score for passage in passages), reverse=True)
    return [
        replace(passages[number - 1], score=score) for number, score in zip([*numbers, *others], scores, strict=True)
    ]


def _numbers(text: str) -> list[int] | None:
    """None unless the text is {"order": [numbers]} and nothing else."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return None
    order = data.get("order") if isinstance(data, dict) and set(data) == {"order"} else None
    return order if isinstance(order, list) and all(type(number) is int for number in order) else None
