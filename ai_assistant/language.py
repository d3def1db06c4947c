"""Which of our two languages a text is in, and the sentences the customer gets in it."""

import re

from django.utils import translation
from django.utils.translation import gettext as _

from knowledge.spelling import in_other_layout

LANGUAGES = ("ru", "en")
_CYRILLIC = re.compile(r"[а-яё]", re.IGNORECASE)
_ENGLISH = re.compile(
    r"\b(?:the|an?|is|are|do|does|did|can|how|what|when|where|why|who|which|i|my|me|you|your|we|it|this|to|of|for|and|not|have|"
    # The A of A-1042 is no word.
    r"want|need|hi|hello|hey|good|thanks?|thx|please|help)\b(?!-\d)",
    re.IGNORECASE,
)

_RUSSIAN = re.compile(
    r"\b(?:во|не|на|мы|вы|со|по|за|из|от|до|об|для|что|это|как|где|когда|куда|какой|какая|какие|сколько|кто|"
    r"почему|если|можно|нельзя|нужно|надо|есть|нет|мне|меня|мой|моя|вас|ваш|привет|здравствуйте|спасибо|пожалуйста)\b"
)


def as_meant(text: str) -> str:
    """What was written in Russian while the keyboard was switched to English, in Russian."""
    if _CYRILLIC.search(text) or _ENGLISH.search(text):
        return text
    meant = in_other_layout(text)
    found = _RUSSIAN.findall(meant)
    # “yt” is short for something in English, too.
    return meant if len(found) > 1 or any(len(word) > 2 for word in found) else text


def language_of(text: str, default: str = "ru") -> str:
    """By the share of Cyrillic letters; `default` where there are no letters."""
    text = as_meant(text)
    letters = [c for c in text if c.isalpha()]
    if not letters:
        return default
    cyrillic = sum("а" <= c <= "я" or c == "ё" for c in text.lower())
    return "ru" if cyrillic * 3 >= len(letters) else "en"


def is_clear(text: str) -> bool:
    """Whether the words tell the language: «ok», "iPhone 15" or a code are written by everybody."""
    text = as_meant(text)
    return bool(_CYRILLIC.search(text)) or bool(_ENGLISH.search(text)) or sum(c.isalpha() for c in text) > 40


def is_answered_in(text: str, language: str) -> bool:
    """Whether an answer is in that language. Names and units of the other one may stand in it."""
    letters = [c for c in text.lower() if c.isalpha()]
    cyrillic = sum("а" <= c <= "я" or c == "ё" for c in letters)
    return cyrillic * 2 <= len(letters) if language == "en" else cyrillic > 0 or len(letters) < 40


def handoff_text(reason: str, language: str, closed: str = "") -> str:
    """What the customer reads when a person is called; always says that somebody will answer. `closed`: when, out of hours."""
    with translation.override(language):
        begin = {
            "asked": _("I am calling a person."),
            "no_source": _("I have not found this in our documents, so I am calling a person."),
            "not_sure": _("I am not sure enough to answer this, so I am calling a person."),
            "unread_file": _("I cannot read files, so I am calling a person."),
            "limit": _("A person will go on from here."),
            "topic": _("This is for a person to answer, so I am calling one."),
            "tool": _("I could not look this up right now, so I am calling a person."),
            "hours": _("A person will go on from here."),
        }.get(reason, _("I cannot answer right now, so I am calling a person."))
        end = closed or _("They will answer here as soon as possible; you can go on writing.")
        return f"{begin} {end}"


def small_talk(kind: str, language: str) -> str:
    with translation.override(language):
        return {"greeting": _("Hello! What would you like to know?"), "thanks": _("You are welcome! Anything else?")}[
            kind
        ]
