"""GigaChat: the token, the errors by their code, the shapes of contract v1."""

import base64
import math
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
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
    GIGACHAT_KEYS,
    RIGHT,
    answer,
    chat,
    collect,
    context,
    embedder,
    question,
    shown,
)
from ai_assistant.providers.tests.tls import self_signed
from omnisupport.lib.errors import InvalidInput
from omnisupport.lib.redis import redis_client
from tests.standins.gigachat import AUTHORIZATION_KEY, CLIENT_ID, CLIENT_SECRET, GigaChatStandIn
from tests.standins.server import Answer

OAUTH, CHAT = "/oauth", "/chat/completions"


def ask(**keys: str) -> dict[str, Any]:
    return answer(chat("gigachat", GIGACHAT_KEYS | keys).complete(question(), context()).text)


# ---- The access token


def test_token_is_fetched_once_and_shared(gigachat: GigaChatStandIn) -> None:
    assert [ask(), ask()] == [RIGHT, RIGHT]
    (request,) = gigachat.to(OAUTH)
    assert request.headers["authorization"] == f"Basic {AUTHORIZATION_KEY}"
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert request.form == {"scope": "GIGACHAT_API_PERS"}
    assert uuid.UUID(request.headers["rquid"]).version == 4


def test_many_workers_fetch_one_token(gigachat: GigaChatStandIn) -> None:
    start = threading.Barrier(6)

    def work(_number: int) -> dict[str, Any]:
        start.wait()
        return ask()

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(work, range(6))) == [RIGHT] * 6
    assert len(gigachat.to(OAUTH)) == 1


def test_token_lies_encrypted_in_redis(gigachat: GigaChatStandIn) -> None:
    ask()
    token = gigachat.to(CHAT)[0].headers["authorization"].removeprefix("Bearer ")
    redis = redis_client()
    (name,) = redis.keys("llm:gigachat:*:token")
    stored = name + (redis.get(name) or b"")
    assert token.encode() not in stored
    assert AUTHORIZATION_KEY.encode() not in stored
    assert 1600 < redis.ttl(name) <= 1740


def test_two_credentials_have_two_tokens(gigachat: GigaChatStandIn) -> None:
    ask()
    gigachat.scope = "GIGACHAT_API_B2B"
    ask(scope="GIGACHAT_API_B2B")
    with pytest.raises(AuthError):
        ask(client_secret=base64.b64encode(b"other:credential").decode())
    assert len(gigachat.to(OAUTH)) == 3


def test_expired_token_is_renewed_once(gigachat: GigaChatStandIn, naps: list[float]) -> None:
    ask()
    gigachat.expire_tokens()
    assert ask() == RIGHT
    assert (len(gigachat.to(OAUTH)), len(gigachat.to(CHAT)), naps) == (2, 3, [])


def test_expired_token_is_renewed_for_a_stream_too(gigachat: GigaChatStandIn) -> None:
    ask()
    gigachat.expire_tokens()
    events, error = collect(chat("gigachat", GIGACHAT_KEYS).stream(question(), context()))
    assert (answer(shown(events)), error) == (RIGHT, None)


def test_refusal_of_a_fresh_token_is_final(gigachat: GigaChatStandIn) -> None:
    gigachat.script(*[Answer(401, json={"status": 401, "message": "Unauthorized"})] * 2, path=CHAT)
    with pytest.raises(AuthError):
        ask()
    assert (len(gigachat.to(OAUTH)), len(gigachat.to(CHAT))) == (2, 2)


def side_by_side(count: int, tenants: int = 1) -> list[dict[str, Any]]:
    def one(number: int) -> dict[str, Any]:
        provider = chat("gigachat", GIGACHAT_KEYS)
        return answer(provider.complete(question(), context(tenant=f"t{number % tenants}")).text)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


def test_fifty_calls_whose_token_has_expired_fetch_one(gigachat: GigaChatStandIn, settings: Any) -> None:
    settings.GIGACHAT_STREAMS = 10
    ask()
    gigachat.expire_tokens()
    assert side_by_side(50) == [RIGHT] * 50
    assert len(gigachat.to(OAUTH)) == 2


def test_workspaces_with_the_same_key_share_its_token(gigachat: GigaChatStandIn, settings: Any) -> None:
    settings.GIGACHAT_STREAMS = 10
    assert side_by_side(20, tenants=20) == [RIGHT] * 20
    assert len(gigachat.to(OAUTH)) == 1


@pytest.mark.parametrize("headers", [{}, {"Retry-After": "1"}])
def test_a_token_service_that_is_busy_is_asked_again_by_one(
    gigachat: GigaChatStandIn, settings: Any, headers: dict[str, str]
) -> None:
    settings.GIGACHAT_STREAMS = 10
    gigachat.script(Answer(429, json={"message": "Too Many Requests"}, headers=headers), path=OAUTH)
    assert side_by_side(20) == [RIGHT] * 20
    assert len(gigachat.to(OAUTH)) == 2


def test_second_shape_of_the_token_answer(gigachat: GigaChatStandIn) -> None:
    gigachat.token_shape = "tok"
    assert [ask(), ask()] == [RIGHT, RIGHT]
    assert len(gigachat.to(OAUTH)) == 1


@pytest.mark.parametrize("expires_at", [0, 1_000_000_000_000, 99_999_999_999])
def test_clock_that_differs_does_not_fetch_for_every_call(gigachat: GigaChatStandIn, expires_at: int) -> None:
    def early(request: Any) -> Answer:
        found = gigachat.handle(request)
        found.json["expires_at"] = expires_at
        return found

    gigachat.script(early, path=OAUTH)
    assert [ask(), ask()] == [RIGHT, RIGHT]
    assert len(gigachat.to(OAUTH)) == 1


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (400, 1, "llm_auth"),
        (400, 4, "llm_auth_key"),
        (401, 4, "llm_auth_key"),
        (400, 5, "llm_auth"),
        (401, 6, "llm_auth"),
        (400, 7, "llm_auth_scope"),
        (401, 7, "llm_auth_scope"),
    ],
)
def test_oauth_errors_are_told_apart_by_code(gigachat: GigaChatStandIn, status: int, code: int, expected: str) -> None:
    gigachat.script(Answer(status, json={"code": code, "message": "…"}), path=OAUTH)
    with pytest.raises(AuthError) as caught:
        ask()
    assert (caught.value.code, len(gigachat.to(OAUTH)), gigachat.to(CHAT)) == (expected, 1, [])


def test_key_of_another_tariff_says_what_to_do(gigachat: GigaChatStandIn) -> None:
    with pytest.raises(AuthError) as caught:
        ask(scope="GIGACHAT_API_CORP")
    assert caught.value.code == "llm_auth_scope"
    assert "B2B" in caught.value.safe_message


def test_oauth_server_down_is_retried(gigachat: GigaChatStandIn, naps: list[float]) -> None:
    gigachat.script(Answer(503, html="<h1>down</h1>"), path=OAUTH)
    assert ask() == RIGHT
    assert len(naps) == 1


def test_oauth_answer_without_a_token(gigachat: GigaChatStandIn) -> None:
    gigachat.script(*[Answer(json={"expires_at": 1})] * 2, path=OAUTH)
    with pytest.raises(ProtocolError):
        ask()


def test_redis_away_is_the_provider_unavailable(gigachat: GigaChatStandIn, monkeypatch: Any) -> None:
    monkeypatch.setattr("omnisupport.lib.redis._silent_until", math.inf)
    with pytest.raises(ProviderUnavailable):
        ask()


# ---- Credentials


@pytest.mark.parametrize(
    "keys",
    [
        {"client_secret": AUTHORIZATION_KEY},
        {"client_secret": f"  {AUTHORIZATION_KEY}\n"},
        {"client_secret": AUTHORIZATION_KEY, "client_id": CLIENT_ID},
        {"client_secret": CLIENT_SECRET, "client_id": CLIENT_ID},
    ],
)
def test_both_kinds_of_key(gigachat: GigaChatStandIn, keys: dict[str, str]) -> None:
    provider = chat("gigachat", keys)
    assert answer(provider.complete(question(), context()).text) == RIGHT
    assert gigachat.to(OAUTH)[0].headers["authorization"] == f"Basic {AUTHORIZATION_KEY}"


@pytest.mark.parametrize(
    ("keys", "field"),
    [
        ({"client_secret": CLIENT_SECRET}, ""),
        ({"client_id": CLIENT_ID}, "client_secret"),
        ({"client_secret": "ключ с буквами"}, "client_secret"),
        ({"client_secret": AUTHORIZATION_KEY, "scope": "GIGACHAT_API_FREE"}, "scope"),
    ],
)
def test_keys_that_cannot_be_right(gigachat: GigaChatStandIn, keys: dict[str, str], field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        chat("gigachat", keys)
    assert caught.value.field == field
    assert gigachat.requests == []


# ---- Requests


def test_system_messages_become_one_and_come_first(gigachat: GigaChatStandIn) -> None:
    asked = question()
    late = ChatMessage("system", "Be brief.")
    messages = (asked.messages[1], asked.messages[0], ChatMessage("assistant", "Да?"), late, asked.messages[1])
    assert answer(chat("gigachat", GIGACHAT_KEYS).complete(question(messages=messages), context()).text) == RIGHT
    sent = gigachat.to(CHAT)[0].json["messages"]
    assert [message["role"] for message in sent] == ["system", "user", "assistant", "user"]
    assert sent[0]["content"] == "Answer from the sources only.\n\nBe brief."


def test_what_is_sent(gigachat: GigaChatStandIn) -> None:
    request = question(temperature=0, max_tokens=321)
    chat("gigachat", GIGACHAT_KEYS).complete(request, context(session_key="hash-of-the-dialogue"))
    (sent,) = gigachat.to(CHAT)
    assert sent.path == "/v1/chat/completions"
    assert (sent.json["model"], sent.json["max_tokens"]) == ("GigaChat-2", 321)
    assert sent.json["temperature"] > 0
    assert sent.json["response_format"]["type"] == "json_schema"
    assert sent.json["response_format"]["schema"]["required"] == ["answer", "citations", "answerable"]
    assert "stream" not in sent.json
    assert sent.headers["x-session-id"] == "hash-of-the-dialogue"


def test_usage_and_names_of_the_answer(gigachat: GigaChatStandIn) -> None:
    result = chat("gigachat", GIGACHAT_KEYS).complete(question(), context())
    assert (result.model, result.usage.cached) == ("GigaChat-2:2.0.28.2", 2)


def test_other_name_of_the_object_is_fine(gigachat: GigaChatStandIn) -> None:
    def renamed(request: Any) -> Answer:
        found = gigachat.handle(request)
        found.json |= {"object": "chat.completions", "unheard_of": {"a": 1}}
        return found

    gigachat.script(renamed, path=CHAT)
    assert ask() == RIGHT


# ---- Answers


def test_answer_in_one_delta(gigachat: GigaChatStandIn) -> None:
    gigachat.deltas = 1
    events, error = collect(chat("gigachat", GIGACHAT_KEYS).stream(question(), context()))
    assert (len(events), error) == (2, None)


def test_missing_done_after_the_final_chunk_is_forgiven(gigachat: GigaChatStandIn) -> None:
    gigachat.send_done = False
    events, error = collect(chat("gigachat", GIGACHAT_KEYS).stream(question(), context()))
    assert (answer(shown(events)), error) == (RIGHT, None)


def test_done_without_the_final_chunk_is_truncated(gigachat: GigaChatStandIn) -> None:
    frame = b'data: {"choices":[{"delta":{"content":"a"},"index":0}]}\n\n'
    gigachat.script(Answer(chunks=[frame, b"data: [DONE]\n\n"]), path=CHAT)
    _events, error = collect(chat("gigachat", GIGACHAT_KEYS).stream(question(), context()))
    assert isinstance(error, ProtocolError)


def test_connection_that_breaks_after_the_final_chunk(gigachat: GigaChatStandIn) -> None:
    gigachat.cut_after = 5
    events, error = collect(chat("gigachat", GIGACHAT_KEYS).stream(question(), context()))
    assert (answer(shown(events)), error) == (RIGHT, None)


@pytest.mark.parametrize("streamed", [False, True])
def test_blacklist_is_not_an_answer(gigachat: GigaChatStandIn, streamed: bool) -> None:
    gigachat.finish = "blacklist"
    provider = chat("gigachat", GIGACHAT_KEYS)
    with pytest.raises(ContentFiltered):
        list(provider.stream(question(), context())) if streamed else provider.complete(question(), context())
    assert len(gigachat.to(CHAT)) == 1


def test_answer_cut_at_its_limit_says_so(gigachat: GigaChatStandIn) -> None:
    gigachat.finish = "length"
    assert chat("gigachat", GIGACHAT_KEYS).complete(question(), context()).finish == "length"


@pytest.mark.parametrize("finish", ["error", "function_call", "something new"])
def test_finish_that_is_no_answer(gigachat: GigaChatStandIn, finish: str) -> None:
    gigachat.finish = finish
    with pytest.raises(ProtocolError):
        ask()


# ---- Errors


def test_unknown_model(gigachat: GigaChatStandIn) -> None:
    with pytest.raises(BadRequest) as caught:
        ask(model="GigaChat-2-Lite")
    assert caught.value.code == "llm_no_model"


def test_package_of_one_model_is_used_up(gigachat: GigaChatStandIn) -> None:
    gigachat.exhausted = {"GigaChat-2", "Embeddings"}
    with pytest.raises(QuotaExhausted):
        ask()
    assert ask(model="GigaChat-2-Pro") == RIGHT
    with pytest.raises(QuotaExhausted):
        embedder("gigachat", GIGACHAT_KEYS).embed(["a"], "doc", context())


def test_too_long(gigachat: GigaChatStandIn) -> None:
    messages = (ChatMessage("user", "слово " * 80_000),)
    with pytest.raises(ContextTooLong):
        chat("gigachat", GIGACHAT_KEYS).complete(question(messages=messages), context())


@pytest.mark.parametrize(
    ("status", "message", "expected"),
    [
        (422, "system message must be the first message", BadRequest),
        (422, "Requested model does not support functions", BadRequest),
        (422, "file exceeds model context", ContextTooLong),
        (400, "Invalid params", BadRequest),
        (403, "Permission denied", AuthError),
    ],
)
def test_api_errors(gigachat: GigaChatStandIn, status: int, message: str, expected: type[LLMError]) -> None:
    gigachat.script(Answer(status, json={"status": status, "message": message}), path=CHAT)
    with pytest.raises(LLMError) as caught:
        ask()
    assert type(caught.value) is expected


@pytest.mark.parametrize("retry_after", [None, "2"])
def test_more_at_once_than_the_tariff_allows(
    gigachat: GigaChatStandIn, naps: list[float], retry_after: str | None, settings: Any
) -> None:
    settings.GIGACHAT_STREAMS = 10
    ask()
    gigachat.limit, gigachat.retry_after = 1, retry_after
    with ThreadPoolExecutor(1) as pool, gigachat.holding():
        first = pool.submit(ask)
        gigachat.wait_for(2, CHAT)
        with pytest.raises(RateLimited) as caught:
            ask()
        assert caught.value.retry_after == (2 if retry_after else None)
        gigachat.gate.set()
        assert first.result(10) == RIGHT
    assert len(naps) == 2


# ---- Embeddings


def test_embeddings_go_in_batches(gigachat: GigaChatStandIn) -> None:
    result = embedder("gigachat", GIGACHAT_KEYS).embed([f"текст {n}" for n in range(100)], "doc", context())
    assert [len(request.json["input"]) for request in gigachat.to("/embeddings")] == [90, 10]
    assert len(result.vectors) == 100
    assert result.tokens == 10 * 1 + 90 * 2  # usage stands beside each item


@pytest.mark.parametrize(("model", "dim"), [("Embeddings", 1024), ("EmbeddingsGigaR", 2560)])
def test_embedding_space_follows_the_model(gigachat: GigaChatStandIn, model: str, dim: int) -> None:
    provider = embedder("gigachat", GIGACHAT_KEYS | {"embedding_model": model})
    assert provider.space.dim == dim == len(provider.embed(["a"], "query", context()).vectors[0])


def test_vectors_of_another_size_are_refused(gigachat: GigaChatStandIn) -> None:
    gigachat.script(Answer(json={"data": [{"index": 0, "embedding": [0.5] * 3}]}), path="/embeddings")
    with pytest.raises(ProtocolError):
        embedder("gigachat", GIGACHAT_KEYS).embed(["a"], "doc", context())


def test_text_that_is_too_long_to_embed(gigachat: GigaChatStandIn) -> None:
    with pytest.raises(ContextTooLong):
        embedder("gigachat", GIGACHAT_KEYS).embed(["слово " * 1000], "doc", context())


# ---- TLS


def test_certificate_bundle_is_trusted_besides_the_usual_roots(settings: Any, tmp_path: Any) -> None:
    bundle, server_side = self_signed(tmp_path)
    with GigaChatStandIn(tls=server_side) as stand_in:
        for name, value in stand_in.settings.items():
            setattr(settings, name, value)
        with pytest.raises(ProviderUnavailable) as caught:
            ask()
        assert (caught.value.code, stand_in.requests) == ("llm_tls", [])
        settings.GIGACHAT_CA_BUNDLE = str(bundle)
        assert ask() == RIGHT


def test_certificate_bundle_that_is_not_there(gigachat: GigaChatStandIn, settings: Any) -> None:
    settings.GIGACHAT_CA_BUNDLE = "/nowhere/root.pem"
    with pytest.raises(ProviderUnavailable) as caught:
        ask()
    assert caught.value.code == "llm_tls"
    assert "/nowhere/root.pem" in caught.value.safe_message
