"""Where a run takes its settings from: the process environment, then `.env`, then what the first run generated."""

import fcntl
import os
import secrets
import socket
from collections.abc import Mapping
from pathlib import Path

from omnisupport.embedded.processes import DataDirInUse, StartError

ROOT = Path(__file__).resolve().parent.parent.parent
_GENERATED = ("SECRET_KEY", "JWT_SECRET_KEY", "FIELD_ENCRYPTION_KEY", "METRICS_TOKEN")


def read_env_file(path: Path) -> dict[str, str]:
    """`NAME=value` lines; comments, blank lines, `export` and quotes around the value are allowed. {} when absent."""
    if not path.is_file():
        return {}
    values: dict[str, str] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        text = line.strip().removeprefix("export ").strip()
        if not text or text.startswith("#"):
            continue
        name, equals, value = text.partition("=")
        if not equals or not name.strip().isidentifier():
            raise StartError(f"{path}, line {number}: write NAME=value, not {line.strip()!r}.")
        values[name.strip()] = _unquote(value.strip())
    return values


def _unquote(value: str) -> str:
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'":
        return value[1:-1]
    return "" if value.startswith("#") else value.split(" #", 1)[0].rstrip()


def given_environment(root: Path = ROOT) -> dict[str, str]:
    """What the operator set: `.env` of the project, overruled by the process environment; an empty line is unset."""
    given = {name: value for name, value in read_env_file(root / ".env").items() if value}
    return {**given, **os.environ}


def data_dir_of(env: Mapping[str, str]) -> Path:
    return Path(env.get("DATA_DIR") or ROOT / "var").expanduser().resolve()


def load_environment() -> None:
    """Lets `manage.py` use the same settings and servers as `make run` without typing them.

    Fills only names that the process does not have: first from `.env`, then from the data folder's `secrets.env`.
    """
    env = given_environment()
    for name, value in {**read_env_file(data_dir_of(env) / "secrets.env"), **env}.items():
        os.environ.setdefault(name, value)


def ensure_secrets(data_dir: Path) -> dict[str, str]:
    """The keys of this data folder, made once. Losing the file means losing every encrypted field."""
    path = data_dir / "secrets.env"
    known = read_env_file(path)
    missing = {name: secrets.token_urlsafe(48) for name in _GENERATED if name not in known}
    if missing:
        known |= missing
        write_secrets(data_dir, known)
    return known


def write_secrets(data_dir: Path, values: Mapping[str, str]) -> None:
    path = data_dir / "secrets.env"
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write("# Made by the first run. Keep it with the backups of this folder.\n")
        file.writelines(f"{name}={value}\n" for name, value in values.items())
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


def lock_data_dir(data_dir: Path) -> int:
    """Makes the folder ours until this process ends, however it ends. Returns the descriptor that holds the lock."""
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(data_dir / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StartError(
            f"Cannot use the data folder {data_dir}: {error.strerror}. Set DATA_DIR to a folder you may write to."
        ) from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(descriptor, 20).decode() or "unknown"
        os.close(descriptor)
        raise DataDirInUse(
            f"The data folder {data_dir} is in use by process {holder}. Stop that run (Ctrl-C there, or kill {holder}),"
            " or start a second one beside it: make run PORT=8001 DATA_DIR=var2"
        ) from None
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, str(os.getpid()).encode(), 0)
    return descriptor


def choose_port(preferred: int | None) -> int:
    """A free TCP port of 127.0.0.1, the preferred one when nobody has it."""
    for port in (preferred or 0, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise StartError("No free TCP port is left on 127.0.0.1.")
