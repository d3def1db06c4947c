"""A cell of a spreadsheet as its number format shows it: dates, percents, currencies, codes with leading zeros."""

import datetime as dt
import re
from typing import Any

_SECTION = re.compile(r'((?:"[^"]*"|\\.|\[[^\]]*\]|[^;"\\\[])*)(?:;|$)')
# In order of trust: quoted text, an escaped sign, [$₽-419] and [h], the letters of dates, anything else.
_DATE_TOKEN = re.compile(
    r'"([^"]*)"|\\(.)|\[(?:\$([^\]-]*))?[^\]]*\]|(am/pm|a/p)|(y+|m+|d+|h+|s+)(?:\.0+)?|([_*].)|(.)', re.I | re.S
)
_NUMBER = re.compile(r"[#0?](?:[#0?,. ]*[#0?])?")
_LITERAL = re.compile(r'"([^"]*)"|\\(.)|\[\$([^\]-]*)[^\]]*\]|\[[^\]]*\]|[_*].|([^"\\\[]+?)', re.S)
_MONTHS = {
    "ru": "января февраля марта апреля мая июня июля августа сентября октября ноября декабря",
    "en": "January February March April May June July August September October November December",
}
# Excel draws these two in the reader's own manner: here, as they are written where the product is used.
_LOCAL = {"mm-dd-yy": "dd.mm.yyyy", "m/d/yy h:mm": "dd.mm.yyyy h:mm"}


def shown_value(value: Any, number_format: str) -> str:
    """`value` as openpyxl gives it; an empty string for what Excel does not draw."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    pattern = _SECTION.match(_LOCAL.get(number_format, number_format) or "General")
    section = pattern[1] if pattern else "General"
    if isinstance(value, dt.timedelta):
        minutes, seconds = divmod(round(value.total_seconds()), 60)
        return f"{minutes // 60}:{minutes % 60:02}" + (f":{seconds:02}" if "s" in section.lower() else "")
    if isinstance(value, dt.datetime | dt.date | dt.time):
        return _date(value, section)
    return _number(value, section)


def _date(value: dt.datetime | dt.date | dt.time, section: str) -> str:
    names = _MONTHS["ru" if "-419]" in section or "-FC19]" in section else "en"].split()
    tokens = list(_DATE_TOKEN.finditer(section))
    letters = [(token[5] or "").lower() for token in tokens]
    out = []
    for n, token in enumerate(tokens):
        if not letters[n]:
            out.append(token[1] or token[2] or token[3] or (token[7] if token[7] not in {None, "@"} else "") or "")
            continue
        if letters[n][0] == "m" and _is_minutes([letter for letter in letters[:n] if letter], letters[n + 1 :]):
            letters[n] = "n" * len(letters[n])
        out.append(_date_part(value, letters[n], names))
    return "".join(out).strip() or str(value)


def _is_minutes(before: list[str], after: list[str]) -> bool:
    following = next(filter(None, after), "")
    return (bool(before) and before[-1][0] == "h") or following[:1] == "s"


def _date_part(value: Any, letters: str, names: list[str]) -> str:
    attribute = {"y": "year", "m": "month", "d": "day", "h": "hour", "n": "minute", "s": "second"}[letters[0]]
    number = getattr(value, attribute, 0)
    if letters[0] == "y":
        return f"{number:04}" if len(letters) > 2 else f"{number % 100:02}"
    if letters[0] == "m" and len(letters) > 2:
        return names[number - 1] if len(letters) > 3 else names[number - 1][:3]
    if letters[0] == "d" and len(letters) > 2:
        return ""  # the day of the week follows from the date
    return f"{number:02}" if len(letters) > 1 else str(number)


def _number(value: float, section: str) -> str:
    if section == ";;;" or not section:
        return ""
    digits = _NUMBER.search(section)
    if digits is None or section == "General" or "E" in section or "/" in section:
        return _plain(value)
    percent = "%" in section
    whole, _point, decimals = digits[0].partition(".")
    number = f"{value * 100 if percent else value:.{sum(c in '0#?' for c in decimals)}f}"
    if "#" in decimals and "." in number:
        number = number.rstrip("0").rstrip(".")
    zeros = whole.count("0")
    if zeros > 1 and "." not in number and "," not in whole:
        number = number.zfill(zeros)
    return f"{_literal(section[: digits.start()])}{number}{_literal(section[digits.end() :])}".strip()


def _literal(text: str) -> str:
    return "".join(found[1] or found[2] or found[3] or found[4] or "" for found in _LITERAL.finditer(text))


def _plain(value: float) -> str:
    """Without the dust of binary fractions: 15 digits are all that a spreadsheet keeps."""
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else f"{value:.15g}"
