"""Everything between a fresh clone and a running project: virtual environment, packages, built browser code.

Runs on the system's Python before anything is installed, hence only the standard library.
Usage: python bootstrap.py run|lint|test   (each step is skipped while its inputs are unchanged)
"""

import fcntl
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
WIDGET = ROOT / "widget"
UNFINISHED = VENV / ".unfinished"
OLDEST_PYTHON = (3, 11)
OLDEST_NODE = 20


class BootstrapError(Exception):
    """What is missing and how to get it."""


def main(purpose: str) -> int:
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        wait_for_turn()
        make_venv()
        install_python_packages(ROOT / "requirements.txt")
        if purpose in {"lint", "test"}:
            install_python_packages(ROOT / "tests" / "requirements.txt")
        install_node_packages()
        build_browser_code()
        compile_messages()
        if purpose == "test":
            ensure_chromium()
    except BootstrapError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted. The next start goes on from here.", file=sys.stderr)
        return 130
    return 0


def wait_for_turn() -> None:
    """Two `make run` in one clone must not install over each other. The lock ends with this process and its children."""
    lock = os.open(ROOT, os.O_RDONLY)
    os.set_inheritable(lock, True)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print("Another make is installing packages in this folder; waiting for it …", flush=True)
        fcntl.flock(lock, fcntl.LOCK_EX)


def make_venv() -> None:
    if PYTHON.exists() and not UNFINISHED.exists() and is_usable(PYTHON):
        return
    with_progress(
        "Making the virtual environment",
        [sys.executable, "-m", "venv", "--clear", str(VENV)],
        on_failure="Python cannot make virtual environments here. On Debian and Ubuntu: apt-get install python3-venv",
    )


def is_usable(python: Path) -> bool:
    code = f"import sys, pip._internal.cli.main; sys.exit(sys.version_info < {OLDEST_PYTHON})"
    return subprocess.run([python, "-c", code], capture_output=True).returncode == 0


def install_python_packages(requirements: Path) -> None:
    name = requirements.relative_to(ROOT).as_posix()
    command = [str(PYTHON), "-m", "pip", "install", "--quiet", "--no-deps", "--disable-pip-version-check"]

    def install() -> None:
        # pip takes a package for installed that it was killed in the middle of.
        UNFINISHED.touch()
        with_progress(f"Installing Python packages ({name})", [*command, "-r", str(requirements)])
        UNFINISHED.unlink()

    once(VENV / f".{name.replace('/', '-')}.stamp", digest([requirements]), install)


def install_node_packages() -> None:
    once(
        WIDGET / "node_modules" / ".installed.stamp",
        digest([WIDGET / "package.json", WIDGET / "package-lock.json"]),
        lambda: with_progress("Installing npm packages", [npm(), "ci", "--no-audit", "--no-fund"], cwd=WIDGET),
    )


def build_browser_code() -> None:
    built = [ROOT / "static" / name for name in ("widget", "build")]
    stamp = built[0] / ".stamp"
    if not all(folder.is_dir() for folder in built):
        stamp.unlink(missing_ok=True)
    folders = (WIDGET, ROOT / "static" / "src")
    found = (path for folder in folders for path in folder.rglob("*"))
    sources = [path for path in found if path.is_file() and "node_modules" not in path.parts]
    # VITE_API_URL and VITE_WIDGET_URL are built in, from the environment or from .env.
    sources += [path for path in [ROOT / ".env"] if path.is_file()]
    given = "".join(f" {name}={os.environ.get(name, '')}" for name in ("VITE_API_URL", "VITE_WIDGET_URL"))
    once(
        stamp,
        digest(sources) + given,
        lambda: with_progress("Building widget, inbox and styles", [npm(), "run", "build"], cwd=WIDGET),
    )


def compile_messages() -> None:
    command = [str(PYTHON), "-m", "omnisupport.messages", "compile"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if result.returncode:
        raise BootstrapError(f"Translations could not be compiled:\n{result.stderr.strip()[-1500:]}")


def npm() -> str:
    """The npm program, once Node is known to be new enough."""
    node, program = shutil.which("node"), shutil.which("npm")
    if node is None:
        raise BootstrapError(f"Node.js {OLDEST_NODE} or newer is needed to build the widget; no `node` is on the path.")
    version = subprocess.run([node, "--version"], capture_output=True, text=True).stdout.strip()
    if int(version.lstrip("v").split(".")[0] or 0) < OLDEST_NODE:
        raise BootstrapError(f"Node.js {OLDEST_NODE} or newer is needed to build the widget; {node} is {version}.")
    if program is None:
        raise BootstrapError("npm is needed to build the widget; it is not on the path. On Debian: apt-get install npm")
    return program


def ensure_chromium() -> None:
    """Chromium for the browser tests: the one on the path, else Debian's when we may install it, else Playwright's."""
    if any(shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome")):
        return
    ways = [[str(PYTHON), "-m", "playwright", "install", "chromium"]]
    if os.geteuid() == 0 and shutil.which("apt-get"):
        debian = "apt-get update -qq; apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core"
        ways.insert(0, ["sh", "-c", debian])
    for command in ways:
        try:
            with_progress("Installing Chromium", command, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"})
            return
        except BootstrapError:
            continue
    print(
        "The browser tests will fail: they need Chromium, and it could not be installed. On Debian, as root: apt-get install"
        " chromium; elsewhere: .venv/bin/python -m playwright install --with-deps chromium"
    )


def digest(files: Iterable[Path]) -> str:
    """One hash over names and contents."""
    total = hashlib.sha256()
    for path in sorted(files):
        if not path.is_file():
            raise BootstrapError(f"{path.relative_to(ROOT)} is missing from this clone.")
        total.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def once(stamp: Path, inputs: str, action: Callable[[], None]) -> None:
    """Does `action` unless its stamp says that it was done, to the end, for exactly these inputs."""
    if stamp.is_file() and stamp.read_text() == inputs:
        return
    action()
    stamp.parent.mkdir(parents=True, exist_ok=True)
    stamp.write_text(inputs)


def with_progress(
    title: str, command: list[str], *, cwd: Path = ROOT, env: dict[str, str] | None = None, on_failure: str = ""
) -> None:
    """Runs the command behind one line of progress; on a terminal the line counts the seconds."""
    began = time.monotonic()
    print(f"{title} … ", end="", flush=True)
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as output:
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            close_fds=False,  # the lock is inherited: should we be killed, the next start waits for this child
        )
        try:
            while process.poll() is None:
                time.sleep(0.1)
                if sys.stdout.isatty():
                    print(f"\r{title} … {time.monotonic() - began:.0f} s ", end="", flush=True)
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait()
        output.seek(0)
        tail = "\n".join(output.read().splitlines()[-25:])
    if sys.stdout.isatty():
        print(f"\r{title} … ", end="", flush=True)
    if process.returncode:
        print("failed", flush=True)
        raise BootstrapError(f"{tail}\n\n{on_failure or 'The command was: ' + ' '.join(command)}")
    print(f"ok {time.monotonic() - began:.1f} s", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
