"""Measures a workspace's assistant on a set of questions: the whole road of an answer, in the worker, without side effects.

manage.py evaluate --schema t_shop --set questions.jsonl [--provider gigachat] [--price 0.4] [--require recall@5=0.9] [--json]
A line is {"question", "expected_sources"?: [title, address or id], "expected_answer"?, "answerable"?: false, "language"?}.
Exit codes: 0; 1 where a figure misses what is required or a question got an error; 2 where nothing could be measured.
"""

import json
import math
from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from ai_assistant.evaluation import Case, CaseError, Summary, Verdict, judge, read_cases, summarize
from ai_assistant.providers import provider_names
from ai_assistant.tasks import ask_in_worker
from omnisupport.lib.errors import AppError
from tenants.db import tenant_context
from tenants.hosts import is_workspace

_REQUIRABLE = (
    "recall@1", "recall@3", "recall@5", "mrr", "groundedness", "abstention_precision", "abstention_recall", "pass_rate",
)  # fmt: skip


class Command(BaseCommand):
    help = "Asks the assistant the questions of a JSONL set; prints recall, groundedness, abstention, cost and time."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--schema", required=True, help="of the workspace, like t_shop")
        parser.add_argument("--set", required=True, type=Path, help="JSONL, one question a line")
        parser.add_argument("--provider", default="", choices=["", *provider_names()], help="another than is set")
        parser.add_argument("--price", type=_price, help="of a thousand tokens, to print the cost")
        parser.add_argument(
            "--require", action="append", default=[], type=_requirement, metavar="FIGURE=SHARE",
            help=f"exit with 1 below it; may be repeated: {', '.join(_REQUIRABLE)}",
        )  # fmt: skip
        parser.add_argument("--json", action="store_true", help="figures and every question as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        cases = _cases(options["set"])
        schema = options["schema"]
        if not is_workspace(schema):
            raise CommandError(f"There is no workspace {schema}.", returncode=2)
        with tenant_context(schema):
            verdicts = [_asked(case, options["provider"]) for case in cases]
        summary = summarize(verdicts, options["price"])
        figures = {**summary.to_json(), "pass_rate": summary.passed / summary.questions}
        missed = [
            f"{name} is {_shown(figures[name])}, required {share}"
            for name, share in options["require"]
            if figures[name] is None or figures[name] < share
        ]
        if options["json"]:
            rows = [_row(verdict) for verdict in verdicts]
            self.stdout.write(json.dumps({**figures, "missed": missed, "results": rows}, ensure_ascii=False, indent=2))
        else:
            self._print(summary, verdicts)
        if summary.errors:
            missed.append(f"{summary.errors} questions got an error instead of an answer")
        if missed:
            raise CommandError("; ".join(missed), returncode=1)

    def _print(self, summary: Summary, verdicts: list[Verdict]) -> None:
        for verdict in verdicts:
            if verdict.failure:
                self.stdout.write(f"{verdict.failure:<12}{' '.join(verdict.case.question.split())[:100]}")
        lines = [(f"recall@{depth}", _shown(share)) for depth, share in summary.recall.items()]
        lines += [
            ("MRR", _shown(summary.mrr)),
            ("groundedness", _shown(summary.groundedness)),
            (
                "abstention",
                f"precision {_shown(summary.abstention_precision)}, recall {_shown(summary.abstention_recall)}",
            ),
            ("cost", f"{summary.tokens} tokens" + (f", {summary.cost:.2f}" if summary.cost is not None else "")),
            ("time", f"p50 {summary.p50:.0f} ms, p95 {summary.p95:.0f} ms"),
            ("passed", f"{summary.passed} of {summary.questions}, {summary.errors} errors"),
        ]
        for name, value in lines:
            self.stdout.write(f"{name:<14}{value}")


def _cases(path: Path) -> list[Case]:
    try:
        return read_cases(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, CaseError) as error:
        raise CommandError(f"{path}: {error}", returncode=2) from None


def _asked(case: Case, provider: str) -> Verdict:
    try:
        return judge(case, ask_in_worker(case.question, case.language, provider))
    except AppError as error:
        # The worker is away: what was not measured is no result.
        raise CommandError(str(error), returncode=2) from None


def _row(verdict: Verdict) -> dict[str, Any]:
    return {
        "question": verdict.case.question, "failure": verdict.failure, "handed_over": verdict.handed_over,
        "rank": verdict.rank, "ms": verdict.ms, "tokens": verdict.tokens,
    }  # fmt: skip


def _shown(share: float | None) -> str:
    return "—" if share is None else f"{share:.3f}"


def _price(text: str) -> float:
    price = float(text)
    if not (math.isfinite(price) and price >= 0):
        raise ArgumentTypeError("a price is a number from 0 upwards")
    return price


def _requirement(text: str) -> tuple[str, float]:
    name, _, share = text.partition("=")
    if name not in _REQUIRABLE or not share.replace(".", "", 1).isdecimal() or not 0 <= float(share) <= 1:
        raise ArgumentTypeError(f"write FIGURE=SHARE, with one of {', '.join(_REQUIRABLE)} and a share from 0 to 1")
    return name, float(share)
