"""The search that everybody has, to be compared with: BM25 over Snowball stems."""

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from knowledge.tokens import plain
from omnisupport.lib.stems import stem

# How soon repeated words count no more; how much long passages count less.
K1, B = 1.2, 0.75
_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Passage:
    page: str
    text: str


class BM25:
    """Pages are as good as their best passage."""

    def __init__(self, passages: Sequence[Passage]) -> None:
        self._pages = [passage.page for passage in passages]
        stems = [_stems(passage.text) for passage in passages]
        average = sum(map(len, stems)) / len(stems)
        # Stem → what each passage that has it gets for it, but for the rarity of the stem.
        self._weights: dict[str, dict[int, float]] = {}
        for number, words in enumerate(stems):
            length = K1 * (1 - B + B * len(words) / average)
            for word, times in Counter(words).items():
                self._weights.setdefault(word, {})[number] = times * (K1 + 1) / (times + length)

    def rank(self, question: str) -> list[str]:
        """Pages with a word of the question, best first."""
        scores: dict[str, float] = {}
        for number, score in self._scores(question).items():
            page = self._pages[number]
            scores[page] = max(score, scores.get(page, 0.0))
        return sorted(scores, key=lambda page: -scores[page])

    def _scores(self, question: str) -> dict[int, float]:
        scores: dict[int, float] = {}
        for word in _stems(question):
            weights = self._weights.get(word, {})
            rarity = math.log(1 + (len(self._pages) - len(weights) + 0.5) / (len(weights) + 0.5))
            for number, weight in weights.items():
                scores[number] = scores.get(number, 0.0) + rarity * weight
        return scores


def _stems(text: str) -> list[str]:
    return [stem(word) for word in _WORD.findall(plain(text))]
