"""`make run`: servers, migrations, demo data, then web, worker and beat, watched until Ctrl-C or the first death."""

import contextlib
import json
import os
import re
import signal
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TextIO

from omnisupport.embedded.engines import Engines, start_engines
from omnisupport.embedded.environment import (
    ROOT,
    data_dir_of,
    given_environment,
    read_env_file,
    write_secrets,
)
from omnisupport.embedded.playground import is_wanted, playground_page, start_playground
from omnisupport.embedded.processes import Child, StartError, request_death_signal, spawn, stop_all

_READY_WITHIN = 90
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_PLATFORM_PAGES = (("Site", "/"), ("Admin", "/admin/"))
_WORKSPACE_PAGES = (("Inbox", "/inbox/"), ("Shop", "/demo-shop/"), ("Help", "/help/"), ("Admin", "/admin/"))
_ADDRESS = ("PORT", "BASE_DOMAIN")
_QUEUES = "sweeps,inbound,outbound,webhooks,assistant,ingestion,default"


class Stopped(BaseException):
    """Ctrl-C or a termination signal: not an error, so nothing on the way may catch it as one."""


def main() -> int:
    for signum in _SIGNALS:
        signal.signal(signum, _raise_stopped)
    if "MAKELEVEL" in os.environ:
        # `kill -9` of make would otherwise leave a run without anybody to stop it.
        request_death_signal(signal.SIGTERM)
    try:
        _run()
    except Stopped:
        return 0
    except StartError as error:
        say(f"\n{error}", file=sys.stderr)
        return 1
    return 0


def say(text: str, *, end: str = "\n", file: TextIO | None = None) -> None:
    """Prints, also to a terminal that is gone: a run is stopped properly whoever still listens."""
    with contextlib.suppress(OSError, ValueError):
        print(text, end=end, file=file, flush=True)


def _raise_stopped(_signum: int, _frame: FrameType | None) -> None:
    # Once is enough: pressing Ctrl-C again must not interrupt the stopping. Not SIG_IGN: a signal that is already on its
    # way when a handler becomes SIG_IGN is an OSError.
    for signum in _SIGNALS:
        signal.signal(signum, lambda _signum, _frame: None)
    raise Stopped


def _run() -> None:
    started = time.monotonic()
    given = given_environment()
    data_dir = data_dir_of(given)
    port = _read_port(given)
    plays = is_wanted(given)
    engines: Engines | None = None
    children: list[Child] = []
    try:
        engines = start_engines(
            data_dir, postgres=not _is_given("DATABASE_URL", given), redis=not _is_given("REDIS_URL", given), step=step
        )
        env = child_environment(given, engines, port)
        # For manage.py beside this run: addresses that it prints are to open.
        write_secrets(data_dir, read_env_file(data_dir / "secrets.env") | {name: env[name] for name in _ADDRESS})
        host = given.get("LISTEN_HOST") or default_host(env["BASE_DOMAIN"])
        check_port_free(host, port)
        if plays:
            with step("Starting the stand-ins"):
                player, pointers = start_playground(env, data_dir)
            children.append(player)
            env |= pointers
        with step("Preparing the database"):
            run_command("prepare", env, data_dir)
        is_new = seed(env, data_dir)
        with step("Starting web, worker and beat"):
            for name, command in application_commands(host, port, data_dir).items():
                children.append(spawn(name, command, data_dir=data_dir, env=env, cwd=ROOT))
            here = "127.0.0.1" if host == "0.0.0.0" else host  # noqa: S104 - compared
            wait_until_ready(f"http://{here}:{port}/readyz", env["BASE_DOMAIN"], children + engines.children)
        if is_new:
            # Whoever asks in the first second must not be told that nobody has written anything.
            with step("Reading the demo documents"):
                run_command("seed_demo", env, data_dir, "--wait-for-documents")
        say(f"\nReady in {time.monotonic() - started:.0f} s.\n\n{describe_addresses(env, data_dir)}\n")
        watch(children + engines.children)
    finally:
        _stop(children, engines)


def _stop(children: Sequence[Child], engines: Engines | None) -> None:
    if engines is None:
        return
    with step("\nStopping"):
        stop_all(children, grace=6)
        engines.stop()


@contextmanager
def step(title: str) -> Iterator[None]:
    """One line of progress: what is being done, then how it went and how long it took."""
    say(f"{title} … ", end="")
    began = time.monotonic()
    try:
        yield
    except BaseException as error:
        say("interrupted" if isinstance(error, Stopped) else "failed")
        raise
    say(f"ok {time.monotonic() - began:.1f} s")


def _is_given(name: str, given: Mapping[str, str]) -> bool:
    return bool(given.get(name) or given.get(f"{name}_FILE"))


def _read_port(given: Mapping[str, str]) -> int:
    text = given.get("PORT") or "8000"
    if not re.fullmatch(r"[0-9]{1,5}", text) or not 0 < int(text) < 65536:
        raise StartError(f"PORT={text!r} is not a port number. Use one from 1 to 65535.")
    return int(text)


def default_host(base_domain: str) -> str:
    """Only this machine while the domain is localhost: the demo passwords are public. Another domain means visitors."""
    return "127.0.0.1" if base_domain == "localhost" or base_domain.endswith(".localhost") else "0.0.0.0"  # noqa: S104 - meant


def check_port_free(host: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except PermissionError:
            raise StartError(f"Port {port} needs more rights. Choose one above 1023: make run PORT=8001") from None
        except OSError as error:
            raise StartError(
                f"Port {port} of {host} cannot be used ({error.strerror})."
                f" Stop what listens there or choose another: make run PORT={port + 1 if port < 65535 else 8001}"
            ) from None


def child_environment(given: Mapping[str, str], engines: Engines, port: int) -> dict[str, str]:
    """What every child gets. What the operator gave wins over what was generated."""
    ours = {
        "DATA_DIR": str(engines.data_dir),
        "PORT": str(port),
        "BASE_DOMAIN": given.get("BASE_DOMAIN") or "localhost",
        "DJANGO_SETTINGS_MODULE": "omnisupport.settings",
        "PYTHONUNBUFFERED": "1",
        # glibc keeps an arena a core and thread otherwise; two halve the memory of the threaded worker at rest.
        "MALLOC_ARENA_MAX": "2",
    }
    generated = read_env_file(engines.data_dir / "secrets.env")
    return {**generated, **{name: value for name, value in given.items() if value or name not in generated}, **ours}


def application_commands(host: str, port: int, data_dir: Path) -> dict[str, list[str]]:
    web = ["uvicorn", "omnisupport.asgi:application", "--host", host, "--port", str(port), "--loop", "uvloop"]
    web += ["--http", "httptools", "--ws", "websockets-sansio", "--ws-per-message-deflate", "false"]
    web += ["--lifespan", "auto", "--no-access-log", "--timeout-graceful-shutdown", "3"]
    celery = ["celery", "-A", "omnisupport"]
    worker = [*celery, "worker", "-P", "threads", "-c", "8", "-Q", _QUEUES, "--without-gossip", "--without-mingle"]
    beat = [*celery, "beat", "--pidfile=", "--schedule", str(data_dir / "beat-schedule")]
    return {
        name: [sys.executable, "-m", *command] for name, command in (("web", web), ("worker", worker), ("beat", beat))
    }


def run_command(name: str, env: Mapping[str, str], data_dir: Path, *options: str) -> None:
    """One management command to its end; its output goes to its log. Raises StartError with the end of that log."""
    command = [sys.executable, "manage.py", name, *options]
    child = spawn(name, command, data_dir=data_dir, env=env, cwd=ROOT)
    try:
        if child.process.wait():
            raise StartError(child.describe_end())
    finally:
        stop_all([child], grace=3)


def seed(env: Mapping[str, str], data_dir: Path) -> bool:
    """Demo workspaces, once for a data folder: the mark is written only after the whole seed is in. True: just made."""
    mark = data_dir / "seeded"
    if mark.exists() or env.get("SEED_DEMO", "true").lower() in {"0", "false", "no", "off"}:
        return False
    with step("Making the demo workspaces"):
        run_command("seed_demo", env, data_dir)
    mark.touch()
    return True


def wait_until_ready(url: str, host: str, children: Sequence[Child]) -> None:
    deadline = time.monotonic() + _READY_WITHIN
    reply = "no answer"
    request = urllib.request.Request(url, headers={"Host": host})  # noqa: S310 - our own address
    while time.monotonic() < deadline:
        raise_if_ended(children)
        try:
            with urllib.request.urlopen(request, timeout=3):  # noqa: S310 - our own address
                return
        except urllib.error.HTTPError as error:
            reply = f"{error.code} {error.read(2000).decode(errors='replace')}"
        except OSError:
            pass
        time.sleep(0.2)
    raise StartError(f"Not ready after {_READY_WITHIN} s: {url} says {reply}. Logs: {children[0].log.parent}")


def raise_if_ended(children: Sequence[Child]) -> None:
    for child in children:
        if not child.running:
            raise StartError(child.describe_end())


def watch(children: Sequence[Child]) -> None:
    while True:
        raise_if_ended(children)
        time.sleep(0.3)


def describe_addresses(env: Mapping[str, str], data_dir: Path) -> str:
    """The block of addresses and logins: those of DATA_DIR/demo.json, as `seed_demo` wrote it, at this run's host and port."""
    path = data_dir / "demo.json"
    logins = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []
    lines = [] if logins else ["", f"  Platform   {_address('', '/', env)}"]
    workspace = None
    for login in logins:
        if login["workspace"] != workspace:
            workspace = login["workspace"]
            lines += ["", f"  {workspace}"]
            pages = _WORKSPACE_PAGES if login["host"] else _PLATFORM_PAGES
            lines += [f"    {title:<9}{_address(login['host'], page, env)}" for title, page in pages]
        lines.append(f"    {login['role']:<9}{login['email']:<27}{login['password']}")
    page = playground_page(env, data_dir)
    lines += ["", f"  Playground {page}"] if page else []
    lines += ["", f"  Logs       {data_dir / 'logs'}", "  Stop       Ctrl-C"]
    return "\n".join(lines[1:])


def _address(workspace: str, page: str, env: Mapping[str, str]) -> str:
    host = f"{workspace}.{env['BASE_DOMAIN']}".lstrip(".")
    return f"http://{host}:{env['PORT']}{page}"
