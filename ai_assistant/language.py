"""Which of our two languages a text is in, and the sentences the customer gets in it."""

from django.utils import translation
from django.utils.translation import gettext as _


def language_of(text: str, default: str = "ru") -> str:
    """By the share of Cyrillic letters; `default` where there are no letters."""
    letters = [c for c in text if c.isalpha()]
    if not letters:
        return default
    cyrillic = sum("а" <= c <= "я" or c == "ё" for c in text.lower())
    return "ru" if cyrillic * 3 >= len(letters) else "en"


def handoff_text(reason: str, language: str) -> str:
    """What the customer reads when a person is called; always says that somebody will answer."""
    with translation.override(language):
        begin = {
            "asked": _("I am calling a person."),
            "no_source": _("I have not found this in our documents, so I am calling a person."),
            "not_sure": _("I am not sure enough to answer this, so I am calling a person."),
            "unread_file": _("I cannot read files, so I am calling a person."),
            "limit": _("A person will go on from here."),
        }.get(reason, _("I cannot answer right now, so I am calling a person."))
        end = _("They will answer here as soon as possible; you can go on writing.")
        return f"{begin} {end}"


def small_talk(kind: str, language: str) -> str:
    with translation.override(language):
        return {"greeting": _("Hello! What would you like to know?"), "thanks": _("You are welcome! Anything else?")}[
            kind
        ]
