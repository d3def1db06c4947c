"""Celery tasks that know their workspace.

The schema travels in the message header `schema`, is entered for the call and left in `finally`. A message without it, or
with one that is no workspace's, is refused: nothing that belongs to a workspace ever runs in `public`.
Messages are wake-up calls; rows are the truth.
"""

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import structlog
from celery import Task, shared_task
from celery.exceptions import Ignore
from celery.signals import worker_ready
from django.db import connection
from kombu.exceptions import OperationalError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from omnisupport.lib.redis import note_silence, redis_client
from omnisupport.lib.stack import with_room
from tenants.db import tenant_context
from tenants.fairness import taking_turns
from tenants.hosts import is_workspace
from tenants.names import current_schema, tenant_key

log = structlog.get_logger(__name__)

# Milliseconds. In a backlog a call waits for long; what sweepers repeat every few seconds must not wait beside it.
_MERGED_FOR = 120_000
_HELD_FOR = 3000
_WAITING, _HELD = b"waiting", b"held"
# The header of a merged call that names its mark.
_MARK = "waiting"
# Where a task that is merged has no network in it.
_SHORT_LANES = {"inbound", "sweeps", "default"}


class TenantTask(Task[Any, Any]):
    abstract = True
    # Not Celery's own `queue` attribute, which is on its way out.
    lane = "default"
    # A call that waits in the queue does the work of every later one with the same arguments: those are not sent.
    merges = False

    def apply_async(self, args: Any = None, kwargs: Any = None, **options: Any) -> Any:  # type: ignore[override]
        headers = dict(options.pop("headers", None) or {})
        headers.setdefault("schema", None)
        if headers["schema"] is None:
            headers["schema"] = current_schema()
        options.setdefault("queue", self.lane)
        return super().apply_async(args, kwargs, headers=headers, **options)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        schema = self.request.get("schema") or (self.request.headers or {}).get("schema")
        if not is_workspace(schema):
            log.error("task_without_tenant_refused", task=self.name, id=self.request.id)
            raise Ignore
        structlog.contextvars.bind_contextvars(schema=schema, task=self.name)
        if self.merges:
            _forget_waiting(self, args, schema)
        try:
            with tenant_context(schema), taking_turns(schema, short=self.merges and self.lane in _SHORT_LANES):
                return with_room(self.run, *args, **kwargs)
        finally:
            structlog.contextvars.unbind_contextvars("schema", "task")
            connection.close()


def tenant_task(*, queue: str = "default", **options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Declares a task of a workspace. `options` are Celery's own (time_limit, ignore_result…) and `merges` of TenantTask."""

    def decorate(function: Callable[..., Any]) -> Any:
        declare: Any = shared_task(base=TenantTask, lane=queue, **options)
        return declare(function)

    return decorate


def wake(task: Any, *args: Any, schema: str | None = None, **options: Any) -> bool:
    """Enqueues without ever failing the caller: when Redis is away the sweeper finds the row. Returns whether it was sent,
    or waits in the queue already.
    """
    headers = {"schema": schema} if schema else {}
    try:
        # Asked through the client that gives up soon: a broker that stands still would hold the caller much longer.
        if task.merges and not options:
            if not _is_first(task, args, schema or current_schema()):
                return True
            headers[_MARK] = _waiting_key(task, args, schema or current_schema())
        else:
            redis_client().ping()
        task.apply_async(args, headers=headers, retry=False, **options)
    except (OperationalError, RedisError, OSError) as error:
        if isinstance(error.__cause__, RedisConnectionError | RedisTimeoutError):
            note_silence()
        log.warning("wake_up_lost", task=task.name, error=str(error))
        return False
    return True


class MergedCalls:
    """The calls that come while one of them is at work. Held back they cost nothing, for whoever holds them looks again for
    what came meanwhile after having let go."""

    def __init__(self, task: Any, *args: Any) -> None:
        self._task, self._args = task, args

    def hold_back(self) -> None:
        """For a moment: repeated as long as there is work."""
        with suppress(RedisError):
            key = _waiting_key(self._task, self._args, current_schema())
            redis_client().set(key, _HELD, px=_HELD_FOR)

    def let_go(self) -> None:
        _forget_waiting(self._task, self._args, current_schema())


@worker_ready.connect
def forget_lost_calls(**_kwargs: object) -> None:
    """A worker that starts may follow one that died with calls in its hands, of which nothing is left but their marks. Those
    of living workers are perhaps sent a second time."""
    with suppress(RedisError):
        redis = redis_client()
        # Where kombu keeps what workers have taken and not yet acknowledged: [message, exchange, queue] as JSON.
        for taken in redis.hvals("unacked"):
            mark = json.loads(taken)[0]["headers"].get(_MARK)
            if mark:
                redis.delete(mark)


def _waiting_key(task: Any, args: tuple[Any, ...], schema: str) -> str:
    return tenant_key("waiting", task.name, *args, schema=schema)


def _is_first(task: Any, args: tuple[Any, ...], schema: str) -> bool:
    """Whether a call like this must be sent: none waits. A mark beside an empty queue is of one that was lost, or is begun
    this very moment."""
    key, redis = _waiting_key(task, args, schema), redis_client()
    if redis.set(key, _WAITING, nx=True, px=_MERGED_FOR):
        return True
    asked = redis.pipeline(transaction=False)
    asked.get(key)
    asked.llen(task.lane)
    mark, length = asked.execute()
    if mark == _HELD or length:
        return False
    redis.set(key, _WAITING, px=_MERGED_FOR)
    return True


def _forget_waiting(task: Any, args: tuple[Any, ...], schema: str) -> None:
    """Before the work: whoever calls from now on may have something that this run does not see."""
    with suppress(RedisError):
        redis_client().delete(_waiting_key(task, args, schema))
