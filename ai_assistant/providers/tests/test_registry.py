"""Providers are found by name, and credentials are the workspace's or the installation's, never a mixture."""

import ast
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest
from django.utils import translation

from ai_assistant import providers
from ai_assistant.providers import (
    check_connection,
    credential_fields,
    load_embedder,
    load_provider,
    provider_choices,
    provider_names,
    validate_credentials,
)
from ai_assistant.providers.base import ProviderUnavailable
from ai_assistant.providers.tests.conftest import GIGACHAT_KEYS, RIGHT, YANDEX_KEYS, answer, context, question
from omnisupport.lib.errors import InvalidInput, NotFound
from tests.standins.gigachat import CLIENT_ID, CLIENT_SECRET, GigaChatStandIn
from tests.standins.yandexgpt import API_KEY, FOLDER, YandexGptStandIn

FOLDER_OF_PROVIDERS = Path(providers.__file__).parent


@pytest.mark.parametrize("name", ["", "base", "__init__", "tests", "../views", "gigachat.py", "os", "GigaChat"])
def test_names_that_are_no_provider(name: str, settings: Any) -> None:
    with pytest.raises(NotFound):
        load_provider(name, {}, settings)


def test_choices_for_a_form() -> None:
    with translation.override("en"):
        assert dict(provider_choices())["yandexgpt"] == "YandexGPT"
    assert [name for name, _title in provider_choices()] == list(provider_names())


def test_form_knows_what_is_secret() -> None:
    assert [field.name for name in provider_names() for field in credential_fields(name) if field.secret] == [
        "client_secret",
        "api_key",
        "api_key",
    ]
    fields = {field.name: field for field in credential_fields("gigachat")}
    assert fields["client_secret"].required
    assert fields["scope"].choices == ("GIGACHAT_API_PERS", "GIGACHAT_API_B2B", "GIGACHAT_API_CORP")
    assert credential_fields("extractive") == ()


def test_keys_of_the_installation_are_the_default(
    gigachat: GigaChatStandIn, yandexgpt: YandexGptStandIn, settings: Any
) -> None:
    settings.GIGACHAT_CLIENT_ID, settings.GIGACHAT_CLIENT_SECRET = CLIENT_ID, CLIENT_SECRET
    settings.YANDEX_GPT_API_KEY, settings.YANDEX_GPT_FOLDER_ID = API_KEY, FOLDER
    for name in ("gigachat", "yandexgpt"):
        blank = {field.name: " " for field in credential_fields(name)}
        for given in ({}, blank):
            assert answer(load_provider(name, given, settings).complete(question(), context()).text) == RIGHT


def test_own_key_wins_and_nothing_is_mixed(yandexgpt: YandexGptStandIn, settings: Any) -> None:
    settings.YANDEX_GPT_API_KEY, settings.YANDEX_GPT_FOLDER_ID = "key-of-the-installation", FOLDER
    assert check_connection(load_provider("yandexgpt", YANDEX_KEYS, settings))
    assert yandexgpt.requests[0].headers["authorization"] == f"Api-Key {API_KEY}"
    with pytest.raises(InvalidInput) as caught:
        load_provider("yandexgpt", {"folder_id": FOLDER}, settings)
    assert caught.value.field == "api_key"


@pytest.mark.parametrize("name", ["gigachat", "yandexgpt", "openai_compatible"])
def test_no_key_anywhere_says_what_to_fill_in(name: str, settings: Any) -> None:
    with translation.override("en"), pytest.raises(InvalidInput) as caught:
        load_provider(name, {}, settings)
    assert caught.value.code == "bad_credentials"
    assert caught.value.message.startswith("Fill in")


def test_keys_of_another_provider_are_ignored(yandexgpt: YandexGptStandIn, settings: Any) -> None:
    assert check_connection(load_provider("yandexgpt", GIGACHAT_KEYS | YANDEX_KEYS, settings))


def test_form_is_checked_before_it_is_saved() -> None:
    validate_credentials("gigachat", {})
    validate_credentials("gigachat", GIGACHAT_KEYS)
    with pytest.raises(InvalidInput) as caught:
        validate_credentials("yandexgpt", {**YANDEX_KEYS, "folder_id": "../../x"})
    assert caught.value.field == "folder_id"


def test_wrong_value_is_not_repeated_in_the_error() -> None:
    with pytest.raises(InvalidInput) as caught:
        validate_credentials("yandexgpt", {**YANDEX_KEYS, "api_key": "секрет с пробелом"})
    assert "секрет" not in f"{caught.value} {caught.value!r} {caught.value.__cause__}"


def test_vectors_of_this_server_know_what_is_meant_in_either_language(settings: Any) -> None:
    model = load_embedder("extractive", {}, settings)
    texts = ["Как вернуть деньги за покупку?", "How do I get a refund?", "Возврат средств", "Погода в горах"]
    asked, english, same, other = model.embed(texts, "doc", context(60)).vectors
    assert {len(asked), len(english)} == {model.space.dim}
    assert min(_dot(asked, same), _dot(english, same)) > 0.2 + max(_dot(asked, other), _dot(english, other))
    assert model.embed([], "doc", context(60)).vectors == []
    assert len(model.embed([""], "doc", context(60)).vectors[0]) == model.space.dim


def test_a_question_does_not_wait_for_a_model_that_is_still_being_read(settings: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("ai_assistant.local_vectors._loading", Future)
    with pytest.raises(ProviderUnavailable):
        load_embedder("extractive", {}, settings).embed(["вопрос"], "query", context(0.05))


def _dot(one: list[float], two: list[float]) -> float:
    return sum(a * b for a, b in zip(one, two, strict=True))


def test_providers_do_not_import_each_other() -> None:
    names = set(provider_names())
    for name in names:
        tree = ast.parse((FOLDER_OF_PROVIDERS / f"{name}.py").read_text())
        imported = {n.module.rpartition(".")[2] for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.module}
        assert not imported & names
