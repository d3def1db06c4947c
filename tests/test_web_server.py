"""How the one process of `make run` hands requests to Django."""

import socket

import pytest

from tests.cast import Workspace
from tests.servers import LiveServer


def ask(web: LiveServer, workspace: Workspace, request: bytes) -> bytes:
    """The whole answer to these bytes."""
    with socket.create_connection(("127.0.0.1", web.port), timeout=20) as connection:
        connection.sendall(request.replace(b"HOST", workspace.host.encode()))
        connection.settimeout(20)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
        return answer


def test_a_body_of_unknown_length_is_refused_by_name(live_shop: Workspace, web: LiveServer) -> None:
    body = b'7\r\n{"a":1}\r\n0\r\n\r\n'
    head = b"POST /api/v1/auth/token/ HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\nContent-Type: application/json\r\n"
    answer = ask(web, live_shop, head + b"Transfer-Encoding: chunked\r\n\r\n" + body)
    assert answer.startswith(b"HTTP/1.1 411 ") and b'"length_required"' in answer


@pytest.mark.parametrize(("header", "language"), [(b"Accept-Language", b"en"), (b"Accept_Language", b"ru")])
def test_a_header_with_underscores_is_not_taken_for_another(
    live_shop: Workspace, web: LiveServer, header: bytes, language: bytes
) -> None:
    head = b"GET /accounts/login/ HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n"
    assert b'lang="' + language + b'"' in ask(web, live_shop, head + header + b": en\r\n\r\n")


@pytest.mark.parametrize("path", [b"/api/v1/tickets/", b"/no-such-page/", b"/hooks/no-such-hook/"])
def test_who_sends_all_before_reading_hears_why_it_was_refused(
    live_shop: Workspace, web: LiveServer, path: bytes
) -> None:
    size = 30_000_000
    head = b"POST %b HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % (path, size)
    assert ask(web, live_shop, head + b"x" * size).startswith(b"HTTP/1.1 4")
