"""Search from a web process, which never opens the index: a worker searches, Redis carries the answer back."""

from collections.abc import Sequence
from uuid import UUID

import structlog
from celery.exceptions import TimeoutError as ResultTimeout
from django.utils.translation import gettext as _
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from knowledge.search import SearchResult
from knowledge.tasks import search_task
from omnisupport.lib.errors import Unavailable

log = structlog.get_logger(__name__)


def search_in_worker(
    query: str, limit: int = 8, *, timeout: float = 8.0, document_ids: Sequence[UUID] | None = None
) -> SearchResult:
    """As knowledge.search.search_passages. Raises Unavailable when no worker answers within `timeout` seconds."""
    ids = [str(id) for id in document_ids] if document_ids is not None else None
    try:
        # Nobody waits for it any longer after the timeout.
        pending = search_task.apply_async((query, limit, ids), expires=timeout, retry=False)
        answer = pending.get(timeout=timeout, interval=0.02)
        pending.forget()
    except (ResultTimeout, OperationalError, RedisError, OSError) as error:
        log.warning("search_unanswered", error=type(error).__name__)
        raise Unavailable(_("The search did not answer. Try again in a minute."), code="search_unavailable") from error
    if "error" in answer:
        raise Unavailable(answer["error"]["message"], code=answer["error"]["code"])
    return SearchResult.from_json(answer)
