"""Figures of a whole set. Each is a share from 0 to 1, or None where no question of the set tells it."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ai_assistant.evaluation.scoring import Verdict

# The assistant reads six passages, so there are at most six documents.
DEPTHS = (1, 3, 5)


@dataclass(frozen=True)
class Summary:
    """`recall`: depth → share of the questions with an expected source that have one among the first documents.

    `groundedness`: of the drafts that the model wrote, those that the checks let through; what was sent has always passed.
    `abstention_*`: a call for a person on questions that cannot be answered. `errors` count for none of the shares.
    `cost` is in the currency of the price; times are in ms.
    """

    questions: int
    passed: int
    errors: int
    recall: dict[int, float | None]
    mrr: float | None
    groundedness: float | None
    abstention_precision: float | None
    abstention_recall: float | None
    tokens: int
    cost: float | None
    p50: float
    p95: float

    def to_json(self) -> dict[str, Any]:
        figures = asdict(self)
        recall = figures.pop("recall")
        return {**figures, **{f"recall@{depth}": share for depth, share in recall.items()}}


def summarize(verdicts: Sequence[Verdict], price: float | None = None) -> Summary:
    """`price` of a thousand tokens, in and out alike."""
    counted = [verdict for verdict in verdicts if not verdict.is_fault]
    ranks = [verdict.rank for verdict in counted if verdict.rank is not None]
    abstained = [verdict for verdict in counted if verdict.handed_over]
    unanswerable = [verdict for verdict in counted if not verdict.case.answerable]
    rightly = sum(not verdict.case.answerable for verdict in abstained)
    tokens = sum(verdict.tokens for verdict in verdicts)
    times = sorted(verdict.ms for verdict in counted)
    return Summary(
        questions=len(verdicts),
        passed=sum(not verdict.failure for verdict in verdicts),
        errors=len(verdicts) - len(counted),
        recall={depth: _share(sum(0 < rank <= depth for rank in ranks), len(ranks)) for depth in DEPTHS},
        mrr=_share(sum(1 / rank for rank in ranks if rank), len(ranks)),
        groundedness=_share(sum(v.passed_drafts for v in counted), sum(v.drafts for v in counted)),
        abstention_precision=_share(rightly, len(abstained)),
        abstention_recall=_share(rightly, len(unanswerable)),
        tokens=tokens,
        cost=None if price is None else round(tokens / 1000 * price, 4),
        p50=_percentile(times, 0.5),
        p95=_percentile(times, 0.95),
    )


def _share(part: float, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def _percentile(ordered: Sequence[float], share: float) -> float:
    """The nearest rank: a time that was really measured."""
    return ordered[math.ceil(share * len(ordered)) - 1] if ordered else 0.0
