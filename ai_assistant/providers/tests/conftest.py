"""The cast: a shop whose return policy stands in two sources, and the stand-ins of the three services."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings as django_settings

from ai_assistant.providers import load_embedder, load_provider
from ai_assistant.providers.base import (
    ANSWER_SCHEMA,
    CallContext,
    ChatMessage,
    ChatRequest,
    Delta,
    Done,
    Replace,
    SourcePassage,
    StreamEvent,
)
from omnisupport.lib.redis import redis_client
from tests.standins import gigachat as giga
from tests.standins import openai as oai
from tests.standins import yandexgpt as yandex

PASSAGES = (
    SourcePassage(1, "Доставка", "Доставка по Москве занимает два дня. Курьер звонит за час."),
    SourcePassage(2, "Возврат", "Возврат возможен в течение 14 дней. Деньги приходят на карту за неделю."),
)
GIGACHAT_KEYS = {"client_secret": giga.AUTHORIZATION_KEY}
YANDEX_KEYS = {"api_key": yandex.API_KEY, "folder_id": yandex.FOLDER}
OPENAI_KEYS = {"api_key": oai.API_KEY, "model": oai.CHAT_MODEL}
EMBEDDING_KEYS = {"embedding_model": oai.EMBEDDING_MODEL, "embedding_dim": str(oai.EMBEDDING_DIM)}


def question(text: str = "За сколько дней возможен возврат?", **changes: Any) -> ChatRequest:
    sources = "\n".join(f'<source n="{p.number}" title="{p.title}">{p.text}</source>' for p in PASSAGES)
    messages = (
        ChatMessage("system", "Answer from the sources only."),
        ChatMessage("user", f"{sources}\n\n{text}"),
    )
    return ChatRequest(
        **{"messages": messages, "passages": PASSAGES, "question": text, "json_schema": ANSWER_SCHEMA, **changes}
    )


def context(seconds: float = 20, **more: Any) -> CallContext:
    return CallContext.within(seconds, **more)


def chat(name: str, keys: dict[str, str]) -> Any:
    return load_provider(name, keys, django_settings)


def embedder(name: str, keys: dict[str, str]) -> Any:
    return load_embedder(name, keys, django_settings)


def shown(events: list[StreamEvent]) -> str:
    """What a reader of the stream has on the screen at its end."""
    text = ""
    for event in events:
        if isinstance(event, Delta):
            text += event.text
        elif isinstance(event, Replace):
            text = event.text
    return text


def answer(text: str) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(text)
    return parsed


RIGHT = {"answer": "Возврат возможен в течение 14 дней. [2]", "citations": [2], "answerable": True}


def collect(stream: Iterator[StreamEvent]) -> tuple[list[StreamEvent], Exception | None]:
    """The events that came, and the error that ended them."""
    events: list[StreamEvent] = []
    try:
        for event in stream:
            events.append(event)
    except Exception as error:
        return events, error
    assert isinstance(events[-1], Done)
    return events, None


def _point_at(stand_in: Any, settings: Any) -> None:
    for name, value in stand_in.settings.items():
        setattr(settings, name, value)


@pytest.fixture(autouse=True)
def naps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long the retry loop would have slept, without sleeping."""
    slept: list[float] = []
    monkeypatch.setattr("ai_assistant.providers.base.retry.sleep", slept.append)
    return slept


@pytest.fixture(autouse=True)
def rested() -> None:
    """Nobody else's access tokens, places and rests: a port of an earlier stand-in may come back."""
    for key in redis_client().scan_iter("llm:*"):
        redis_client().delete(key)


@pytest.fixture
def gigachat(settings: Any) -> Iterator[giga.GigaChatStandIn]:
    with giga.GigaChatStandIn() as stand_in:
        _point_at(stand_in, settings)
        yield stand_in


@pytest.fixture
def yandexgpt(settings: Any) -> Iterator[yandex.YandexGptStandIn]:
    with yandex.YandexGptStandIn() as stand_in:
        _point_at(stand_in, settings)
        yield stand_in


@pytest.fixture
def openai(settings: Any) -> Iterator[oai.OpenAIStandIn]:
    with oai.OpenAIStandIn() as stand_in:
        _point_at(stand_in, settings)
        yield stand_in
