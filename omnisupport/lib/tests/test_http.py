"""The guarded client keeps its time, whatever the other side does."""

from collections.abc import Iterator
from typing import Any

import pytest

from omnisupport.lib.errors import InvalidInput, Unavailable
from omnisupport.lib.http import fetch
from tests.standins.server import Answer, StandIn, drip


@pytest.fixture
def site(settings: Any) -> Iterator[StandIn]:
    with StandIn() as stand_in:
        settings.OUTBOUND_ALLOWED_HOSTS = [stand_in.host]
        yield stand_in


def slow_headers() -> Iterator[bytes]:
    yield b"HTTP/1.1 200 OK\r\nX-Slow: "
    yield from drip(b"y")


@pytest.mark.parametrize("answer", [Answer(raw=slow_headers()), Answer(chunks=drip())], ids=["headers", "body"])
def test_a_site_that_drips_meets_the_deadline(site: StandIn, answer: Answer) -> None:
    site.script(answer)
    with pytest.raises(Unavailable) as caught:
        fetch(f"{site.url}/page", max_bytes=10_000, timeout=0.5)
    assert caught.value.code == "timeout"


def test_a_redirect_into_the_private_network_is_not_followed(site: StandIn) -> None:
    site.script(Answer(302, json={}, headers={"Location": "http://169.254.169.254/latest/meta-data"}))
    with pytest.raises(InvalidInput) as caught:
        fetch(f"{site.url}/page", max_bytes=10_000)
    assert caught.value.code == "private_url"
