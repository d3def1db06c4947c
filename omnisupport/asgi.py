"""Websockets and webhooks past Django; pages and the API through Django when one process serves all."""

import asyncio
from contextlib import suppress
from typing import Any

from a2wsgi import WSGIMiddleware

from omnisupport.wsgi import application as django_application

# Django's own ASGI handler passes each request, all views being synchronous, through two threads made for it: 2.6 ms more.
_THREADS = 32
_django: Any = django_application
_pages = WSGIMiddleware(_django, workers=_THREADS)

from channels.routing import URLRouter  # noqa: E402  # after Django is set up
from django.urls import path, re_path  # noqa: E402

from channels_app.ingress import Ingress  # noqa: E402
from channels_app.polling import Poller  # noqa: E402
from channels_app.widget.consumers import widget_socket  # noqa: E402
from tenants.sockets import hub, refuse  # noqa: E402
from tickets.consumers import agent_socket  # noqa: E402

_ingress = Ingress()
_poller = Poller(_ingress)


async def _no_socket(scope: dict[str, Any], receive: Any, send: Any) -> None:
    await refuse(receive, send)


_routes: list[Any] = [
    path("ws/agent/", agent_socket),  # type: ignore[arg-type]  # Django's stubs know views only
    path("ws/widget/", widget_socket),  # type: ignore[arg-type]
    re_path("", _no_socket),  # type: ignore[arg-type]
]
_websockets: Any = URLRouter(_routes)

# Seconds that a client may go on sending what nobody reads.
_LINGER = 30
_WITHOUT_BODY = {"GET", "HEAD", "OPTIONS"}


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        await _lifespan(receive, send)
    elif scope["type"] == "websocket":
        await _websockets(scope, receive, send)
    elif scope["path"].startswith("/hooks/"):
        await _answer(_ingress, scope, receive, send)
    else:
        await _answer(_pages, _for_wsgi(scope), receive, send)


async def _answer(app: Any, scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Closing a connection with unread bytes resets it, and a client that sends all before it reads never sees why its
    request was refused: what is left of the body is read, and forgotten, before an answer ends."""
    # Who expects to be told to continue sends nothing after an answer.
    unread = scope["method"] not in _WITHOUT_BODY and all(name != b"expect" for name, _value in scope["headers"])

    async def take() -> Any:
        nonlocal unread
        message = await receive()
        unread = unread and message.get("more_body", False)
        return message

    async def give(message: Any) -> None:
        if unread and message["type"] == "http.response.body" and not message.get("more_body"):
            await send({**message, "more_body": True})
            message = {"type": "http.response.body", "body": b""}
            with suppress(TimeoutError):
                async with asyncio.timeout(_LINGER):
                    while unread:
                        await take()
        await send(message)

    await app(scope, take, give)


def _for_wsgi(scope: dict[str, Any]) -> Any:
    """Without headers such as `X_Forwarded_For`, which WSGI takes for `X-Forwarded-For`."""
    return {**scope, "headers": [(name, value) for name, value in scope["headers"] if b"_" not in name]}


async def _lifespan(receive: Any, send: Any) -> None:
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            _poller.start()
            await send({"type": "lifespan.startup.complete"})
        else:
            await _poller.stop()
            await hub.close()
            await _ingress.close()
            await send({"type": "lifespan.shutdown.complete"})
            return
