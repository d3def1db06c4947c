"""What runs needs only requirements.txt: `make run` never installs what tests bring along."""

import os
import re
import subprocess
import sys

import pytest

from omnisupport.demo.texts import DOCUMENTS
from tests.servers import ROOT

DEMO = ROOT / "omnisupport" / "demo"
# Modules of packages that only tests/requirements.txt names cannot be imported in the child.
BARE = """
import importlib.metadata, os, runpy, sys

def names(path):
    return {line.split("==")[0].lower().replace("_", "-") for line in open(path) if "==" in line}

hidden = names("tests/requirements.txt") - names("requirements.txt")
modules = {module for module, owners in importlib.metadata.packages_distributions().items()
           if all(owner.lower().replace("_", "-") in hidden for owner in owners)}

class Hide:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in modules:
            raise ModuleNotFoundError(f"{name} is not in requirements.txt", name=name)

sys.meta_path.insert(0, Hide())
"""


def run_bare(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", BARE + code, *arguments]
    return subprocess.run(command, cwd=ROOT, env=os.environ, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize("name", [name for name, _title, _sections in DOCUMENTS["harbor"]])
def test_demo_documents_are_read(name):
    code = "sys.argv[0] = ''\nrunpy.run_module('knowledge.extract.child', run_name='__main__')"
    done = run_bare(code, str(DEMO / "harbor" / name), name)
    assert '"extraction"' in done.stdout, done.stderr


def test_every_process_is_imported():
    code = (
        "import omnisupport.asgi, omnisupport.wsgi\n"
        "from omnisupport.celery import app\n"
        "app.loader.import_default_modules()\n"
        "from django.urls import get_resolver\n"
        "[get_resolver(name).url_patterns for name in ('omnisupport.urls', 'omnisupport.urls_public')]\n"
    )
    done = run_bare(code)
    assert not done.returncode, done.stderr


def test_versions_are_exact():
    for path in (ROOT / "requirements.txt", ROOT / "tests" / "requirements.txt"):
        lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
        assert [line for line in lines if not re.match(r"[\w.-]+==[\w.]+(; .+)?$", line)] == []
