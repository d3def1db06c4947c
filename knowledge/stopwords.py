"""Words that are in every question and say nothing about its subject. «не» is not among them, nor a form whose stem is another
word's: им (имя), тем (тема)."""

from knowledge.tokens import tokens_of
from omnisupport.lib.stems import stem

_LIST = """
и во в на с со к ко о об от до из у за по под при для без а но или же ли бы что как где когда куда откуда почему зачем
сколько скольких какой какая какие какое какую каком каких какого чем кто кого кому который которая которые это этот эта эти
тот та те то так там тут ещё уже если мне меня мной мой моя мои мое вы вас вам ваш ваша ваши у он она они его ее их мы нас нам
я ты тебя тебе себя себе твой твоя твои твое свой своя свои свое наш наша наши наше
быть есть был была были будет можно нужно могу можете хочу подскажите скажите здравствуйте привет пожалуйста спасибо
the a an of in on at to for from by with is are was were be been do does did how what which who whom when where why can
could should would i my me you your it its this that these those and or as if than hello hi please thanks
"""
STOP_WORDS = frozenset(tokens_of(_LIST))
STOP_STEMS = frozenset(stem(word) for word in STOP_WORDS)


def content_tokens(text: str) -> list[str]:
    """The words that say what a text is about, in order; all of them where it has no others."""
    tokens = tokens_of(text)
    return [token for token in tokens if stem(token) not in STOP_STEMS] or tokens


def content_terms(text: str) -> dict[str, None]:
    """The stems of these words, without lone digits: the number of a step is in half of all passages."""
    stems = dict.fromkeys(stem(token) for token in tokens_of(text))
    return {term: None for term in stems if term not in STOP_STEMS and not (len(term) == 1 and term.isdigit())}
