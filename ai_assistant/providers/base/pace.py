"""So many calls a second to one credential, over all processes; without Redis nothing is held back."""

from dataclasses import dataclass
from functools import cache
from time import sleep
from typing import Any

from redis.exceptions import RedisError

from ai_assistant.providers.base.chat import CallContext
from ai_assistant.providers.base.errors import RateLimited
from omnisupport.lib.redis import redis_client

# The next free moment is taken only where it comes in time: whoever gives up leaves no hole behind.
_TAKE_TURN = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local turn = math.max(now, tonumber(redis.call('GET', KEYS[1]) or '0'))
if turn - now > tonumber(ARGV[2]) then return -1 end
redis.call('SET', KEYS[1], turn + tonumber(ARGV[1]), 'PX', turn - now + 60000)
return turn - now
"""


@cache
def _take_turn() -> Any:
    return redis_client().register_script(_TAKE_TURN)


@dataclass(frozen=True)
class Pace:
    """`key` names the credential without revealing it."""

    provider: str
    key: str
    per_second: float

    def wait(self, context: CallContext) -> None:
        """Until this call may go. Raises RateLimited where that would be too late."""
        patience = max(context.seconds_left() - context.least_seconds, 0)
        try:
            arguments = [round(1000 / self.per_second), round(patience * 1000)]
            ms = int(_take_turn()(keys=[f"llm:{self.provider}:{self.key}:pace"], args=arguments))
        except RedisError:
            return
        if ms < 0:
            raise RateLimited(provider=self.provider, retryable=False)
        sleep(ms / 1000)
