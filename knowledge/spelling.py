"""Repair of a question's words that no passage has: typed in the other keyboard layout, or with a typo.

Only what the workspace's own documents say is put in their place; a word that they have is never touched.
"""

import re
from collections.abc import Iterable
from itertools import pairwise

from django.db import connection

from knowledge.frequencies import Passages, stems_of_word
from knowledge.stopwords import STOP_WORDS
from knowledge.tokens import plain, tokens_of

_LATIN, _CYRILLIC = "qwertyuiop[]asdfghjkl;'zxcvbnm,.`", "йцукенгшщзхъфывапролджэячсмитьбюе"
_OTHER_LAYOUT = {ord(a): b for a, b in zip(_LATIN + _CYRILLIC, _CYRILLIC + _LATIN, strict=True)}
_ROWS = ("qwertyuiop[]", "asdfghjkl;'", "zxcvbnm,.", "йцукенгшщзхъ", "фывапролджэ", "ячсмитьбю")
_NEIGHBOURS = frozenset(pair for row in _ROWS for a, b in pairwise(row) for pair in (a + b, b + a))
# In short words every other word is one letter away.
_SHORTEST, _LONG = 4, 8
_MOST_WORDS = 12
MAX_LENGTH = 64
# Part by part: of all parts at once the planner expects so many words that it reads the whole table.
_CANDIDATES_SQL = """
SELECT DISTINCT word.text, word.stem FROM unnest(%s::varchar[]) AS wanted(part)
CROSS JOIN LATERAL (SELECT text, stem FROM knowledge_word WHERE shortened @> ARRAY[wanted.part]) AS word
"""
_TRAILING = "?!.,;:)»\"'"


def repair(question: str, passages: Passages) -> dict[str, str]:
    """Word as written → the word meant, for those that could be repaired."""
    written = list(dict.fromkeys(question.split()))
    in_other_layout = {piece: options for piece in written if (options := _other_layout(piece))}
    tokens = {token for piece in written for token in tokens_of(piece)}
    tokens |= {
        token for options in in_other_layout.values() for option in options.values() for token in tokens_of(option)
    }
    known = _known(tokens, passages)
    repaired: dict[str, str] = {}
    unknown: list[str] = []
    for piece in written:
        if any(token in known for token in tokens_of(piece)):
            unknown += [token for token in _repairable(piece) if token not in known]
            continue
        options = in_other_layout.get(piece, {})
        meant = next((typed for typed, option in options.items() if all(t in known for t in tokens_of(option))), None)
        if meant is not None:
            repaired[meant] = options[meant]
        else:
            unknown += _repairable(piece)
    return repaired | _without_typos(list(dict.fromkeys(unknown))[:_MOST_WORDS], passages)


def in_other_layout(text: str) -> str:
    """What the same keys write when the keyboard is switched to the other alphabet."""
    return text.lower().translate(_OTHER_LAYOUT)


def shortened(word: str) -> list[str]:
    """The word, and it without one of its letters."""
    return list(dict.fromkeys([word, *(word[:at] + word[at + 1 :] for at in range(len(word)))]))


def is_word(token: str) -> bool:
    return token.isalpha() and _SHORTEST - 1 <= len(token) <= MAX_LENGTH


def _repairable(piece: str) -> list[str]:
    return [token for token in tokens_of(piece) if token.isalpha() and _SHORTEST <= len(token) <= MAX_LENGTH]


def _other_layout(piece: str) -> dict[str, str]:
    """What was typed → as the same keys write in the other layout; without the signs at its end, and with them."""
    options = {typed: typed.translate(_OTHER_LAYOUT) for typed in (plain(piece).rstrip(_TRAILING), plain(piece))}
    return {typed: option for typed, option in options.items() if re.search(r"[^\W\d_]{2}", option)}


def _known(tokens: set[str], passages: Passages) -> set[str]:
    """Those of which a passage has the word in some form; words that are in every question are known too."""
    stems = {token: stems_of_word(token) for token in tokens - STOP_WORDS}
    frequencies = passages.count(stems.values())
    return {token for token in tokens if token in STOP_WORDS or frequencies[stems[token]]}


# ---- Typos -----------------------------------------------------------------------------------------------------------


def _without_typos(unknown: list[str], passages: Passages) -> dict[str, str]:
    """The nearest word of the documents for each; of several as near, the one that most passages have."""
    if not unknown:
        return {}
    wanted = [part for token in unknown for part in shortened(token)]
    with connection.cursor() as cursor:
        cursor.execute(_CANDIDATES_SQL, [wanted])
        candidates = {text: frozenset([its]) for text, its in cursor.fetchall()}
    left = {token: _by_cost(token, candidates) for token in unknown}
    repaired: dict[str, str] = {}
    # Counting is what costs: only the nearest are counted, and further ones where no passage has a nearest one any longer.
    while left := {token: nearest for token, nearest in left.items() if nearest and token not in repaired}:
        tied = {token: nearest.pop() for token, nearest in left.items()}
        frequencies = passages.count({candidates[word] for words in tied.values() for word in words})
        for token, words in tied.items():
            word = min(words, key=lambda word: (-frequencies[candidates[word]], word))
            if frequencies[candidates[word]]:
                repaired[token] = word
    return repaired


def _by_cost(token: str, candidates: Iterable[str]) -> list[list[str]]:
    """Those that the token may be meant to be, as near ones together, the nearest last."""
    allowed = 2 if len(token) >= _LONG else 1
    costs: dict[float, list[str]] = {}
    for word in candidates:
        costs.setdefault(round(_cost(token, word), 1), []).append(word)
    return [costs[cost] for cost in sorted(costs, reverse=True) if cost <= allowed]


def _cost(written: str, meant: str) -> float:
    """Letters left out, put in, replaced or swapped; what a finger easily does costs a little less."""
    if abs(len(written) - len(meant)) > 2:
        return 9.0
    before: list[float] = []
    above = [float(at) for at in range(len(meant) + 1)]
    for i, letter in enumerate(written, 1):
        row = [float(i)]
        for j, other in enumerate(meant, 1):
            replacing = 0.0 if letter == other else 0.8 if letter + other in _NEIGHBOURS else 1.0
            best = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + replacing)
            if i > 1 and j > 1 and letter == meant[j - 2] and written[i - 2] == other:
                best = min(best, before[j - 2] + 0.8)
            row.append(best)
        before, above = above, row
    return above[-1]
