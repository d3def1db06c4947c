"""Everything between a fresh clone and a running project: virtual environment, packages, built browser code.

Runs on the system's Python before anything is installed, hence only the standard library.
Usage: python bootstrap.py run|lint|test   (each step is skipped while its inputs are unchanged)
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
WIDGET = ROOT / "widget"
OLDEST_NODE = 20


class BootstrapError(Exception):
    """What is missing and how to get it."""


def main(purpose: str) -> int:
    # Two `make run` in one clone must not install over each other.
    lock = os.open(ROOT, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    try:
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
    return 0


def make_venv() -> None:
    if PYTHON.exists() and subprocess.run([PYTHON, "-c", "import pip"], capture_output=True).returncode == 0:
        return
    with_progress(
        "Making the virtual environment",
        [sys.executable, "-m", "venv", "--clear", str(VENV)],
        on_failure=("Python cannot make virtual environments here. On Debian and Ubuntu: apt-get install python3-venv"),
    )


def install_python_packages(requirements: Path) -> None:
    name = requirements.relative_to(ROOT).as_posix()
    command = [str(PYTHON), "-m", "pip", "install", "--quiet", "--no-deps", "--disable-pip-version-check"]
    once(
        VENV / f".{name.replace('/', '-')}.stamp",
        digest([requirements]),
        lambda: with_progress(f"Installing Python packages ({name})", [*command, "-r", str(requirements)]),
    )


def install_node_packages() -> None:
    once(
        WIDGET / "node_modules" / ".installed.stamp",
        digest([WIDGET / "package.json", WIDGET / "package-lock.json"]),
        lambda: with_progress("Installing npm packages", [npm(), "ci", "--no-audit", "--no-fund"], cwd=WIDGET),
    )


def build_browser_code() -> None:
    built = ROOT / "static" / "widget"
    folders = (WIDGET, ROOT / "static" / "src")
    found = (path for folder in folders for path in folder.rglob("*"))
    sources = (path for path in found if path.is_file() and "node_modules" not in path.parts)
    once(
        WIDGET / "node_modules" / ".built.stamp",
        digest(sources) if built.is_dir() else "",
        lambda: with_progress("Building widget, inbox and styles", [npm(), "run", "build"], cwd=WIDGET),
    )


def compile_messages() -> None:
    subprocess.run([PYTHON, "-m", "omnisupport.messages", "compile"], cwd=ROOT, check=True)


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
    if os.geteuid() == 0 and shutil.which("apt-get"):
        env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "update", "-qq"], env=env, capture_output=True)
        install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium", "fonts-dejavu-core"]
        with_progress("Installing Chromium for the browser tests", install, env=env)
        return
    print(
        "The browser tests need Chromium, and it is not on the path. As root on Debian: apt-get install chromium;"
        " anywhere: .venv/bin/python -m playwright install --with-deps chromium"
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
    print(f"{title} … ", end="", flush=True)
    began = time.monotonic()
    result = subprocess.run(
        command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if result.returncode:
        print("failed", flush=True)
        tail = "\n".join(result.stdout.splitlines()[-25:])
        raise BootstrapError(f"{tail}\n\n{on_failure or 'The command was: ' + ' '.join(command)}")
    print(f"ok {time.monotonic() - began:.1f} s", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
