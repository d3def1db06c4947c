"""What all processes know together of one credential: how many calls run, who waits, and whether it rests.

Everything lies in Redis and runs out by itself, so a killed worker gives its place back. Without Redis the gate stands open.

Places: never more calls at once than the provider allows. While workspaces wait for one credential, none of them has more than
`SHARE` of it, and a free place goes to the one with the fewest calls, then to the one that has waited longest for its turn.
Rest: after `FAILURES` in a row, then a single call tries; as long as the provider asks (Retry-After); after a refused key or a
used-up volume.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from time import sleep
from typing import Any
from uuid import uuid4

import structlog
from redis.exceptions import RedisError

from ai_assistant.providers.base.chat import CallContext
from ai_assistant.providers.base.errors import (
    AuthError,
    CircuitOpen,
    ContentFiltered,
    LLMError,
    ProtocolError,
    ProviderUnavailable,
    QuotaExhausted,
    RateLimited,
    refused_token,
)
from omnisupport.lib.redis import redis_client

log = structlog.get_logger(__name__)

SHARE = 0.3
FAILURES = 5
REST_SECONDS, AUTH_REST_SECONDS, QUOTA_REST_SECONDS = 30.0, 60.0, 600.0
# With another provider to go to, nobody waits longer.
_IMPATIENT_SECONDS = 3.0
LONGEST_REST_WAITED = 8.0
# A waiting process says so at every look; one that was killed is forgotten.
_WAITING_SECONDS, _LOOK_SECONDS = 1.5, 0.08
_COSTS = (ProviderUnavailable, ProtocolError, ContentFiltered)
_RESTING: dict[str, type[LLMError]] = {kind.code: kind for kind in (RateLimited, QuotaExhausted, AuthError)}

_NOW = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
"""
# Members are "<id>|<workspace>" with the moment at which they lapse.
_TAKE_PLACE = (
    _NOW
    + """
local running, waiting, served = KEYS[1], KEYS[2], KEYS[3]
local tenant, id, limit, lease, patience = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local share = math.max(1, math.floor(limit * tonumber(ARGV[6])))
redis.call('ZREMRANGEBYSCORE', running, '-inf', now)
redis.call('ZREMRANGEBYSCORE', waiting, '-inf', now)
local function owner(member) return string.sub(member, string.find(member, '|', 1, true) + 1) end
local function last(of) return tonumber(redis.call('HGET', served, of) or '0') end
local counts, total = {}, 0
for _, member in ipairs(redis.call('ZRANGE', running, 0, -1)) do
  counts[owner(member)] = (counts[owner(member)] or 0) + 1
  total = total + 1
end
local mine, ahead, others, seen = counts[tenant] or 0, 0, false, {}
for _, member in ipairs(redis.call('ZRANGE', waiting, 0, -1)) do
  local other = owner(member)
  if other ~= tenant and not seen[other] then
    seen[other], others = true, true
    local count = counts[other] or 0
    if count < share and (count < mine or (count == mine and last(other) < last(tenant))) then ahead = ahead + 1 end
  end
end
local member = id .. '|' .. tenant
if limit - total > ahead and (mine < share or not others) then
  redis.call('ZADD', running, now + lease, member)
  redis.call('ZREM', waiting, member)
  redis.call('HSET', served, tenant, now)
  for _, key in ipairs(KEYS) do redis.call('PEXPIRE', key, lease + 600000) end
  return 1
end
redis.call('ZADD', waiting, now + patience, member)
redis.call('PEXPIRE', waiting, 600000)
return 0
"""
)
_ENTER = (
    _NOW
    + """
local state = redis.call('HMGET', KEYS[1], 'until', 'why', 'failures', 'probe')
local rests = tonumber(state[1] or '0') - now
if rests > 0 then return {rests, state[2] or ''} end
if tonumber(state[3] or '0') >= tonumber(ARGV[1]) then
  local probe = tonumber(state[4] or '0') - now
  if probe > 0 then return {probe, 'llm_circuit_open'} end
  redis.call('HSET', KEYS[1], 'probe', now + tonumber(ARGV[2]))
end
return {0, ''}
"""
)
_REST = (
    _NOW
    + """
local till = math.max(tonumber(redis.call('HGET', KEYS[1], 'until') or '0'), now + tonumber(ARGV[1]))
redis.call('HSET', KEYS[1], 'until', till, 'why', ARGV[2])
redis.call('PEXPIRE', KEYS[1], till - now + 600000)
"""
)
_FAIL = (
    _NOW
    + """
local failures = redis.call('HINCRBY', KEYS[1], 'failures', 1)
if failures >= tonumber(ARGV[1]) then
  redis.call('HSET', KEYS[1], 'until', now + tonumber(ARGV[2]), 'why', 'llm_circuit_open', 'probe', 0)
end
redis.call('PEXPIRE', KEYS[1], tonumber(ARGV[2]) + 600000)
return failures
"""
)
_SUCCEED = """
if redis.call('HGET', KEYS[1], 'why') == 'llm_circuit_open' then redis.call('DEL', KEYS[1])
else redis.call('HDEL', KEYS[1], 'failures', 'probe') end
"""


@cache
def _script(text: str) -> Any:
    return redis_client().register_script(text)


@dataclass(frozen=True)
class Gate:
    """`key` names the credential without revealing it; `places` are the calls at once that its owner may make.

    A credential's models share its places, but each of them rests by itself.
    """

    provider: str
    key: str
    places: int = 10
    model: str = ""

    @contextmanager
    def passed(self, context: CallContext) -> Iterator[None]:
        """One call to the provider inside. Raises LLMError: it rests, or no place became free in time."""
        place = self._wait_for_place(context)
        try:
            self._wait_for_rest(context)
            with self._counted(context):
                yield
        finally:
            with suppress(RedisError):
                redis_client().zrem(self._name("running"), place)

    @contextmanager
    def _counted(self, context: CallContext) -> Iterator[None]:
        costs = True
        try:
            yield
        except LLMError as error:
            # What is refused at the door costs nothing.
            costs = isinstance(error, _COSTS)
            self._note_failure(error)
            raise
        else:
            self._note_success(context)
        finally:
            if costs:
                context.allowance.use()

    @property
    def _rest_name(self) -> str:
        return self._name(f"rest:{self.model}")

    def _name(self, part: str) -> str:
        return f"llm:{self.provider}:{self.key}:{part}"

    # -- Places

    def _wait_for_place(self, context: CallContext) -> str:
        member = f"{uuid4().hex}|{context.tenant}"
        longest = _IMPATIENT_SECONDS if context.has_alternative else context.seconds_left() - context.least_seconds
        given_up = context.seconds_left() - max(longest, 0)
        while not self._take_place(member, context):
            if context.seconds_left() <= given_up:
                with suppress(RedisError):
                    redis_client().zrem(self._name("waiting"), member)
                raise RateLimited(provider=self.provider, retryable=False)
            sleep(_LOOK_SECONDS)
        return member

    def _take_place(self, member: str, context: CallContext) -> bool:
        identity, _bar, tenant = member.partition("|")
        lease = max(context.seconds_left(), 0) + 2
        arguments = [tenant, identity, self.places, _ms(lease), _ms(_WAITING_SECONDS), SHARE]
        try:
            return bool(
                _script(_TAKE_PLACE)(keys=[self._name(p) for p in ("running", "waiting", "served")], args=arguments)
            )
        except RedisError:
            return True

    # -- Rest

    def _wait_for_rest(self, context: CallContext) -> None:
        if context.purpose == "check":
            return
        try:
            rests, why = _script(_ENTER)(keys=[self._rest_name], args=[FAILURES, _ms(REST_SECONDS)])
        except RedisError:
            return
        if rests <= 0:
            return
        seconds = rests / 1000
        kind = _RESTING.get(why.decode(), CircuitOpen)
        fits = seconds <= LONGEST_REST_WAITED and seconds + context.least_seconds <= context.seconds_left()
        if kind is not RateLimited or context.has_alternative or not fits:
            raise kind(provider=self.provider, retry_after=seconds, retryable=False)
        sleep(seconds)

    def _note_failure(self, error: LLMError) -> None:
        try:
            if isinstance(error, ProviderUnavailable | ProtocolError) or refused_token(error):
                failures = _script(_FAIL)(keys=[self._rest_name], args=[FAILURES, _ms(REST_SECONDS)])
                if failures >= FAILURES:
                    log.warning("llm_circuit_open", provider=self.provider, failures=failures, code=error.code)
            elif isinstance(error, AuthError):
                self._rest(AuthError, AUTH_REST_SECONDS)
            elif isinstance(error, QuotaExhausted):
                self._rest(QuotaExhausted, QUOTA_REST_SECONDS)
            elif isinstance(error, RateLimited) and error.retry_after:
                self._rest(RateLimited, error.retry_after)
        except RedisError:
            return

    def _rest(self, kind: type[LLMError], seconds: float) -> None:
        _script(_REST)(keys=[self._rest_name], args=[_ms(seconds), kind.code])

    def _note_success(self, context: CallContext) -> None:
        with suppress(RedisError):
            if context.purpose == "check":
                # It was asked in spite of its rest, and works.
                redis_client().delete(self._rest_name)
            else:
                _script(_SUCCEED)(keys=[self._rest_name])


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
