"""What the rest of the product relies on, whichever provider a workspace has chosen."""

import importlib
from typing import Any

import pytest
from django.conf import settings as django_settings

from ai_assistant.providers import check_connection, provider_names
from ai_assistant.providers.base import (
    AuthError,
    BadRequest,
    Delta,
    Done,
    ProtocolError,
    ProviderUnavailable,
    QuotaExhausted,
    RateLimited,
)
from ai_assistant.providers.tests.conftest import (
    EMBEDDING_KEYS,
    GIGACHAT_KEYS,
    OPENAI_KEYS,
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
from tests.standins.server import Answer, drip

NETWORK = {"gigachat": GIGACHAT_KEYS, "yandexgpt": YANDEX_KEYS, "openai_compatible": OPENAI_KEYS | EMBEDDING_KEYS}
CHAT_PATH = {"gigachat": "/chat/completions", "yandexgpt": "/completion", "openai_compatible": "/chat/completions"}


class Case:
    """One provider with its keys and the stand-in it talks to."""

    def __init__(self, name: str, stand_in: Any) -> None:
        self.name, self.stand_in = name, stand_in
        self.provider = chat(name, NETWORK[name])

    def script(self, *answers: Any) -> None:
        self.stand_in.script(*answers, path=CHAT_PATH[self.name])

    def calls(self) -> int:
        return len(self.stand_in.to(CHAT_PATH[self.name]))


@pytest.fixture(params=sorted(NETWORK))
def case(request: pytest.FixtureRequest) -> Case:
    stand_in = request.getfixturevalue("openai" if request.param == "openai_compatible" else request.param)
    return Case(request.param, stand_in)


def test_whole_answer(case: Case) -> None:
    result = case.provider.complete(question(), context())
    assert answer(result.text) == RIGHT
    assert (result.finish, result.provider, result.usage.estimated) == ("stop", case.name, False)
    assert result.usage.total == result.usage.prompt + result.usage.completion > 0
    assert result.request_id


def test_streamed_answer_is_the_whole_answer_in_pieces(case: Case) -> None:
    events, error = collect(case.provider.stream(question(), context()))
    assert error is None
    assert len([event for event in events if isinstance(event, Delta)]) > 1
    done = events[-1]
    assert isinstance(done, Done)
    assert done.result.text == shown(events)
    assert answer(done.result.text) == RIGHT
    assert not done.result.usage.estimated


def test_question_outside_the_sources(case: Case) -> None:
    result = case.provider.complete(question("Какая погода в Париже?"), context())
    assert answer(result.text) == {"answer": "", "citations": [], "answerable": False}


def test_connection_check_goes_through_the_whole_chain(case: Case) -> None:
    assert check_connection(case.provider).provider == case.name
    assert case.calls() == 1


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, BadRequest),
        (402, QuotaExhausted),
        (403, AuthError),
        (404, BadRequest),
        (418, BadRequest),
        (302, BadRequest),
    ],
)
def test_status_that_is_not_retried(case: Case, status: int, expected: type[Exception], naps: list[float]) -> None:
    case.script(Answer(status, json={"message": "no"}, headers={"Location": "https://elsewhere.example/"}))
    with pytest.raises(expected):
        case.provider.complete(question(), context())
    assert (case.calls(), naps) == (1, [])


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_broken_service_is_asked_three_times(case: Case, status: int, naps: list[float]) -> None:
    case.script(*[Answer(status, html="<html><h1>Bad gateway</h1></html>")] * 3)
    with pytest.raises(ProviderUnavailable) as caught:
        case.provider.complete(question(), context())
    assert (case.calls(), len(naps)) == (3, 2)
    assert "gateway" not in caught.value.safe_message


def test_broken_service_that_recovers(case: Case) -> None:
    case.script(Answer(502, html="<h1>Bad gateway</h1>"), Answer(raw=()))
    assert answer(case.provider.complete(question(), context()).text) == RIGHT
    assert case.calls() == 3


def test_too_many_requests_waits_as_long_as_told(case: Case, naps: list[float]) -> None:
    case.script(Answer(429, json={"message": "slow down"}, headers={"Retry-After": "3"}))
    assert answer(case.provider.complete(question(), context()).text) == RIGHT
    assert len(naps) == 1
    assert naps[0] >= 3


def test_too_many_requests_that_would_outlast_the_deadline(case: Case, naps: list[float]) -> None:
    case.script(Answer(429, json={"message": "slow down"}, headers={"Retry-After": "60"}))
    with pytest.raises(RateLimited) as caught:
        case.provider.complete(question(), context(20))
    assert (caught.value.retry_after, case.calls(), naps) == (60, 1, [])


def test_html_with_status_200_is_retried_once(case: Case) -> None:
    case.script(*[Answer(html="<h1>Maintenance</h1>")] * 2)
    with pytest.raises(ProtocolError):
        case.provider.complete(question(), context())
    assert case.calls() == 2


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b'{"choices":[]}', b'{"result":{}}', b"\xff\xfe", b'{"choices":7}']
)
def test_answer_of_another_shape(case: Case, body: bytes) -> None:
    case.script(*[Answer(body=body or b" ")] * 2)
    with pytest.raises(ProtocolError):
        case.provider.complete(question(), context())


def test_stream_cut_after_pieces_is_not_replayed(case: Case) -> None:
    case.stand_in.cut_after = 3
    events, error = collect(case.provider.stream(question(), context()))
    assert isinstance(error, ProtocolError)
    assert case.calls() == 1
    assert shown(events)
    assert not any(isinstance(event, Done) for event in events)


def test_stream_cut_before_the_first_piece_is_asked_again(case: Case) -> None:
    case.script(Answer(chunks=[], cut=True))
    events, error = collect(case.provider.stream(question(), context()))
    assert error is None
    assert answer(shown(events)) == RIGHT
    assert case.calls() == 2


def test_stream_that_ends_politely_but_too_early_is_truncated(case: Case) -> None:
    case.stand_in.end_quietly_after = 3
    _events, error = collect(case.provider.stream(question(), context()))
    assert isinstance(error, ProtocolError)
    assert error.code == "llm_truncated"


def test_error_status_to_a_stream_request_is_plain_json(case: Case) -> None:
    case.script(Answer(402, json={"status": 402, "message": "Payment Required"}))
    events, error = collect(case.provider.stream(question(), context()))
    assert (events, type(error)) == ([], QuotaExhausted)


def test_service_that_drips_meets_the_deadline(case: Case) -> None:
    case.script(Answer(chunks=drip(b" \n")))
    _events, error = collect(case.provider.stream(question(), context(0.5)))
    assert isinstance(error, ProviderUnavailable)
    assert error.code == "llm_timeout"


def test_headers_that_drip_meet_the_deadline(case: Case) -> None:
    case.script(Answer(raw=_slow_headers()))
    with pytest.raises(ProviderUnavailable) as caught:
        case.provider.complete(question(), context(0.5))
    assert caught.value.code == "llm_timeout"


def _slow_headers() -> Any:
    yield b"HTTP/1.1 200 OK\r\nX-Slow: "
    yield from drip(b"y")


def test_body_that_drips_meets_the_deadline(case: Case) -> None:
    case.script(Answer(chunks=drip(b" ")))
    with pytest.raises(ProviderUnavailable) as caught:
        case.provider.complete(question(), context(0.5))
    assert caught.value.code == "llm_timeout"


def test_deadline_that_has_passed_sends_nothing(case: Case) -> None:
    with pytest.raises(ProviderUnavailable):
        case.provider.complete(question(), context(-1))
    assert case.stand_in.requests == []


def test_nobody_listens(case: Case, settings: Any, naps: list[float]) -> None:
    for name, value in case.stand_in.settings.items():
        if name.endswith("_URL"):
            setattr(settings, name, value.replace(str(case.stand_in.port), "1"))
    with pytest.raises(ProviderUnavailable):
        chat(case.name, NETWORK[case.name]).complete(question(), context())
    assert len(naps) == 2


def test_user_agent_is_ours(case: Case) -> None:
    case.provider.complete(question(), context())
    assert {request.headers["user-agent"] for request in case.stand_in.requests} == {django_settings.USER_AGENT}


def test_proxies_and_netrc_of_the_machine_are_ignored(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    assert answer(chat(case.name, NETWORK[case.name]).complete(question(), context()).text) == RIGHT


def test_option_that_the_server_does_not_know_is_left_out_and_remembered(case: Case) -> None:
    name = "jsonSchema" if case.name == "yandexgpt" else "response_format"
    case.stand_in.refuses_schema = True
    case.stand_in.unknown_options = {"response_format"}
    assert answer(case.provider.complete(question(), context()).text) == RIGHT
    assert answer(chat(case.name, NETWORK[case.name]).complete(question(), context()).text) == RIGHT
    sent = [name in request.json for request in case.stand_in.to(CHAT_PATH[case.name])]
    assert sent == [True, False, False]


def test_errors_and_logs_keep_keys_and_prompt(case: Case, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    case.script(Answer(403, json={"message": "Bearer sk-secret-of-the-customer-1234567 is wrong"}))
    with pytest.raises(AuthError) as caught:
        case.provider.complete(question(), context())
    written = caplog.text + caught.value.safe_message + repr(caught.value)
    for secret in (*NETWORK[case.name].values(), "sk-secret-of-the-customer-1234567", "возврат"):
        if len(secret) > 20 or secret == "возврат":
            assert secret not in written


def test_embeddings_keep_order_and_meaning(case: Case) -> None:
    provider = embedder(case.name, NETWORK[case.name])
    texts = ["возврат товара в течение 14 дней", "доставка курьером по Москве", "вернуть товар и деньги"]
    result = provider.embed(texts, "doc", context())
    assert [len(vector) for vector in result.vectors] == [provider.space.dim] * 3
    near, far = _cosine(result.vectors[0], result.vectors[2]), _cosine(result.vectors[0], result.vectors[1])
    assert near > far
    assert result.vectors == [provider.embed([text], "doc", context()).vectors[0] for text in texts]
    assert result.tokens > 0
    assert provider.space.key == f"{case.name}:{provider.space.model}:{provider.space.dim}"


def test_embeddings_of_nothing(case: Case) -> None:
    assert embedder(case.name, NETWORK[case.name]).embed([], "doc", context()).vectors == []


def _cosine(one: list[float], two: list[float]) -> float:
    dot = sum(a * b for a, b in zip(one, two, strict=True))
    return float(dot / (sum(a * a for a in one) ** 0.5 * sum(b * b for b in two) ** 0.5))


def test_every_module_declares_itself() -> None:
    assert provider_names() == ("extractive", "gigachat", "openai_compatible", "yandexgpt")
    for name in provider_names():
        module = importlib.import_module(f"ai_assistant.providers.{name}")
        assert module.Provider.name == name
        assert str(module.Provider.title)
