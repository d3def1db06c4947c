"""Language models by name: every `<name>.py` beside this file is a provider with one class named `Provider`.

A workspace's own credentials win; where it gave none, those of the installation are used. They are never mixed: a key of the
installation must not travel to an address that a workspace chose.
"""

import importlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, Protocol, cast

from django.conf import LazySettings
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from ai_assistant.providers.base import (
    CallContext,
    ChatMessage,
    ChatProvider,
    ChatRequest,
    ChatResult,
    CredentialField,
    EmbeddingProvider,
    ProviderCredentials,
    describe_fields,
    given_values,
    parse_credentials,
)
from omnisupport.lib.errors import InvalidInput, NotFound

__all__ = [
    "check_connection", "credential_fields", "embedding_choices", "given_credentials", "installation_credentials",
    "is_verbatim", "light_model", "load_embedder", "load_provider", "provider_choices", "provider_names",
    "validate_credentials",
]  # fmt: skip

_FOLDER = Path(__file__).parent
# A web request waits for it.
CHECK_SECONDS = 12.0


class ProviderClass(Protocol):
    """What a provider's module offers under the name `Provider`."""

    name: ClassVar[str]
    title: ClassVar[str | Promise]
    verbatim: ClassVar[bool]
    # Of its models one that is good enough for small tasks, as an example; empty where that cannot be known.
    light_model: ClassVar[str]
    credentials_model: ClassVar[type[ProviderCredentials]]

    def __call__(self, credentials: ProviderCredentials, settings: LazySettings) -> Any: ...

    def platform_credentials(self, settings: LazySettings) -> Mapping[str, str]: ...


@cache
def provider_names() -> tuple[str, ...]:
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.py") if path.stem != "__init__"))


@cache
def _provider_class(name: str) -> ProviderClass:
    if name not in provider_names():
        raise NotFound(_("There is no language model provider “%(name)s”.") % {"name": name})
    return cast("ProviderClass", importlib.import_module(f"{__name__}.{name}").Provider)


def provider_choices() -> list[tuple[str, str]]:
    """(name, title) for a form."""
    return [(name, str(_provider_class(name).title)) for name in provider_names()]


def is_verbatim(name: str) -> bool:
    """It quotes the sources: nothing leaves us, nothing is paid for, and it can do nothing else. False for an unknown name."""
    return name in provider_names() and _provider_class(name).verbatim


def light_model(name: str) -> str:
    """An example for a form. Empty for an unknown name."""
    return _provider_class(name).light_model if name in provider_names() else ""


def embedding_choices() -> list[tuple[str, str]]:
    """Of those that make vectors."""
    makers = {name: _provider_class(name) for name in provider_names() if hasattr(_provider_class(name), "embed")}
    return [(name, str(getattr(maker, "vectors_title", maker.title))) for name, maker in makers.items()]


def credential_fields(name: str) -> tuple[CredentialField, ...]:
    """The fields of the provider's settings form. Raises NotFound."""
    return describe_fields(_provider_class(name).credentials_model)


def given_credentials(name: str, credentials: Mapping[str, str]) -> dict[str, str]:
    """What a workspace gave of its own. Raises NotFound."""
    return given_values(_provider_class(name).credentials_model, credentials)


def installation_credentials(name: str, settings: LazySettings) -> dict[str, str]:
    """Raises NotFound."""
    return dict(_provider_class(name).platform_credentials(settings))


def validate_credentials(name: str, credentials: Mapping[str, str]) -> None:
    """For a settings form: nothing given is right too. Raises InvalidInput with `field`, NotFound."""
    model = _provider_class(name).credentials_model
    if given_values(model, credentials):
        parse_credentials(model, credentials)


def load_provider(
    name: str, credentials: Mapping[str, str], settings: LazySettings, *, model: str = ""
) -> ChatProvider:
    """`model`: another one with the same keys. Raises NotFound for an unknown name, InvalidInput for missing or wrong keys."""
    return cast("ChatProvider", _load(name, credentials, settings, model))


def load_embedder(name: str, credentials: Mapping[str, str], settings: LazySettings) -> EmbeddingProvider:
    """Raises NotFound, InvalidInput; also InvalidInput for a provider without embeddings."""
    provider = _load(name, credentials, settings)
    if not hasattr(type(provider), "embed"):
        raise InvalidInput(
            _("“%(name)s” makes no embeddings. Choose another provider.") % {"name": name}, code="no_embeddings"
        )
    embedder = cast("EmbeddingProvider", provider)
    _space = embedder.space  # a provider whose embedding model is not chosen says so here
    return embedder


def _load(name: str, credentials: Mapping[str, str], settings: LazySettings, model: str = "") -> Any:
    found = _provider_class(name)
    values = given_values(found.credentials_model, credentials) or found.platform_credentials(settings)
    if model:
        values = {**values, "model": model}
    return found(parse_credentials(found.credentials_model, values), settings)


def check_connection(provider: ChatProvider) -> ChatResult:
    """One word through the whole chain: key, address, model. Raises LLMError."""
    request = ChatRequest(messages=(ChatMessage("user", "ping"),), max_tokens=8)
    return provider.complete(request, CallContext.within(CHECK_SECONDS, purpose="check"))
