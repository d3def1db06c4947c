"""What a newcomer does first: settings, the data folder, the demo, and what is said when something is wrong."""

import json
import os
import re
import socket
import stat
import subprocess
import sys

import pytest
from django.core.management import call_command
from django.db import connection

from omnisupport import bootstrap
from omnisupport.demo import seeding
from omnisupport.embedded import DataDirInUse, StartError, supervisor
from omnisupport.embedded.environment import lock_data_dir, read_env_file
from tenants.accounts.models import User
from tenants.db import tenant_context
from tenants.models import Domain, Tenant
from tenants.names import PUBLIC
from tenants.provisioning import _ensure_platform_tenant
from tests.servers import ROOT
from tickets.models import Ticket

# ---- Settings


def read_settings(**env: str) -> dict[str, object]:
    """The values of omnisupport.settings in a process of its own."""
    code = "import json, omnisupport.settings as s; print(json.dumps(vars(s), default=lambda _: None, skipkeys=True))"
    env = {"PATH": os.environ["PATH"], **env}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True, timeout=60)
    assert not done.returncode, done.stderr
    return {name: value for name, value in json.loads(done.stdout).items() if name.isupper()}


def test_the_example_copied_to_env_changes_nothing():
    assert read_settings(**read_env_file(ROOT / ".env.example")) == read_settings()


def test_production_keeps_its_own_defaults_with_the_example():
    example = {**read_env_file(ROOT / ".env.example"), "ENVIRONMENT": "production"}
    assert read_settings(**example) == read_settings(ENVIRONMENT="production")


def test_the_example_names_every_setting():
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "omnisupport" / "settings").glob("*.py"))
    read = set(re.findall(r'env_\w+\(\s*"([A-Z0-9_]+)"', source))
    assert read <= set(read_env_file(ROOT / ".env.example"))


def test_env_file(tmp_path):
    path = tmp_path / ".env"
    path.write_text("A=\nB=   # nothing yet\nC=x # why\nexport D='a # b'\n# E=1\nF=a#b\n", encoding="utf-8")
    assert read_env_file(path) == {"A": "", "B": "", "C": "x", "D": "a # b", "F": "a#b"}
    path.write_text("what is this", encoding="utf-8")
    with pytest.raises(StartError, match="line 1"):
        read_env_file(path)


# ---- Where it runs


@pytest.mark.parametrize("port", ["abc", "0", "-1", "65536", "80 80", "٨٠٨٠", "8000.0"])
def test_a_port_that_is_none(port):
    with pytest.raises(StartError, match="not a port number"):
        supervisor._read_port({"PORT": port})


def test_a_taken_port_names_another():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(StartError, match="make run PORT="):
            supervisor.check_port_free("127.0.0.1", taken.getsockname()[1])


def test_one_run_a_data_folder(tmp_path):
    held = lock_data_dir(tmp_path)
    try:
        with pytest.raises(DataDirInUse, match=str(os.getpid())):
            lock_data_dir(tmp_path)
    finally:
        os.close(held)
    os.close(lock_data_dir(tmp_path))


def test_workspaces_follow_the_base_domain(db, _prepared, settings):
    settings.BASE_DOMAIN = "desk.example"
    with tenant_context(PUBLIC):
        Domain.objects.create(domain="help.shop.example", tenant=_prepared["shop"], is_primary=False)
        _ensure_platform_tenant()
        hosts = set(Domain.objects.values_list("domain", "is_primary"))
    assert hosts >= {("desk.example", True), ("shop.desk.example", True), ("help.shop.example", False)}
    assert not any(host.endswith("localhost") for host, _primary in hosts)


# ---- The demo


@pytest.fixture
def empty_installation(db, _prepared, settings, tmp_path):
    """No workspaces until the test's transaction is rolled back."""
    settings.DATA_DIR = tmp_path
    settings.MEDIA_ROOT = str(tmp_path / "media")
    with tenant_context(PUBLIC):
        Tenant.objects.exclude(schema_name=PUBLIC).delete()
        with connection.cursor() as cursor:
            cursor.execute("ALTER SCHEMA t_shop RENAME TO t_of_the_session")
    return tmp_path


def slugs() -> set[str]:
    with tenant_context(PUBLIC):
        return set(Tenant.objects.exclude(schema_name=PUBLIC).values_list("slug", flat=True))


def test_a_seed_that_was_cut_short_is_finished_by_the_next(empty_installation, monkeypatch):
    fill = seeding._fill

    def cut_short(demo, passwords):
        made = fill(demo, passwords)
        if demo.slug == "harbor":
            raise KeyboardInterrupt
        return made

    monkeypatch.setattr(seeding, "_fill", cut_short)
    with pytest.raises(KeyboardInterrupt):
        seeding.seed_demo()
    assert slugs() == {"shop"}

    monkeypatch.undo()
    written = (empty_installation / "demo.json").read_text(encoding="utf-8")
    assert seeding.seed_demo() == seeding.seed_demo() == json.loads(written)
    assert slugs() == {"shop", "harbor"}
    for login in json.loads(written):
        with tenant_context(f"t_{login['host']}" if login["host"] else PUBLIC):
            assert User.objects.get(email=login["email"]).check_password(login["password"])
    for slug in ("shop", "harbor"):
        with tenant_context(f"t_{slug}"):
            states = set(Ticket.objects.values_list("status", "is_snoozed"))
            assert states == {("open", False), ("open", True), ("waiting", False), ("solved", False)}
    assert stat.S_IMODE((empty_installation / "demo.json").stat().st_mode) == 0o600


def test_an_installation_in_use_gets_no_demo(db, _prepared, settings, tmp_path):
    settings.DATA_DIR = tmp_path
    before = slugs()
    assert seeding.seed_demo() == []
    assert slugs() == before
    assert not list(tmp_path.iterdir())


def test_the_block_of_addresses_is_of_this_run(tmp_path):
    login = {"workspace": "Лавка", "host": "shop", "email": "a@b.example", "password": "secret", "role": "agent"}
    (tmp_path / "demo.json").write_text(json.dumps([login]), encoding="utf-8")
    block = supervisor.describe_addresses({"BASE_DOMAIN": "desk.example", "PORT": "8123"}, tmp_path)
    assert "http://shop.desk.example:8123/inbox/" in block
    assert "agent" in block and "a@b.example" in block and "secret" in block


# ---- Installing


def test_a_step_is_done_again_when_it_was_cut_short_or_its_inputs_change(tmp_path):
    stamp, done = tmp_path / "x" / ".stamp", []

    def fail():
        raise bootstrap.BootstrapError("no network")

    with pytest.raises(bootstrap.BootstrapError):
        bootstrap.once(stamp, "v1", fail)
    for inputs in ("v1", "v1", "v2"):
        bootstrap.once(stamp, inputs, lambda inputs=inputs: done.append(inputs))
    assert done == ["v1", "v2"]


def test_a_failed_command_shows_its_last_words(capfd):
    with pytest.raises(bootstrap.BootstrapError, match="no space left"):
        bootstrap.with_progress("Installing", [sys.executable, "-c", "print('no space left'); exit(3)"])
    assert "Installing … failed" in capfd.readouterr().out


@pytest.mark.parametrize(("node", "sentence"), [(None, "no `node`"), ("#!/bin/sh\necho v18.19.0\n", "is v18.19.0")])
def test_node_that_is_missing_or_too_old(tmp_path, monkeypatch, node, sentence):
    if node:
        (tmp_path / "node").write_text(node)
        (tmp_path / "node").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(bootstrap.BootstrapError, match=sentence):
        bootstrap.npm()


# ---- What lint cannot ask without a database


def test_no_migration_is_missing(db):
    # Fails by SystemExit, after having named what changed.
    call_command("makemigrations", check_changes=True, dry_run=True)
