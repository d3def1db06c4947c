"""The bare floor of the webhook: one ASGI function, one async psycopg pool, the same INSERT. No checks, no tenants."""

import os
from typing import Any

from psycopg_pool import AsyncConnectionPool

_pool: AsyncConnectionPool | None = None
_SQL = (
    "INSERT INTO bench_floor (channel_id, event_key, body, headers, state, attempts, error, received_at)"
    " VALUES (%s, %s, %s, %s, 'received', 0, '', now()) ON CONFLICT DO NOTHING"
)
_CHANNEL = "3f6d2c1e-9a54-4b1a-8f0e-5c2d7e1a0b99"
_count = 0


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    global _pool, _count
    if scope["type"] != "http":
        return
    if _pool is None:
        _pool = AsyncConnectionPool(
            os.environ["DATABASE_URL"], min_size=1, max_size=8, open=False, kwargs={"autocommit": True}
        )
        await _pool.open()
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    if body:
        _count += 1
        async with _pool.connection() as connection:
            await connection.execute(_SQL, (_CHANNEL, f"{os.getpid()}-{_count}", body, "{}"))
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})
