"""Vectors that must not be believed, and how fast they may be asked for."""

import pytest

from ai_assistant.providers.base import LLMError, Pace, ProtocolError, RateLimited
from ai_assistant.providers.tests.conftest import (
    EMBEDDING_KEYS,
    GIGACHAT_KEYS,
    OPENAI_KEYS,
    YANDEX_KEYS,
    context,
    embedder,
)
from tests.standins.openai import EMBEDDING_DIM
from tests.standins.server import Answer

GIGA, OPENAI = [1.0] * 1024, [1.0] * EMBEDDING_DIM


def item(index, vector):
    return {"object": "embedding", "index": index, "embedding": vector}


@pytest.mark.parametrize(
    "numbers", [(0, 0), (1, 2), (0,), (0, 1, 2), (0, 5)], ids=["twice", "from one", "half", "one more", "a gap"]
)
def test_numbers_that_do_not_fit_the_texts(gigachat, openai, numbers):
    for name, keys, stand_in, vector in (
        ("gigachat", GIGACHAT_KEYS, gigachat, GIGA),
        ("openai_compatible", OPENAI_KEYS | EMBEDDING_KEYS, openai, OPENAI),
    ):
        stand_in.script(*[Answer(json={"data": [item(n, vector) for n in numbers]})] * 2, path="/embeddings")
        with pytest.raises(ProtocolError):
            embedder(name, keys).embed(["один", "два"], "doc", context())


def test_a_server_that_gives_no_numbers_keeps_the_order(openai):
    one, two = [1.0] * EMBEDDING_DIM, [2.0] * EMBEDDING_DIM
    openai.script(Answer(json={"data": [{"embedding": one}, {"embedding": two}]}), path="/embeddings")
    made = embedder("openai_compatible", OPENAI_KEYS | EMBEDDING_KEYS).embed(["один", "два"], "doc", context())
    assert made.vectors == [one, two]


def test_a_vector_of_zeros_has_no_direction(openai):
    nothing = [0.0] * EMBEDDING_DIM
    openai.script(Answer(json={"data": [item(0, nothing)]}), path="/embeddings")
    with pytest.raises(LLMError) as error:
        embedder("openai_compatible", OPENAI_KEYS | EMBEDDING_KEYS).embed(["один"], "doc", context())
    assert error.value.code == "llm_embedding_shape"


def test_calls_of_all_processes_keep_the_pace(monkeypatch):
    naps = []
    monkeypatch.setattr("ai_assistant.providers.base.pace.sleep", naps.append)
    for _call in range(4):
        Pace("x", "key", per_second=1).wait(context())
    assert naps[0] == 0 and 0 < naps[1] <= 1 < naps[2] <= 2 < naps[3] <= 3
    Pace("x", "another key", per_second=1).wait(context())
    assert naps[-1] == 0


def test_whoever_cannot_wait_so_long_is_told_and_takes_no_turn(monkeypatch):
    naps = []
    monkeypatch.setattr("ai_assistant.providers.base.pace.sleep", naps.append)
    pace = Pace("x", "key", per_second=0.1)
    pace.wait(context())
    with pytest.raises(RateLimited):
        pace.wait(context(2, least_seconds=0.2))
    pace.wait(context(30))
    assert 0 < naps[-1] <= 10


def test_a_question_waits_for_a_place_as_long_as_it_has_time(yandexgpt, monkeypatch, settings):
    settings.YANDEX_GPT_STREAMS = 1
    provider = embedder("yandexgpt", YANDEX_KEYS)
    looks = []

    def look(_seconds):
        looks.append(1)
        if len(looks) == 2:
            holder.__exit__(None, None, None)

    monkeypatch.setattr("ai_assistant.providers.base.gate.sleep", look)
    holder = provider._embedding_gate.passed(context())
    holder.__enter__()
    assert len(provider.embed(["вопрос"], "query", context(5, least_seconds=0.2)).vectors) == 1
    assert len(looks) == 2
