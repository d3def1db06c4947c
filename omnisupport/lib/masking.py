"""Personal data leave us as typed tokens and come back as what they were, for the same conversation only.

A phone is known by its shape, a card by Luhn, SNILS and a person's INN by their checksums or by the word beside them;
a name is the one in the customer's profile.
"""

import re
from collections.abc import Callable, Iterable
from typing import Any

# What people and phones put between digits: spaces of every width, dots, brackets, dashes, signs without a width.
_GAP = r"[^\S\n]|[\u200b-\u200d\u2060\ufeff\u00ad.()\-\u2010-\u2015\u2212]"


def _run(first: str, more: int, gap: int = 2) -> str:
    """A number of so many digits after the first, however they are grouped."""
    return rf"{first}(?:(?:{_GAP}){{0,{gap}}}\d){{{more}}}(?!\d)"


# Nobody's own: 8 800 numbers are companies' hot lines.
_HOT_LINE = rf"(?!(?:{_GAP}){{0,3}}8(?:{_GAP})?0(?:{_GAP})?0)"
_PHONE = (
    rf"(?<![\d+])(?:\+7|8|7){_HOT_LINE}(?:{_GAP}){{0,3}}" + _run("[3489]", 9, 3)
    + rf"|(?<!\d)\(?9\d{{2}}\)?(?:{_GAP})+\d{{3}}(?:(?:{_GAP})*\d{{2}}){{2}}(?!\d)"
    + rf"|\+(?!7{_HOT_LINE[3:-1]})" + r"\d(?:(?:" + _GAP + r"){0,3}\d){8,14}(?!\d)"
)  # fmt: skip
_EMAIL = (
    r"[\w.+'&%-]+@[\w-]+(?:\.[\w-]+)+"
    r"|[\w.+-]+\s?(?:\((?:at|собака)\)|\[at\]|\bсобака\b)\s?[\w-]+(?:\s?(?:\.|\bточка\b|\(dot\))\s?[\w-]+)+"
)


def _digits(text: str) -> list[int]:
    return [int(c) for c in text if c.isdigit()]


def _luhn(text: str) -> bool:
    digits = _digits(text)
    odd = digits[-1::-2]
    even = [sum(divmod(2 * d, 10)) for d in digits[-2::-2]]
    return 13 <= len(digits) <= 19 and (sum(odd) + sum(even)) % 10 == 0


def _snils(text: str) -> bool:
    digits = _digits(text)
    control = sum(d * (9 - i) for i, d in enumerate(digits[:9])) % 101 % 100
    return control == digits[9] * 10 + digits[10]


def _inn(text: str) -> bool:
    digits = _digits(text)
    first = sum(a * b for a, b in zip((7, 2, 4, 10, 3, 5, 9, 4, 6, 8), digits, strict=False)) % 11 % 10
    second = sum(a * b for a, b in zip((3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8), digits, strict=False)) % 11 % 10
    return digits[10] == first and digits[11] == second


def _always(_text: str) -> bool:
    return True


# Where a pattern has a group, that is the value; the rest are words that give it away.
_KINDS: list[tuple[str, re.Pattern[str], Callable[[str], bool]]] = [
    (name, re.compile(pattern, re.IGNORECASE), check)
    for name, pattern, check in (
        ("EMAIL", _EMAIL, _always),
        (
            "PASSPORT",
            r"(?:паспорт|серия|серии|выдан|passport)[^\d]{0,30}(\d{2}[\s-]?\d{2}[\s,-]*(?:№|номер|n)?[\s:]*\d{3}\s?\d{3})(?!\d)",
            _always,
        ),
        # The number before the series, and the passport for abroad.
        ("PASSPORT", r"паспорт[^\d\n]{0,20}(\d{6}[\s,]*(?:серии|серия)\s*\d{2}\s?\d{2})(?!\d)", _always),
        ("PASSPORT", r"паспорт[^\d\n]{0,20}(\d{2}\s?(?:№|номер)?\s?\d{7})(?!\d)", _always),
        ("SNILS", r"снилс\D{0,10}(" + _run(r"\d", 10) + ")", _always),
        ("INN", r"\bинн\b[^\d\n]{0,25}(" + _run(r"\d", 11) + "|" + _run(r"\d", 9) + ")", _always),
        ("PHONE", r"(?:тел|моб|номер|звон|phone|call me)\w*\D{0,12}(" + _run("9", 9) + ")", _always),
        ("ACCOUNT", r"(?<!\d)" + _run(r"\d", 19, 1), _always),
        *(
            ("CARD", r"(?<!\d)" + _run("(?:[2456]|3(?=[47]))", digits - 1), _luhn)
            for digits in (16, 19, 18, 17, 15, 13)
        ),
        (
            "SNILS",
            r"(?<!\d)\d{3}"
            + rf"(?:{_GAP})\d{{3}}(?:{_GAP})\d{{3}}(?:{_GAP})\d{{2}}(?!\d)"
            + r"|(?<![\d+])\d{11}(?!\d)",
            _snils,
        ),
        ("INN", r"(?<!\d)" + _run(r"\d", 11, 1), _inn),
        ("PHONE", _PHONE, _always),
    )
]
TOKEN = re.compile(r"\[(?:EMAIL|PASSPORT|SNILS|INN|PHONE|ACCOUNT|CARD|NAME)_\d+\]")
_NAME_PART = re.compile(r"[^\W\d_]{3,}")
# A Russian name stands in any case: Марина, Марины, Мариной; Петров, Петрову, Петровым.
_CASES = "(?:а|я|у|ю|е|и|ы|о|ой|ей|ою|ею|ом|ем|ым|ого|его|ому|ему|ую|ия|ии|ию|ий|ой|ая|ь)?"
_LAST_VOWEL = re.compile(r"(?<=\w{2})(?:ия|ий|ый|ой|ая|[аяеёиоуыэюйь])$", re.IGNORECASE)


def without_personal_data(text: str, names: Iterable[str] = ()) -> str:
    """For a search: what is nobody else's business says nothing about what is asked."""
    text = _replace(text, lambda _kind, _value: " ")
    for pattern in _name_patterns(names):
        text = pattern.sub(" ", text)
    return text


class Mask:
    """The tokens of one call. The same value gets the same token. `names`: what the customer is called."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._names = _name_patterns(names)
        self._tokens: dict[str, str] = {}
        self._counts: dict[str, int] = {}

    def hide(self, text: str) -> str:
        text = _replace(text, self._token)
        for value, token in self._tokens.items():
            # A phone that had «тел.» before it in one line stands alone in the next.
            if value in text:
                text = re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", token, text)
        for pattern in self._names:
            text = pattern.sub(lambda match: self._token("NAME", match[0]), text)
        return text

    def restore(self, text: str) -> str:
        for value, token in self._tokens.items():
            text = text.replace(token, value)
        return text

    @property
    def tokens(self) -> frozenset[str]:
        return frozenset(self._tokens.values())

    def _token(self, kind: str, value: str) -> str:
        if value not in self._tokens:
            self._counts[kind] = self._counts.get(kind, 0) + 1
            self._tokens[value] = f"[{kind}_{self._counts[kind]}]"
        return self._tokens[value]


def _name_patterns(names: Iterable[str]) -> list[re.Pattern[str]]:
    return [_name_pattern(part) for name in names for part in _NAME_PART.findall(name)]


def _name_pattern(part: str) -> re.Pattern[str]:
    """Another case is a name only with a capital: «Вера» is one, «верой» may be none. Tokens are left alone."""
    stem = re.escape(_LAST_VOWEL.sub("", part)[1:])
    forms = rf"{re.escape(part[0].upper())}(?i:{stem}{_CASES})|(?i:{re.escape(part)})"
    return re.compile(rf"(?<![\w\[])(?:{forms})(?!\w)")


def _replace(text: str, stand_in: Callable[[str, str], str]) -> str:
    for kind, pattern, is_one in _KINDS:
        start = 0
        while match := pattern.search(text, start):
            group = pattern.groups
            if not is_one(match[group]):
                # The value may begin inside of what was taken for one.
                start = match.start() + 1
                continue
            told = stand_in(kind, match[group])
            text = text[: match.start(group)] + told + text[match.end(group) :]
            start = match.start(group) + len(told)
    return text


# ---- For people who may not see them ---------------------------------------------------------------------------------

# A number without a sign, as channels have them; a number whose end was cut off.
_BARE = re.compile(r"(?<![\w.,])[1-9]\d{10,12}(?![\w])")
_CUT_OFF = re.compile(
    rf"(?<![\w+])(?:\+7|8|7){_HOT_LINE}(?:{_GAP}){{0,3}}[3489](?:(?:{_GAP}){{0,2}}\d){{5,9}}(?=[\s…]*\Z)"
)
_PRIVATE = [(kind, pattern) for kind, pattern, _check in _KINDS if kind in {"EMAIL", "PHONE"}]
_PLAIN_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d{4}-\d\d-\d\dT[\d:.+Z-]+|/\S*", re.IGNORECASE)


def veil(text: str, *, spare: str = "") -> str:
    """Phones and e-mail addresses so that one can be told from another but not used: `+7 ••• ••• 12 34`, `a•••@d•••.ru`.
    `spare`: an address that stays."""
    for kind, pattern in [*_PRIVATE, ("PHONE", _BARE), ("CUT", _CUT_OFF)]:
        text = pattern.sub(lambda match, kind=kind: _veiled(match, kind, spare), text)  # type: ignore[misc]
    return text


def _veiled(match: re.Match[str], kind: str, spare: str) -> str:
    group = match.re.groups
    value = match[group]
    if value == spare:
        return match[0]
    before, after = match[0][: match.start(group) - match.start()], match[0][match.end(group) - match.start() :]
    shown = {"EMAIL": _veiled_email, "PHONE": _veiled_phone}.get(kind, lambda _value: "•••")
    return f"{before}{shown(value)}{after}"


def _veiled_email(value: str) -> str:
    name, _at, host = value.rpartition("@")
    return f"{name[:1]}•••@{host[:1]}•••.{host.rpartition('.')[2]}" if name else "•••"


def _veiled_phone(value: str) -> str:
    digits = "".join(c for c in value if c.isdigit())
    start = "+7" if digits[0] in "78" and len(digits) <= 11 else f"+{digits[0]}" if len(digits) > 10 else ""
    return f"{start} ••• ••• {digits[-4:-2]} {digits[-2:]}".strip()


# Tags, and elements whose words are the reader's own or no words at all.
_MARKUP = re.compile(
    r"<!--.*?-->|<(script|style|textarea)\b.*?</\1>|<(\w+)\b[^>]*\sdata-bare\b[^>]*>.*?</\2>"
    r"""|<[^<>"']*(?:"[^"]*"[^<>"']*|'[^']*'[^<>"']*)*>""",
    re.DOTALL | re.IGNORECASE,
)
_SPOKEN = re.compile(
    r"""(\s(?:title|aria-label|alt|placeholder|label|content|download|srcdoc|href)=)(["'])(.*?)\2""", re.DOTALL
)
_INPUT = re.compile(r"<input\b(?![^>]*\btype=[\"']?(?:hidden|search))", re.IGNORECASE)
_VALUE = re.compile(r"""\svalue=(["'])(.*?)\1""", re.DOTALL)


def veil_html(html: str, *, spare: str = "") -> str:
    """The same in a page: what is read or read out. A field that holds one cannot be edited, so that nobody saves the dots."""
    parts, at = [], 0
    for match in _MARKUP.finditer(html):
        parts += [veil(html[at : match.start()], spare=spare), _veiled_tag(match, spare)]
        at = match.end()
    return "".join([*parts, veil(html[at:], spare=spare)])


def _veiled_tag(match: re.Match[str], spare: str) -> str:
    tag = match[0]
    if match[1] or match[2]:
        return tag

    def spoken(one: re.Match[str]) -> str:
        is_link = one[1].strip() == "href=" and not one[3].startswith(("tel:", "mailto:"))
        return one[0] if is_link else f"{one[1]}{one[2]}{veil(one[3], spare=spare)}{one[2]}"

    tag = _SPOKEN.sub(spoken, tag)
    value = _VALUE.search(tag) if _INPUT.match(tag) else None
    if value is not None and (hidden := veil(value[2], spare=spare)) != value[2]:
        tag = f'{tag[: value.start()]} value="{hidden}" disabled{tag[value.end() :]}'
    return tag


def veil_json(value: Any, *, spare: str = "") -> Any:
    """The same in every text of a JSON value; ids, moments and paths are left alone."""
    if isinstance(value, str):
        return value if _PLAIN_ID.fullmatch(value) else veil(value, spare=spare)
    if isinstance(value, list):
        return [veil_json(one, spare=spare) for one in value]
    if isinstance(value, dict):
        return {name: veil_json(one, spare=spare) for name, one in value.items()}
    return value
