"""The provider that needs no key: it answers with the best passages word for word and says that they are excerpts.

A passage is read as blocks: a paragraph of sentences, a list with its lead-in, a table with its header. The block parts that
share the most telling words with the question become windows; steps and rows keep their neighbours.
"""

import itertools
import json
import math
import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from django.conf import LazySettings
from django.utils import translation
from django.utils.translation import gettext, gettext_lazy

from ai_assistant import local_vectors
from ai_assistant.asked import ASKING, kind_of
from ai_assistant.language import language_of
from ai_assistant.providers.base import (
    CallContext,
    ChatRequest,
    ChatResult,
    Delta,
    Done,
    EmbeddingResult,
    EmbeddingSpace,
    ProviderCredentials,
    SourcePassage,
    StreamEvent,
    TextKind,
    Usage,
    timed_out,
)
from knowledge.extract.elements import ITEM_MARK
from knowledge.tokens import tokens_of
from omnisupport.lib.stems import stem

NAME = "extractive"
MAX_WINDOWS, MAX_CHARACTERS = 3, 600
# Sentences around the best one join it up to this length.
_PROSE_CHARACTERS = 450
_LEAD_WEIGHT, _TITLE_WEIGHT, _SIMILAR_WEIGHT = 0.6, 0.4, 0.6
# A passage with half of the best one's score keeps two thirds of its windows' worth.
_PASSAGE_POWER = 0.6
# A table whose header says what is asked.
_HEADER_BOOST = 1.5
# A further window must cover this share of the question anew, or come this near to the best one.
_NEW_SHARE, _NEAR_BEST, _NEAR_BEST_TABLE, _NEAR_BEST_LINE = 0.2, 0.9, 0.5, 0.6
# Measured on XQuAD: below it lies 1 % of what the passages answer, and a quarter of what they do not.
_LEAST_SHARE = 0.15

_SENTENCE_END = re.compile(r"[.!?…]+[»\")]*\s+(?=[«\"(]?[A-ZА-ЯЁ0-9])")
_ABBREVIATION = re.compile(r"(?<!\w)(?:\w|руб|стр|тел|ул|им|рис|табл|см|тыс|млн|доб|mr|mrs|dr|no|vs)\.$", re.IGNORECASE)
_STEP = re.compile(r"\(?\d{1,3}[.)]\s")
_TABLE_RULE = re.compile(r"[|:+=\s-]+")
_LONGEST_LEAD, _LONGEST_HEADING, _SHORT = 250, 90, 40
_SHORTEST_SLIP = 5
# Footnote marks of a document would pass for our own citations.
_FOOTNOTE = re.compile(r"\s*\[\d+\]")
_STOP_TEXT = (
    "и в во на по к ко с со у о об от до для за из при не ни да нет но а или если же ли бы то это этот эта эти того как что "
    "чтобы где когда куда откуда почему зачем сколько какой какая какое какие какого какую кто чей чем кому мой моя мое мои "
    "мне меня я мы вы он она оно они нас вас вам нам ваш ваша ваше ваши наш свой себя есть быть был была будет можно нужно "
    "надо уже еще только так там тут здесь пожалуйста здравствуйте привет добрый скажите подскажите хочу хотел могу "
    "можете можем очень такой у вас про the a an of to in on at for with from by is are was were be do does did can could will "
    "would should how what when where why which who i me my you your we our us it its this that these those and or not no "
    "if there have has had please hello hi tell about much many long"
)
_STOP_WORDS = frozenset(_STOP_TEXT.split())


class Credentials(ProviderCredentials):
    """Nothing to fill in."""


@dataclass(frozen=True)
class _Block:
    """`lead` is what stands above the parts: heading, question, lead-in, a table's header; `shown` is quoted with them."""

    kind: Literal["prose", "list", "table"]
    lead: str
    shown: str
    parts: tuple[str, ...]


@dataclass(frozen=True)
class _Window:
    number: int
    text: str
    score: float
    covered: frozenset[str]
    # What the question asks for is there: a price, a time, a number.
    shows: bool
    # A table whose header names what is asked.
    named: bool


class Provider:
    name: ClassVar[str] = NAME
    title = gettext_lazy("Excerpts from documents (no key needed)")
    vectors_title = gettext_lazy("Model of this server (no key needed, nothing is sent away)")
    space = EmbeddingSpace(
        NAME, local_vectors.MODEL, local_vectors.DIMENSIONS, local_vectors.TOKENS, share=0.2, is_local=True
    )
    context_tokens: ClassVar[int] = 1_000_000
    verbatim: ClassVar[bool] = True
    light_model: ClassVar[str] = ""
    credentials_model = Credentials

    @staticmethod
    def platform_credentials(settings: LazySettings) -> Mapping[str, str]:
        return {}

    def __init__(self, credentials: Credentials, settings: LazySettings) -> None:
        pass

    def complete(self, request: ChatRequest, context: CallContext) -> ChatResult:
        """Never raises; without a shared word the answer is "not answerable"."""
        started = time.monotonic()
        windows = _choose(_question(request), request.passages)
        text = _as_json(windows, request.language or language_of(_question(request)))
        latency_ms = round((time.monotonic() - started) * 1000)
        return ChatResult(text, "stop", Usage(), NAME, NAME, "", latency_ms)

    def stream(self, request: ChatRequest, context: CallContext) -> Iterator[StreamEvent]:
        result = self.complete(request, context)
        yield Delta(result.text)
        yield Done(result)

    def embed(self, texts: Sequence[str], kind: TextKind, context: CallContext) -> EmbeddingResult:
        """Raises LLMError in the first seconds of a process, while the model is being read."""
        try:
            return EmbeddingResult(local_vectors.vectors_of(texts, context.seconds_left()), 0)
        except TimeoutError:
            raise timed_out(NAME) from None


def _question(request: ChatRequest) -> str:
    return request.question or next((m.text for m in reversed(request.messages) if m.role == "user"), "")


def _as_json(windows: list[_Window], language: str) -> str:
    if not windows:
        return json.dumps({"answer": "", "citations": [], "answerable": False})
    with translation.override(language):
        opening = gettext("I am answering with excerpts from the documents:")
    answer = "\n\n".join([opening, *(f"{window.text} [{window.number}]" for window in windows)])
    citations = list(dict.fromkeys(window.number for window in windows))
    return json.dumps({"answer": answer, "citations": citations, "answerable": True}, ensure_ascii=False)


# ---- Choosing --------------------------------------------------------------------------------------------------------


def _choose(question: str, passages: Iterable[SourcePassage]) -> list[_Window]:
    """One to three windows, best first; none when the question shares no telling word with the passages."""
    blocks = [(passage, block) for passage in passages for block in _blocks(passage.text, passage.section)]
    scale = _Scale(question, [part for _passage, block in blocks for part in block.parts])
    top = max((passage.score for passage, _block in blocks), default=0)
    windows = [
        window
        for passage, block in blocks
        if (window := _window(scale, passage, block, (passage.score / top) ** _PASSAGE_POWER if top else 1)).covered
    ]
    windows.sort(key=lambda window: -window.score)
    if not windows or windows[0].score < _LEAST_SHARE * scale.total:
        return []
    chosen = _pick(windows, scale)
    return chosen if _answers(chosen, scale) else []


def _answers(chosen: list[_Window], scale: "_Scale") -> bool:
    """Not when a price is asked and none is there, nor when of a question that names two things one is missing."""
    kind, shows = scale.kind, any(window.shows for window in chosen)
    if kind and (kind.required or (kind.telling and shows)):
        return shows
    covered = frozenset[str]().union(*(window.covered for window in chosen))
    return len(scale.named) > 2 or scale.named <= covered


def _pick(windows: list[_Window], scale: "_Scale") -> list[_Window]:
    chosen, covered = [windows[0]], set(windows[0].covered)
    answerable = scale.weight_of(frozenset[str]().union(*(window.covered for window in windows)))
    room = MAX_CHARACTERS - len(windows[0].text)
    for window in windows[1:]:
        gain = scale.weight_of(window.covered - covered)
        near = _NEAR_BEST_TABLE if window.named else _NEAR_BEST
        adds = gain >= _NEW_SHARE * answerable or window.score >= near * windows[0].score
        if len(chosen) == MAX_WINDOWS or not (adds and len(window.text) <= room):
            continue
        if any(_much_the_same(window.text, other.text) for other in chosen):
            continue
        chosen.append(window)
        covered |= window.covered
        room -= len(window.text)
    return chosen


def _much_the_same(first: str, second: str) -> bool:
    one, two = set(_terms(first)), set(_terms(second))
    return len(one & two) > 0.6 * min(len(one), len(two))


class _Scale:
    """How much each word of the question tells, given how rare it is among the parts."""

    def __init__(self, question: str, parts: list[str]) -> None:
        sets = [set(_terms(part)) for part in parts]
        asked = dict.fromkeys(_terms(question))
        # «Сколько стоит доставка?» is about delivery; «сколько стоит?» is about nothing else than that.
        self.kind = kind_of(question)
        named = [term for term in asked if not (self.kind and term in ASKING)] or list(asked)
        self._weights = {
            term: math.log(1 + (len(sets) + 1) / (0.5 + max(1, sum(term in terms for terms in sets)))) for term in named
        }
        known = set[str]().union(*sets)
        self._unknown = {term for term in named if term not in known}
        self.named = frozenset(named) - ASKING
        self.total = sum(self._weights.values())

    def matches(self, text: str) -> dict[str, float]:
        """Words of the question found in the text; 1 for the same stem, less for a similar one."""
        terms = set(_terms(text))
        found = {term: 1.0 if term in terms else self._similarity(term, terms) for term in self._weights}
        return {term: share for term, share in found.items() if share}

    def _similarity(self, term: str, terms: set[str]) -> float:
        """Only a word that no passage has may be misspelt."""
        alike = (_same_beginning(term, other) or (term in self._unknown and _is_slip(term, other)) for other in terms)
        return _SIMILAR_WEIGHT if term.isalpha() and any(alike) else 0.0

    def score(self, text: str) -> float:
        score = sum(self._weights[term] * share for term, share in self.matches(text).items())
        return score * self.boost(text)

    def boost(self, text: str) -> float:
        return self.kind.boost if self.kind and self.kind.shows.search(text) else 1

    def weight_of(self, terms: Iterable[str]) -> float:
        return sum(self._weights[term] for term in terms)


def _terms(text: str) -> list[str]:
    return [stem(token) for token in tokens_of(text) if token not in _STOP_WORDS]


def _same_beginning(term: str, other: str) -> bool:
    """Snowball leaves скидк- and скидок, возврат- and возвраща- apart: one or two letters of ending may differ."""
    needed = max(4, max(len(term), len(other)) - 2)
    return term[:needed] == other[:needed] and len(min(term, other, key=len)) >= needed


def _is_slip(term: str, other: str) -> bool:
    """One letter wrong, left out, put in, or two exchanged: «доствка», "refnd"."""
    if min(len(term), len(other)) < _SHORTEST_SLIP or term[0] != other[0]:
        return False
    start = _shared(term, other)
    end = _shared(term[: start - 1 : -1], other[: start - 1 : -1])
    rest, other_rest = term[start : len(term) - end], other[start : len(other) - end]
    return max(len(rest), len(other_rest)) <= 1 or (len(rest) == 2 and rest == other_rest[::-1])


def _shared(one: str, other: str) -> int:
    """How many letters both begin with."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((i for i, (a, b) in pairs if a != b), min(len(one), len(other)))


# ---- Windows ---------------------------------------------------------------------------------------------------------


def _window(scale: _Scale, passage: SourcePassage, block: _Block, worth: float) -> _Window:
    """The part of a block to quote. Words of the heading and of the title count less than words of the text itself."""
    scores = [scale.score(part) for part in block.parts]
    best = max(range(len(scores)), key=lambda i: scores[i])
    lead = set(scale.matches(block.lead))
    by_lead = scale.score(block.lead) > scores[best]
    if block.kind == "prose":
        text = _prose(block, scores, best, by_lead)
    else:
        # «Гарантия на рюкзаки»: the table is about the first, but one row has the second.
        own = set(scale.matches(block.parts[best])) - lead
        text = _lines(block, scores, best, by_lead and not own)
    inside = scale.matches(text)
    title = set(scale.matches(passage.title)) - lead - inside.keys()
    score = sum(scale.weight_of([term]) * share for term, share in inside.items())
    score += _LEAD_WEIGHT * scale.weight_of(lead - inside.keys()) + _TITLE_WEIGHT * scale.weight_of(title)
    named = block.kind == "table" and bool(scale.kind and scale.kind.asks.search(block.shown))
    shows = bool(scale.kind and scale.kind.shows.search(text))
    score *= scale.boost(text) * (_HEADER_BOOST if named else 1)
    return _Window(passage.number, text, score * worth, frozenset(inside.keys() | lead | title), shows, named)


def _prose(block: _Block, scores: list[float], best: int, by_lead: bool) -> str:
    """The best sentence and the neighbours that speak of the same; under a matching heading or question, what follows it."""
    first = last = 0 if by_lead else best
    while last + 1 < len(scores) and (by_lead or scores[last + 1] > 0 or len(block.parts[last]) < _SHORT):
        if _length(block.parts[first : last + 2]) > _PROSE_CHARACTERS:
            break
        last += 1
    while first > 0 and scores[first - 1] > 0 and _length(block.parts[first - 1 : last + 1]) <= _PROSE_CHARACTERS:
        first -= 1
    sentences = " ".join(block.parts[first : last + 1])
    return _clip(f"{block.shown} {sentences}".strip())


def _lines(block: _Block, scores: list[float], best: int, by_lead: bool) -> str:
    """Steps stay together, as all lines do under a matching lead-in; else the lines that match, below their lead-in."""
    together = by_lead or bool(_STEP.match(block.parts[0]))
    wanted = [i for i, score in enumerate(scores) if together or score >= _NEAR_BEST_LINE * scores[best]]
    centre = 0 if by_lead else best
    kept = {centre}
    for i in sorted(wanted, key=lambda i: abs(i - centre)):
        if _length([block.shown, *(block.parts[k] for k in kept | {i})]) > MAX_CHARACTERS:
            break
        kept.add(i)
    lines = [block.shown] if block.shown else []
    return _clip("\n".join([*lines, *(block.parts[i] for i in sorted(kept))]))


def _length(parts: Iterable[str]) -> int:
    return sum(len(part) + 1 for part in parts)


def _clip(text: str) -> str:
    if len(text) <= MAX_CHARACTERS:
        return text
    cut = text[: text.rfind(" ", 0, MAX_CHARACTERS - 1)]
    # Half of «300 000» would be another number.
    return cut.rstrip("0123456789 ") + "…"


# ---- Reading a passage -----------------------------------------------------------------------------------------------


def _blocks(text: str, section: str = "") -> list[_Block]:
    found: list[_Block] = []
    heading, lead = section, ""
    lines = _logical_lines(_FOOTNOTE.sub("", text))
    for kind, group in itertools.groupby(lines, key=_kind_of):
        run = list(group)
        above = f"{heading} {lead}".strip()
        shown = lead if lead.endswith(":") else ""
        if kind == "lead":
            lead = run[-1]
            heading = next((line for line in reversed(run) if not line.endswith((":", "?"))), heading)
            continue
        if kind == "table":
            header, *rows = run
            found.append(_Block("table", f"{above} {header}", header if rows else "", tuple(rows or run)))
        elif kind == "list":
            found.append(_Block("list", above, shown, tuple(run)))
        else:
            found += [
                _Block("prose", above, shown if not i else "", tuple(_sentences(line))) for i, line in enumerate(run)
            ]
        lead = ""
    # A passage that is nothing but a heading still says something.
    return found or [_Block("prose", "", "", (line,)) for line in lines]


def _kind_of(line: str) -> Literal["prose", "list", "table", "lead"]:
    if " | " in line:
        return "table"
    if ITEM_MARK.match(line):
        return "list"
    if line.endswith((":", "?")) and len(line) < _LONGEST_LEAD:
        return "lead"
    is_heading = len(line) < _LONGEST_HEADING and not line.endswith((".", "!", "…", ";", ",", "»", '"'))
    return "lead" if is_heading else "prose"


def _logical_lines(text: str) -> list[str]:
    """Lines with single spaces; a line that a page's width has broken is whole again."""
    lines: list[str] = []
    for raw in text.split("\n"):
        line = " ".join(raw.split())
        if not line or _TABLE_RULE.fullmatch(line):
            continue
        if lines and line[0].islower() and lines[-1][-1] not in ".!?…:;" and " | " not in line + lines[-1]:
            lines[-1] += f" {line}"
        else:
            lines.append(line)
    return lines


def _sentences(line: str) -> Iterator[str]:
    start = 0
    for end in _SENTENCE_END.finditer(line):
        if not _ABBREVIATION.search(line, start, end.start() + 1):
            yield line[start : end.end()].strip()
            start = end.end()
    yield line[start:].strip()
