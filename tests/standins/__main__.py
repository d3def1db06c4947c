"""`python -m tests.standins`: the playground on loopback ports. DATA_DIR/standins.json tells its starter where all is."""

import json
import os
import sys
from pathlib import Path
from threading import Event

from tests.standins.playground import make_playables, on_port
from tests.standins.playground.page import Page
from tests.standins.playground.player import News, Player


def main() -> None:
    if os.environ.get("ENVIRONMENT") == "production":
        sys.exit("The stand-ins do not run in production.")
    path = Path(os.environ["DATA_DIR"]) / "standins.json"
    ports = json.loads(path.read_text(encoding="utf-8"))["ports"] if path.is_file() else {}
    news = News()
    playables = make_playables(news, ports)
    wished = ports.get("page") or int(os.environ.get("PORT", "8000")) + 1
    page = on_port(wished, lambda port: Page(playables, news, port=port))
    for server in (*playables, page):
        server.__enter__()
    channels = [{"kind": p.kind, "name": p.title, **p.channel} for p in playables if isinstance(p, Player)]
    told = {
        "pid": os.getpid(),
        "page": page.url,
        "ports": {"page": page.port, **{playable.kind: playable.port for playable in playables}},
        "hosts": [playable.host for playable in playables],
        "environment": {name: value for playable in playables for name, value in playable.environment.items()},
        "channels": channels,
    }
    new = path.with_suffix(".new")
    new.write_text(json.dumps(told, ensure_ascii=False, indent=2), encoding="utf-8")
    new.replace(path)
    Event().wait()


if __name__ == "__main__":
    main()
