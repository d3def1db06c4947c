"""Child processes that never outlive the supervisor, and that are found again when it was killed."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

# Every child carries the data folder under this name: after a crash it tells ours, and their children, from all others.
MARK = "OMNISUPPORT_CHILD_OF"
_PR_SET_PDEATHSIG = 1
_ENGINES = {"postgres", "redis-server"}


class StartError(Exception):
    """Why the run cannot go on, and what to do about it. Shown as it is."""


class DataDirInUse(StartError):
    """Another living process holds the data folder."""


@dataclass(frozen=True)
class Child:
    name: str
    process: subprocess.Popen[bytes]
    log: Path
    stop_signal: signal.Signals

    @property
    def running(self) -> bool:
        return self.process.poll() is None

    def describe_end(self) -> str:
        """How it ended, where its log is and the last lines of it."""
        code = self.process.poll() or 0
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-20:]
        quoted = "\n".join(f"  | {line}" for line in lines) or "  | (nothing was written)"
        return f"{self.name} {how}. The end of {self.log}:\n{quoted}"


def request_death_signal(signum: signal.Signals) -> None:
    """Asks the kernel to send `signum` to this process when the thread that started it ends, even by SIGKILL."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signum)


def die_with_parent(signum: signal.Signals) -> Callable[[], None]:
    """A `preexec_fn` for children of this process that must not outlive it."""
    parent = os.getpid()

    def arm() -> None:
        request_death_signal(signum)
        if os.getppid() != parent:  # it died between fork and prctl
            os._exit(1)

    return arm


def spawn(
    name: str,
    command: Sequence[str],
    *,
    data_dir: Path,
    env: Mapping[str, str],
    cwd: Path,
    stop_signal: signal.Signals = signal.SIGTERM,
    death_signal: signal.Signals = signal.SIGKILL,
    stdin: str = "",
) -> Child:
    """Starts one process in a session of its own (so that Ctrl-C reaches the supervisor alone) with its own log file.

    Must be called from the main thread: the kernel ties the death signal to the calling thread.
    """
    log = data_dir / "logs" / f"{name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists():
        log.replace(log.with_suffix(".log.1"))
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            env={**env, MARK: str(data_dir)},
            cwd=cwd,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=die_with_parent(death_signal),
        )
    assert process.stdin is not None
    with contextlib.suppress(BrokenPipeError):  # it ended at once; the caller sees that and shows its log
        process.stdin.write(stdin.encode())
        process.stdin.close()
    return Child(name, process, log, stop_signal)


def stop_all(children: Iterable[Child], grace: float) -> None:
    """Asks all to stop at once, waits `grace` seconds for them together, then kills what is left with its group."""
    children = list(children)
    for child in children:
        if child.running:
            child.process.send_signal(child.stop_signal)
    deadline = time.monotonic() + grace
    for child in children:
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.process.wait(max(0.0, deadline - time.monotonic()))
        _kill_group(child.process.pid)
        child.process.wait()


def _kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):  # nothing, or only zombies, are left of it
        os.killpg(pid, signal.SIGKILL)


def find_leftovers(data_dir: Path) -> list[psutil.Process]:
    """Processes of an earlier run on this data folder that was killed."""
    return [process for process in psutil.process_iter() if process.pid != os.getpid() and _belongs(process, data_dir)]


def _belongs(process: psutil.Process, data_dir: Path) -> bool:
    try:
        # PostgreSQL's backends overwrite their environment with the process title; their working folder stays.
        if process.name() in _ENGINES and Path(process.cwd()).is_relative_to(data_dir):
            return True
        return process.environ().get(MARK) == str(data_dir)
    except (psutil.Error, OSError):
        return False


def stop_leftovers(data_dir: Path) -> int:
    """Ends what a killed run left behind; PostgreSQL gets the time to stop properly. Returns how many there were."""
    leftovers = find_leftovers(data_dir)
    for process in leftovers:
        _signal(process, signal.SIGINT if process.name() == "postgres" else signal.SIGKILL)
    _, alive = psutil.wait_procs(leftovers, timeout=10)
    for process in alive:
        _signal(process, signal.SIGQUIT)
    _, alive = psutil.wait_procs(alive, timeout=3)
    for process in alive:
        _signal(process, signal.SIGKILL)
    _, alive = psutil.wait_procs(alive, timeout=3)
    if alive:
        pids = ", ".join(str(process.pid) for process in alive)
        raise StartError(
            f"Processes of an earlier run on {data_dir} cannot be stopped: {pids}. End them and try again."
        )
    return len(leftovers)


def _signal(process: psutil.Process, signum: signal.Signals) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        process.send_signal(signum)
