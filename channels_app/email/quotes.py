"""What a reply repeats of earlier letters, in the ways of the mail programs that Russian and English speakers use."""

import re

_VERB = r"(?:пишет|писала?|написала?|пишут|wrote|writes|schrieb|a écrit)"
_MONTH = r"(?:янв|февр?|мар|апр|ма[йя]|июн|июл|авг|сент?|окт|нояб?|дек|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)\w*\.?"
_DATE = (
    rf"(?:\d{{1,2}}[./-]\d{{1,2}}[./-]\d{{2,4}}|\d{{4}}-\d\d-\d\d|\d{{1,2}}\s+{_MONTH}\s*,?\s*\d{{4}}|"
    rf"{_MONTH}\s+\d{{1,2}},?\s+\d{{4}})"
)
_TIME = r"\d{1,2}:\d{2}"
_ADDRESS = r"[\w.+-]+@[\w.-]+\.\w+"
_WEEKDAY = (
    r"(?:понедельник|вторник|среда|среду|четверг|пятница|пятницу|суббота|субботу|воскресенье|monday|tuesday|wednesday|"
    r"thursday|friday|saturday|sunday|пн|вт|ср|чт|пт|сб|вс|mon|tue|wed|thu|fri|sat|sun)"
)
# Who wrote when: certain by themselves.
_ATTRIBUTIONS = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"{_DATE}.*\b{_VERB}\s*:\s*$",
        rf"{_DATE}.*{_TIME}.*{_ADDRESS}.*:\s*$",
        rf"{_ADDRESS}.*{_DATE}.*{_TIME}.*:\s*$",
        rf"^{_WEEKDAY}\b.*{_DATE}.*\b(?:от|from)\b.+:\s*$",
        rf"^{_DATE}.*{_TIME}.*\b(?:от|from)\b.+:\s*$",
        rf"{_ADDRESS}.*\b{_VERB}\s*:\s*$",
    )
]
# People write so themselves: only before a quotation.
_PERHAPS_ATTRIBUTION = re.compile(rf"\b{_VERB}\s*:\s*$", re.IGNORECASE)
_DATED = re.compile(rf"{_DATE}|{_ADDRESS}", re.IGNORECASE)
_DIVIDER = re.compile(
    r"^\W{0,3}-{2,}\s*(?:исходное сообщение|пересылаемое сообщение|original message|original appointment)"
    r"\s*-{2,}",
    re.IGNORECASE,
)
_HEADER = re.compile(
    r"^[\s>*]*(?:от|от кого|отправлено|кому|копия|тема|дата|from|sent|to|cc|subject|date)\s*\*?\s*:\s*\*?\s*\S",
    re.IGNORECASE,
)
_FORWARD = re.compile(
    r"^-{5,}\s*(?:forwarded message|пересланное сообщение|пересылаемое сообщение)\s*-{5,}", re.IGNORECASE
)
_FORWARDED_FROM = re.compile(r"^[\s>*]*(?:от|от кого|from)\s*\*?\s*:\s*\*?\s*(?P<who>\S.{0,200})", re.IGNORECASE)
_SIGNATURE = "--"
_REPLY_SUBJECT = re.compile(r"^\s*(?:re|отв|ответ|на|aw|sv)\s*(?:\[\d+\]|\(\d+\))?\s*:", re.IGNORECASE)
_FORWARD_SUBJECT = re.compile(r"^\s*(?:fwd?|пересл|переслано|пер|wg)\s*:", re.IGNORECASE)
_MOST_LINES = 4000


def is_reply_subject(subject: str) -> bool:
    return bool(_REPLY_SUBJECT.match(subject))


def is_forward_subject(subject: str) -> bool:
    return bool(_FORWARD_SUBJECT.match(subject))


def split_quoted(text: str) -> tuple[str, str]:
    """(what is new, what is repeated). Everything is new where the two cannot be told apart: answers between the quoted lines,
    or nothing besides the quotation."""
    lines = text.split("\n")
    if len(lines) > _MOST_LINES:
        return text, ""
    start = next((place for place in range(len(lines)) if _begins_quotation(lines, place)), None)
    if start is None or _has_answers_between(lines[start:]):
        return text, ""
    new = "\n".join(lines[:start]).rstrip(" \n_-")
    return (new, "\n".join(lines[start:]).strip()) if new.strip() else (text, "")


def forwarded_from(text: str) -> str:
    """Whose letter is forwarded in this one, as it says; empty where it does not."""
    lines = text.split("\n")
    start = next((place for place, line in enumerate(lines) if _FORWARD.match(line) or _DIVIDER.match(line)), None)
    if start is None:
        start = next((place for place in range(len(lines)) if _is_header_block(lines, place)), None)
    if start is None:
        return ""
    found = (_FORWARDED_FROM.match(line) for line in lines[start : start + 8])
    return next((match["who"].strip(" *") for match in found if match), "")


def _begins_quotation(lines: list[str], place: int) -> bool:
    line = lines[place].strip()
    if not line:
        return False
    if _DIVIDER.match(line) or _is_header_block(lines, place):
        return True
    return _is_attribution(lines, place) or (line.startswith(">") and _is_quoted_to_the_end(lines[place:]))


def _is_attribution(lines: list[str], place: int) -> bool:
    """Perhaps wrapped over two or three lines; Mail.ru's may stand behind a > itself."""
    whole, dated = "", False
    for number in range(3):
        if place + number >= len(lines) or len(whole) > 400:
            return False
        part = lines[place + number].strip().lstrip("> ")
        if not part:
            return False
        whole = f"{whole} {part}".strip()
        if not number:
            dated = bool(_DATED.search(part))
        if not whole.endswith(":"):
            continue
        # What stands before it without a date is the writer's own.
        if number and not dated:
            return False
        if any(pattern.search(whole) for pattern in _ATTRIBUTIONS):
            return True
        return bool(_PERHAPS_ATTRIBUTION.search(whole)) and _is_quoted_next(lines[place + number + 1 :])
    return False


def _is_quoted_next(lines: list[str]) -> bool:
    return next((line.lstrip().startswith(">") for line in lines if line.strip()), False)


def _is_header_block(lines: list[str], place: int) -> bool:
    """Three of them together: people write two themselves."""
    block = lines[place : place + 3]
    return len(block) == 3 and all(_HEADER.match(line) for line in block)


def _is_quoted_to_the_end(lines: list[str]) -> bool:
    for line in lines:
        if line.strip() == _SIGNATURE:
            return True
        if line.strip() and not line.lstrip().startswith(">"):
            return False
    return True


def _has_answers_between(lines: list[str]) -> bool:
    """Words that nobody quoted behind words that somebody did."""
    quoted = False
    for line in lines:
        said = line.strip()
        if said == _SIGNATURE:
            return False
        if said.startswith(">"):
            quoted = True
        elif said and quoted and not _DIVIDER.match(said):
            return True
    return False
