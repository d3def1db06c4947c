"""Who is here and what they look at: one sorted set per workspace in Redis, nothing in PostgreSQL.

A member is one open screen (several tabs are several), its score the moment at which it counts as gone. Whoever writes also
sweeps out those that died without a word, and tells the agents of every change in the same step, so frames come in order.
"""

import time
from collections.abc import Collection, Iterable, Mapping
from typing import Any
from uuid import UUID

import orjson
import structlog
from redis.exceptions import RedisError

from omnisupport.lib.hub import PREFIX
from omnisupport.lib.redis import redis_client
from tenants.accounts.models import User
from tenants.names import group_name, tenant_key
from tickets.realtime import AGENTS

log = structlog.get_logger(__name__)

# Longer than the silence after which a socket is given up (tenants/sockets.py).
LASTS = 70

# KEYS: the set. ARGV: now, when this screen ends ("": it leaves), its id, its conversation, "1" when nobody touches it,
# its user, their name, where the frames go.
# A member is "<screen>|<conversation>|<idle>|<user>|<name>".
_MOVE = """
local function parts(member) return string.match(member, '^([^|]*)|([^|]*)|([^|]*)|([^|]*)|(.*)$') end
local function state_of(wanted)
  local state = 'offline'
  for _, member in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
    local _, _, idle, user = parts(member)
    if user == wanted then
      if idle ~= '1' then return 'online' end
      state = 'idle'
    end
  end
  return state
end
local tickets, users, before = {}, {}, {}
local leaving = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1])
local own = ARGV[3] .. '|' .. ARGV[4] .. '|' .. ARGV[5] .. '|' .. ARGV[6] .. '|' .. ARGV[7]
before[ARGV[6]] = state_of(ARGV[6])
local known = false
for _, member in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  local screen = parts(member)
  if screen == ARGV[3] then
    if member == own and ARGV[2] ~= '' then known = true else table.insert(leaving, member) end
  end
end
for _, member in ipairs(leaving) do
  local _, ticket, _, user = parts(member)
  if not before[user] then before[user] = state_of(user) end
  if ticket ~= '' then tickets[ticket] = true end
end
for _, member in ipairs(leaving) do redis.call('ZREM', KEYS[1], member) end
if ARGV[2] ~= '' then
  redis.call('ZADD', KEYS[1], ARGV[2], own)
  redis.call('EXPIRE', KEYS[1], 600)
  if not known and ARGV[4] ~= '' then tickets[ARGV[4]] = true end
end
local members = redis.call('ZRANGE', KEYS[1], 0, -1)
for ticket in pairs(tickets) do
  local who, seen = {}, {}
  for _, member in ipairs(members) do
    local _, at, _, user, name = parts(member)
    if at == ticket and not seen[user] then
      seen[user] = true
      table.insert(who, '{"user":' .. cjson.encode(user) .. ',"name":' .. cjson.encode(name) .. '}')
    end
  end
  redis.call('PUBLISH', ARGV[8], '{"type":"viewing","ticket":"' .. ticket .. '","who":[' .. table.concat(who, ',') .. ']}')
end
for user, was in pairs(before) do
  local now = state_of(user)
  if now ~= was then
    redis.call('PUBLISH', ARGV[8], '{"type":"presence","user":' .. cjson.encode(user) .. ',"state":"' .. now .. '"}')
  end
end
return 1
"""


def move_screen(
    schema: str, screen: str, *, user_id: UUID, name: str, ticket: str = "", idle: bool = False, leaves: bool = False
) -> None:
    """This screen shows that conversation now (or none, or is closed). Without Redis nobody is seen; nothing else fails."""
    now = time.time()
    asked = [
        now,
        "" if leaves else now + LASTS,
        screen,
        ticket,
        "1" if idle else "",
        str(user_id),
        name.replace("|", " "),
    ]
    try:
        redis_client().eval(
            _MOVE, 1, tenant_key("screens", schema=schema), *asked, PREFIX + group_name(AGENTS, schema=schema)
        )
    except RedisError as error:
        log.warning("presence_lost", error=str(error))


def _screens() -> list[tuple[str, bool, str, str]]:
    """(conversation, idle, user, name) of each open screen of this workspace; none without Redis."""
    try:
        members: Any = redis_client().zrangebyscore(tenant_key("screens"), time.time(), "+inf")
    except RedisError:
        return []
    parts = [member.decode().split("|", 4) for member in members]
    return [(ticket, idle == "1", user, name) for _screen, ticket, idle, user, name in parts]


def snapshot() -> str:
    """The frame that a screen begins with: who looks at what, and who is here."""
    screens = _screens()
    viewing: dict[str, dict[str, str]] = {}
    for ticket, _idle, user, name in screens:
        if ticket:
            viewing.setdefault(ticket, {})[user] = name
    shown = {ticket: [{"user": u, "name": n} for u, n in who.items()] for ticket, who in viewing.items()}
    return orjson.dumps({"type": "here", "viewing": shown, "presence": _states(screens)}).decode()


def _states(screens: Iterable[tuple[str, bool, str, str]]) -> dict[str, str]:
    states: dict[str, str] = {}
    for _ticket, idle, user, _name in screens:
        if states.get(user) != "online":
            states[user] = "idle" if idle else "online"
    return states


def present_people() -> dict[str, str]:
    """`online` or `idle` by user id; who is absent is offline."""
    return _states(_screens())


def state_of(person: User, here: Mapping[str, str]) -> str:
    """online, away or offline, of `present_people`; who has gone away by hand stays so until they come back by hand."""
    state = here.get(str(person.id), "offline")
    return "away" if state == "idle" or (person.is_away and state == "online") else state


def viewers_of(ticket_id: int) -> Collection[str]:
    """The ids of those who have this conversation before their eyes now, awake."""
    return {user for ticket, idle, user, _name in _screens() if ticket == str(ticket_id) and not idle}
