"""A threaded HTTP server on a loopback port that records requests and plays scripted faults.

class Shop(StandIn):
    def handle(self, request):
        return Answer(json={"ok": True})

with Shop() as shop:
    shop.script(Answer(502, html="<h1>Bad gateway</h1>"))         # the next request only
    httpx.post(f"{shop.url}/orders", json={"n": 1})
    assert shop.requests[0].json == {"n": 1}
"""

import json as jsonlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True, eq=False)
class Request:
    """Header names are in lower case. `query` and `form` keep the last of repeated fields."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return jsonlib.loads(self.body)

    @property
    def form(self) -> dict[str, str]:
        return {name: values[-1] for name, values in parse_qs(self.body.decode(), keep_blank_values=True).items()}


@dataclass
class Answer:
    """Give one of `json`, `html`, `body` (bytes) or `chunks` (streamed as they come). `cut`: the connection breaks off inside.

    `raw` bytes go out as they are, instead of a whole HTTP answer; none at all is a process that died.
    """

    status: int = 200
    json: Any = None
    html: str = ""
    body: bytes = b""
    chunks: Iterable[bytes] | None = None
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False
    raw: Iterable[bytes] | None = None

    def content(self) -> tuple[str, bytes]:
        if self.html:
            return "text/html; charset=utf-8", self.html.encode()
        if self.body:
            return "application/octet-stream", self.body
        return "application/json", jsonlib.dumps(self.json, ensure_ascii=False).encode()


Reaction = Answer | Callable[[Request], Answer | None]


def drip(piece: bytes = b" ", seconds: float = 0.02) -> Iterator[bytes]:
    """One piece after another, until the client goes away; after ten seconds nobody is waiting any more."""
    for _number in range(int(10 / seconds)):
        yield piece
        time.sleep(seconds)


class StandIn:
    """Subclass and write `handle`. `requests` are all that came, in order; `gate` closed holds every answer back."""

    def __init__(self, *, port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[Request] = []
        self.gate = threading.Event()
        self.gate.set()
        self._script: list[tuple[Reaction, str]] = []
        self._open: list[Request] = []
        self._lock = threading.RLock()
        self._arrived = threading.Condition(self._lock)
        self._server = _Server(("127.0.0.1", port), _Handler)
        self._server.stand_in = self
        self._scheme = "https" if tls else "http"
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self._connections: set[socket.socket] = set()
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    # -- what tests use

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def host(self) -> str:
        """As in OUTBOUND_ALLOWED_HOSTS."""
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"{self._scheme}://{self.host}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self.gate.set()
        self._server.shutdown()
        self._server.server_close()
        for connection in list(self._connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def script(self, *reactions: Reaction, path: str = "") -> None:
        """What the next requests get instead of `handle`, one each, in order; only those whose path contains `path`.

        A callable that returns None lets the request through to `handle`.
        """
        with self._lock:
            self._script += [(reaction, path) for reaction in reactions]

    def to(self, path: str) -> list[Request]:
        """The requests whose path contains `path`."""
        with self._lock:
            return [request for request in self.requests if path in request.path]

    def wait_for(self, count: int, path: str = "", seconds: float = 10) -> list[Request]:
        """Waits until so many requests came. Raises AssertionError."""
        with self._arrived:
            enough = self._arrived.wait_for(lambda: sum(path in r.path for r in self.requests) >= count, seconds)
            assert enough, f"{count} requests to {path!r} were expected, these came: {[r.path for r in self.requests]}"
        return self.to(path)

    @contextmanager
    def holding(self) -> Iterator[None]:
        """Requests that come inside are recorded and answered only at the end."""
        self.gate.clear()
        try:
            yield
        finally:
            self.gate.set()

    def in_flight(self, path: str = "") -> int:
        """Requests whose path contains `path` and whose answer is not out yet."""
        with self._lock:
            return sum(path in request.path for request in self._open)

    # -- what subclasses write

    def handle(self, request: Request) -> Answer:
        return Answer(404, json={"error": "not found"})

    def turn_away(self, request: Request) -> Answer | None:
        """Looked at before the gate: what a server refuses at once, however busy it is."""
        return None

    # -- inside

    @contextmanager
    def _answering(self, request: Request) -> Iterator[Answer]:
        with self._arrived:
            self.requests.append(request)
            self._open.append(request)
            reaction = self._next_reaction(request)
            answer = self.turn_away(request)
            self._arrived.notify_all()
        try:
            if answer is None:
                self.gate.wait(30)
                answer = reaction(request) if callable(reaction) else reaction
            yield answer if answer is not None else self.handle(request)
        finally:
            with self._lock:
                self._open.remove(request)

    def _next_reaction(self, request: Request) -> Reaction | None:
        for number, (reaction, path) in enumerate(self._script):
            if path in request.path:
                del self._script[number]
                return reaction
        return None


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    stand_in: StandIn

    def handle_error(self, *_args: object) -> None:
        """Clients that go away in the middle are part of the game."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60
    # Headers and body are two writes: with Nagle, every answer on a kept connection waits 40 ms for an acknowledgement.
    disable_nagle_algorithm = True
    server: _Server

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):
            return self._serve
        raise AttributeError(name)

    def setup(self) -> None:
        super().setup()
        self.server.stand_in._connections.add(self.connection)

    def finish(self) -> None:
        self.server.stand_in._connections.discard(self.connection)
        with suppress(OSError):
            super().finish()

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, parts.path, query, headers, self._read_body(headers))
        with suppress(ConnectionError, ssl.SSLError), self.server.stand_in._answering(request) as answer:
            self._send(answer)

    def _read_body(self, headers: Mapping[str, str]) -> bytes:
        if headers.get("transfer-encoding", "").lower() == "chunked":
            return b"".join(self._read_chunks())
        return self.rfile.read(int(headers.get("content-length") or 0))

    def _read_chunks(self) -> Iterator[bytes]:
        while size := int(self.rfile.readline().split(b";")[0], 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()

    def _send(self, answer: Answer) -> None:
        self.close_connection = self.close_connection or answer.cut or answer.raw is not None
        if answer.raw is not None:
            for piece in answer.raw:
                self.wfile.write(piece)
                self.wfile.flush()
            return
        self.send_response(answer.status)
        if answer.chunks is None:
            self._send_whole(answer)
        else:
            self._send_chunks(answer, answer.chunks)

    def _send_whole(self, answer: Answer) -> None:
        kind, content = answer.content()
        self._send_headers({"Content-Type": kind, "Content-Length": str(len(content)), **answer.headers})
        if self.command != "HEAD":
            self.wfile.write(content[: len(content) // 2] if answer.cut else content)

    def _send_chunks(self, answer: Answer, chunks: Iterable[bytes]) -> None:
        self._send_headers({"Content-Type": "text/event-stream", "Transfer-Encoding": "chunked", **answer.headers})
        for chunk in chunks:
            if chunk:
                self.wfile.write(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n")
                self.wfile.flush()
        if not answer.cut:
            self.wfile.write(b"0\r\n\r\n")

    def _send_headers(self, headers: Mapping[str, str]) -> None:
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_args: object) -> None:
        pass
