"""A second model answers where the first fails, as long as the customer has seen nothing; a turn costs two calls at most."""

import pytest

from ai_assistant.providers.tests.conftest import GIGACHAT_KEYS, YANDEX_KEYS, gigachat, yandexgpt
from ai_assistant.tests.conftest import OPENAI_KEYS, QUESTION, change_assistant, says
from omnisupport.lib.errors import InvalidInput
from tests.standins.server import Answer as Reply

__all__ = ["gigachat", "yandexgpt"]

DOWN = Reply(503, html="<h1>Service unavailable</h1>")


@pytest.fixture
def two(model, yandexgpt, assistant):
    """YandexGPT behind the first model."""
    assistant.fallback_provider, assistant.fallback_credentials = "yandexgpt", YANDEX_KEYS
    assistant.save()
    return model, yandexgpt


def whom(receipt):
    return [(call["provider"], call["code"]) for call in receipt.asked]


def calls(*stand_ins):
    return sum(len(stand_in.to("/completion")) for stand_in in stand_ins)


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (DOWN, "llm_unavailable"),
        (Reply(429, json={"error": {"message": "slow down"}}, headers={"Retry-After": "1"}), "llm_rate_limited"),
        (Reply(401, json={"error": {"message": "no such key"}}), "llm_auth"),
        (Reply(402, json={"error": {"message": "pay"}}), "llm_quota"),
        (Reply(body=b"\x00"), "llm_truncated"),
        (Reply(raw=[]), "llm_unavailable"),
    ],
)
def test_the_second_answers_at_once_and_the_receipt_says_why(talk, two, fault, code, naps):
    two[0].script(fault)
    receipt = talk.asks(QUESTION)
    assert (receipt.outcome, receipt.provider) == ("answered", "yandexgpt") and "45 дней" in talk.last().text
    assert whom(receipt) == [("openai_compatible", code), ("yandexgpt", "")]
    assert receipt.asked[0]["message"] and naps == [] and calls(*two) == 2


def test_the_first_is_asked_first_again(talk, two):
    two[0].script(DOWN)
    talk.asks(QUESTION)
    assert talk.asks("Сколько дней можно вернуть вторую байдарку?").provider == "openai_compatible"


def test_half_a_stream_of_which_nothing_was_shown_goes_to_the_second(talk, two, screen):
    two[0].cut_after = 2
    receipt = talk.asks(QUESTION)
    assert whom(receipt) == [("openai_compatible", "llm_truncated"), ("yandexgpt", "")]
    assert receipt.asked[0]["tokens"] > 0
    two[0].cut_after = None


def test_what_the_customer_saw_is_not_begun_anew_by_another(talk, two, screen):
    first, second = two
    first.script(lambda request: cut_behind(says("Вернуть можно в течение 45 дней. А ещё [1]", 1)(request)))
    receipt = talk.asks(QUESTION)
    assert screen() == "Вернуть можно в течение 45 дней."
    assert (receipt.outcome, receipt.reason) == ("handed_over", "error") and not second.requests
    assert [line.author for line in talk.lines()] == ["system"]


def test_without_a_second_the_same_one_begins_anew_once(talk, model, naps):
    model.script(lambda request: cut_behind(says("Вернуть", 1)(request), 2))
    receipt = talk.asks(QUESTION)
    assert whom(receipt) == [("openai_compatible", "llm_truncated"), ("openai_compatible", "")]
    assert receipt.outcome == "answered" and calls(model) == 2


def test_two_calls_a_turn_whatever_happens(talk, two, naps):
    first, second = two
    first.script(*[DOWN] * 5)
    second.script(*[DOWN] * 5)
    receipt = talk.asks(QUESTION)
    assert (receipt.outcome, receipt.reason, calls(*two)) == ("handed_over", "error", 2)


def test_an_answer_that_the_checks_refuse_leaves_no_third_call(talk, two):
    first, second = two
    first.script(DOWN)
    second.status = "ALTERNATIVE_STATUS_TRUNCATED_FINAL"
    receipt = talk.asks(QUESTION)
    assert (receipt.outcome, receipt.reason, calls(*two)) == ("handed_over", "not_sure", 2)


def test_moderation_is_not_dodged(talk, two):
    first, second = two
    first.finish = "content_filter"
    assert talk.asks(QUESTION).reason == "not_sure" and not second.requests


def test_excerpts_are_a_second_model_too(talk, model, assistant, naps):
    assistant.fallback_provider = "extractive"
    assistant.save()
    model.script(DOWN)
    receipt = talk.asks(QUESTION)
    assert (receipt.outcome, receipt.provider) == ("answered", "extractive") and "45 дней" in talk.last().text


def test_a_first_that_rests_is_not_asked(talk, two):
    first, _second = two
    first.script(*[DOWN] * 5)
    for _ in range(6):
        assert talk.asks(QUESTION).provider == "yandexgpt"
    assert len(first.requests) == 5
    assert talk.receipt().asked[0]["code"] == "llm_circuit_open"


def test_the_installation_names_a_second_for_those_who_use_its_keys(talk, openai, yandexgpt, assistant, settings):
    settings.LLM_FALLBACK = "yandexgpt"
    settings.YANDEX_GPT_API_KEY, settings.YANDEX_GPT_FOLDER_ID = YANDEX_KEYS["api_key"], YANDEX_KEYS["folder_id"]
    assistant.provider, assistant.credentials = "openai_compatible", {}
    assistant.save()
    openai.script(DOWN)
    assert talk.asks(QUESTION).provider == "yandexgpt"
    # A workspace's own key says where its questions may go.
    assistant.credentials = OPENAI_KEYS
    assistant.save()
    openai.script(DOWN, DOWN)
    assert talk.asks(QUESTION).reason == "error"


def test_a_second_without_keys_does_not_disturb_the_first(talk, model, assistant):
    assistant.fallback_provider = "gigachat"
    assistant.save()
    assert talk.asks(QUESTION).outcome == "answered"


def test_its_secret_does_not_travel_either(assistant):
    change_assistant(
        assistant, changes={"fallback_provider": "gigachat"}, credentials={}, fallback_credentials=GIGACHAT_KEYS
    )
    assert assistant.fallback_credentials == GIGACHAT_KEYS
    change_assistant(assistant, changes={}, credentials={}, fallback_credentials={"client_secret": ""})
    assert assistant.fallback_credentials == GIGACHAT_KEYS
    with pytest.raises(InvalidInput) as caught:
        change_assistant(
            assistant, changes={"fallback_provider": "yandexgpt"}, credentials={},
            fallback_credentials={"folder_id": "x", "api_key": "key"},
        )  # fmt: skip
    assert caught.value.field == "fallback_folder_id"


def cut_behind(reply, frames=None):
    """The same stream, broken off before its end."""
    chunks = list(reply.chunks)
    return Reply(chunks=chunks[: frames or len(chunks) - 2], cut=True)
