"""What kind of thing a question asks for, and what a text has to show to give it.

Closed classes of words: they say what is asked and never of what, so none of them is a subject.
"""

import re
from dataclasses import dataclass

from knowledge.encoding import terms_of

# Stems of words that ask for a price or a time, units of time among them.
ASKING = frozenset(
    terms_of(
        "стоит стоят стоило стоить стоимость цена цены ценник почём тариф срок сроки долго скоро время времени длится занимает "
        "день дня дней час часа часов неделя недель месяц месяца месяцев год года лет "
        "cost costs price prices pricing fee fees charge much long soon time last lasts take takes "
        "day days hour hours week weeks month months year years"
    )
)


@dataclass(frozen=True)
class Kind:
    """`asks` finds the kind in a question or in a header, `shows` finds it in an answer.

    `telling`: few texts show it by chance. `required`: without it nothing is an answer.
    """

    asks: re.Pattern[str]
    shows: re.Pattern[str]
    boost: float
    telling: bool
    required: bool


def _kind(asks: str, shows: str, boost: float, *, telling: bool = True, required: bool = False) -> Kind:
    return Kind(re.compile(asks, re.IGNORECASE), re.compile(shows, re.IGNORECASE), boost, telling, required)


_KINDS = (
    _kind(
        r"\b(?:сто(?:ит|ят|ило|ить|имост\w*)|цен[аыуе]|ценник\w*|поч[её]м|тариф\w*)\b"
        r"|\b(?:pric(?:es?|ing)|costs?|fees?|how much (?:is|are))\b",
        r"\d\s*(?:₽|руб|р\.|€|\$|£|usd|eur)|[£$€]\s*\d|\bбесплатн(?:о|а|ы|ый)\b|\bнаш сч[её]т|\bfree\b|\bno cost",
        1.6,
        required=True,
    ),
    _kind(
        r"\b(?:когда|долго|скоро|длит\w*|срок\w*|врем\w+|when|times?)\b"
        r"|сколько (?:дн|час|недел|месяц|лет)|до скольки|во сколько|how (?:long|soon|many (?:day|hour|week|month|year))",
        r"\d\s*(?:\w+\s)?(?:дн|ден|час|мин|недел|месяц|год|лет|сут)|\d:\d\d|\d\s*[ap]\.?m\b|\b[12]\d{3}\b"
        r"|\b(?:minute|hour|day|week|month|year)s?\b",
        1.2,
    ),
    _kind(r"сколько|how many|how much", r"\d", 1.15, telling=False),
)


def kind_of(question: str) -> Kind | None:
    return next((kind for kind in _KINDS if kind.asks.search(question)), None)
