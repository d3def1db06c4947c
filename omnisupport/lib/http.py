"""The one guarded client: every URL that a tenant, a document or a webhook gave us is fetched through here.

The name is resolved once, every address is vetted, and the connection goes to the vetted address; each redirect is vetted
anew; size and total time are capped. `OUTBOUND_ALLOWED_HOSTS` opens single host:port pairs for stand-ins and local models.
"""

import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpcore
import httpx
from django.conf import settings
from django.utils.translation import gettext as _

from omnisupport.lib.errors import InvalidInput, TooLarge, Unavailable

_PORTS = {80, 443, 8080, 8443}
_NAT64, _COMPATIBLE = ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("::/96")


@dataclass(frozen=True)
class Fetched:
    """`url` is where the last redirect led; `body` is decoded (gzip) and no longer than the cap."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes


def _is_allowed_pair(host: str, port: int) -> bool:
    return f"{host}:{port}" in settings.OUTBOUND_ALLOWED_HOSTS


def is_opened(url: str) -> bool:
    """Whether the installation has opened this host and port by name, for a stand-in or a neighbour without a certificate."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return _is_allowed_pair((parts.hostname or "").removesuffix("."), port)


def check_url(url: str) -> None:
    """Raises InvalidInput for what may never be fetched: other schemes, credentials inside, odd ports, inner names."""
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        host = (parts.hostname or "").removesuffix(".")
        # What the client and the resolver will make of it; both fail in ways of their own.
        httpx.URL(url)
        host.encode("idna")
    except (ValueError, httpx.InvalidURL):
        raise InvalidInput(_("This address has a mistake in its host or port."), code="bad_url") from None
    if parts.scheme not in {"http", "https"} or not host or any(c in url for c in "\r\n\t "):
        raise InvalidInput(_("Give a full address that begins with https://"), code="bad_url")
    if parts.username or parts.password:
        raise InvalidInput(_("The address must not contain a user name or password."), code="bad_url")
    if _is_allowed_pair(host, port):
        return
    if port not in _PORTS:
        raise InvalidInput(_("Port %(port)s is not allowed in an address.") % {"port": port}, code="bad_url")
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        last = host.rpartition(".")[2]
        if last.isdigit() or last.startswith("0x"):
            # 127.1, 0x7f.1: an address in disguise, as old resolvers understand it.
            raise InvalidInput(_("This address has a mistake in its host or port."), code="bad_url") from None
        if "." not in host or host.endswith((".local", ".internal", ".localhost")):
            raise InvalidInput(_("This address leads into a private network."), code="private_url") from None
    else:
        _refuse_private(address)


def _refuse_private(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    for candidate in (address, *_inside(address)):
        if not candidate.is_global or candidate.is_multicast or getattr(candidate, "is_site_local", False):
            raise InvalidInput(_("This address leads into a private network."), code="private_url")


def _inside(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> list[ipaddress.IPv4Address]:
    """The IPv4 addresses that an IPv6 one leads to: mapped, 6to4, compatible, and through a translator (RFC 6052)."""
    if isinstance(address, ipaddress.IPv4Address):
        return []
    last_bits = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    translated = last_bits if address in _NAT64 or address in _COMPATIBLE else None
    return [found for found in (address.ipv4_mapped, address.sixtofour, translated) if found is not None]


_local = threading.local()


@contextmanager
def until(deadline: float) -> Iterator[None]:
    """What this thread's connections of our clients do inside ends by `deadline` (time.monotonic()) with a httpx time-out.

    httpx's own time-outs start anew with every byte: a peer that drips its headers would hold a worker for days.
    """
    outer = getattr(_local, "deadline", None)
    _local.deadline = deadline if outer is None else min(outer, deadline)
    try:
        yield
    finally:
        _local.deadline = outer


def _seconds(timeout: float | None, error: type[Exception]) -> float | None:
    deadline = getattr(_local, "deadline", None)
    if deadline is None:
        return timeout
    left = float(deadline - time.monotonic())
    if left <= 0:
        raise error("the time for the whole call is over")
    return left if timeout is None else min(timeout, left)


class _DeadlineStream(httpcore.NetworkStream):
    """A connection whose every step fits the deadline of the thread that uses it."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _seconds(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _seconds(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        seconds = _seconds(timeout, httpcore.ConnectTimeout)
        return _DeadlineStream(self._stream.start_tls(ssl_context, server_hostname, seconds))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _Backend(httpcore.SyncBackend):
    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        seconds = _seconds(timeout, httpcore.ConnectTimeout)
        return _DeadlineStream(super().connect_tcp(host, port, seconds, local_address, socket_options))


def vetted_address(host: str, port: int) -> str:
    """Where to connect for this name, every address of which passed the check. Raises InvalidInput, OSError."""
    if _is_allowed_pair(host, port):
        return host
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise OSError(f"{host} cannot be resolved") from error
    addresses = [str(item[4][0]) for item in found]
    for address in addresses:
        _refuse_private(ipaddress.ip_address(address.split("%")[0]))
    return addresses[0]


def vetted_socket(host: str, port: int, timeout: float) -> socket.socket:
    """A connection for protocols other than HTTP, under the same guard. Raises InvalidInput, OSError."""
    return socket.create_connection((vetted_address(host, port), port), timeout)


class _VettingBackend(_Backend):
    """Connects only to addresses that passed the check, so a second DNS answer cannot swap the target."""

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        try:
            address = vetted_address(host, port)
        except OSError as error:
            raise httpcore.ConnectError(f"{host} cannot be resolved") from error
        return super().connect_tcp(address, port, timeout, local_address, socket_options)


@lru_cache(maxsize=1)
def _usual_roots() -> ssl.SSLContext:
    # Loading them takes about 40 ms.
    return httpx.create_ssl_context()


def guarded_client(*, timeout: float = 10, headers: Mapping[str, str] | None = None) -> httpx.Client:
    """A plain httpx.Client whose connections are vetted. Redirects are off: `fetch` follows them one by one."""
    return _client(_VettingBackend(), _usual_roots(), timeout, headers)


def service_client(
    *, timeout: float = 10, headers: Mapping[str, str] | None = None, ssl_context: ssl.SSLContext | None = None
) -> httpx.Client:
    """For addresses that only the settings of the installation give: not vetted, but within `until` like the other."""
    return _client(_Backend(), ssl_context or _usual_roots(), timeout, headers)


def _client(
    backend: httpcore.NetworkBackend, ssl_context: ssl.SSLContext, timeout: float, headers: Mapping[str, str] | None
) -> httpx.Client:
    transport = httpx.HTTPTransport(verify=ssl_context, trust_env=False, retries=0)
    transport._pool = httpcore.ConnectionPool(
        ssl_context=ssl_context,
        max_connections=20,
        max_keepalive_connections=5,
        keepalive_expiry=15,
        network_backend=backend,
    )
    return httpx.Client(
        transport=transport,
        timeout=httpx.Timeout(timeout, connect=min(5, timeout)),
        headers={"User-Agent": settings.USER_AGENT, **(headers or {})},
        follow_redirects=False,
        trust_env=False,
    )


@contextmanager
def _errors_as_ours(url: str) -> Iterator[None]:
    host = urlsplit(url).hostname or ""
    try:
        yield
    except httpx.InvalidURL as error:
        raise InvalidInput(_("Give a full address that begins with https://"), code="bad_url") from error
    except httpx.TimeoutException as error:
        raise Unavailable(_("%(host)s did not answer in time.") % {"host": host}, code="timeout") from error
    except httpx.HTTPError as error:
        raise Unavailable(_("%(host)s cannot be reached.") % {"host": host}, code="unreachable") from error


def fetch(
    url: str, *, max_bytes: int, timeout: float = 20, redirects: int = 4, headers: Mapping[str, str] | None = None
) -> Fetched:
    """GET with every guard; the status is the caller's to judge. Raises InvalidInput (address), TooLarge, Unavailable."""
    deadline = time.monotonic() + timeout
    with guarded_client(timeout=timeout, headers=headers) as client:
        for _hop in range(redirects + 1):
            check_url(url)
            with until(deadline), _errors_as_ours(url), client.stream("GET", url) as response:
                if response.is_redirect and response.headers.get("location"):
                    url = _joined(url, response.headers["location"])
                    continue
                body = _read(response, max_bytes, deadline, url)
                return Fetched(url, response.status_code, dict(response.headers), body)
    raise InvalidInput(_("This address redirects too many times."), code="bad_url")


def post(url: str, body: bytes, *, headers: Mapping[str, str], timeout: float, max_bytes: int) -> Fetched:
    """POST with every guard; follows no redirect. `body` of the answer is its beginning: only the status is needed.

    Raises InvalidInput (address), Unavailable: the other side may have got it all the same.
    """
    check_url(url)
    with (
        guarded_client(timeout=timeout) as client,
        until(time.monotonic() + timeout),
        _errors_as_ours(url),
        client.stream("POST", url, content=body, headers=dict(headers)) as response,
    ):
        return Fetched(url, response.status_code, dict(response.headers), _beginning(response, max_bytes))


def pause_asked(retry_after: str) -> float | None:
    """Seconds that a Retry-After asks for (a number or a date), at most a day; None for anything else."""
    given = retry_after.strip()
    if given.isascii() and given.isdecimal():
        return float(min(int(given[:9]), 86400))
    try:
        seconds = parsedate_to_datetime(given).timestamp() - time.time()
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(seconds, 0.0), 86400.0)


def _beginning(response: httpx.Response, max_bytes: int) -> bytes:
    read = b""
    try:
        for chunk in response.iter_bytes(4096):
            read += chunk
            if len(read) >= max_bytes:
                break
    except httpx.HTTPError:
        pass  # the status is known; what breaks off behind it changes nothing
    return read[:max_bytes]


def _joined(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError:
        raise InvalidInput(_("This address redirects to one with a mistake."), code="bad_url") from None


def _read(response: httpx.Response, max_bytes: int, deadline: float, url: str) -> bytes:
    chunks: list[bytes] = []
    size = 0
    for chunk in response.iter_bytes(64 * 1024):
        size += len(chunk)
        if size > max_bytes:
            raise TooLarge(
                _("The file is larger than %(limit)s MB.") % {"limit": max_bytes // 1024 // 1024}, code="too_large"
            )
        if time.monotonic() > deadline:
            raise httpx.ReadTimeout(f"{url} was too slow")
        chunks.append(chunk)
    return b"".join(chunks)
