"""One workspace's backlog does not slow the others: threads of a worker share an interpreter, and none of them has a priority.

While a workspace works a backlog off, every statement of its tasks waits until short tasks of other workspaces that run in this
process are done. Of its time a task gives half away at most, so that a backlog always moves on.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Condition
from typing import Any

from django.db import connection

# Of the time of a task that works a backlog off.
_GIVEN_AWAY = 0.5

_book = Condition()
_backlogs: Counter[str] = Counter()
_short: Counter[str] = Counter()


@contextmanager
def backlog(schema: str) -> Iterator[None]:
    """More is waiting here than the work of a moment."""
    with _noted(_backlogs, schema):
        yield


@contextmanager
def taking_turns(schema: str, *, short: bool) -> Iterator[None]:
    """Around a task. `short`: it is done in a moment, unless there is a backlog."""
    with connection.execute_wrapper(_Turn(schema)):
        if not short:
            yield
            return
        with _noted(_short, schema):
            yield


@contextmanager
def _noted(book: Counter[str], schema: str) -> Iterator[None]:
    with _book:
        book[schema] += 1
        _book.notify_all()
    try:
        yield
    finally:
        with _book:
            book[schema] -= 1
            if not book[schema]:
                del book[schema]
            _book.notify_all()


class _Turn:
    def __init__(self, schema: str) -> None:
        self._schema, self._begun, self._given = schema, time.monotonic(), 0.0

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if self._schema in _backlogs:
            self._give_way()
        return execute(sql, params, many, context)

    def _give_way(self) -> None:
        began = time.monotonic()
        left = (began - self._begun) * _GIVEN_AWAY - self._given
        if left <= 0:
            return
        with _book:
            _book.wait_for(self._nobody_else, timeout=left)
        self._given += time.monotonic() - began

    def _nobody_else(self) -> bool:
        return all(schema == self._schema or schema in _backlogs for schema in _short)
