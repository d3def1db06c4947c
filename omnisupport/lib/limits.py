"""Counting what somebody may do in a window of time, in Redis. When Redis is away the door stays open: support must work."""

from functools import lru_cache
from typing import Any

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


# The theoretical time of the next turn stands under one key (GCRA); the clock is Redis' own, so workers need not agree.
_TURN = """
local now = redis.call('TIME')
now = tonumber(now[1]) + tonumber(now[2]) / 1000000
local interval, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local next = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now)
local early = next - (burst - 1) * interval - now
if early > 0 then return tostring(early) end
redis.call('SET', KEYS[1], string.format('%.6f', next + interval), 'EX', math.ceil(burst * interval) + 1)
return '0'
"""


@lru_cache(maxsize=1)
def _turn_script() -> Any:
    return redis_client().register_script(_TURN)


def take_turn(key: str, *, per_second: float, burst: int) -> float:
    """Seconds to wait; 0 when the turn was taken. Shared by all processes; `key` carries the tenant already."""
    try:
        return float(_turn_script()(keys=[key], args=[1 / per_second, burst]))
    except RedisError:
        return 0.0
