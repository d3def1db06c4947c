"""The child process that reads one file: `python -m knowledge.extract.child <path> <file name> [what …]`.

Limits come first, then the readers. It answers with JSON lines: {"done", "total"}, at last {"extraction"}, {"page"} or
{"error"}. `what`: `page` (what a crawl asks of a web page) or `picture <number> <tesseract> <languages>` (a page without text).
"""

import contextlib
import ctypes
import json
import os
import resource
import socket
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, NoReturn

MEMORY = 1024 * 1024 * 1024
CPU_SECONDS = 55
HEARTBEAT_SECONDS = 5
_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000


def _limit() -> None:
    for what, limit in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 64),
    ):
        hard = resource.getrlimit(what)[1]
        limit = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        # Above the soft limit of CPU time comes SIGXCPU, which the parent can tell from a kill for want of memory.
        resource.setrlimit(what, (limit, limit + 2 if what == resource.RLIMIT_CPU else limit))


def _leave_network() -> None:
    """A network namespace of its own where the kernel lets us; and no socket connects in any case."""
    with contextlib.suppress(OSError, AttributeError):
        libc = ctypes.CDLL(None)
        if libc.unshare(_CLONE_NEWNET) != 0:
            libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET)

    class NoSocket(socket.socket):
        def __init__(self, *_args: Any, **_kwargs: Any) -> None:
            raise OSError("The network is closed here.")

    def refuse(*_args: Any, **_kwargs: Any) -> NoReturn:
        raise OSError("The network is closed here.")

    socket.socket = NoSocket  # type: ignore[misc]
    socket.create_connection = socket.getaddrinfo = refuse


def main(path: str, filename: str, what: str = "document", *more: str) -> None:
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    # What libraries print must not get among the answers.
    os.dup2(2, 1)

    speaking = threading.Lock()
    progress = [0, 0]

    def answer(**message: Any) -> None:
        with speaking:
            answers.write(json.dumps(message, ensure_ascii=False) + "\n")
            answers.flush()

    def beat() -> NoReturn:
        """A sign of life while one long page or document is being read."""
        while True:
            time.sleep(HEARTBEAT_SECONDS)
            answer(done=progress[0], total=progress[1])

    _limit()
    _leave_network()
    # Named, because looking for one means writing a file, and this process may write none.
    tempfile.tempdir = "/nonexistent"
    from knowledge.extract import extract
    from knowledge.extract.errors import ExtractionError
    from knowledge.extract.page import scan_page

    last = 0.0
    threading.Thread(target=beat, daemon=True).start()

    def report(done: int, total: int) -> None:
        nonlocal last
        progress[:] = done, total
        if done == total or time.monotonic() - last > 0.2:
            last = time.monotonic()
            answer(done=done, total=total)

    try:
        if what == "page":
            answer(page=scan_page(Path(path)).to_json())
        elif what == "picture":
            from knowledge.extract.ocr import read_picture

            answer(extraction=read_picture(Path(path), int(more[0]), more[1], more[2]).to_json())
        else:
            answer(extraction=extract(Path(path), filename, report).to_json())
    except ExtractionError as error:
        answer(error=error.code, details=error.details)
    except (MemoryError, RecursionError):
        answer(error="memory", details={})


if __name__ == "__main__":
    main(*sys.argv[1:])
