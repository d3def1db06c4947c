"""Readers of streamed answers: lines, Server-Sent Events, one JSON object a line."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ai_assistant.providers.base.errors import ProtocolError

_LINE_END = re.compile(rb"\r\n|\n|\r")
_MAX_LINE = 1024 * 1024


@dataclass(frozen=True)
class ServerEvent:
    data: str
    event: str = "message"


def iter_lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Lines without their ends, empty ones too. Only CR and LF end a line: str.splitlines (and httpx) would also cut at
    U+2028 and U+0085, which may stand raw inside a JSON string. Raises ProtocolError for a line of more than 1 MB.
    """
    pending = b""
    for chunk in chunks:
        pending += chunk
        # A CR at the very end may be the first half of CR LF.
        held = b"\r" if pending.endswith(b"\r") else b""
        *lines, pending = _LINE_END.split(pending.removesuffix(b"\r") if held else pending)
        yield from lines
        pending += held
        if len(pending) > _MAX_LINE:
            raise ProtocolError(code="llm_too_large")
    if pending:
        yield pending.removesuffix(b"\r")


def iter_events(lines: Iterable[bytes]) -> Iterator[ServerEvent]:
    """Server-Sent Events. An event that the end of the stream cuts off is given all the same; its JSON tells."""
    data: list[str] = []
    name = ""
    for number, raw in enumerate(lines):
        line = (raw.removeprefix(b"\xef\xbb\xbf") if number == 0 else raw).decode("utf-8", "replace")
        field, _colon, value = line.partition(":")
        value = value.removeprefix(" ")
        if not line:
            if data:
                yield ServerEvent("\n".join(data), name or "message")
            data, name = [], ""
        elif field == "data":
            data.append(value)
        elif field == "event":
            name = value
    if data:
        yield ServerEvent("\n".join(data), name or "message")


def iter_json_lines(lines: Iterable[bytes]) -> Iterator[bytes]:
    """NDJSON: the lines that hold something."""
    for line in lines:
        if line.strip():
            yield line
