"""Kombu's transport for Redis, whose channels fail like a broken connection once theirs is gone.

In kombu 5.7 such a channel raises AttributeError instead, which nobody expects: a task that ended while Redis was away could
not be acknowledged, and the whole worker ended with it.
"""

from typing import Any

from kombu.transport import redis


class Channel(redis.Channel):
    def _connparams(self, asynchronous: bool = False) -> dict[str, Any]:
        if getattr(self.connection, "client", None) is None:
            raise ConnectionError("The connection of this channel is closed.")
        params: dict[str, Any] = super()._connparams(asynchronous=asynchronous)  # type: ignore[misc]  # not in its stubs
        return params


class Transport(redis.Transport):
    Channel = Channel
