"""What is asked of the account and not of a conversation: who we are there, where messages go, how it is, its templates."""

import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from channels_app.base import Connected, Template, TransportError
from channels_app.parts import items, mapping, words
from channels_app.whatsapp.client import Client
from channels_app.whatsapp.config import DIALOG, FLAT, META
from channels_app.whatsapp.errors import Refused
from channels_app.whatsapp.payloads import name
from channels_app.whatsapp.templates import template_of

_MESSAGING, _MANAGEMENT = "whatsapp_business_messaging", "whatsapp_business_management"
_PAGES, _PAGE = 50, 100
_WARN_BEFORE = 7 * 24 * 3600


def identify(client: Client) -> Connected:
    """Raises TransportError with what to do."""
    if not client.token:
        raise TransportError(_("Save the access token."))
    if client.provider != META:
        _ask_gateway(client)
        # The token is the only identity that every gateway has.
        own = client.number or f"{urlsplit(client.base).hostname}:{sha256(client.token.encode()).hexdigest()[:16]}"
        return Connected(external_id=own, title="WhatsApp")
    found = client.get(client.path(client.number))
    _check_token(client)
    phone, title = words(found.get("display_phone_number")), words(found.get("verified_name"))
    digits = "".join(filter(str.isdigit, phone))
    link = f"https://wa.me/{digits}" if digits else ""
    config = {"display_phone_number": phone, "verified_name": title, "link": link}
    return Connected(
        external_id=client.number, title=" ".join(filter(None, [title, phone])) or "WhatsApp", config=config
    )


def _ask_gateway(client: Client) -> Mapping[str, Any]:
    return client.get("/v1/health" if client.provider == FLAT else "/v1/configs/webhook")


def _check_token(client: Client) -> str:
    """A note on the token, where Meta tells of it. Raises TransportError for one that is not good for messages."""
    found = _token_facts(client)
    if found.get("is_valid") is False:
        raise TransportError(
            _("The access token is no longer valid. Make a new one and save it here."), breaks_channel=True
        )
    scopes = found.get("scopes")
    if isinstance(scopes, list) and _MESSAGING not in scopes:
        reason = _("The access token lacks the permission %(name)s. Make a new one with it and save it here.")
        raise TransportError(reason % {"name": _MESSAGING}, breaks_channel=True)
    ends = found.get("expires_at")
    if isinstance(ends, int | float) and 0 < ends - time.time() < _WARN_BEFORE:
        days = max(1, round((ends - time.time()) / 86400))
        return _("The access token ends in %(days)s d: save one of a system user, which does not end.") % {"days": days}
    if isinstance(scopes, list) and client.account and _MANAGEMENT not in scopes:
        return _("Without the permission %(name)s templates cannot be listed.") % {"name": _MANAGEMENT}
    return ""


def _token_facts(client: Client) -> Mapping[str, Any]:
    """What Meta tells of the token; nothing where it does not let it be asked about."""
    try:
        return mapping(client.get(client.path("debug_token"), input_token=client.token).get("data"))
    except Refused:
        return {}


# ---- Receiving -------------------------------------------------------------------------------------------------------


def start_receiving(client: Client, webhook_url: str, verify_token: str) -> str:
    """Subscribes our app to the account and has this number's messages brought to us, where Meta lets us."""
    if not settings.PUBLIC_URL_REACHABLE:
        return _("We can write to WhatsApp, but it cannot call this installation: it has no public address.")
    if client.provider != META:
        return _("Now give the gateway the address of the webhook that stands above.")
    if client.account:
        client.ask("POST", client.path(client.account, "subscribed_apps"))
    try:
        where = {"override_callback_uri": webhook_url, "verify_token": verify_token}
        client.ask("POST", client.path(client.number), json={"webhook_configuration": where})
    except Refused:
        return _("Now paste the address and the verify token that stand above into the app of Meta.")
    return _("Meta brings the messages of this number here.")


def stop_receiving(client: Client) -> None:
    # The subscription stays: other numbers of the account may live by it.
    if client.provider == META and settings.PUBLIC_URL_REACHABLE:
        client.ask("POST", client.path(client.number), json={"webhook_configuration": {"override_callback_uri": ""}})


def check(client: Client, webhook_url: str) -> str:
    """A note on whatever Meta tells of the number. Raises TransportError when messages cannot come or go."""
    if client.provider != META:
        return _check_gateway(client, webhook_url)
    number = client.get(client.path(client.number))
    notes = [_check_token(client), *_number_notes(number)]
    if settings.PUBLIC_URL_REACHABLE:
        _check_webhook(mapping(number.get("webhook_configuration")), webhook_url)
        _check_subscription(client)
    else:
        notes.append(_("WhatsApp cannot call this installation: it has no public address."))
    return " ".join(filter(None, notes)) or _("WhatsApp answers, and messages come here.")


def report(client: Client, webhook_url: str) -> list[tuple[str, str]]:
    """As Adapter.report. Raises TransportError."""
    if client.provider != META:
        url = words(_ask_gateway(client).get("url"))
        return [(_("Gateway"), _("it answers")), (_("Webhook"), _webhook_in_words(url, webhook_url))]
    number = client.get(client.path(client.number))
    called = _called(mapping(number.get("webhook_configuration")))
    told = {
        _("Number"): " ".join(filter(None, (words(number.get(k)) for k in ("display_phone_number", "verified_name")))),
        _("State"): words(number.get("status")).lower(),
        _("Quality"): words(number.get("quality_rating")).lower(),
        _("Webhook"): _webhook_in_words(called, webhook_url),
        _("Subscribed apps"): _apps(client),
        _("Access token"): _end_of_token(client),
    }
    return [(title, text) for title, text in told.items() if text]


def _webhook_in_words(url: str, webhook_url: str) -> str:
    if not url:
        return _("not told by WhatsApp")
    return (
        _("leads here")
        if url == webhook_url
        else _("leads elsewhere: %(host)s") % {"host": urlsplit(url).hostname or "?"}
    )


def _apps(client: Client) -> str:
    try:
        found = client.get(client.path(client.account, "subscribed_apps")) if client.account else {}
    except Refused:
        return ""
    apps = (mapping(mapping(app).get("whatsapp_business_api_data")) for app in items(found.get("data")))
    names = [words(app.get("name")) or name(app.get("id")) for app in apps]
    return ", ".join(filter(None, names)) or (_("none") if found.get("data") == [] else "")


def _end_of_token(client: Client) -> str:
    found = _token_facts(client)
    if found.get("is_valid") is False:
        return _("not valid any more")
    ends = found.get("expires_at")
    if isinstance(ends, int | float) and 0 < ends < 2**32:
        day = timezone.localtime(datetime.fromtimestamp(ends, UTC))
        return _("valid until %(day)s") % {"day": date_format(day, "DATE_FORMAT")}
    return _("valid, without an end date") if ends == 0 else ""


def _check_gateway(client: Client, webhook_url: str) -> str:
    found = _ask_gateway(client)
    url = words(found.get("url"))
    if client.provider == DIALOG and settings.PUBLIC_URL_REACHABLE and url and url != webhook_url:
        reason = _("The gateway calls another address: %(url)s. Give it the one that stands above.")
        raise TransportError(reason % {"url": url[:200]})
    return _("The gateway answers.")


def _number_notes(number: Mapping[str, Any]) -> Iterator[str]:
    if words(number.get("status")).upper() in {"BANNED", "RESTRICTED", "DISCONNECTED"}:
        reason = _("WhatsApp has restricted this number: %(status)s.") % {"status": words(number.get("status"))[:40]}
        raise TransportError(reason, breaks_channel=True)
    if words(number.get("quality_rating")).upper() in {"RED", "LOW"}:
        yield _("Customers rate the messages of this number badly; WhatsApp may restrict it.")


def _check_webhook(configuration: Mapping[str, Any], webhook_url: str) -> None:
    """Meta calls the most particular of the addresses that it was given."""
    called = _called(configuration)
    if called and called != webhook_url:
        reason = _("Meta takes the messages of this number elsewhere. Press “Check now” to have them brought here.")
        raise TransportError(reason, breaks_channel=True)


def _called(configuration: Mapping[str, Any]) -> str:
    given = (configuration.get(level) for level in ("phone_number", "whatsapp_business_account", "application"))
    return next(filter(None, map(words, given)), "")


def _check_subscription(client: Client) -> None:
    if not client.account:
        return
    try:
        found = client.get(client.path(client.account, "subscribed_apps"))
    except Refused:
        return
    if found.get("data") == []:
        reason = _("No app is subscribed to the WhatsApp account, so no messages come. Press “Check now”.")
        raise TransportError(reason, breaks_channel=True)


# ---- Templates -------------------------------------------------------------------------------------------------------


def fetch_templates(client: Client) -> list[Template]:
    """Raises TransportError."""
    if client.provider == META and not client.account:
        raise TransportError(_("Save the WhatsApp Business Account ID: templates belong to it."), permanent=True)
    pages = _cloud_pages(client) if client.provider == META else _gateway_pages(client)
    found = (template_of(mapping(raw)) for page in pages for raw in page)
    return [template for template in found if template is not None]


def _cloud_pages(client: Client) -> Iterator[list[Any]]:
    # The next page is asked for by its mark: the ready address that Meta gives holds the token.
    query = {"limit": str(_PAGE), "fields": "id,name,language,status,category,components"}
    for _number in range(_PAGES):
        answer = client.get(client.path(client.account, "message_templates"), **query)
        yield items(answer.get("data"))
        paging = mapping(answer.get("paging"))
        after = name(mapping(paging.get("cursors")).get("after"))
        if not (after and paging.get("next")) or after == query.get("after"):
            return
        query["after"] = after


def _gateway_pages(client: Client) -> Iterator[list[Any]]:
    for page in range(_PAGES):
        answer = client.get("/v1/configs/templates", limit=str(_PAGE), offset=str(page * _PAGE))
        found = items(answer.get("waba_templates"))
        yield found
        if len(found) < _PAGE:
            return
