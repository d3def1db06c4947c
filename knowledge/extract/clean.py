"""Text as a person sees it: no control characters, nothing invisible, nothing that turns the direction of reading."""

import re
import unicodedata

# Zero-width and bidi controls, soft hyphens, fillers, tags: they hide words from people and split them for a search.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff"
    "\uffa0\ufff0-\uffff\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_SPACES = re.compile(r"[^\S\n]+")
_BLANK_LINES = re.compile(r"\n{3,}")


def clean_text(text: str) -> str:
    """NFC; line ends as \\n; runs of blanks as one; at most one empty line in a row."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n")
    text = unicodedata.normalize("NFC", without_hidden(text))
    lines = (_SPACES.sub(" ", line).strip() for line in text.split("\n"))
    return _BLANK_LINES.sub("\n\n", "\n".join(lines)).strip()


def without_hidden(text: str) -> str:
    """The text with its blanks and lines as they are."""
    return _CONTROL.sub("", _INVISIBLE.sub("", text))


def one_line(text: str) -> str:
    return " ".join(clean_text(text).split())
