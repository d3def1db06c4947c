"""Snowball stems of Russian and English words."""

import re
import threading
from functools import lru_cache

import Stemmer

_CYRILLIC = re.compile(r"[а-я]")
_LOCAL = threading.local()


@lru_cache(maxsize=50_000)
def stem(token: str) -> str:
    """Of a lower-case word, Russian if it has a Cyrillic letter; what has a digit or a sign inside stays whole."""
    if not token.isalpha():
        return token
    stemmers = _stemmers()
    return str(stemmers["russian" if _CYRILLIC.search(token) else "english"].stemWord(token))


def _stemmers() -> dict[str, Stemmer.Stemmer]:
    # A stemmer is not safe in two threads at once.
    if not hasattr(_LOCAL, "stemmers"):
        _LOCAL.stemmers = {name: Stemmer.Stemmer(name, 0) for name in ("russian", "english")}
    found: dict[str, Stemmer.Stemmer] = _LOCAL.stemmers
    return found
