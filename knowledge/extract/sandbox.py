"""Reads a file in a child process with limits: whatever is in the file, the worker lives on."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import structlog

from knowledge.extract.elements import Extraction, Report
from knowledge.extract.errors import ExtractionError
from knowledge.extract.page import PageScan

log = structlog.get_logger(__name__)

TIMEOUT_SECONDS = 60
SCAN_SECONDS = 20
MAX_ANSWER = 128 * 1024 * 1024
_ROOT = Path(__file__).resolve().parent.parent.parent
_OUT_OF_MEMORY = ("MemoryError", "bad_alloc", "Cannot allocate memory")
# Nothing of ours is inherited: no keys, no proxies, no settings. One thread: stacks and arenas count as memory.
_ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "LANG": "C.UTF-8",
    "PYTHONUTF8": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
    "HOME": "/nonexistent",
    "OMP_NUM_THREADS": "1",
    "OMP_THREAD_LIMIT": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "2",
    "DO_NOT_TRACK": "1",
    "SCARF_NO_ANALYTICS": "true",
    "UNSTRUCTURED_DISABLE_NOTICE": "1",
}


def extract_in_sandbox(
    path: Path, filename: str, report: Report = lambda done, total: None, *, timeout: float = TIMEOUT_SECONDS
) -> Extraction:
    """`report` is called in this process as pages are done. Raises ExtractionError with one of its codes."""
    return Extraction.from_json(_last_word([str(path), filename], report, timeout)["extraction"])


def recognise_in_sandbox(
    path: Path, number: int, program: str, languages: str, report: Report, *, timeout: float = TIMEOUT_SECONDS
) -> Extraction:
    """One page of a PDF that is a picture. Raises ExtractionError with one of its codes."""
    arguments = [str(path), path.name, "picture", str(number), program, languages]
    return Extraction.from_json(_last_word(arguments, report, timeout)["extraction"])


def scan_in_sandbox(path: Path, *, timeout: float = SCAN_SECONDS) -> PageScan:
    """What a crawl asks of a web page. Raises ExtractionError with one of its codes."""
    return PageScan(**_last_word([str(path), path.name, "page"], lambda done, total: None, timeout)["page"])


def _last_word(arguments: list[str], report: Report, timeout: float) -> dict[str, Any]:
    command = [sys.executable, "-s", "-m", "knowledge.extract.child", *arguments]
    child = subprocess.Popen(
        command,
        cwd=_ROOT,
        env=_ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    assert child.stdout is not None
    assert child.stderr is not None
    late = threading.Event()
    timer = threading.Timer(timeout, _stop, args=(child, late))
    complaints: list[bytes] = []
    drain = threading.Thread(target=_keep_tail, args=(child.stderr, complaints), daemon=True)
    timer.start()
    drain.start()
    try:
        outcome = _outcome(child.stdout, report)
        child.wait()
    finally:
        timer.cancel()
        _kill(child)
        child.wait()
        drain.join(2)
        child.stdout.close()
        child.stderr.close()
    if outcome is None:
        raise _death(child.returncode, late.is_set(), b"".join(complaints), arguments[1])
    return outcome


def _stop(child: subprocess.Popen[bytes], late: threading.Event) -> None:
    late.set()
    _kill(child)


def _kill(child: subprocess.Popen[bytes]) -> None:
    """With whatever it has started: it leads a group of its own."""
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)


def _outcome(stream: IO[bytes], report: Report) -> dict[str, Any] | None:
    """None when the child died before its last word."""
    for message in _messages(stream):
        if "error" in message:
            raise ExtractionError(message["error"], **message["details"])
        if "extraction" in message or "page" in message:
            return message
        report(message["done"], message["total"])
    return None


def _messages(stream: IO[bytes]) -> Iterator[dict[str, Any]]:
    while line := stream.readline(MAX_ANSWER):
        if not line.endswith(b"\n"):
            if len(line) >= MAX_ANSWER:
                raise ExtractionError("too_large", characters=len(line), limit=MAX_ANSWER)
            return  # cut off by death
        yield json.loads(line)


def _keep_tail(stream: IO[bytes], kept: list[bytes]) -> None:
    """Empties the pipe, or the child would stop when it is full; the last 4 KB stay for the log."""
    tail = b""
    while piece := os.read(stream.fileno(), 65536):
        tail = (tail + piece)[-4096:]
    kept.append(tail)


def _death(returncode: int, late: bool, complaints: bytes, filename: str) -> ExtractionError:
    text = complaints.decode(errors="replace")
    log.warning("extraction_died", file=filename, returncode=returncode, late=late, stderr=text)
    if late or returncode == -signal.SIGXCPU:
        return ExtractionError("timeout", seconds=TIMEOUT_SECONDS)
    if returncode == -signal.SIGKILL or any(words in text for words in _OUT_OF_MEMORY):
        return ExtractionError("memory")
    return ExtractionError("corrupt" if returncode < 0 else "unreadable")
