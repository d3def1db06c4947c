"""In how many passages words are."""

import json
from collections.abc import Iterable
from functools import lru_cache
from math import log

from django.db import connection

from knowledge.morphology import other_stems
from omnisupport.lib.stems import stem
from tenants.names import current_schema

_FREQUENCIES_SQL = """
SELECT wanted.key, (SELECT count(*) FROM knowledge_chunk WHERE terms && ARRAY(SELECT jsonb_array_elements_text(wanted.value)))
FROM jsonb_each(%s) AS wanted
"""


def stems_of_word(token: str) -> frozenset[str]:
    """Of all its forms."""
    return frozenset([stem(token), *other_stems(token)])


class Passages:
    """Those of the workspace: how many there are, and how many have a word."""

    def __init__(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*), coalesce(max(id), 0) FROM knowledge_chunk")
            self.total, newest = cursor.fetchone()
        self._counted = _counted(current_schema(), self.total, newest)

    def count(self, wanted: Iterable[frozenset[str]]) -> dict[frozenset[str], int]:
        """For each set of stems, how many passages have one of them."""
        sets = list(wanted)
        missing = {str(place): sorted(stems) for place, stems in enumerate(sets) if stems not in self._counted}
        if missing:
            with connection.cursor() as cursor:
                cursor.execute(_FREQUENCIES_SQL, [json.dumps(missing)])
                self._counted |= {sets[int(place)]: frequency for place, frequency in cursor.fetchall()}
        return {stems: self._counted[stems] for stems in sets}


@lru_cache(maxsize=256)
def _counted(schema: str, total: int, newest: int) -> dict[frozenset[str], int]:
    """What was counted since the passages last changed: a word that is in every question is in thousands of passages."""
    return {}


def idf(total: int, frequency: int) -> float:
    """The worth of a word that so many of all passages have."""
    return log(1 + (total - frequency + 0.5) / (frequency + 0.5))
