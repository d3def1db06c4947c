"""Moments in people's own words, Russian or English: “завтра в 10”, “через 3 часа”, “next Tue 3pm”, “15 декабря 9:00”.

A moment is an amount of time from now, or a day, a time, or both in either order. What is not understood as a whole is not
understood: a guess would come at the wrong hour.
"""

import calendar
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

# When the day begins for those who ask; the caller knows the working hours.
Opening = Callable[[date], datetime]

_WEEKDAYS = (
    r"пн|понедельник(?:а|у)?|mon(?:day)?", r"вт|вторник(?:а|у)?|tue(?:s|sday)?", r"ср|сред[аыу]|wed(?:nesday)?",
    r"чт|четверг(?:а|у)?|thu(?:r|rs|rsday)?", r"пт|пятниц[аыу]|fri(?:day)?", r"сб|суббот[аыу]|sat(?:urday)?",
    r"вс|воскресень[ея]|sun(?:day)?",
)  # fmt: skip
_MONTHS = (
    r"янв(?:ар[яь])?|jan(?:uary)?", r"фев(?:рал[яь])?|feb(?:ruary)?", r"мар(?:та?)?|mar(?:ch)?", r"апр(?:ел[яь])?|apr(?:il)?",
    r"ма[яй]|may", r"июн[яь]?|june?", r"июл[яь]?|july?", r"авг(?:уста?)?|aug(?:ust)?", r"сен(?:т|тябр[яь])?|sep(?:t|tember)?",
    r"окт(?:ябр[яь])?|oct(?:ober)?", r"ноя(?:бр[яь])?|nov(?:ember)?", r"дек(?:абр[яь])?|dec(?:ember)?",
)  # fmt: skip
_UNITS = {
    "minutes": r"мин|минут[ауы]?|m|mins?|minutes?",
    "hours": r"ч|час(?:а|ов)?|h|hrs?|hours?",
    "days": r"д|дн|день|дн(?:я|ей)|сут(?:ки|ок)|d|days?",
    "weeks": r"нед|недел[яюиь]|w|wks?|weeks?",
    "months": r"мес|месяц(?:а|ев)?|months?",
}
_AMOUNTS = {
    "пол": 0.5, "полтора": 1.5, "полторы": 1.5, "один": 1, "одну": 1, "a": 1, "an": 1, "one": 1, "пару": 2, "пара": 2,
    "два": 2, "две": 2, "two": 2, "a couple of": 2, "couple of": 2, "три": 3, "three": 3, "четыре": 4, "four": 4,
    "пять": 5, "five": 5, "шесть": 6, "six": 6, "семь": 7, "seven": 7, "десять": 10, "ten": 10, "half an": 0.5, "half a": 0.5,
}  # fmt: skip
# Parts of the day; the morning begins when people do.
_PARTS = {
    r"в полдень|полдень|at noon|noon|midday": time(12), r"в обед|после обеда|lunch|after lunch": time(13),
    r"дн[её]м|(?:in the )?afternoon": time(14), r"вечером|(?:in the )?evening|tonight": time(18),
    r"ночью|(?:at )?night": time(22),
}  # fmt: skip
_MORNING = r"утром|с утра|(?:in the )?morning"
_MIDNIGHT = r"в полночь|полночь|at midnight|midnight"


def _any(choices: tuple[str, ...], name: str) -> str:
    return "|".join(f"(?P<{name}{number}>{words})" for number, words in enumerate(choices, 1))


_NUMBER = r"\d{1,4}(?:[.,]5)?|" + "|".join(sorted(_AMOUNTS, key=len, reverse=True))
_UNIT = "|".join(f"(?P<{name}>{words})" for name, words in _UNITS.items())
_AMOUNT = re.compile(rf"(?:(?P<word>через|in)\s+)?(?:(?P<n>{_NUMBER})\s*)?(?:{_UNIT})\b")
_DAY = re.compile(
    r"(?:(?P<today>сегодня|today)|(?P<tomorrow>завтра|tomorrow|tmrw?)|(?P<after>послезавтра|(?:the )?day after tomorrow)"
    r"|(?P<next_week>(?:на )?(?:следующ(?:ей|ую) недел[еюя]|след\.? неделе)|next week)"
    r"|(?P<next_month>(?:в )?следующ(?:ем|ий) месяце?|next month)"
    r"|(?P<weekend>(?:на |в )?(?:эти )?выходн(?:ых|ые)|(?:on |at )?(?:the |this )?weekend)"
    r"|(?P<iso>\d{4}-\d{1,2}-\d{1,2})"
    r"|(?P<dots>\d{1,2}\.\d{1,2}(?:\.(?:\d{4}|\d{2}))?)(?![\d:])"
    rf"|(?:on )?(?:the )?(?P<d1>\d{{1,2}})(?:-?го|st|nd|rd|th)?(?: of)? (?:{_any(_MONTHS, 'ma')})"
    r"(?:,? (?P<y1>\d{4}))?(?: года| г\.?)?"
    rf"|(?:on )?(?:{_any(_MONTHS, 'mb')})\.? (?P<d2>\d{{1,2}})(?!:)(?:st|nd|rd|th)?(?:,? (?P<y2>\d{{4}}))?"
    r"|(?P<number>\d{1,2})(?:-?го)? числа|(?:on )?the (?P<nth>\d{1,2})(?:st|nd|rd|th)"
    r"|(?:on |во? |к )?(?P<next>(?:the )?next |следующ(?:ий|ую|ее|ая) |след\.? )?(?:this |эт(?:от|у|о) |ближайш(?:ий|ую|ее) )?"
    rf"(?:{_any(_WEEKDAYS, 'w')}))(?![\w])"
)
_TIME = re.compile(
    rf"(?:(?P<morning>{_MORNING})|(?P<midnight>{_MIDNIGHT})|(?P<part>{'|'.join(_PARTS)})"
    r"|(?P<at>во? |к |at |by |@ ?)?(?P<hour>\d{1,2})(?:[:.](?P<minute>\d{2})|-(?P<dashed>\d{2}))?"
    r"(?:\s*(?P<hours>час(?:а|ов)?|ч\.?|o'?clock)(?![\w]))?"
    r"(?:\s*(?P<half>утра|дня|вечера|ночи|a\.?m\.?|p\.?m\.?))?)(?![\w:])"
)
# Later than that an amount is a slip of the finger.
_FURTHEST = timedelta(days=366)


@dataclass
class _Reading:
    day: date | None = None
    # The bare weekday may still be today, if its hour is.
    weekday: bool = False
    hour: time | None = None
    morning: bool = False
    # From now on, to the minute.
    exact: timedelta | None = None


def read_moment(text: str, now: datetime, opening: Opening) -> datetime | None:
    """The moment that `text` means for somebody whose clock says `now`; None: not understood, or past, or further than a
    year away. A day without a time begins at its opening."""
    words = " ".join(re.sub(r",(?!\d)", " ", text.casefold().replace("ё", "е")).split()).strip(" .!")
    if not words:
        return None
    reading = _read(words, now)
    at = _settle(reading, now, opening) if reading else None
    return at if at is not None and now < at < now + _FURTHEST else None


def _read(words: str, now: datetime) -> _Reading | None:
    reading = _Reading()
    amount = _AMOUNT.match(words)
    if amount and (amount["word"] or amount["n"]) and not _take_amount(amount, reading, now):
        return None
    rest = words[amount.end() :].strip() if amount and (reading.exact or reading.day) else words
    for _part in range(3):
        if not rest:
            return reading
        if reading.day is None and reading.exact is None and (found := _DAY.match(rest)):
            try:
                _take_day(found, reading, now)
            except ValueError:
                return None
        elif reading.hour is None and not reading.morning and reading.exact is None and (found := _TIME.match(rest)):
            if not _take_time(found, reading, bare=rest == words):
                return None
        else:
            return None
        rest = rest[found.end() :].strip()
    return None


def _take_amount(found: re.Match[str], reading: _Reading, now: datetime) -> bool:
    n = found["n"] or "1"
    amount = _AMOUNTS[n] if n in _AMOUNTS else float(n.replace(",", "."))
    unit = next(name for name in _UNITS if found[name])
    if unit in {"minutes", "hours"}:
        reading.exact = timedelta(**{unit: amount})
    elif unit == "months":
        reading.day = _add_months(now.date(), int(amount)) if amount < 13 else now.date() + _FURTHEST
    elif amount < 1000:
        reading.day = now.date() + timedelta(**{unit: amount})
    return amount > 0 and (reading.exact is not None or reading.day is not None)


def _add_months(day: date, months: int) -> date:
    year, month = divmod(day.month - 1 + months, 12)
    last = calendar.monthrange(day.year + year, month + 1)[1]
    return date(day.year + year, month + 1, min(day.day, last))


def _take_day(found: re.Match[str], reading: _Reading, now: datetime) -> None:
    """Raises ValueError for a day that no calendar has."""
    today = now.date()
    weekday = next((number for number in range(1, 8) if found[f"w{number}"]), 0)
    monday = today + timedelta(days=7 - today.weekday())
    if found["today"]:
        reading.day = today
    elif found["tomorrow"]:
        reading.day = today + timedelta(days=1)
    elif found["after"]:
        reading.day = today + timedelta(days=2)
    elif found["next_week"]:
        reading.day = monday
    elif found["next_month"]:
        reading.day = _add_months(today.replace(day=1), 1)
    elif found["weekend"]:
        reading.day, reading.weekday = today + timedelta(days=(5 - today.weekday()) % 7), True
    elif weekday and found["next"]:
        reading.day = monday + timedelta(days=weekday - 1)
    elif weekday:
        reading.day, reading.weekday = today + timedelta(days=(weekday - 1 - today.weekday()) % 7), True
    else:
        reading.day = _date(found, today)


def _date(found: re.Match[str], today: date) -> date:
    if found["iso"]:
        year, month, day = (int(part) for part in found["iso"].split("-"))
        return date(year, month, day)
    if found["number"] or found["nth"]:
        day = int(found["number"] or found["nth"])
        here = today if day > today.day else _add_months(today.replace(day=1), 1)
        return here.replace(day=day)
    if found["dots"]:
        day, month, *rest = (int(part) for part in found["dots"].split("."))
        given = rest[0] + (2000 if rest[0] < 100 else 0) if rest else 0
    else:
        month = next(number for number in range(1, 13) if found[f"ma{number}"] or found[f"mb{number}"])
        day, given = int(found["d1"] or found["d2"]), int(found["y1"] or found["y2"] or 0)
    if given:
        return date(given, month, day)
    this_year = date(today.year, month, day)
    return this_year if this_year >= today else date(today.year + 1, month, day)


def _take_time(found: re.Match[str], reading: _Reading, *, bare: bool) -> bool:
    if found["morning"]:
        reading.morning = True
        return True
    if found["midnight"]:
        reading.hour = time(23, 59)
        return True
    if found["part"]:
        reading.hour = next(at for words, at in _PARTS.items() if re.fullmatch(words, found["part"]))
        return True
    minute = found["minute"] or found["dashed"]
    if bare and not (found["at"] or minute or found["half"] or found["hours"]):
        # A number alone is no time.
        return False
    hour, half = int(found["hour"]), (found["half"] or "").replace(".", "")
    if half in {"дня", "вечера", "pm"} and hour < 12:
        hour += 12
    elif half in {"утра", "ночи", "am"}:
        hour = hour % 12 if hour == 12 else hour
    elif not minute and not half and 1 <= hour <= 6 and not found["hour"].startswith("0"):
        # “Завтра в 3” is said of the afternoon.
        hour += 12
    if hour > 23 or int(minute or 0) > 59:
        return False
    reading.hour = time(hour, int(minute or 0))
    return True


def _settle(reading: _Reading, now: datetime, opening: Opening) -> datetime:
    if reading.exact is not None:
        # By the clock on the wall of the world: an hour stays one in the night that clocks are changed.
        return (now.astimezone(UTC) + reading.exact).astimezone(now.tzinfo)
    day = reading.day or now.date()
    at = _at(day, reading, now, opening)
    if at > now or (reading.day is not None and not reading.weekday):
        return at
    return _at(day + timedelta(days=7 if reading.weekday else 1), reading, now, opening)


def _at(day: date, reading: _Reading, now: datetime, opening: Opening) -> datetime:
    return datetime.combine(day, reading.hour, now.tzinfo) if reading.hour else opening(day)
