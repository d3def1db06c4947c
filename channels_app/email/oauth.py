"""Access tokens of Google and Microsoft: made of the refresh token, good for about an hour, kept in memory until then."""

import hashlib
import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

import httpx
from django.conf import settings
from django.utils.translation import gettext as _

from channels_app.base import TransportError
from channels_app.parts import Number, Part, Text, read
from omnisupport.lib.http import service_client, until

DEADLINE = 20.0
# An access token is renewed so many seconds before its end.
EARLY = 120
_SCOPES = {
    "google": "https://mail.google.com/",
    "microsoft": "offline_access https://outlook.office.com/IMAP.AccessAsUser.All https://outlook.office.com/SMTP.Send",
}
_PAGES = {
    "google": "https://accounts.google.com/o/oauth2/v2/auth",
    "microsoft": "https://login.microsoftonline.com/common/oauth2/v2.0/authorize",
}


class _Token(Part):
    access_token: Text = ""
    expires_in: Number = 3600
    refresh_token: Text = ""
    error: Text = ""
    error_description: Text = ""


@dataclass(frozen=True)
class _Kept:
    token: str
    until: float
    # Microsoft gives a new one with each access token; the old one ends some weeks later.
    refresh_token: str


_kept: dict[str, _Kept] = {}
_lock = threading.Lock()


@lru_cache(maxsize=1)
def _http() -> httpx.Client:
    return service_client(timeout=15)


def access_token(provider: str, config: Mapping[str, Any], secrets: Mapping[str, Any]) -> str:
    """Raises TransportError; the channel is broken when the consent was taken back."""
    key = _key(provider, config, secrets)
    with _lock:
        kept = _kept.get(key)
    if kept is None or kept.until < time.monotonic():
        kept = _renew(provider, config, secrets)
        with _lock:
            if len(_kept) > 5000:
                _kept.clear()
            _kept[key] = kept
    return kept.token


def renewed_refresh_token(provider: str, config: Mapping[str, Any], secrets: Mapping[str, Any]) -> str:
    """The one that came in place of the stored; empty where there is none."""
    with _lock:
        kept = _kept.get(_key(provider, config, secrets))
    given = kept.refresh_token if kept else ""
    return given if given != secrets.get("refresh_token") else ""


def forget(provider: str, config: Mapping[str, Any], secrets: Mapping[str, Any]) -> None:
    """After a server that refused the token: the next try asks for another."""
    with _lock:
        _kept.pop(_key(provider, config, secrets), None)


def login_string(login: str, token: str) -> str:
    """Of SASL XOAUTH2, before base64."""
    return f"user={login}\x01auth=Bearer {token}\x01\x01"


def consent_url(provider: str, config: Mapping[str, Any], redirect_url: str, state: str) -> str:
    """The provider's page where the mailbox's owner lets us in; empty without an app there."""
    client_id = config.get("oauth_client_id") or getattr(settings, f"{provider.upper()}_OAUTH_CLIENT_ID", "")
    if provider not in _PAGES or not client_id:
        return ""
    wish = {"client_id": client_id, "redirect_uri": redirect_url, "response_type": "code", "scope": _SCOPES[provider],
            "state": state, "login_hint": config.get("address", ""), "prompt": "consent"}  # fmt: skip
    # Google gives a refresh token only to whoever asks so.
    return f"{_PAGES[provider]}?{urlencode(wish | ({'access_type': 'offline'} if provider == 'google' else {}))}"


def refresh_token_for(
    provider: str, config: Mapping[str, Any], secrets: Mapping[str, Any], redirect_url: str, code: str
) -> str:
    """Raises TransportError."""
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_url}
    token = _ask(_token_url(provider), form | _app(provider, config, secrets)).refresh_token
    if not token:
        raise TransportError(
            _("The sign-in brought no lasting permission. Take the app's access away there and try again.")
        )
    return token


def _token_url(provider: str) -> str:
    return str(getattr(settings, f"{provider.upper()}_OAUTH_TOKEN_URL"))


def _app(provider: str, config: Mapping[str, Any], secrets: Mapping[str, Any]) -> dict[str, str]:
    """Who asks: the app of the workspace, else the installation's. Raises TransportError."""
    name, own = provider.upper(), config.get("oauth_client_id")
    client_id = own or getattr(settings, f"{name}_OAUTH_CLIENT_ID")
    client_secret = secrets.get("oauth_client_secret") if own else getattr(settings, f"{name}_OAUTH_CLIENT_SECRET")
    if not client_id:
        reason = _("Signing in needs the client ID of an app: give your own below, or ask the operator for one.")
        raise TransportError(reason, permanent=True, breaks_channel=True)
    return {"client_id": client_id} | ({"client_secret": client_secret} if client_secret else {})


def _key(provider: str, config: Mapping[str, Any], secrets: Mapping[str, Any]) -> str:
    parts = (provider, config.get("oauth_client_id", ""), secrets.get("refresh_token", ""))
    return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()


def _renew(provider: str, config: Mapping[str, Any], secrets: Mapping[str, Any]) -> _Kept:
    form = {"grant_type": "refresh_token", "refresh_token": secrets.get("refresh_token", "")}
    found = _ask(_token_url(provider), form | _app(provider, config, secrets))
    life = min(max(found.expires_in, 60), 86400)
    return _Kept(found.access_token, time.monotonic() + max(life - EARLY, 30), found.refresh_token)


def _ask(url: str, form: Mapping[str, str]) -> _Token:
    try:
        with until(time.monotonic() + DEADLINE):
            answer = _http().post(url, data=dict(form))
    except httpx.HTTPError:
        raise TransportError(_("The sign-in service cannot be reached."), retry_after=60) from None
    try:
        found = read(_Token, json.loads(answer.content)) or _Token()
    except ValueError:
        found = _Token()
    if answer.status_code == 200 and found.access_token:
        return found
    if answer.status_code in {400, 401, 403}:
        reason = _("The sign-in does not hold any longer (%(reason)s). Sign in anew and save the new refresh token.")
        said = (found.error_description or found.error).split("\n")[0][:200] or str(answer.status_code)
        raise TransportError(reason % {"reason": said}, permanent=True, breaks_channel=True)
    raise TransportError(
        _("The sign-in service answers with an error (%(status)s).") % {"status": answer.status_code}, retry_after=60
    )
