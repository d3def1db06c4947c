"""The child that reads files: no network, no secrets, limits; whatever happens, the caller gets a clear error."""

import subprocess
import sys

import psutil
import pytest

from knowledge.extract import sandbox
from knowledge.extract.errors import ExtractionError
from knowledge.extract.sandbox import extract_in_sandbox, scan_in_sandbox
from knowledge.tests import files


@pytest.fixture
def returns(tmp_path):
    path = tmp_path / "returns.pdf"
    path.write_bytes(files.returns_pdf())
    return path


def in_child(code: str) -> str:
    """Runs `code` where files are read: after the child's limits."""
    setup = "from knowledge.extract.child import _leave_network, _limit; _limit(); _leave_network()\n"
    result = subprocess.run(
        [sys.executable, "-c", setup + code],
        cwd=sandbox._ROOT,
        env=sandbox._ENVIRONMENT,
        capture_output=True,
        text=True,
    )
    return result.stdout + result.stderr


def fake_python(tmp_path, script: str) -> str:
    path = tmp_path / "python"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def test_pages_are_reported_as_they_are_read(returns):
    seen = []
    found = extract_in_sandbox(returns, "returns.pdf", lambda done, total: seen.append((done, total)))
    assert found.title == "Возврат и обмен"
    assert seen[-1] == (4, 4)


def test_errors_come_through_with_their_details(tmp_path):
    path = tmp_path / "scan.pdf"
    path.write_bytes(files.pdf("", picture_on=(1,)))
    with pytest.raises(ExtractionError) as error:
        extract_in_sandbox(path, "scan.pdf")
    assert (error.value.code, error.value.details) == ("ocr_needed", {"pages": 1})


def test_the_child_has_no_network():
    assert "The network is closed here" in in_child("import socket; socket.create_connection(('127.0.0.1', 80))")
    assert "The network is closed here" in in_child("import urllib.request; urllib.request.urlopen('http://127.0.0.1')")


def test_the_child_knows_no_secrets(monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "do-not-leak")
    assert "do-not-leak" not in in_child("import os; print(os.environ)")


def test_the_child_writes_no_files(tmp_path):
    assert "File too large" in in_child(f"open({str(tmp_path / 'x')!r}, 'wb', 0).write(b'x')")


def test_memory_ends_before_the_machines_does():
    assert "MemoryError" in in_child("bytearray(2 * 1024 ** 3)")


@pytest.mark.parametrize(
    ("script", "code"),
    [
        ("kill -SEGV $$", "corrupt"),
        ("kill -XCPU $$", "timeout"),
        ("kill -KILL $$", "memory"),
        ("echo MemoryError >&2; exit 1", "memory"),
        ("echo a fault of ours >&2; exit 1", "unreadable"),
        ("exec sleep 100", "timeout"),
    ],
)
def test_a_dead_child_is_an_error_and_not_an_empty_document(monkeypatch, tmp_path, returns, script, code):
    monkeypatch.setattr(sandbox.sys, "executable", fake_python(tmp_path, script))
    with pytest.raises(ExtractionError) as error:
        extract_in_sandbox(returns, "returns.pdf", timeout=0.5 if "sleep" in script else 30)
    assert error.value.code == code


def test_no_child_is_left_behind(returns):
    extract_in_sandbox(returns, "returns.pdf")
    commands = [child.cmdline() for child in psutil.Process().children(recursive=True)]
    assert not any("knowledge.extract.child" in command for command in commands)


def test_a_page_is_scanned_in_the_child_too(tmp_path):
    path = tmp_path / "page.html"
    path.write_text(
        '<base href="/help/"><a href="faq#top">Ответы</a><a rel="nofollow" href="/ad">Реклама</a>', encoding="utf-8"
    )
    scan = scan_in_sandbox(path)
    assert (scan.links, scan.may_index, scan.may_follow) == (["/help/faq"], True, True)
