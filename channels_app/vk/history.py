"""What VK holds of customers' messages, for the daily reconciliation: dialogues by their newest message, then back in each."""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from channels_app.parts import items, mapping, number
from channels_app.vk.client import VERSION
from channels_app.vk.payloads import is_dialogue, read_message

# As many as VK hands over in one call.
_PAGE = 200
# Ten thousand dialogues, or messages of one person in a day: beyond, something else is wrong.
_MOST_PAGES = 50

Ask = Callable[[str, Mapping[str, Any]], Any]


def received_since(ask: Ask, group_id: str, since: datetime) -> list[bytes]:
    """Events as VK would have brought them. Raises TransportError."""
    # VK's times are whole seconds.
    stamp = int(since.timestamp())
    bodies = []
    for peer in _dialogues(ask, group_id, stamp):
        rows = sorted(_messages(ask, group_id, peer, stamp), key=lambda row: number(row.get("conversation_message_id")))
        bodies += [_as_event(group_id, peer, row) for row in rows]
    return bodies


def _dialogues(ask: Ask, group_id: str, stamp: int) -> Iterator[int]:
    for page in range(_MOST_PAGES):
        query = {"group_id": group_id, "count": _PAGE, "offset": page * _PAGE}
        rows = [mapping(row) for row in items(mapping(ask("messages.getConversations", query)).get("items"))]
        for row in rows:
            last = mapping(row.get("last_message"))
            if number(last.get("date")) < stamp:
                return
            peer = number(mapping(mapping(row.get("conversation")).get("peer")).get("id")) or number(
                last.get("peer_id")
            )
            if is_dialogue(peer):
                yield peer
        if len(rows) < _PAGE:
            return


def _messages(ask: Ask, group_id: str, peer: int, stamp: int) -> Iterator[Mapping[str, Any]]:
    for page in range(_MOST_PAGES):
        query = {"group_id": group_id, "peer_id": peer, "count": _PAGE, "offset": page * _PAGE}
        rows = [mapping(row) for row in items(mapping(ask("messages.getHistory", query)).get("items"))]
        for row in rows:
            message = read_message(row)
            if message.date < stamp:
                return
            if not message.is_own and message.cmid:
                yield row
        if len(rows) < _PAGE:
            return


def _as_event(group_id: str, peer: int, row: Mapping[str, Any]) -> bytes:
    event = {
        "type": "message_new",
        "group_id": int(group_id),
        "event_id": f"history:{peer}:{number(row.get('conversation_message_id'))}",
        "v": VERSION,
        "object": {"message": {**row, "peer_id": peer}},
    }
    return json.dumps(event, ensure_ascii=False).encode()
