"""A question as it is searched: repaired, with other stems of its words and with what the workspace calls the same."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from functools import cached_property

from knowledge.frequencies import Passages, idf, stems_of_word
from knowledge.models import Synonyms
from knowledge.spelling import repair
from knowledge.stopwords import content_tokens
from knowledge.tokens import tokens_of
from omnisupport.lib.stems import stem


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
        return idf(self.passages, 0)

    def covered_by(self, terms: Collection[str]) -> float:
        return sum(word.idf for word in self.words if word.is_in(terms))


def understand(text: str) -> Question:
    passages = Passages()
    repaired = repair(text, passages)
    text = _replaced(text, repaired)
    tokens = list(dict.fromkeys(content_tokens(text)))
    if any(not _is_digit(token) for token in tokens):
        tokens = [token for token in tokens if not _is_digit(token)]
    used = _synonyms_in(text)
    words: dict[str, QuestionWord] = {}
    for token in tokens:
        phrases = tuple(phrase for found in used if stem(token) in found.stems for phrase in found.others)
        words.setdefault(stem(token), QuestionWord(stems_of_word(token), phrases))
    frequencies, total = passages.count(word.stems for word in words.values()), passages.total
    weighed = [QuestionWord(word.stems, word.phrases, idf(total, frequencies[word.stems])) for word in words.values()]
    others = {other for word in weighed for other in word.stems.union(*word.phrases)} - words.keys()
    return Question(text, weighed, sorted(others), repaired, [found.name for found in used], total)


def _replaced(text: str, repaired: dict[str, str]) -> str:
    for written, read in repaired.items():
        text = re.sub(rf"(?<!\w){re.escape(written)}(?!\w)", read, text, flags=re.IGNORECASE)
    return text


def _is_digit(token: str) -> bool:
    """A lone digit is the number of a step in half of all passages."""
    return len(token) == 1 and token.isdigit()


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
