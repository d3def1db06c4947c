"""Readers of streamed answers: any cutting of the bytes gives the same lines."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_assistant.providers.base import ProtocolError, ServerEvent, iter_events, iter_json_lines, iter_lines

LINES = [b"data: one", b"", "data: двa\u2028\u0085\u2029".encode(), b"", b"last"]


def cut(whole: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(whole) + 1) for place in places), len(whole)]
    return [whole[a:b] for a, b in itertools.pairwise(edges)]


@given(st.sampled_from([b"\n", b"\r\n", b"\r"]), st.lists(st.integers(0, 200)))
def test_lines_do_not_depend_on_how_bytes_arrive(end: bytes, places: list[int]) -> None:
    assert list(iter_lines(cut(end.join(LINES), places))) == LINES


def test_only_cr_and_lf_end_a_line() -> None:
    text = '{"text":"a\u2028b\u0085c\x0bd"}'.encode()
    assert list(iter_json_lines(iter_lines([text + b"\n"]))) == [text]


def test_a_line_without_end_is_stopped() -> None:
    with pytest.raises(ProtocolError):
        list(iter_lines(b"x" * 100_000 for _ in range(20)))


def events(text: str) -> list[ServerEvent]:
    return list(iter_events(iter_lines([text.encode()])))


def test_events() -> None:
    text = "\ufeff: keep-alive\n\nevent: answer\nid: 7\ndata:a\ndata: b\n\nretry: 10\n\ndata: [DONE]\n\n"
    assert events(text) == [ServerEvent("a\nb", "answer"), ServerEvent("[DONE]")]


def test_event_at_the_very_end_needs_no_empty_line() -> None:
    assert events("data: [DONE]") == [ServerEvent("[DONE]")]


def test_letters_cut_between_two_chunks() -> None:
    raw = "data: Здравствуйте\n\n".encode()
    chunks = [raw[i : i + 1] for i in range(len(raw))]
    assert list(iter_events(iter_lines(chunks))) == [ServerEvent("Здравствуйте")]
