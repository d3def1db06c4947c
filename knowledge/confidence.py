"""How far the found passages answer the question: 0 to 1, and the floor below which nothing was found.

What the question's words are worth comes from how rare they are among this workspace's passages.
"""

from collections.abc import Collection
from math import sqrt

from knowledge.question import Question

# Fitted on XQuAD and a Russian support documentation against 40 questions that they cannot answer; see docs/knowledge.md.
RELEVANCE_FLOOR = 0.5
# Of the sum below, what stands on the floor: lower ones let more through on every set, higher ones lose answers of XQuAD.
_AT_THE_FLOOR = 0.79
_COVERAGE_SHARE = 0.4
# The most that BM25 gives a word, in units of its idf.
_FULL = 2.2


def confidence_of(question: Question, terms: Collection[str], score: float) -> float:
    """`terms` and `score` are the stems of the best passage and its score.

    The score is measured by the geometric mean of what the question's words and a single word that no passage has are worth:
    a long question that is met in part says more than a short one met in the same part.
    """
    total = question.worth
    if total <= 0:
        return 0.0
    # One more for each word, or in a small knowledge base a single word that it lacks would decide alone.
    covered = question.covered_by(terms) + sum(1 for word in question.words if word.is_in(terms))
    coverage = covered / (total + len(question.words))
    answered = _COVERAGE_SHARE * coverage + (1 - _COVERAGE_SHARE) * score / (_FULL * sqrt(total * question.rarest))
    return round(min(1.0, RELEVANCE_FLOOR * answered / _AT_THE_FLOOR), 4)
