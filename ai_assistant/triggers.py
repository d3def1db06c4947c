"""What is decided by code before any model is asked: a wish for a person, complaints, greetings, thanks."""

import re

_PERSON = re.compile(
    r"\b(?:оператор\w*|менеджер\w*|человек(?:а|у|ом)?|консультант\w*|сотрудник\w*|специалист\w*)\b|"
    r"\b(?:human|real person|a person|operator|live agent|representative|talk to (?:some|any)(?:one|body))\b",
    re.IGNORECASE,
)
# The words above also stand in ordinary questions («сколько человек вмещает палатка»): a wish must stand beside them.
_WISH = re.compile(
    r"позов|соедин|переключ|переведи|пригласи|свяж|поговор|пообщ|хочу|нужен|нужна|можно|дайте|жив(?:ой|ого|ым)|"
    r"\b(?:call|connect|transfer|speak|talk|want|need|get me|give me)\b",
    re.IGNORECASE,
)
_COMPLAINT = re.compile(
    r"роспотребнадзор|прокуратур|в суд\b|судебн|досудебн|претензи|мошенни|обману?л|"
    r"\b(?:lawyer|lawsuit|sue you|fraud|scam|chargeback)\b",
    re.IGNORECASE,
)
_NO_HELP = re.compile(
    r"не помогло|не помог\b|не работает всё равно|опять не|\b(?:did(?:n't| not) help|still (?:not|does))\b",
    re.IGNORECASE,
)
_GREETING = re.compile(
    r"(?:здравствуй(?:те)?|привет(?:ствую)?|добр(?:ый|ого|ое) (?:день|вечер|утро|времени суток)|"
    r"hi|hello|hey|good (?:morning|afternoon|evening))"
    r"[\s!.,)]*",
    re.IGNORECASE,
)
_THANKS = re.compile(
    r"(?:большое |огромное )?(?:спасибо|благодарю|спс)(?: большое| огромное| за (?:помощь|ответ))?[\s!.,)]*|"
    r"(?:ok,? )?(?:thanks|thank you|thx|cheers)(?: a lot| so much| very much)?[\s!.,)]*",
    re.IGNORECASE,
)


def wants_person(text: str) -> bool:
    match = _PERSON.search(text)
    return bool(match and (_WISH.search(text) or len(text.split()) <= 3))


def is_complaint(text: str) -> bool:
    return bool(_COMPLAINT.search(text))


def says_no_help(text: str) -> bool:
    return bool(_NO_HELP.search(text))


def small_talk_kind(text: str) -> str:
    """`greeting`, `thanks`, or empty for anything with a question in it."""
    stripped = text.strip()
    if _GREETING.fullmatch(stripped):
        return "greeting"
    return "thanks" if _THANKS.fullmatch(stripped) else ""
