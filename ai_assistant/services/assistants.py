"""The assistant of a workspace and its settings."""

from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from ai_assistant.models import Assistant
from ai_assistant.providers import check_connection, credential_fields, load_provider, validate_credentials
from ai_assistant.providers.base import ChatProvider
from tenants.accounts.models import Role, User

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


def provider_of(assistant: Assistant) -> ChatProvider:
    """Raises NotFound, InvalidInput (credentials missing)."""
    return load_provider(assistant.provider, assistant.credentials, settings)


def change_assistant(assistant: Assistant, *, changes: dict[str, Any], credentials: dict[str, str]) -> Assistant:
    """Stores settings; blank secrets keep what is there. Raises InvalidInput with the field."""
    provider = changes.get("provider", assistant.provider)
    kept = assistant.credentials if _same_place(assistant, provider, credentials) else {}
    merged = {**kept, **{name: value for name, value in credentials.items() if value}}
    validate_credentials(provider, merged)
    for name, value in changes.items():
        setattr(assistant, name, value)
    assistant.credentials = merged
    assistant.save()
    return assistant


def change_behaviour(assistant: Assistant, changes: dict[str, Any]) -> None:
    """All but the model and its keys."""
    for name, value in changes.items():
        setattr(assistant, name, value)
    assistant.save(update_fields=list(changes))


def _same_place(assistant: Assistant, provider: str, credentials: dict[str, str]) -> bool:
    """A stored secret must not travel to another address: where anything but secrets changes, it is asked for again."""
    if provider != assistant.provider:
        return False
    open_fields = [field.name for field in credential_fields(provider) if not field.secret]
    return all(credentials.get(name, "") == assistant.credentials.get(name, "") for name in open_fields)


def test_connection(assistant: Assistant) -> str:
    """One real call. Returns what answered; raises LLMError with a sentence, InvalidInput."""
    result = check_connection(provider_of(assistant))
    return _("%(model)s answered in %(ms)s ms.") % {"model": result.model, "ms": result.latency_ms}


test_connection.__test__ = False  # type: ignore[attr-defined]  # pytest would take it for a test
