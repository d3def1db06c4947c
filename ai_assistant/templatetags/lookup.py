from collections.abc import Mapping
from typing import Any

from django import template
from django.utils.translation import gettext as _

from ai_assistant.models import Assistant
from tickets.models import HandoffReason

register = template.Library()


@register.filter
def lookup(mapping: Mapping[Any, Any], key: Any) -> Any:
    return mapping.get(key)


@register.filter
def reason_words(code: str) -> str:
    """Of a receipt: why people got the conversation, or why nothing was said."""
    dropped = {"overtaken": _("a newer message or a person came first"), "lost": _("cut short, tried again")}
    return dropped.get(code) or HandoffReason.words(code)


@register.filter
def failure_words(code: str) -> str:
    """Of a test question: why its answer is not what was expected."""
    return {
        "": _("as expected"),
        "error": _("the model or the search did not answer"),
        "handed_over": _("a person was called instead of an answer"),
        "answered": _("answered instead of calling a person"),
        "source": _("answered from another document"),
        "words": _("something expected is not said"),
    }[code]


@register.filter
def setting_words(name: str) -> str:
    """Of a field of the assistant's settings."""
    if name in {"credentials", "fallback_credentials"}:
        return _("Access to the model") if name == "credentials" else _("Access to the second model")
    return str(getattr(Assistant._meta.get_field(name), "verbose_name", name))


@register.filter
def tool_state_words(code: str) -> str:
    """What became of a call."""
    return {
        "done": _("done"),
        "waiting": _("waits for the customer's yes"),
        "not_found": _("found nothing"),
        "failed": _("failed"),
        "uncertain": _("perhaps done"),
    }[code]
