"""YandexGPT: wrapped answers, cumulative streams with revisions, statuses, the pair of embedding models."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from ai_assistant.providers.base import (
    AuthError,
    BadRequest,
    ChatMessage,
    ContentFiltered,
    ContextTooLong,
    Delta,
    LLMError,
    ProtocolError,
    ProviderUnavailable,
    QuotaExhausted,
    RateLimited,
    Replace,
)
from ai_assistant.providers.tests.conftest import (
    RIGHT,
    YANDEX_KEYS,
    answer,
    chat,
    collect,
    context,
    embedder,
    question,
    shown,
)
from omnisupport.lib.errors import InvalidInput
from tests.standins.server import Answer
from tests.standins.yandexgpt import API_KEY, FOLDER, GAUGE, IAM_TOKEN, RATE, YandexGptStandIn, error

COMPLETION, EMBEDDING = "/foundationModels/v1/completion", "/foundationModels/v1/textEmbedding"


def ask(**keys: str) -> dict[str, Any]:
    return answer(chat("yandexgpt", YANDEX_KEYS | keys).complete(question(), context()).text)


# ---- Requests


def test_what_is_sent(yandexgpt: YandexGptStandIn) -> None:
    chat("yandexgpt", YANDEX_KEYS).complete(question(temperature=1.7, max_tokens=321), context())
    (sent,) = yandexgpt.requests
    assert sent.path == COMPLETION
    assert sent.json["modelUri"] == f"gpt://{FOLDER}/yandexgpt/latest"
    assert sent.json["completionOptions"] == {"stream": False, "temperature": 1.0, "maxTokens": "321"}
    assert [sorted(message) for message in sent.json["messages"]] == [["role", "text"]] * 2
    assert sent.json["jsonSchema"]["schema"]["required"] == ["answer", "citations", "answerable"]
    assert sent.headers["x-data-logging-enabled"] == "false"
    assert sent.headers["x-folder-id"] == FOLDER
    assert len(sent.headers["x-client-request-id"]) == 36


@pytest.mark.parametrize(("key", "header"), [(API_KEY, f"Api-Key {API_KEY}"), (IAM_TOKEN, f"Bearer {IAM_TOKEN}")])
def test_both_kinds_of_key(yandexgpt: YandexGptStandIn, key: str, header: str) -> None:
    assert ask(api_key=key) == RIGHT
    assert yandexgpt.requests[0].headers["authorization"] == header


@pytest.mark.parametrize(
    "folder",
    ["short", "B1GSTANDIN0FOLDER0", "b1g/../other00000", "b1gstandin0folder000\n x", "b" * 41, "б1gstandin0folder0"],
)
def test_folder_that_could_change_the_address(yandexgpt: YandexGptStandIn, folder: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        chat("yandexgpt", YANDEX_KEYS | {"folder_id": folder})
    assert caught.value.field == "folder_id"


@pytest.mark.parametrize("model", ["gpt://other/yandexgpt", "../yandexgpt", "yandexgpt/latest/x", "яндекс"])
def test_model_that_is_no_name(yandexgpt: YandexGptStandIn, model: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        chat("yandexgpt", YANDEX_KEYS | {"model": model})
    assert caught.value.field == "model"


@pytest.mark.parametrize("model", ["yandexgpt-lite", "yandexgpt/rc", "yandexgpt-lite/latest@tamr1abc2"])
def test_models_and_branches(yandexgpt: YandexGptStandIn, model: str) -> None:
    assert ask(model=model) == RIGHT


# ---- Answers


def test_numbers_come_as_strings(yandexgpt: YandexGptStandIn) -> None:
    result = chat("yandexgpt", YANDEX_KEYS).complete(question(), context())
    assert result.usage.total == result.usage.prompt + result.usage.completion
    assert result.model == "yandexgpt/latest 06.12.2023"


def test_answer_without_its_wrapper(yandexgpt: YandexGptStandIn) -> None:
    yandexgpt.wrapped = False
    assert ask() == RIGHT
    events, failure = collect(chat("yandexgpt", YANDEX_KEYS).stream(question(), context()))
    assert (answer(shown(events)), failure) == (RIGHT, None)


def test_growing_text_becomes_pieces(yandexgpt: YandexGptStandIn) -> None:
    events, _failure = collect(chat("yandexgpt", YANDEX_KEYS).stream(question(), context()))
    pieces = [event.text for event in events if isinstance(event, Delta)]
    assert len(pieces) == 4
    assert answer("".join(pieces)) == RIGHT


def test_revised_text_replaces(yandexgpt: YandexGptStandIn) -> None:
    yandexgpt.revises = True
    events, failure = collect(chat("yandexgpt", YANDEX_KEYS).stream(question(), context()))
    assert any(isinstance(event, Replace) for event in events)
    assert (answer(shown(events)), failure) == (RIGHT, None)


def test_line_separators_inside_the_text(yandexgpt: YandexGptStandIn) -> None:
    line = '{"result":{"alternatives":[{"message":{"text":"a\u2028b\u0085c"},"status":"ALTERNATIVE_STATUS_FINAL"}]}}\n'
    yandexgpt.script(Answer(chunks=[line.encode()]))
    events, failure = collect(chat("yandexgpt", YANDEX_KEYS).stream(question(), context()))
    assert (shown(events), failure) == ("a\u2028b\u0085c", None)


def test_usage_that_was_not_told_is_estimated(yandexgpt: YandexGptStandIn) -> None:
    body = {"result": {"alternatives": [{"message": {"text": "ответ"}, "status": "ALTERNATIVE_STATUS_FINAL"}]}}
    yandexgpt.script(Answer(json=body))
    usage = chat("yandexgpt", YANDEX_KEYS).complete(question(), context()).usage
    assert (usage.estimated, usage.completion) == (True, 2)
    assert usage.prompt > 50


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("ALTERNATIVE_STATUS_CONTENT_FILTER", ContentFiltered),
        ("ALTERNATIVE_STATUS_TOOL_CALLS", ProtocolError),
        ("ALTERNATIVE_STATUS_PARTIAL", ProtocolError),
        ("ALTERNATIVE_STATUS_SOMETHING_NEW", ProtocolError),
    ],
)
def test_status_that_is_no_answer(
    yandexgpt: YandexGptStandIn, status: str, expected: type[LLMError], streamed: bool
) -> None:
    yandexgpt.status = status
    provider = chat("yandexgpt", YANDEX_KEYS)
    with pytest.raises(expected):
        list(provider.stream(question(), context())) if streamed else provider.complete(question(), context())


def test_canned_refusal_is_never_shown(yandexgpt: YandexGptStandIn) -> None:
    yandexgpt.status, yandexgpt.deltas = "ALTERNATIVE_STATUS_CONTENT_FILTER", 0
    line = (
        '{"result":{"alternatives":[{"message":{"text":"В интернете есть много сайтов"},'
        '"status":"ALTERNATIVE_STATUS_CONTENT_FILTER"}]}}\n'
    )
    yandexgpt.script(Answer(chunks=[line.encode()]))
    events, failure = collect(chat("yandexgpt", YANDEX_KEYS).stream(question(), context()))
    assert (events, type(failure)) == ([], ContentFiltered)


@pytest.mark.parametrize("streamed", [False, True])
def test_answer_cut_at_its_limit_says_so(yandexgpt: YandexGptStandIn, streamed: bool) -> None:
    yandexgpt.status = "ALTERNATIVE_STATUS_TRUNCATED_FINAL"
    provider = chat("yandexgpt", YANDEX_KEYS)
    result = (
        list(provider.stream(question(), context()))[-1].result
        if streamed
        else provider.complete(question(), context())
    )
    assert result.finish == "length"


def test_error_line_in_the_middle(yandexgpt: YandexGptStandIn) -> None:
    yandexgpt.error_after = 2
    events, failure = collect(chat("yandexgpt", YANDEX_KEYS).stream(question(), context()))
    assert shown(events)
    assert isinstance(failure, ProviderUnavailable)
    assert len(yandexgpt.requests) == 1


def test_error_line_at_the_start_is_retried(yandexgpt: YandexGptStandIn) -> None:
    yandexgpt.script(Answer(chunks=[b'{"error":"internal","code":13,"message":"Internal error","details":[]}\n']))
    events, failure = collect(chat("yandexgpt", YANDEX_KEYS).stream(question(), context()))
    assert (answer(shown(events)), failure, len(yandexgpt.requests)) == (RIGHT, None, 2)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b'{"error":{"grpcCode":8,"message":"gauge quota limit exceed"}}', RateLimited),
        (b'{"error":{"grpcCode":"16","message":"token expired"}}', AuthError),
        (
            b'{"code":3,"message":"Number of input tokens must be no more than 8192, got 9136","details":[]}',
            ContextTooLong,
        ),
        (b'{"error":"boom"}', ProviderUnavailable),
        (b'{"error":{"httpCode":"strange"}}', ProviderUnavailable),
        (b'{"result":{"alternatives":[{"mess', ProtocolError),
    ],
)
def test_shapes_of_error_lines(yandexgpt: YandexGptStandIn, line: bytes, expected: type[LLMError]) -> None:
    yandexgpt.script(*[Answer(chunks=[line + b"\n"])] * 3)
    _events, failure = collect(chat("yandexgpt", YANDEX_KEYS).stream(question(), context()))
    assert type(failure) is expected


# ---- Errors


def test_prompt_that_is_too_long(yandexgpt: YandexGptStandIn) -> None:
    messages = (ChatMessage("user", "слово " * 8000),)
    with pytest.raises(ContextTooLong):
        chat("yandexgpt", YANDEX_KEYS).complete(question(messages=messages), context())
    assert len(yandexgpt.requests) == 1


def test_wrong_key_and_foreign_folder(yandexgpt: YandexGptStandIn) -> None:
    with pytest.raises(AuthError):
        ask(api_key="AQVN-of-somebody-else")
    with pytest.raises(AuthError):
        ask(folder_id="b1gsomebody0else000")


def test_unknown_model(yandexgpt: YandexGptStandIn) -> None:
    with pytest.raises(BadRequest) as caught:
        ask(model="yandexgpt-9000")
    assert caught.value.code == "llm_no_model"


def test_unpaid_account(yandexgpt: YandexGptStandIn) -> None:
    yandexgpt.billing_active = False
    with pytest.raises(QuotaExhausted):
        ask()


def test_too_many_at_once_is_worth_a_short_wait(yandexgpt: YandexGptStandIn, naps: list[float]) -> None:
    yandexgpt.limit = 1
    with ThreadPoolExecutor(1) as pool, yandexgpt.holding():
        first = pool.submit(ask)
        yandexgpt.wait_for(1)
        with pytest.raises(RateLimited):
            ask()
        yandexgpt.gate.set()
        assert first.result(10) == RIGHT
    assert len(naps) == 2


def test_used_up_window_is_not_worth_waiting(yandexgpt: YandexGptStandIn, naps: list[float]) -> None:
    yandexgpt.script(error(429, 8, RATE))
    with pytest.raises(RateLimited) as caught:
        ask()
    assert (caught.value.code, caught.value.retryable, naps) == ("llm_rate_window", False, [])
    with pytest.raises(RateLimited):
        ask()
    assert len(yandexgpt.requests) == 1


def test_too_many_at_once_is(yandexgpt: YandexGptStandIn, naps: list[float]) -> None:
    yandexgpt.script(error(429, 8, GAUGE))
    assert ask() == RIGHT
    assert len(naps) == 1


def test_forty_workspaces_with_one_key_never_ask_more_at_once_than_it_allows(
    yandexgpt: YandexGptStandIn, naps: list[float]
) -> None:
    def one(number: int) -> dict[str, Any]:
        provider = chat("yandexgpt", YANDEX_KEYS)
        return answer(provider.complete(question(), context(30, tenant=f"t{number}")).text)

    yandexgpt.script(*[lambda _request: time.sleep(0.1)] * 40)
    with ThreadPoolExecutor(40) as pool:
        assert list(pool.map(one, range(40))) == [RIGHT] * 40
    # It refuses the eleventh at once: then there would have been a retry.
    assert len(yandexgpt.requests) == 40 and naps == []


@pytest.mark.parametrize("body", [{"error": "text", "code": 7, "message": "denied"}, {"message": "denied", "code": 7}])
def test_other_shapes_of_an_error(yandexgpt: YandexGptStandIn, body: dict[str, Any]) -> None:
    yandexgpt.script(Answer(403, json=body))
    with pytest.raises(AuthError):
        ask()


# ---- Embeddings


def test_documents_and_questions_use_the_two_models_of_the_pair(yandexgpt: YandexGptStandIn) -> None:
    provider = embedder("yandexgpt", YANDEX_KEYS)
    doc = provider.embed(["возврат"], "doc", context()).vectors
    query = provider.embed(["возврат"], "query", context()).vectors
    assert doc != query
    assert [request.json["modelUri"] for request in yandexgpt.to(EMBEDDING)] == [
        f"emb://{FOLDER}/text-search-doc/latest",
        f"emb://{FOLDER}/text-search-query/latest",
    ]
    assert all(request.headers["x-data-logging-enabled"] == "false" for request in yandexgpt.requests)


def test_newer_pair_is_asked_for_its_dimensions(yandexgpt: YandexGptStandIn) -> None:
    provider = embedder("yandexgpt", YANDEX_KEYS | {"embedding_model": "text-embeddings-v2"})
    assert len(provider.embed(["возврат"], "doc", context()).vectors[0]) == provider.space.dim == 256
    assert yandexgpt.to(EMBEDDING)[0].json["dim"] == "256"


def test_one_text_a_call_and_only_the_failed_one_again(yandexgpt: YandexGptStandIn) -> None:
    yandexgpt.script(lambda _request: None, error(429, 8, GAUGE), path="textEmbedding")
    result = embedder("yandexgpt", YANDEX_KEYS).embed(["один", "два", "три"], "doc", context())
    assert [request.json["text"] for request in yandexgpt.to(EMBEDDING)] == ["один", "два", "два", "три"]
    assert len(result.vectors) == 3


def test_vector_of_strings(yandexgpt: YandexGptStandIn) -> None:
    yandexgpt.script(Answer(json={"embedding": ["0.5"] * 256, "numTokens": "5"}))
    assert embedder("yandexgpt", YANDEX_KEYS).embed(["a"], "doc", context()).vectors == [[0.5] * 256]


@pytest.mark.parametrize("vector", [[0.5] * 255, ["NaN"] * 256, ["Infinity"] * 256])
def test_vector_that_would_spoil_the_index(yandexgpt: YandexGptStandIn, vector: list[Any]) -> None:
    yandexgpt.script(Answer(json={"embedding": vector}))
    with pytest.raises(ProtocolError):
        embedder("yandexgpt", YANDEX_KEYS).embed(["a"], "doc", context())
