"""What code decides before any model is asked: a wish for a person, a complaint, small talk, a question that points back."""

import re
from collections.abc import Sequence

_ROLE = (
    r"(?:[оа]пер\w{0,2}тор\w*|менеджер\w*|консультант\w*|сотрудник\w*|специалист\w*|администратор\w*|руководител\w*|"
    r"начальник\w*|человек(?:а|у|ом)?|люд(?:и|ей|ьми)|(?:кого|кем|кто)-?(?:нибудь|то))"
)
_ROLE_EN = (
    r"(?:human|person|operator|agent|representative|rep|someone|somebody|anyone|manager|supervisor|specialist|people)"
)
_SUMMON = (
    r"(?:по?зов\w*|позвать|соедин\w*|переключ\w*|перевед\w*|пригла[сш]\w*|свяж\w*|связа\w*|поговор\w*|говорить|"
    r"(?:по)?общат\w*|пообщ\w*|подключите|подключи)"
)
_WISH = (
    r"(?<!сколько )\b(?:хочу|хотел\w*|нужен|нужна|нужно|надо|можно|треб\w*|дай(?:те)?|давай(?:те)?|жду|где|"
    r"есть(?: ли)?|пусть)"
)
# What may stand between a wish and the one who is wished for, who is not somebody that may, must or gets something.
_BETWEEN = (
    r"(?:(?:мне|к|с|со|на|бы|я|уже|у|вас|там|тут|здесь|ваш\w*|жив\w+|реальн\w+|настоящ\w+|нормальн\w+|помощь|ответ\w*|от)\W+){0,5}"
    r"(?:(?<=\bк )|(?!\w+(?:у|ам)\b))"
)
_PERSON = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"\b{_SUMMON}\W+(?:\w+\W+){{0,3}}(?:{_ROLE}|(?:тех)?поддержк\w+)\b",
        rf"{_WISH}\W+{_BETWEEN}{_ROLE}\b",
        r"\bкто-?(?:нибудь|то)? жив(?:ой|ые)\b",
        rf"\b(?:жив(?:ой|ого|ым|ому|ые|ых)|реальн\w+|настоящ\w+)\s+{_ROLE}\b",
        r"\b(?:не (?:хочу|буду|желаю|надо|нужен|нужно)\W+(?:\w+\W+){0,3}|без |хватит |надоел\w* |устал\w* от )"
        r"(?:чат-?)?(?:бот|робот)\w*",
        r"(?<!вы )\b(?:пере|по)звони(?:те)? (?:мне|нам)\b",
        r"\b(?:talk|speak|chat|connect|transfer|switch|escalate|put me|pass me)\w*\W+(?:[\w']+\W+){0,5}"
        rf"(?:{_ROLE_EN}|support)\b",
        r"\b(?:want|need|get|call|give me|prefer|any|is there|can i have|may i have)\W+"
        r"(?:(?:me|a|an|the|some|real|live|actual|human|support|to|your)\W+){0,4}"
        r"(?:human|person|operator|agent|representative|manager|supervisor)\b",
        r"\b(?:real|live|actual)\W+(?:human|person|agent|operator|people)\b",
        r"\b(?:no|not a|stop|hate|tired of|instead of|(?:do not|don['’]?t) want)\W+(?:[\w']+\W+){0,4}"
        r"(?:chat)?(?:ro)?bots?\b",
        r"\bcall me back\b",
    )
]
_LONE_ROLE = re.compile(rf"\b(?:{_ROLE}|human|operator|agent|representative)\b", re.IGNORECASE)
_NOT_LONE = re.compile(r"\d|\b(?:сколько|како\w+|для|на|кто|how|what|which|for)\b", re.IGNORECASE)
_COMPLAINT = re.compile(
    r"роспотребнадзор|прокуратур|в суд\b|судебн|досудебн|(?<!нет )претензи|мошенни|обману?л|"
    r"\b(?:lawyer|lawsuit|sue you|fraud|scam|chargeback)\b",
    re.IGNORECASE,
)
_NO_HELP = re.compile(
    r"не помогло|не помог\b|не работает всё равно|опять не|\b(?:did(?:n['’]t| not) help|still (?:not|does))\b",
    re.IGNORECASE,
)
_GREETING = (
    r"(?:здравствуй(?:те)?|привет(?:ствую|ик)?|добр(?:ый|ого|ое|ой) (?:день|дня|вечер|вечера|утро|утра|ночи|времени суток)|"
    r"hi|hello|hey|good (?:morning|afternoon|evening|day))(?: (?:there|all|everyone|всем))?"
)
# Whoever says goodbye or that all is clear wants no search either.
_THANKS = (
    r"(?:(?:большое |огромное |ок |да |нет |вс[её] )?(?:спасибо|благодарю|спс|пасиб\w*)"
    r"(?: (?:вам|большое|огромное|за (?:помощь|ответ|информацию|совет)))*|"
    r"(?:вс[её] |теперь )?(?:ок|окей|хорошо|понятно|понял[аи]?|ясно|отлично|супер|класс|здорово|помогло|нет|ага|угу|вс[её])|"
    r"до свидания|до встречи|всего (?:доброго|хорошего)|хорошего (?:дня|вечера)|"
    r"(?:no |ok |okay )?(?:thanks|thank you|thx|cheers)(?: (?:a lot|so much|very much|for (?:the |your )?(?:help|answer)))*|"
    r"ok|okay|great|perfect|good|got it|understood|cool|nice|awesome|no|bye|goodbye|see you|have a (?:nice|good) (?:day|one))"
)
_ONLY_GREETING = re.compile(rf"(?:{_GREETING}(?:\s+|$))+", re.IGNORECASE)
_SMALL_TALK = re.compile(rf"(?:(?:{_GREETING}|{_THANKS})(?:\s+|$))+", re.IGNORECASE)
_POINTS_BACK = re.compile(
    r"^\W*(?:а|и|ну|но|тогда|and|but|what about|how about|then)\b|"
    r"\b(?:это\w*|этот|эта|эти|этого|он|она|они|оно|его|её|ее|их|ему|ей|им|там|туда|тогда|такой|такая|такое|такие|it|its|they|them|that|those|there)\b",
    re.IGNORECASE,
)


def wants_person(messages: Sequence[str]) -> bool:
    """`messages`: each as the customer sent it."""
    text = "\n".join(messages)
    return any(pattern.search(text) for pattern in _PERSON) or any(map(_is_lone_role, messages))


def _is_lone_role(text: str) -> bool:
    """«Оператор!», “human please”: hardly a word besides."""
    return len(text.split()) <= 3 and bool(_LONE_ROLE.search(text)) and not _NOT_LONE.search(text)


def is_complaint(text: str) -> bool:
    return bool(_COMPLAINT.search(text))


def says_no_help(text: str) -> bool:
    return bool(_NO_HELP.search(text))


def small_talk_kind(text: str) -> str:
    """`greeting`, `thanks`, or empty for anything with a question in it."""
    words = " ".join(re.findall(r"[\w'’-]+", text))
    if not words:
        # A thumb or a heart; a question mark alone asks.
        return "thanks" if text.strip() and "?" not in text else ""
    if _ONLY_GREETING.fullmatch(words):
        return "greeting"
    return "thanks" if _SMALL_TALK.fullmatch(words) else ""


def points_back(text: str) -> bool:
    """Whether it can hardly be understood without the question before it: «а в Москву?», “how much is it?”."""
    words = len(text.split())
    return words <= 2 or (words <= 12 and bool(_POINTS_BACK.search(text)))


def asking_sentences(text: str) -> list[str]:
    """The sentences that end in a question mark."""
    return [sentence.strip() for sentence in re.findall(r"[^.!?\n]+\?", text)]
