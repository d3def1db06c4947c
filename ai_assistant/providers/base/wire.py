"""HTTP under the providers: clients, one deadline over everything, failures told apart."""

import json
import os
import re
import ssl
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any, TypeVar

import certifi
import httpx
import structlog
from django.utils.translation import gettext as _
from pydantic import BaseModel, ValidationError

from ai_assistant.providers.base.chat import CallContext
from ai_assistant.providers.base.errors import (
    AuthError,
    BadRequest,
    ContextTooLong,
    LLMError,
    OptionRefused,
    ProtocolError,
    ProviderUnavailable,
    QuotaExhausted,
    RateLimited,
    timed_out,
    truncated,
)
from ai_assistant.providers.base.streams import iter_lines
from omnisupport.lib.errors import AppError
from omnisupport.lib.http import check_url, guarded_client, service_client, until
from omnisupport.lib.log import mask_secrets

log = structlog.get_logger(__name__)
Shape = TypeVar("Shape", bound=BaseModel)

FIRST_BYTE_SECONDS = 12.0
IDLE_SECONDS = 15.0
_CONNECT_SECONDS = 5.0
_MAX_BODY = 16 * 1024 * 1024
_TOO_LONG = re.compile(
    r"context.{0,20}(?:length|size|window)|input tokens must be|too many tokens|maximum.{0,20}tokens|exceeds?.{0,30}context",
    re.IGNORECASE,
)


# ---- Clients ---------------------------------------------------------------------------------------------------------


def make_client(base_url: str, tenant_given: bool, ca_bundle: str = "") -> httpx.Client:
    """One client per process and service; connections are kept. `ca_bundle` is trusted besides the usual roots.

    An address that a workspace gave goes through the guarded client. Raises InvalidInput for one that may not be fetched.
    """
    if tenant_given:
        check_url(base_url)
    return _client(os.getpid(), base_url, tenant_given, ca_bundle)


@lru_cache(maxsize=64)
def _client(_process: int, _base_url: str, tenant_given: bool, ca_bundle: str) -> httpx.Client:
    if tenant_given:
        return guarded_client(timeout=IDLE_SECONDS)
    return service_client(timeout=IDLE_SECONDS, ssl_context=_trusting(ca_bundle) if ca_bundle else None)


def _trusting(ca_bundle: str) -> ssl.SSLContext:
    # httpx would trust the bundle instead of certifi; the hosts of one provider need both.
    trust = ssl.create_default_context(cafile=certifi.where())
    try:
        trust.load_verify_locations(cafile=ca_bundle)
    except (OSError, ssl.SSLError) as error:
        message = _("The certificate file %(path)s cannot be read.") % {"path": ca_bundle}
        raise ProviderUnavailable(message, code="llm_tls", retryable=False) from error
    return trust


# ---- Failures --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Failure:
    """An answer that is not 200. `data` is its JSON object, empty for HTML; `message` is the raw body, for matching only."""

    provider: str
    status: int
    data: Mapping[str, Any]
    message: str
    retry_after: float | None
    request_id: str

    def details(self) -> dict[str, Any]:
        return {"provider": self.provider, "request_id": self.request_id}


def default_error(failure: Failure) -> LLMError:
    """What a status means when the provider has no word of its own for it."""
    status, details = failure.status, failure.details()
    if status in {401, 403}:
        return AuthError(**details)
    if status == 402:
        return QuotaExhausted(**details)
    if status == 413 or (status in {400, 422} and _TOO_LONG.search(failure.message)):
        return ContextTooLong(**details)
    if status == 429:
        return RateLimited(retry_after=failure.retry_after, **details)
    if status == 408 or status >= 500:
        return ProviderUnavailable(retry_after=failure.retry_after, **details)
    return BadRequest(**details)


def read_retry_after(value: str | None) -> float | None:
    """Seconds, from either form of the header; None when absent or unreadable."""
    if not value:
        return None
    try:
        return max(0.0, float(value)) if value.strip().isdigit() else _seconds_until(value)
    except (TypeError, ValueError):
        return None


def _seconds_until(http_date: str) -> float:
    moment = parsedate_to_datetime(http_date)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())


# ---- Calls -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Reply:
    """A good answer. `body` is empty while the answer is streamed."""

    provider: str
    headers: httpx.Headers
    body: bytes = b""
    request_id: str = ""

    def read(self, shape: type[Shape]) -> Shape:
        """Raises ProtocolError when the body is not of this shape."""
        return parse(self.provider, shape, self.body, self.request_id)


def parse(provider: str, shape: type[Shape], body: bytes | str, request_id: str = "") -> Shape:
    try:
        return shape.model_validate_json(body)
    except ValidationError as error:
        raise ProtocolError(provider=provider, request_id=request_id) from error


# Options that some servers do not know, learnt from their refusals: (endpoint, option).
_refused_options: set[tuple[str, str]] = set()


@dataclass(frozen=True)
class Endpoint:
    """One provider's API at one address. `classify` turns a Failure into an error; `optional` names options of the body that
    are left out once the server has refused them. `id_header` holds the provider's own id of a request.
    """

    provider: str
    key: str
    client: httpx.Client
    classify: Callable[[Failure], LLMError] = default_error
    optional: tuple[str, ...] = ()
    id_header: str = "x-request-id"

    def post(
        self,
        url: str,
        context: CallContext,
        *,
        headers: Mapping[str, str],
        json: Mapping[str, Any] | None = None,
        form: Mapping[str, str] | None = None,
    ) -> Reply:
        """The whole answer. Raises LLMError."""
        with self._opened(url, context.deadline, headers, json, form) as response:
            body = self._read(response, context.deadline)
            return Reply(self.provider, response.headers, body, self._request_id(response))

    @contextmanager
    def open(
        self, url: str, context: CallContext, *, headers: Mapping[str, str], json: Mapping[str, Any]
    ) -> Iterator[tuple[Reply, Iterator[bytes]]]:
        """A streamed answer: its head and its lines. Raises LLMError, from the lines too."""
        first_byte = min(context.deadline, time.monotonic() + FIRST_BYTE_SECONDS)
        with self._opened(url, first_byte, headers, json, None) as response:
            chunks = _limited(self.provider, response.iter_bytes(), context.deadline, IDLE_SECONDS)
            yield Reply(self.provider, response.headers, b"", self._request_id(response)), iter_lines(chunks)

    @contextmanager
    def _opened(
        self,
        url: str,
        deadline: float,
        headers: Mapping[str, str],
        body: Mapping[str, Any] | None,
        form: Mapping[str, str] | None,
    ) -> Iterator[httpx.Response]:
        body = {name: value for name, value in (body or {}).items() if (self.key, name) not in _refused_options}
        # `until` limits reading and writing; httpx's own limits would start anew with every byte.
        timeout = httpx.Timeout(None, connect=_CONNECT_SECONDS, pool=_CONNECT_SECONDS)
        with _errors_as_ours(self.provider), until(deadline):
            request = self.client.build_request(
                "POST", url, headers=dict(headers), json=None if form else body, data=form, timeout=timeout
            )
            response = self.client.send(request, stream=True)
        try:
            if response.status_code != 200:
                raise self._failure(response, deadline, body)
            yield response
        finally:
            response.close()

    def _read(self, response: httpx.Response, deadline: float) -> bytes:
        return b"".join(_limited(self.provider, response.iter_bytes(), deadline, None))

    def _request_id(self, response: httpx.Response) -> str:
        return str(response.headers.get(self.id_header, ""))[:100]

    def _failure(self, response: httpx.Response, deadline: float, sent: Mapping[str, Any]) -> LLMError:
        body = self._read(response, deadline)
        text = body[:20_000].decode("utf-8", "replace")
        retry_after = read_retry_after(response.headers.get("retry-after"))
        failure = Failure(
            self.provider, response.status_code, _json_object(body), text, retry_after, self._request_id(response)
        )
        log.debug("llm_error_body", provider=self.provider, status=failure.status, body=mask_secrets(text[:2000]))
        error = self.classify(failure)
        refused = next((name for name in self.optional if name in sent and _plain(name) in _plain(text)), None)
        if refused and type(error) is BadRequest:
            _refused_options.add((self.key, refused))
            return OptionRefused(**failure.details())
        return error


def _plain(text: str) -> str:
    return text.replace("_", "").lower()


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        data = json.loads(body)
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}


def _limited(provider: str, chunks: Iterable[bytes], deadline: float, idle: float | None) -> Iterator[bytes]:
    """The chunks, each within the deadline and the idle limit, which hold while we wait and not while the caller works."""
    source = iter(chunks)
    size = 0
    while True:
        limit = deadline if idle is None else min(deadline, time.monotonic() + idle)
        with _errors_as_ours(provider, reading=True), until(limit):
            chunk = next(source, None)
        if chunk is None:
            return
        size += len(chunk)
        if size > _MAX_BODY:
            raise ProtocolError(code="llm_too_large", provider=provider, retryable=False)
        yield chunk


@contextmanager
def _errors_as_ours(provider: str, *, reading: bool = False) -> Iterator[None]:
    try:
        yield
    except LLMError:
        raise
    except AppError as error:  # the guarded client refused where the address leads
        raise BadRequest(str(error), code=error.code, provider=provider) from error
    except httpx.TimeoutException as error:
        raise timed_out(provider) from error
    except httpx.DecodingError as error:
        raise ProtocolError(provider=provider) from error
    except httpx.TransportError as error:
        if reading:
            raise truncated(provider) from error
        raise _unreachable(provider, error) from error
    except httpx.InvalidURL as error:
        raise BadRequest(provider=provider) from error


def _unreachable(provider: str, error: httpx.TransportError) -> ProviderUnavailable:
    if "CERTIFICATE_VERIFY_FAILED" not in str(error):
        return ProviderUnavailable(provider=provider)
    message = _(
        "The certificate of the language model's server is not trusted. Name its root in the installation's settings."
    )
    return ProviderUnavailable(message, code="llm_tls", provider=provider, retryable=False)
