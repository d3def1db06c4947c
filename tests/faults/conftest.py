"""The house and its channels, and the table of what was measured at the end of a run."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from tests.cast import Workspace
from tests.engines import ROOT
from tests.faults.house import FULL, House
from tests.faults.ledger import Verdict
from tests.faults.scene import Scene, Slow, SlowApp

RESULTS: list[dict[str, Any]] = []


@pytest.fixture
def measured(request: pytest.FixtureRequest) -> Any:
    """Notes what a case has shown; a control that came out broken, as it must, is told apart by its name."""

    def note(case: str, verdict: Verdict | None = None, **figures: Any) -> None:
        if verdict is not None:
            figures = {"sent": verdict.sent, "lost": len(verdict.lost), "doubled": len(verdict.doubled),
                       "disordered": len(verdict.disordered), "uncertain": len(verdict.uncertain),
                       **verdict.figures, **figures}  # fmt: skip
        RESULTS.append({"case": case, "test": request.node.name, **figures})

    return note


@pytest.fixture
def scene(live_shop: Workspace, tmp_path: Path) -> Iterator[Scene]:
    """A workspace with a Telegram bot and an own app, both at stand-ins that take a moment for each call."""
    with Slow() as telegram, SlowApp() as app:
        house = House(
            live_shop, tmp_path, TELEGRAM_API_URL=telegram.url, OUTBOUND_ALLOWED_HOSTS=f"{telegram.host},{app.host}"
        )
        try:
            yield Scene(house, telegram, app)
        finally:
            house.stop()
            connection.close()


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if not RESULTS:
        return
    terminalreporter.section("measured")
    for row in RESULTS:
        figures = "  ".join(f"{name}={value}" for name, value in row.items() if name not in {"case", "test"})
        terminalreporter.write_line(f"{row['case']:5} {row['test']}: {figures}")
    folder = ROOT / "var" / "faults"
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{'full' if FULL else 'default'}-{time.strftime('%Y%m%d-%H%M%S')}.json"
    (folder / name).write_text(json.dumps(RESULTS, ensure_ascii=False, indent=1), encoding="utf-8")
