"""A question as it is searched: repaired, with other stems of its words and with what the workspace calls the same."""

import json
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from math import log

from django.db import connection

from knowledge.models import Synonyms
from knowledge.morphology import other_stems
from knowledge.spelling import repair
from knowledge.stopwords import content_tokens
from knowledge.tokens import tokens_of
from omnisupport.lib.stems import stem
from tenants.names import current_schema

# Of each set of stems, how many passages have one of them.
_FREQUENCIES_SQL = """
SELECT wanted.key, (SELECT count(*) FROM knowledge_chunk WHERE terms && ARRAY(SELECT jsonb_array_elements_text(wanted.value)))
FROM jsonb_each(%s) AS wanted
"""


@dataclass(frozen=True)
class QuestionWord:
    """`stems` are its own and those that count as it; `phrases`: the stems of synonyms, all of a phrase together."""

    stems: frozenset[str]
    phrases: tuple[frozenset[str], ...] = ()
    idf: float = 0.0

    def is_in(self, terms: Collection[str]) -> bool:
        return not self.stems.isdisjoint(terms) or any(phrase.issubset(terms) for phrase in self.phrases)


@dataclass(frozen=True)
class Question:
    """`repaired`: word as written → as read. `synonyms`: the groups that were used."""

    text: str
    words: list[QuestionWord] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    repaired: dict[str, str] = field(default_factory=dict)
    synonyms: list[str] = field(default_factory=list)
    passages: int = 0

    @cached_property
    def worth(self) -> float:
        return sum(word.idf for word in self.words)

    @property
    def stems(self) -> list[str]:
        """All that a passage is looked through for."""
        return sorted({stem for word in self.words for stem in word.stems.union(*word.phrases)})

    @property
    def rarest(self) -> float:
        """The idf of a word that no passage has."""
        return _idf(self.passages, 0)

    def covered_by(self, terms: Collection[str]) -> float:
        return sum(word.idf for word in self.words if word.is_in(terms))


def understand(text: str) -> Question:
    repaired = repair(text)
    text = _replaced(text, repaired)
    tokens = list(dict.fromkeys(content_tokens(text)))
    if any(not _is_digit(token) for token in tokens):
        tokens = [token for token in tokens if not _is_digit(token)]
    used = _synonyms_in(text)
    words: dict[str, QuestionWord] = {}
    for token in tokens:
        phrases = tuple(phrase for found in used if stem(token) in found.stems for phrase in found.others)
        words.setdefault(stem(token), QuestionWord(frozenset([stem(token), *other_stems(token)]), phrases))
    total, frequencies = _frequencies(words)
    weighed = [QuestionWord(word.stems, word.phrases, _idf(total, frequencies[key])) for key, word in words.items()]
    others = {other for word in weighed for other in word.stems.union(*word.phrases)} - words.keys()
    return Question(text, weighed, sorted(others), repaired, [found.name for found in used], total)


def _replaced(text: str, repaired: dict[str, str]) -> str:
    for written, read in repaired.items():
        text = re.sub(rf"(?<!\w){re.escape(written)}(?!\w)", read, text, flags=re.IGNORECASE)
    return text


def _is_digit(token: str) -> bool:
    """A lone digit is the number of a step in half of all passages."""
    return len(token) == 1 and token.isdigit()


def _idf(total: int, frequency: int) -> float:
    return log(1 + (total - frequency + 0.5) / (frequency + 0.5))


def _frequencies(words: dict[str, QuestionWord]) -> tuple[int, dict[str, int]]:
    """How many passages there are, and how many have each word."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*), coalesce(max(id), 0) FROM knowledge_chunk")
        total, newest = cursor.fetchone()
        counted = _counted(current_schema(), total, newest)
        missing = {key: sorted(word.stems) for key, word in words.items() if word.stems not in counted}
        if missing:
            cursor.execute(_FREQUENCIES_SQL, [json.dumps(missing)])
            counted |= {words[key].stems: frequency for key, frequency in cursor.fetchall()}
    return total, {key: counted[word.stems] for key, word in words.items()}


@lru_cache(maxsize=256)
def _counted(schema: str, total: int, newest: int) -> dict[frozenset[str], int]:
    """What was counted since the passages last changed: a word that is in every question is in thousands of passages."""
    return {}


# ---- Synonyms --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Used:
    """A group of which the question has a phrase: `stems` of that phrase, and the other phrases."""

    name: str
    stems: frozenset[str]
    others: tuple[frozenset[str], ...]


def _synonyms_in(text: str) -> list[_Used]:
    asked = [stem(token) for token in tokens_of(text)]
    found = []
    for group in Synonyms.objects.all():
        phrases = [[stem(token) for token in tokens_of(phrase)] for phrase in group.phrases]
        said = [phrase for phrase in phrases if _contains(asked, phrase)]
        if said:
            others = tuple(frozenset(phrase) for phrase in phrases if phrase not in said)
            found.append(_Used(str(group), _union(said), others))
    return found


def _contains(words: list[str], phrase: list[str]) -> bool:
    size = len(phrase)
    return any(words[at : at + size] == phrase for at in range(len(words) - size + 1))


def _union(phrases: Iterable[Iterable[str]]) -> frozenset[str]:
    return frozenset(word for phrase in phrases for word in phrase)
