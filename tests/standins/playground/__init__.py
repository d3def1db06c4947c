"""The stand-ins to play with: `FAKE_PROVIDERS=1 make run` starts `python -m tests.standins`, whose page speaks for customers.

Every `kinds/<kind>.py` has one class named `Playable`: a stand-in with `Player` (a messenger: the file is named as the
channel's kind) or `Faulty` (a model) before it. Dropping in a file is all that adds one.
"""

import importlib
from pathlib import Path
from typing import Any

from tests.standins.playground.player import Faulty, News

_KINDS = Path(__file__).parent / "kinds"


def make_playables(news: News, ports: dict[str, int]) -> list[Faulty]:
    """One of each kind, on its port of the last run where that is free: addresses are stored in channels."""
    made: list[Faulty] = []
    for path in sorted(_KINDS.glob("[!_]*.py")):
        playable: Any = importlib.import_module(f"{__name__}.kinds.{path.stem}").Playable
        made.append(on_port(ports.get(path.stem, 0), lambda port, make=playable: make(news, port=port)))
        made[-1].kind = path.stem
    return made


def on_port(port: int, make: Any) -> Any:
    try:
        return make(port)
    except OSError:
        return make(0)
