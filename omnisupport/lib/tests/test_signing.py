"""The signature by which a customer's program and we know each other."""

import re
from pathlib import Path
from typing import Any

import pytest

from omnisupport.lib import signing
from omnisupport.lib.errors import NotAuthenticated

BODY = b'{"type":"message","id":"m-1","from":{"id":"user-81"},"text":"Hello"}'


def test_the_worked_example_of_the_manual_is_right() -> None:
    manual = (Path(__file__).parents[3] / "docs" / "api.md").read_text(encoding="utf-8")
    found = re.search(r"# '([0-9a-f]{64})'", manual)
    assert found and BODY.decode() in manual
    assert signing.sign("whsec_example", "1790000000", BODY) == found[1]


def test_what_we_sign_we_take_and_nothing_else() -> None:
    headers = {name.lower(): value for name, value in signing.signed_headers("s", BODY).items()}
    signing.check_signature("s", headers, BODY)
    for secret, body in (("S", BODY), ("s", BODY + b"\n"), ("", BODY)):
        with pytest.raises(NotAuthenticated):
            signing.check_signature(secret, headers, body)


def test_a_copied_request_is_worth_nothing_after_five_minutes(monkeypatch: Any) -> None:
    headers = {name.lower(): value for name, value in signing.signed_headers("s", BODY).items()}
    now = int(headers["x-omni-timestamp"])
    monkeypatch.setattr(signing.time, "time", lambda: now + signing.MAX_AGE + 1)
    with pytest.raises(NotAuthenticated) as caught:
        signing.check_signature("s", headers, BODY)
    assert caught.value.code == "stale_signature"
