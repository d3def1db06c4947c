"""The webhook of every kind that has one, signed as its provider signs, beside the bare floor doing the same INSERT."""

from pathlib import Path

from benchmarks.callers import CALLERS
from benchmarks.harness import Result
from benchmarks.webhook import measure

ROUNDS = 9


def run(folder: Path) -> list[Result]:
    from channels_app.kinds import adapter_class, kinds

    wanted = [kind for kind in kinds() if adapter_class(kind).has_webhook]
    # A kind without a caller has not met its goal.
    strangers = [
        Result(f"webhook of {kind}: benchmarks/callers.py does not know it", 0, "× requests/s", 0.6, at_least=True)
        for kind in wanted
        if kind not in CALLERS
    ]
    return measure(folder, [kind for kind in wanted if kind in CALLERS], ROUNDS) + strangers
