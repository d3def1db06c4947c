"""Shared Redis clients with time-outs: a Redis that is away must never hang a request.

After one command has waited in vain, the others of the process fail at once for a moment instead of waiting too.
"""

import time
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import redis
import redis.asyncio
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

# Seconds for which a Redis that did not answer is not asked again.
REST = 2.0
_silent_until = 0.0


def stands_still() -> bool:
    """Whether Redis has let a command of this process wait in vain a moment ago."""
    return time.monotonic() < _silent_until


def note_silence() -> None:
    """For others that ask the same Redis through a client of their own."""
    global _silent_until
    _silent_until = time.monotonic() + REST


class _Wary:
    def connect_check_health(self, *args: Any, **options: Any) -> None:
        _refuse_if_silent()
        try:
            super().connect_check_health(*args, **options)  # type: ignore[misc]
        except (redis.ConnectionError, redis.TimeoutError):
            note_silence()
            raise

    def send_packed_command(self, *args: Any, **options: Any) -> None:
        _refuse_if_silent()
        super().send_packed_command(*args, **options)  # type: ignore[misc]

    def read_response(self, *args: Any, **options: Any) -> Any:
        try:
            return super().read_response(*args, **options)  # type: ignore[misc]
        except redis.TimeoutError:
            note_silence()
            raise


def _refuse_if_silent() -> None:
    if stands_still():
        raise redis.ConnectionError("Redis did not answer a moment ago")


class WaryConnection(_Wary, redis.Connection):
    pass


class WarySSLConnection(_Wary, redis.SSLConnection):
    pass


def wary_options(url: str) -> dict[str, Any]:
    """For a pool of connections to this address. A connection that Redis has closed is made anew once, without a pause."""
    secure = urlsplit(url).scheme == "rediss"
    return {"connection_class": WarySSLConnection if secure else WaryConnection, "retry": Retry(NoBackoff(), 1)}


@lru_cache(maxsize=1)
def redis_client() -> redis.Redis:
    url, options = settings.REDIS_URL, {**settings.REDIS_OPTIONS, **wary_options(settings.REDIS_URL)}
    return redis.Redis.from_pool(redis.ConnectionPool.from_url(url, **options))


def async_redis() -> redis.asyncio.Redis:
    """A new client: asynchronous connections belong to the event loop that made them."""
    return redis.asyncio.Redis.from_url(
        settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=1, socket_keepalive=True
    )
