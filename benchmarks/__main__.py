"""`make bench [NAMES=webhook,fanout]`: runs the benchmarks one after another and prints goals met and missed."""

import importlib
import multiprocessing
import os
import sys
from concurrent.futures import ProcessPoolExecutor

from benchmarks.harness import ROOT, Result, run_by_name

NAMES = (
    "webhook", "webhook_kinds", "tenant_cost", "fanout", "end_to_end", "burst", "tasks", "provisioning", "at_rest",
    "big_inbox", "search", "first_token", "agents", "bulk", "screen",
)  # fmt: skip


def main() -> int:
    wanted = sys.argv[1:] or NAMES
    os.chdir(ROOT)
    results: list[Result] = []
    for name in wanted:
        if name not in NAMES:
            print(f"There is no benchmark {name!r}; there are {', '.join(NAMES)}.")
            return 2
        print(f"== {name}", flush=True)
        module = importlib.import_module(f"benchmarks.{name}")
        if getattr(module, "OWN_HOUSE", False):
            found = module.run(None)
        else:
            found = _in_a_child(name) if len(wanted) > 1 else run_by_name(name)
        for result in found:
            print(f"   {result}", flush=True)
        results += found
    missed = [result for result in results if not result.met]
    print(f"{len(results) - len(missed)} goals met, {len(missed)} missed")
    return 0


def _in_a_child(name: str) -> list[Result]:
    """Django is set up once per process, so each benchmark gets a process, engines and a database of its own."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(run_by_name, name).result()


if __name__ == "__main__":
    sys.exit(main())
