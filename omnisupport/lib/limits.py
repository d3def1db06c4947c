"""Counting what somebody may do in a window of time, in Redis. When Redis is away the door stays open: support must work."""

from django.utils.translation import gettext as _
from redis.exceptions import RedisError

from omnisupport.lib.errors import RateLimited
from omnisupport.lib.redis import redis_client


def count_against(key: str, *, limit: int, seconds: int) -> None:
    """Raises RateLimited from the `limit + 1`-th call within the window. `key` carries the tenant already."""
    client = redis_client()
    try:
        pipe = client.pipeline()
        pipe.set(key, 0, ex=seconds, nx=True)
        pipe.incr(key)
        pipe.ttl(key)
        _set, count, left = pipe.execute()
    except RedisError:
        return
    if count > limit:
        wait = max(1, int(left))
        raise RateLimited(_("Too many attempts. Try again in %(seconds)s s.") % {"seconds": wait}, retry_after=wait)
