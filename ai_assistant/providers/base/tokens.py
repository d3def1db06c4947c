"""Short-lived access tokens, shared by all processes and by all workspaces that use the same credential."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, cast
from uuid import uuid4

from redis.exceptions import RedisError

from ai_assistant.providers.base.chat import CallContext
from ai_assistant.providers.base.errors import ProviderUnavailable, RateLimited
from omnisupport.lib.crypto import decrypt, encrypt
from omnisupport.lib.redis import redis_client

_FETCH_SECONDS = 10.0
# Longer than a fetch may take, so that a live holder never loses it.
_LOCK_SECONDS = 15
_EARLY_SECONDS = 60
_LOOK_SECONDS = 0.05
# For a service that takes no more requests and does not say for how long.
_REST_SECONDS = 1.0
_DELETE_IF = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"


@cache
def _delete_if() -> Any:
    return redis_client().register_script(_DELETE_IF)


@dataclass(frozen=True)
class AccessToken:
    """`expires` is in seconds since 1970."""

    value: str
    expires: float


@dataclass(frozen=True)
class SharedToken:
    """The token of one credential in Redis, encrypted; one process at a time fetches it, a minute before it ends.

    `key` names the credential without revealing it. `fetch` raises LLMError.
    """

    provider: str
    key: str
    fetch: Callable[[CallContext], AccessToken]

    def get(self, context: CallContext) -> str:
        """Raises LLMError."""
        try:
            return self._stored()[0] or self._fetch_once(context)
        except RedisError as error:
            raise ProviderUnavailable(provider=self.provider) from error

    def renew(self, refused: str, context: CallContext) -> str:
        """After a refusal. When another process has fetched a new one meanwhile, that is given. Raises LLMError."""
        try:
            value, sealed = self._stored()
            if value == refused:
                # Only this one: a new token may have come between the two lines.
                _delete_if()(keys=[self._name], args=[sealed])
        except RedisError as error:
            raise ProviderUnavailable(provider=self.provider) from error
        return self.get(context)

    @property
    def _name(self) -> str:
        return f"llm:{self.provider}:{self.key}:token"

    def _stored(self) -> tuple[str, bytes]:
        """The token, and as it lies in Redis."""
        sealed = cast("bytes | None", redis_client().get(self._name))
        return (decrypt(sealed.decode()), sealed) if sealed else ("", b"")

    def _fetch_once(self, context: CallContext) -> str:
        limited = replace(context, deadline=min(context.deadline, time.monotonic() + _FETCH_SECONDS))
        lock, mine = f"{self._name}:lock", uuid4().hex
        while True:
            if redis_client().set(lock, mine, nx=True, ex=_LOCK_SECONDS):
                try:
                    # Whoever held the lock before us may have left a token.
                    if found := self._stored()[0] or self._fetch(limited):
                        return found
                finally:
                    _delete_if()(keys=[lock], args=[mine])
            if limited.seconds_left() <= 0:
                raise ProviderUnavailable(provider=self.provider)
            time.sleep(_LOOK_SECONDS)
            if found := self._stored()[0]:
                return found

    def _fetch(self, context: CallContext) -> str:
        """Empty while the service rests. Raises LLMError."""
        rest = f"{self._name}:rest"
        if redis_client().exists(rest):
            return ""
        try:
            token = self.fetch(context)
        except RateLimited as error:
            seconds = error.retry_after or _REST_SECONDS
            if seconds >= context.seconds_left():
                raise
            redis_client().set(rest, 1, px=max(round(seconds * 1000), 1))
            return ""
        # A clock that differs from theirs must not make us fetch for every call; a refusal corrects the other way.
        lifetime = max(_EARLY_SECONDS, token.expires - time.time() - _EARLY_SECONDS)
        redis_client().set(self._name, encrypt(token.value), ex=round(lifetime))
        return token.value
