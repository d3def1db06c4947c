"""The assistant of a workspace and its settings."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import structlog
from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from ai_assistant.models import Assistant, EmbeddingModel
from ai_assistant.providers import (
    check_connection,
    credential_fields,
    given_credentials,
    is_verbatim,
    load_provider,
    provider_choices,
    validate_credentials,
)
from ai_assistant.providers.base import ChatProvider
from ai_assistant.services.budget import forget_warnings, spend
from omnisupport.lib.errors import AppError, InvalidInput
from tenants.accounts.models import Role, User

log = structlog.get_logger(__name__)

_EMAIL = "assistant@assistant.invalid"  # a person's row needs an address; nobody can log in with it


@transaction.atomic
def ensure_assistant() -> Assistant:
    """The workspace's assistant, made with its user on first use."""
    found = Assistant.objects.select_related("user").order_by("id").first()
    if found is not None:
        return found
    user = User.objects.filter(role=Role.ASSISTANT).first()
    if user is None:
        user = User.objects.create_user(_EMAIL, None, name=_("Assistant"), role=Role.ASSISTANT)
    return Assistant.objects.get_or_create(user=user)[0]


@dataclass(frozen=True)
class Link:
    """A provider that may be asked. `price`: roubles for 1,000 tokens; None: nobody has told."""

    provider: ChatProvider
    price: Decimal | None


def providers_of(assistant: Assistant) -> list[Link]:
    """In the order in which they are asked. Raises NotFound, InvalidInput (credentials of the first one missing)."""
    first = load_provider(assistant.provider, assistant.credentials, settings)
    links = [Link(first, price_of(assistant.provider, assistant.price))]
    name, keys = _second(assistant)
    if name:
        try:
            second = load_provider(name, keys, settings)
        except AppError as error:
            # The first one works all the same; the test of the connection tells the admin.
            log.warning("llm_fallback_unusable", provider=name, code=error.code)
        else:
            links.append(Link(second, price_of(name, assistant.fallback_price)))
    return links


def price_of(provider: str, own: Decimal | None) -> Decimal | None:
    """Roubles for 1,000 tokens: the workspace's word, else the installation's. `provider`: also "name/embeddings"."""
    if is_verbatim(provider.partition("/")[0]):
        return Decimal(0)
    return own if own is not None else settings.LLM_PRICES.get(provider)


def _second(assistant: Assistant) -> tuple[str, dict[str, str]]:
    """Whoever brought keys of their own decides alone where questions go; the others have the order of the installation."""
    if assistant.fallback_provider:
        return assistant.fallback_provider, assistant.fallback_credentials
    has_own_keys = bool(given_credentials(assistant.provider, assistant.credentials))
    stays_alone = has_own_keys or is_verbatim(assistant.provider) or assistant.provider == settings.LLM_FALLBACK
    return "" if stays_alone else settings.LLM_FALLBACK, {}


def set_settings(
    assistant: Assistant,
    *,
    changes: dict[str, Any],
    credentials: dict[str, str] | None = None,
    fallback_credentials: dict[str, str] | None = None,
) -> None:
    """On the row in memory. `credentials` None: they are not spoken of; blank secrets keep what is there. Raises InvalidInput
    with the field."""
    before = (assistant.provider, assistant.credentials), (assistant.fallback_provider, assistant.fallback_credentials)
    provider = changes.get("provider", assistant.provider)
    second = changes.get("fallback_provider", assistant.fallback_provider)
    merged = assistant.credentials if credentials is None else _merged(*before[0], provider, credentials)
    if provider != assistant.provider:
        # Another provider has no model of that name.
        assistant.rerank_model, assistant.rerank_price = "", None
    if fallback_credentials is not None or second != assistant.fallback_provider:
        assistant.fallback_credentials = _merged(*before[1], second, fallback_credentials or {}, prefix="fallback_")
    for name, value in changes.items():
        setattr(assistant, name, value)
    assistant.credentials = merged
    check_prices(assistant)


def store_assistant(assistant: Assistant) -> None:
    limit_before = Assistant.objects.values_list("monthly_limit", flat=True).get(id=assistant.id)
    assistant.save()
    if assistant.monthly_limit != limit_before:
        forget_warnings()


def change_reranking(assistant: Assistant, *, reranks: bool, model: str, price: Decimal | None) -> None:
    assistant.reranks, assistant.rerank_model, assistant.rerank_price = reranks, model, price
    assistant.save(update_fields=["reranks", "rerank_model", "rerank_price"])


def _merged(
    stored_for: str, stored: dict[str, str], provider: str, given: dict[str, str], prefix: str = ""
) -> dict[str, str]:
    if not provider:
        return {}
    kept = stored if provider == stored_for and _same_place(provider, stored, given) else {}
    merged = {**kept, **{name: value for name, value in given.items() if value}}
    try:
        validate_credentials(provider, merged)
    except InvalidInput as error:
        error.field = prefix + error.field
        raise
    return merged


def _same_place(provider: str, stored: dict[str, str], given: dict[str, str]) -> bool:
    """A stored secret must not travel to another address: where anything but secrets changes, it is asked for again."""
    open_fields = [field.name for field in credential_fields(provider) if not field.secret]
    return all(given.get(name, "") == stored.get(name, "") for name in open_fields)


def check_prices(assistant: Assistant) -> None:
    """A budget without a price would never be reached."""
    if assistant.monthly_limit is None:
        return
    pairs = ((assistant.provider, "price"), (_second(assistant)[0], "fallback_price"))
    for provider, field in pairs:
        if provider and price_of(provider, getattr(assistant, field)) is None:
            raise InvalidInput(_("A budget needs the price of each model."), code="no_price", field=field)
    for model in EmbeddingModel.objects.all():
        if price_of(f"{model.provider}/embeddings", model.price) is None:
            message = _("A budget needs the price of each model: that of the search by meaning is missing.")
            raise InvalidInput(message, code="no_price", field="monthly_limit")


def test_connection(assistant: Assistant) -> list[tuple[bool, str]]:
    """One real call to each provider, with what is stored: whether it works, and a sentence. What it costs counts."""
    second, keys = _second(assistant)
    told = [_tested(assistant, assistant.provider, assistant.credentials, assistant.price)]
    return [*told, _tested(assistant, second, keys, assistant.fallback_price)] if second else told


def _tested(
    assistant: Assistant, name: str, credentials: dict[str, str], own_price: Decimal | None
) -> tuple[bool, str]:
    title = dict(provider_choices()).get(name, name)
    try:
        provider = load_provider(name, credentials, settings)
        result = check_connection(provider)
    except AppError as error:
        return False, f"{title}: {error}"
    if not provider.verbatim:
        price = price_of(name, own_price)
        spend(assistant, result.usage.total, None if price is None else price * result.usage.total / 1000)
    answered = _("%(model)s answered in %(ms)s ms.") % {"model": result.model, "ms": result.latency_ms}
    return True, f"{title}: {answered}"


test_connection.__test__ = False  # type: ignore[attr-defined]  # pytest would take it for a test
