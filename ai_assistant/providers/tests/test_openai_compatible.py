"""OpenAI-compatible servers: many dialects, and an address that a workspace may give."""

from typing import Any

import pytest

from ai_assistant.providers.base import (
    AuthError,
    BadRequest,
    ChatMessage,
    ContentFiltered,
    ContextTooLong,
    LLMError,
    ProtocolError,
    ProviderUnavailable,
    QuotaExhausted,
    RateLimited,
)
from ai_assistant.providers.tests.conftest import (
    EMBEDDING_KEYS,
    OPENAI_KEYS,
    RIGHT,
    answer,
    chat,
    collect,
    context,
    embedder,
    question,
    shown,
)
from omnisupport.lib.errors import InvalidInput
from tests.standins.openai import API_KEY, CHAT_MODEL, EMBEDDING_MODEL, OpenAIStandIn, error
from tests.standins.server import Answer

NAME, CHAT = "openai_compatible", "/v1/chat/completions"


def ask(**keys: str) -> dict[str, Any]:
    return answer(chat(NAME, OPENAI_KEYS | keys).complete(question(), context()).text)


# ---- Requests


def test_what_is_sent(openai: OpenAIStandIn) -> None:
    chat(NAME, OPENAI_KEYS | {"project": "b1gfolder00000"}).complete(question(max_tokens=321), context())
    (sent,) = openai.requests
    assert sent.path == CHAT
    assert sent.headers["authorization"] == f"Bearer {API_KEY}"
    assert sent.headers["openai-project"] == "b1gfolder00000"
    assert (sent.json["model"], sent.json["max_tokens"]) == (CHAT_MODEL, 321)
    schema = sent.json["response_format"]["json_schema"]
    assert (schema["name"], schema["strict"], schema["schema"]["additionalProperties"]) == ("answer", True, False)


def test_server_without_a_key(openai: OpenAIStandIn) -> None:
    openai.script(Answer(json={"choices": [{"message": {"content": "ok"}, "finish_reason": "stop"}]}))
    chat(NAME, {"model": CHAT_MODEL}).complete(question(), context())
    assert "authorization" not in openai.requests[0].headers


@pytest.mark.parametrize("name", ["response_format", "stream_options"])
def test_option_that_the_server_does_not_know(openai: OpenAIStandIn, name: str) -> None:
    openai.unknown_options = {name}
    for _time in range(2):
        events, failure = collect(chat(NAME, OPENAI_KEYS).stream(question(), context()))
        assert (answer(shown(events)), failure) == (RIGHT, None)
    assert [name in request.json for request in openai.requests] == [True, False, False]


# ---- The address that a workspace gives


@pytest.mark.parametrize(
    "address",
    [
        "ftp://models.example/v1",
        "models.example/v1",
        "http://models.example/v1",
        "https://user:pass@models.example/v1",
        "https://models.example:22/v1",
        "https://127.0.0.1/v1",
        "https://169.254.169.254/latest",
        "https://[::1]/v1",
        "https://[::ffff:10.0.0.1]/v1",
        "https://localhost/v1",
        "https://vllm.internal/v1",
        "https://models.example/v1?key=1",
        "https://models.example/v1#x",
        "https://models.example/v1 HTTP/1.1\r\nX: y",
    ],
)
def test_address_that_may_not_be_fetched(address: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        chat(NAME, OPENAI_KEYS | {"base_url": address})
    assert caught.value.field == "base_url"


def test_name_that_leads_into_the_private_network(openai: OpenAIStandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(2, 1, 6, "", ("127.0.0.1", openai.port))]
    monkeypatch.setattr("omnisupport.lib.http.socket.getaddrinfo", lambda *_args, **_more: found)
    with pytest.raises(BadRequest) as caught:
        ask(base_url="https://models.example/v1")
    assert caught.value.code == "private_url"
    assert openai.requests == []


def test_address_that_the_installation_allows(openai: OpenAIStandIn, settings: Any) -> None:
    settings.OUTBOUND_ALLOWED_HOSTS = [openai.host]
    settings.OPENAI_COMPATIBLE_API_URL = "http://127.0.0.1:1/v1"
    assert ask(base_url=f"{openai.base_url}/") == RIGHT


def test_redirect_is_not_followed(openai: OpenAIStandIn, settings: Any) -> None:
    settings.OUTBOUND_ALLOWED_HOSTS = [openai.host]
    openai.script(Answer(307, json={}, headers={"Location": f"{openai.base_url}/elsewhere"}))
    with pytest.raises(BadRequest):
        ask(base_url=openai.base_url)
    assert len(openai.requests) == 1


def test_key_of_the_installation_never_goes_to_an_address_of_a_workspace(openai: OpenAIStandIn, settings: Any) -> None:
    settings.OUTBOUND_ALLOWED_HOSTS = [openai.host]
    with pytest.raises(AuthError):
        chat(NAME, {"base_url": openai.base_url, "model": CHAT_MODEL}).complete(question(), context())
    assert "authorization" not in openai.requests[0].headers


# ---- Answers


def test_usage_comes_in_a_chunk_without_choices(openai: OpenAIStandIn) -> None:
    events, _failure = collect(chat(NAME, OPENAI_KEYS).stream(question(), context()))
    usage = events[-1].result.usage  # type: ignore[union-attr]
    assert (usage.estimated, usage.cached) == (False, 1)


def test_usage_that_was_not_told_is_estimated(openai: OpenAIStandIn) -> None:
    openai.usage_chunk = False
    events, failure = collect(chat(NAME, OPENAI_KEYS).stream(question(), context()))
    assert failure is None
    assert events[-1].result.usage.estimated  # type: ignore[union-attr]


def test_broken_end_after_the_finish_is_forgiven(openai: OpenAIStandIn) -> None:
    openai.cut_after = 6
    events, failure = collect(chat(NAME, OPENAI_KEYS).stream(question(), context()))
    assert (answer(shown(events)), failure) == (RIGHT, None)


def test_done_without_a_finish_reason_is_an_end(openai: OpenAIStandIn) -> None:
    frames = [b'data: {"choices":[{"delta":{"content":"ok"}}]}\n\n', b"data: [DONE]\n\n"]
    openai.script(Answer(chunks=frames))
    events, failure = collect(chat(NAME, OPENAI_KEYS).stream(question(), context()))
    assert (shown(events), failure) == ("ok", None)


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(("finish", "expected"), [("content_filter", ContentFiltered), ("tool_calls", ProtocolError)])
def test_finish_that_is_no_answer(openai: OpenAIStandIn, finish: str, expected: type[LLMError], streamed: bool) -> None:
    openai.finish = finish
    provider = chat(NAME, OPENAI_KEYS)
    with pytest.raises(expected):
        list(provider.stream(question(), context())) if streamed else provider.complete(question(), context())


def test_refusal_of_the_model(openai: OpenAIStandIn) -> None:
    message = {"content": None, "refusal": "I cannot help with that."}
    openai.script(Answer(json={"choices": [{"message": message, "finish_reason": "stop"}]}))
    with pytest.raises(ContentFiltered):
        ask()
    openai.script(Answer(chunks=[b'data: {"choices":[{"delta":{"refusal":"I cannot"}}]}\n\n']))
    _events, failure = collect(chat(NAME, OPENAI_KEYS).stream(question(), context()))
    assert isinstance(failure, ContentFiltered)


@pytest.mark.parametrize(("finish", "expected"), [("length", "length"), ("eos_token", "stop")])
def test_other_ends(openai: OpenAIStandIn, finish: str, expected: str) -> None:
    openai.finish = finish
    assert chat(NAME, OPENAI_KEYS).complete(question(), context()).finish == expected


def test_error_in_the_middle_of_a_stream(openai: OpenAIStandIn) -> None:
    frames = [
        b'data: {"choices":[{"delta":{"content":"a"}}]}\n\n',
        b'data: {"error":{"message":"out of memory","code":500}}\n\n',
    ]
    openai.script(Answer(chunks=frames))
    events, failure = collect(chat(NAME, OPENAI_KEYS).stream(question(), context()))
    assert (shown(events), type(failure)) == ("a", ProviderUnavailable)


def test_empty_answer_is_asked_again(openai: OpenAIStandIn) -> None:
    openai.script(Answer(json={"choices": [{"message": {"content": None}, "finish_reason": "stop"}]}))
    assert ask() == RIGHT
    assert len(openai.requests) == 2


# ---- Errors


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (401, "invalid_api_key", AuthError),
        (429, "insufficient_quota", QuotaExhausted),
        (429, "rate_limit_exceeded", RateLimited),
        (400, "context_length_exceeded", ContextTooLong),
        (400, "content_filter", ContentFiltered),
        (404, "model_not_found", BadRequest),
        (400, "model_not_found", BadRequest),
        (400, "something_else", BadRequest),
        (503, "overloaded", ProviderUnavailable),
    ],
)
def test_errors_are_told_apart_by_code(openai: OpenAIStandIn, status: int, code: str, expected: type[LLMError]) -> None:
    openai.script(*[error(status, "…", code)] * 3)
    with pytest.raises(LLMError) as caught:
        ask()
    assert type(caught.value) is expected


@pytest.mark.parametrize("body", [{"error": "model requires more system memory"}, {"detail": "Not Found"}, ["x"], None])
def test_other_shapes_of_an_error(openai: OpenAIStandIn, body: Any) -> None:
    openai.script(Answer(400, json=body))
    with pytest.raises(BadRequest):
        ask()


def test_prompt_that_is_too_long(openai: OpenAIStandIn) -> None:
    openai.context_tokens = 100
    messages = (ChatMessage("user", "слово " * 1000),)
    with pytest.raises(ContextTooLong):
        chat(NAME, OPENAI_KEYS).complete(question(messages=messages), context())


# ---- Embeddings


def test_embeddings_are_asked_for_as_numbers(openai: OpenAIStandIn) -> None:
    embedder(NAME, OPENAI_KEYS | EMBEDDING_KEYS).embed(["один", "два"], "doc", context())
    (sent,) = openai.requests
    assert sent.json == {"model": EMBEDDING_MODEL, "input": ["один", "два"], "encoding_format": "float"}


def test_server_that_takes_one_text_a_call(openai: OpenAIStandIn) -> None:
    openai.single_embeddings = True
    result = embedder(NAME, OPENAI_KEYS | EMBEDDING_KEYS).embed(["один", "два"], "doc", context())
    assert [request.json["input"] for request in openai.requests] == [["один", "два"], "один", "два"]
    assert len(result.vectors) == 2


def test_embeddings_that_nobody_chose(openai: OpenAIStandIn) -> None:
    with pytest.raises(InvalidInput) as caught:
        embedder(NAME, OPENAI_KEYS)
    assert caught.value.code == "no_embeddings"


@pytest.mark.parametrize("dim", ["0", "many", "-1", "99999"])
def test_dimensions_that_are_no_number(openai: OpenAIStandIn, dim: str) -> None:
    with pytest.raises(InvalidInput):
        chat(NAME, OPENAI_KEYS | {"embedding_dim": dim})
