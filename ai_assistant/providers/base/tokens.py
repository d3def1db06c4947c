"""Short-lived access tokens, shared by all processes."""

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from django.core.cache import cache
from redis.exceptions import RedisError

from ai_assistant.providers.base.chat import CallContext
from ai_assistant.providers.base.errors import ProviderUnavailable
from omnisupport.lib.crypto import decrypt, encrypt

_FETCH_SECONDS = 10.0
# Longer than a fetch may take, so that a live holder never loses it.
_LOCK_SECONDS = 15
_EARLY_SECONDS = 60


@dataclass(frozen=True)
class AccessToken:
    """`expires` is in seconds since 1970."""

    value: str
    expires: float


@dataclass(frozen=True)
class SharedToken:
    """The token of one credential in the cache, encrypted; one process at a time fetches it, a minute before it ends.

    `key` names the credential without revealing it. `fetch` raises LLMError.
    """

    provider: str
    key: str
    fetch: Callable[[CallContext], AccessToken]

    def get(self, context: CallContext) -> str:
        """Raises LLMError."""
        try:
            return self._cached() or self._fetch_once(context)
        except RedisError as error:
            raise ProviderUnavailable(provider=self.provider) from error

    def renew(self, refused: str, context: CallContext) -> str:
        """After a refusal. When another process has fetched a new one meanwhile, that is given. Raises LLMError."""
        with contextlib.suppress(RedisError):
            if self._cached() == refused:
                cache.delete(self._name)
        return self.get(context)

    @property
    def _name(self) -> str:
        return f"llm-token:{self.provider}:{self.key}"

    def _cached(self) -> str:
        stored = cache.get(self._name)
        return decrypt(stored) if isinstance(stored, str) else ""

    def _fetch_once(self, context: CallContext) -> str:
        limited = replace(context, deadline=min(context.deadline, time.monotonic() + _FETCH_SECONDS))
        lock = f"{self._name}:lock"
        while not cache.add(lock, 1, _LOCK_SECONDS):
            if limited.seconds_left() <= 0:
                raise ProviderUnavailable(provider=self.provider)
            time.sleep(0.05)
            if found := self._cached():
                return found
        try:
            # Whoever held the lock before us may have left a token.
            return self._cached() or self._fetch(limited)
        finally:
            cache.delete(lock)

    def _fetch(self, context: CallContext) -> str:
        token = self.fetch(context)
        # A clock that differs from theirs must not make us fetch for every call; a refusal corrects the other way.
        lifetime = max(_EARLY_SECONDS, token.expires - time.time() - _EARLY_SECONDS)
        cache.set(self._name, encrypt(token.value), lifetime)
        return token.value
