"""Shared Redis clients with time-outs: a Redis that is away must never hang a request."""

from functools import lru_cache

import redis
import redis.asyncio
from django.conf import settings


@lru_cache(maxsize=1)
def redis_client() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS_URL, **settings.REDIS_OPTIONS)


def async_redis() -> redis.asyncio.Redis:
    """A new client: asynchronous connections belong to the event loop that made them."""
    return redis.asyncio.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=1, socket_keepalive=True)
