"""The button that tests the keys: one real call to each model, and in words what is wrong."""

import pytest

from ai_assistant.providers.tests.conftest import GIGACHAT_KEYS, YANDEX_KEYS, gigachat, yandexgpt
from ai_assistant.services.assistants import test_connection as try_connection
from ai_assistant.services.budget import spending_of_month
from ai_assistant.tests.conftest import OPENAI_KEYS, QUESTION
from tests.standins import yandexgpt as yandex
from tests.standins.openai import error as openai_error
from tests.standins.server import Answer as Reply

__all__ = ["gigachat", "yandexgpt"]

SETTINGS = "/assistant/settings/"


@pytest.fixture
def press(shop, assistant):
    """Presses the button and returns what the page says."""

    def pressed(provider, keys, **fields):
        for name, value in {"provider": provider, "credentials": keys, **fields}.items():
            setattr(assistant, name, value)
        assistant.save()
        return [str(m) for m in shop.client(shop.admin).post(SETTINGS, {"test": "1"}, follow=True).context["messages"]]

    return pressed


def test_right_keys(press, openai, gigachat, yandexgpt):
    for provider, keys in (
        ("openai_compatible", OPENAI_KEYS), ("gigachat", GIGACHAT_KEYS), ("yandexgpt", YANDEX_KEYS), ("extractive", {}),
    ):  # fmt: skip
        (said,) = press(provider, keys)
        assert "answered in" in said
    assert spending_of_month().tokens > 0


@pytest.mark.parametrize(
    ("keys", "fault", "words"),
    [
        ({"client_secret": "b3RoZXI6Y3JlZGVudGlhbA=="}, None, "does not accept the key"),
        ({"scope": "GIGACHAT_API_B2B"}, None, "The GigaChat key is for another tariff. Try B2B, CORP or PERS."),
        ({"model": "GigaChat-9"}, None, "GigaChat has no such model."),
        ({}, Reply(402, json={"status": 402, "message": "Payment Required"}), "Top up the account"),
        ({}, Reply(403, json={"status": 403, "message": "Permission denied"}), "does not accept the key"),
    ],
)
def test_gigachat(press, gigachat, keys, fault, words):
    if fault:
        gigachat.script(fault, path="/chat/completions")
    (said,) = press("gigachat", GIGACHAT_KEYS | keys)
    assert words in said and said.startswith("GigaChat (Sber): ")


@pytest.mark.parametrize(
    ("keys", "fault", "words"),
    [
        ({"api_key": "AQVN-expired"}, None, "does not accept the key"),
        ({"folder_id": "b1gsomebodyelse00000"}, None, "This key may not use the folder or the model."),
        ({"model": "yandexgpt-9"}, None, "YandexGPT does not know this model or folder."),
        ({}, yandex.error(403, 7, "Billing account is not active"), "Top up the account"),
        ({}, yandex.error(429, 8, yandex.RATE), "The hourly or daily quota of YandexGPT is used up."),
    ],
)
def test_yandexgpt(press, yandexgpt, keys, fault, words):
    if fault:
        yandexgpt.script(fault)
    (said,) = press("yandexgpt", YANDEX_KEYS | keys)
    assert words in said


@pytest.mark.parametrize(
    ("keys", "fault", "words"),
    [
        ({"api_key": "sk-wrong"}, None, "does not accept the key"),
        ({"model": "another"}, None, "The server has no such model or address."),
        ({}, openai_error(429, "You exceeded your quota", "insufficient_quota"), "Top up the account"),
        ({}, Reply(body=b"<html>"), "sent an answer that cannot be read"),
    ],
)
def test_openai_compatible(press, openai, keys, fault, words, naps):
    if fault:
        openai.script(fault, fault)
    (said,) = press("openai_compatible", OPENAI_KEYS | keys)
    assert words in said


def test_no_network(press, settings, naps):
    settings.OPENAI_COMPATIBLE_API_URL = "http://127.0.0.1:1/v1"
    (said,) = press("openai_compatible", OPENAI_KEYS)
    assert "The language model cannot be reached." in said


def test_a_server_that_says_nothing(press, openai, monkeypatch):
    monkeypatch.setattr("ai_assistant.providers.CHECK_SECONDS", 0.3)
    with openai.holding():
        (said,) = press("openai_compatible", OPENAI_KEYS)
    assert "did not answer in time" in said


def test_no_keys_at_all(press):
    (said,) = press("gigachat", {})
    assert "Fill in" in said


def test_both_models_are_tried_and_each_has_its_word(press, openai, yandexgpt):
    first, second = press(
        "openai_compatible", {**OPENAI_KEYS, "api_key": "sk-wrong"},
        fallback_provider="yandexgpt", fallback_credentials=YANDEX_KEYS,
    )  # fmt: skip
    assert "does not accept the key" in first and second.startswith("YandexGPT: ") and "answered in" in second


def test_a_mended_key_works_at_once_though_it_rested(talk, model, assistant):
    model.script(Reply(401, json={"error": {"message": "suspended"}}))
    assert talk.asks(QUESTION).reason == "error"
    assert talk.asks(QUESTION, address="visitor-2").asked[0]["ms"] >= 0 and len(model.requests) == 1
    assert try_connection(assistant)[0][0]
    assert talk.asks(QUESTION, address="visitor-3").outcome == "answered"
