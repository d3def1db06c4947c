"""Other stems of the same Russian word, which a stemmer keeps apart: деньги and денег, скидка and скидок, шли and идти."""

import threading
from functools import lru_cache
from typing import Any

from omnisupport.lib.stems import stem

_MOST = 6
_lock = threading.Lock()


@lru_cache(maxsize=50_000)
def other_stems(token: str) -> tuple[str, ...]:
    """Of a lower-case word's other forms; none for words that the dictionary lacks."""
    if not token.isalpha() or not any("а" <= letter <= "я" for letter in token):
        return ()
    with _lock:
        # Forms of a word that the dictionary lacks would be guessed from its ending, which takes longer than to look it up.
        if not _analyzer().word_is_known(token):
            return ()
        forms = [form.word for form in _analyzer().parse(token)[0].lexeme]
    found = dict.fromkeys(stem(form.replace("ё", "е")) for form in forms)
    return tuple(other for other in found if other != stem(token))[:_MOST]


@lru_cache(maxsize=1)
def _analyzer() -> Any:
    import pymorphy3  # its dictionaries take 40 MB, which only workers need

    return pymorphy3.MorphAnalyzer(lang="ru")
