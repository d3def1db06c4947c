"""One question: what was expected beside what came."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ai_assistant.answer_text import MARK
from ai_assistant.checks import numbers_of
from ai_assistant.evaluation.cases import Case
from knowledge.stopwords import content_terms

# Of an expected answer's words that have to be said: the same fact is told in other words too.
_WORDS_SHARE = 0.6
# A hand-over for these is no judgement on the question: the model, the index or the assistant was not there.
_FAULTS = frozenset({"error", "off"})


@dataclass(frozen=True)
class Verdict:
    """`failure` empty: as expected; else one of `error`, `handed_over`, `answered`, `source`, `words`.

    `rank`: place of the first expected document among those found, 0 for none, None where none is named.
    `drafts` of the model and how many of them the checks let through; `ms` and `tokens` as in the receipt.
    """

    case: Case
    failure: str
    handed_over: bool
    rank: int | None
    drafts: int
    passed_drafts: int
    ms: float
    tokens: int

    @property
    def is_fault(self) -> bool:
        return self.failure == "error"


def judge(case: Case, answer: Mapping[str, Any]) -> Verdict:
    """`answer` as services.asking.ask gives it."""
    # A refusal states nothing that could be checked.
    drafts = [check["code"] for check in answer["checks"] if "attempt" in check and check["code"] != "refused"]
    return Verdict(
        case=case,
        failure=_failure(case, answer),
        handed_over=answer["outcome"] == "handed_over",
        rank=_rank(case, answer) if case.expected_sources else None,
        drafts=len(drafts),
        passed_drafts=drafts.count(""),
        ms=float(answer["timings"].get("total_ms", 0)),
        tokens=int(answer["usage"].get("total", 0)),
    )


def _failure(case: Case, answer: Mapping[str, Any]) -> str:
    if answer["reason"] in _FAULTS:
        return "error"
    handed_over = answer["outcome"] == "handed_over"
    if handed_over or not case.answerable:
        return "" if handed_over != case.answerable else answer["outcome"]
    if case.expected_sources and not any(_is_expected(case, p) for p in answer["passages"] if p["used"]):
        return "source"
    return "" if says(answer["text"], case.expected_answer) else "words"


def _rank(case: Case, answer: Mapping[str, Any]) -> int:
    documents: dict[str, bool] = {}
    for passage in answer["passages"]:
        documents[passage["document"]] = documents.get(passage["document"], False) or _is_expected(case, passage)
    return next((rank for rank, is_one in enumerate(documents.values(), start=1) if is_one), 0)


def _is_expected(case: Case, passage: Mapping[str, Any]) -> bool:
    names = {_plain(str(passage[key])) for key in ("title", "document", "url")}
    names.add(_plain(str(passage["url"]).partition("#")[0]))
    return any(_plain(source) in names for source in case.expected_sources if source.strip())


def _plain(text: str) -> str:
    return " ".join(text.lower().replace("ё", "е").split())


def says(text: str, expected: str) -> bool:
    """Whether the text has every number of what is expected, and most of its words in whatever form."""
    text = MARK.sub("", text)
    if not set(numbers_of(expected)) <= set(numbers_of(text)):
        return False
    # Figures were compared as numbers: `6 000` is two words and `6000` is one.
    wanted = {term for term in content_terms(expected) if not term.isdigit()}
    return len(wanted & content_terms(text).keys()) >= _WORDS_SHARE * len(wanted)
