"""How far the found passages answer the question: 0 to 1, and the floor below which nothing was found.

What the question's words are worth comes from how rare they are among this workspace's passages.
"""

from collections.abc import Sequence
from math import log

from django.db import connection

from knowledge.encoding import tokens_of
from omnisupport.lib.stems import stem

# Fitted on XQuAD and a Russian support documentation against 40 questions that they cannot answer; see docs/knowledge.md.
RELEVANCE_FLOOR = 0.5
# Of the best passage's score, in units of the question's idf, that counts as a full answer.
_FULL_SCORE = 2.5
_COVERAGE_SHARE = 0.4
# They are in every question and say nothing about its subject. «не» is not among them.
_SAYING_NOTHING = """
и в во на с со к ко о об от до из у за по под при для без а но или же ли бы что как где когда куда откуда почему зачем
сколько скольких какой какая какие какое какую каком каких какого чем кто кого кому который которая которые это этот эта эти
тот та те то так там тут ещё уже если мне меня мной мой моя мои мое вы вас вам ваш ваша ваши у он она они его ее их мы нас нам
я быть есть был была были будет можно нужно могу можете хочу подскажите скажите здравствуйте привет пожалуйста спасибо
the a an of in on at to for from by with is are was were be been do does did how what which who whom when where why can
could should would i my me you your it its this that these those and or as if than hello hi please thanks
"""
_FUNCTION_WORDS = frozenset(stem(word) for word in tokens_of(_SAYING_NOTHING))
_FREQUENCIES_SQL = """
SELECT wanted.term, (SELECT count(*) FROM knowledge_chunk WHERE terms @> ARRAY[wanted.term])
FROM unnest(%s::text[]) AS wanted(term)
"""


def word_weights(query: str) -> dict[str, float]:
    """idf of each content word (stem) of the question; of all its words where it has no other."""
    stems = list(dict.fromkeys(stem(token) for token in tokens_of(query)))
    wanted = list(content_terms(query)) or stems
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM knowledge_chunk")
        total = cursor.fetchone()[0]
        cursor.execute(_FREQUENCIES_SQL, [wanted])
        frequencies = dict(cursor.fetchall())
    return {term: log(1 + (total - frequencies[term] + 0.5) / (frequencies[term] + 0.5)) for term in wanted}


def content_terms(text: str) -> dict[str, None]:
    """The stems that say what a text is about, in order."""
    stems = dict.fromkeys(stem(token) for token in tokens_of(text))
    return {term: None for term in stems if term not in _FUNCTION_WORDS and not _is_digit(term)}


def _is_digit(term: str) -> bool:
    """A lone digit is the number of a step in half of all passages."""
    return len(term) == 1 and term.isdigit()


def confidence_of(weights: dict[str, float], best_terms: Sequence[str], best_score: float) -> float:
    """`best_terms` and `best_score` are the stems and the word score of the best passage."""
    total = sum(weights.values())
    if total <= 0:
        return 0.0
    # One more for each word, or in a small knowledge base a single word that it lacks would decide alone.
    covered = sum(weights[term] + 1 for term in set(best_terms) & weights.keys())
    coverage = covered / (total + len(weights))
    score = min(1.0, best_score / (_FULL_SCORE * total))
    return round(_COVERAGE_SHARE * coverage + (1 - _COVERAGE_SHARE) * score, 4)
