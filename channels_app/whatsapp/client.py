"""Calls to the Cloud API and its likes. The base address is a tenant's setting: every connection but one to the address that
the installation itself names is vetted. The access token goes to the API and Meta's own file hosts, nowhere else."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

import httpx
from django.conf import settings
from django.utils.translation import gettext as _

from channels_app.base import OutgoingFile, TransportError, UnknownOutcome, lost_answer
from channels_app.parts import items, mapping, words
from channels_app.whatsapp.config import DIALOG, FLAT, META, Provider
from channels_app.whatsapp.errors import refusal
from channels_app.whatsapp.payloads import name
from omnisupport.lib.errors import InvalidInput
from omnisupport.lib.http import check_url, guarded_client, service_client, until

MAX_DOWNLOAD = 100 * 1024 * 1024
# For a whole call, uploads included; a claimed message counts as abandoned some seconds later (delivery.STALE_AFTER).
DEADLINE = 60.0
_NOT_SENT = (
    httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.LocalProtocolError, httpx.UnsupportedProtocol,
)  # fmt: skip
_META_FILES = "https://lookaside.fbsbx.com"
_META_HOSTS = (".fbsbx.com", ".fbcdn.net", ".facebook.com", ".whatsapp.net")
_HOPS = 4


@lru_cache(maxsize=2)
def _http(vetted: bool) -> httpx.Client:
    """Two pools of connections a process; threads share them."""
    return guarded_client(timeout=20) if vetted else service_client(timeout=20)


@dataclass(frozen=True)
class Client:
    """One account at one provider; what differs between the providers is told by the paths below."""

    provider: Provider
    base: str
    version: str
    number: str
    account: str
    header: str
    token: str

    @classmethod
    def of(cls, config: Mapping[str, Any], secrets: Mapping[str, Any]) -> "Client":
        provider: Provider = config.get("provider") or META
        base = str(config.get("base_url") or settings.WHATSAPP_API_URL).rstrip("/")
        token = str(secrets.get("access_token") or settings.WHATSAPP_API_TOKEN)
        if token == settings.WHATSAPP_API_TOKEN and _origin(base) != _origin(settings.WHATSAPP_API_URL):
            # The installation's own token goes to no address that a tenant chose.
            token = ""
        return cls(
            provider=provider,
            base=base,
            version=str(config.get("api_version") or "v25.0"),
            number=str(config.get("phone_number_id") or ""),
            account=str(config.get("waba_id") or ""),
            header=str(config.get("auth_header") or ("D360-API-KEY" if provider == DIALOG else "Authorization")),
            token=token,
        )

    # -- addresses

    def path(self, *parts: str) -> str:
        """Of a thing of the Cloud API: below the version at Meta, at the root of a gateway, below /v1 of an older one."""
        root = {META: self.version, DIALOG: "", FLAT: "v1"}[self.provider]
        return "/" + "/".join(quote(part, safe="") for part in (root, *parts) if part)

    def own_path(self, thing: str) -> str:
        """Of `messages` or `media` of this phone number."""
        return self.path(self.number, thing) if self.provider == META else self.path(thing)

    @property
    def _auth(self) -> dict[str, str]:
        # A token with a scheme in front ("Basic …") is sent as it is.
        bare = self.header.lower() == "authorization" and " " not in self.token
        return {self.header: f"Bearer {self.token}" if bare else self.token}

    # -- calls

    def get(self, path: str, **query: str) -> Mapping[str, Any]:
        return self.ask("GET", path, params=query)

    def post(self, path: str, data: Mapping[str, Any]) -> Mapping[str, Any]:
        return self._call("POST", path, json=data)

    def ask(self, method: str, path: str, **content: Any) -> Mapping[str, Any]:
        """For what may be repeated: a lost answer is as good as a fault. Raises TransportError."""
        try:
            return self._call(method, path, **content)
        except UnknownOutcome as error:
            raise TransportError(str(error)) from None

    def upload(self, file: OutgoingFile, mime: str) -> str:
        """The id under which the file is at WhatsApp for 30 days. Raises TransportError."""
        body = file.read()
        if self.provider == FLAT:
            answer = self.ask("POST", self.path("media"), content=body, headers={"Content-Type": mime})
            media_id = name(mapping(next(iter(items(answer.get("media"))), None)).get("id"))
        else:
            form = {"messaging_product": "whatsapp", "type": mime}
            files = {"file": (file.name or "file", body, mime)}
            answer = self.ask(
                "POST", self.own_path("media"), data=form, files=files, timeout=httpx.Timeout(50, connect=5)
            )
            media_id = name(answer.get("id"))
        if not media_id:
            raise TransportError(_("WhatsApp did not say where it keeps the file."))
        return media_id

    def _call(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, **content: Any
    ) -> Mapping[str, Any]:
        """The answer's object. Raises TransportError (not done) or UnknownOutcome (the answer was lost)."""
        url = self.base + path
        try:
            http = self._connection(url)
            with until(time.monotonic() + DEADLINE):
                answer = http.request(method, url, headers={**self._auth, **(headers or {})}, **content)
        except InvalidInput as error:
            raise TransportError(str(error), permanent=True, breaks_channel=True) from None
        except _NOT_SENT:
            raise TransportError(_("WhatsApp cannot be reached.")) from None
        except httpx.HTTPError as error:
            raise lost_answer("WhatsApp", error) from None
        return _object_of(answer)

    def _connection(self, url: str) -> httpx.Client:
        """Raises InvalidInput for an address that may not be called."""
        if _origin(url) == _origin(settings.WHATSAPP_API_URL):
            return _http(False)
        check_url(url)
        return _http(True)

    # -- files

    def file(self, media_id: str, url: str = "") -> tuple[bytes, Mapping[str, Any]]:
        """A customer's file and what the API says of it. `url` serves where there is no id. Raises TransportError."""
        if self.provider == FLAT and media_id:
            return self._download(self.base + self.path("media", media_id)), {}
        found: Mapping[str, Any] = self.get(self.path(media_id)) if media_id else {"url": url}
        address = words(found.get("url"))
        if self.provider == DIALOG and address.startswith(_META_FILES + "/"):
            address = self.base + address.removeprefix(_META_FILES)
        if not self._is_known(address):
            raise TransportError(_("WhatsApp gave no address for the file that we may call."), permanent=True)
        return self._download(address), found

    def _is_known(self, url: str) -> bool:
        """Whether the access token may go there."""
        parts = urlsplit(url)
        return _origin(url) == _origin(self.base) or (
            parts.scheme == "https" and f".{parts.hostname or ''}".endswith(_META_HOSTS)
        )

    def _download(self, url: str) -> bytes:
        try:
            with until(time.monotonic() + DEADLINE):
                for _hop in range(_HOPS + 1):
                    headers = self._auth if self._is_known(url) else {}
                    with self._connection(url).stream("GET", url, headers=headers) as answer:
                        if answer.is_redirect and answer.headers.get("location"):
                            url = urljoin(url, answer.headers["location"])
                            continue
                        return _bytes_of(answer)
        except InvalidInput as error:
            raise TransportError(str(error), permanent=True) from None
        except (httpx.HTTPError, ValueError):
            raise TransportError(_("WhatsApp cannot be reached.")) from None
        raise TransportError(_("The file leads from address to address without end."), permanent=True)


def _origin(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url)
    try:
        port = parts.port or {"https": 443, "http": 80}.get(parts.scheme)
    except ValueError:
        port = -1
    return parts.scheme, parts.hostname or "", port


def _bytes_of(answer: httpx.Response) -> bytes:
    if answer.status_code != 200:
        # An address lives five minutes: the next try asks for a new one.
        raise TransportError(_("WhatsApp does not give the file (%(status)s).") % {"status": answer.status_code})
    body = bytearray()
    for chunk in answer.iter_bytes():
        body += chunk
        if len(body) > MAX_DOWNLOAD:
            raise TransportError(_("The file is larger than 100 MB."), permanent=True)
    return bytes(body)


def _object_of(answer: httpx.Response) -> Mapping[str, Any]:
    """Raises TransportError or UnknownOutcome as `_call`."""
    try:
        body = json.loads(answer.content) if answer.content else {}
    except (ValueError, RecursionError):
        body = None
    error = _error_of(mapping(body))
    if 200 <= answer.status_code < 300 and isinstance(body, Mapping) and not error:
        return body
    if answer.status_code >= 500 and answer.status_code != 503 and not error:
        # Something before the API that lost patience or its peer: the API may have done it.
        raise UnknownOutcome(_("WhatsApp did not confirm: %(fault)s") % {"fault": answer.status_code})
    if answer.status_code >= 300 or error:
        raise refusal(answer.status_code, error, _pause(answer.headers.get("retry-after", "")))
    raise UnknownOutcome(_("WhatsApp sent half an answer."))


def _error_of(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """The Cloud API gives one error, the older one a list; some gateways bare words."""
    meta = mapping(body.get("meta"))
    given = body.get("error") or next(iter(items(body.get("errors"))), None)
    if isinstance(given, str):
        return {"message": given}
    return mapping(given) or ({"message": words(meta.get("developer_message"))} if meta.get("success") is False else {})


def _pause(header: str) -> float | None:
    return float(header) if header.isascii() and header.isdecimal() and 0 < int(header[:9]) < 86400 else None
