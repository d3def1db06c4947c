"""What leaves for VK: plain text in pieces, up to ten files with it, voice alone, buttons under the last of them.

VK can mark words bold by places in the text (`format_data`), but nowhere says in which units it counts them: one emoji would
put every mark after it in the wrong place. So marks are left out.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any
from uuid import UUID

from django.conf import settings

from channels_app.base import OutgoingFile, OutgoingMessage
from channels_app.text import split_text, with_sources
from omnisupport.lib.markup import PLAIN, translate

FILES_LIMIT = 10
BUTTONS_LIMIT = 10
_ROWS = 6
_LABEL, _PAYLOAD = 40, 255
_PHOTOS = {"image/jpeg", "image/png", "image/webp"}
_VOICES = {"audio/ogg", "audio/opus"}
# More pieces no message has.
_MOST_PIECES = 64
# [id1|words], *id1 (words) and @id1 (words) would call somebody.
_MENTIONS = re.compile(r"\[(?=[^\[\]|\s]+\|)|(?<![\w.])[@*](?=\w+ ?\()")
_BREAK = "\u200b"


def random_id(key: UUID, piece: int | None = None) -> int:
    """By this number VK knows a repeat. A message of one piece, and the last of several, has the one above zero; the earlier
    pieces have each their own below zero, so that an echo says whether all of the message has left."""
    piece_bytes = b"" if piece is None else piece.to_bytes(2, "big")
    digest = hashlib.sha256(key.bytes + piece_bytes).digest()
    # Zero would mean: do not check.
    number = int.from_bytes(digest[:4], "big") & 0x7FFFFFFF or 1
    return number if piece is None else -number


def is_random_id_of(number: int, key: UUID) -> bool:
    if number > 0:
        return number == random_id(key)
    return any(number == random_id(key, piece) for piece in range(_MOST_PIECES))


@dataclass(frozen=True)
class Step:
    """One message at VK. `keyboard` and `reply_to` are empty or whole."""

    random_id: int
    text: str = ""
    files: Sequence[OutgoingFile] = ()
    keyboard: str = ""
    reply_to: str = ""

    def data(self, peer: str, attachments: Sequence[str]) -> dict[str, Any]:
        data = {"peer_id": peer, "random_id": self.random_id, "disable_mentions": 1}
        if self.text:
            data["message"] = self.text
        if attachments:
            data["attachment"] = ",".join(attachments)
        if self.keyboard:
            data["keyboard"] = self.keyboard
        if self.reply_to:
            reply = {"peer_id": int(peer), "conversation_message_ids": [int(self.reply_to)], "is_reply": 1}
            data["forward"] = json.dumps(reply)
        return data

    def without_reply(self) -> "Step":
        return replace(self, reply_to="")


@dataclass(frozen=True)
class _Piece:
    text: str = ""
    files: Sequence[OutgoingFile] = field(default=())


def steps_of(message: OutgoingMessage) -> list[Step]:
    """The same message gives the same steps at every try: the place in the list says what has been sent already."""
    pieces = _pieces(message)
    last = len(pieces) - 1
    steps = [
        Step(random_id(message.key, None if index == last else index), piece.text, piece.files)
        for index, piece in enumerate(pieces)
    ]
    if steps and message.reply_to_external_id.isdecimal():
        steps[0] = replace(steps[0], reply_to=message.reply_to_external_id)
    if steps:
        callback = message.details.get("callback_buttons") is not False
        steps[-1] = replace(steps[-1], keyboard=keyboard(message.buttons, callback=callback))
    return steps


def _pieces(message: OutgoingMessage) -> list[_Piece]:
    groups = list(_groups(message.files))
    text = plain(with_sources(message.text, message.citations))
    texts = split_text(text, settings.VK_TEXT_LIMIT, length)
    if len(groups) == 1 and len(texts) == 1 and not is_voice(groups[0][0]):
        return [_Piece(texts[0], groups[0])]
    return [*(_Piece(files=group) for group in groups), *(_Piece(piece) for piece in texts)]


def _groups(files: Sequence[OutgoingFile]) -> Iterator[list[OutgoingFile]]:
    """Ten together at most; a voice message stands alone, even without words."""
    for alone, group in groupby(files, key=is_voice):
        members, size = list(group), 1 if alone else FILES_LIMIT
        yield from (members[start : start + size] for start in range(0, len(members), size))


def is_voice(file: OutgoingFile) -> bool:
    return file.kind == "voice" and _mime(file) in _VOICES


def is_photo(file: OutgoingFile) -> bool:
    return file.kind != "document" and _mime(file) in _PHOTOS


def _mime(file: OutgoingFile) -> str:
    return file.mime.partition(";")[0].strip()


def length(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def plain(text: str) -> str:
    """Without marks, and with nobody called by it."""
    return _MENTIONS.sub(lambda match: match[0] + _BREAK, translate(text, PLAIN))


def keyboard(buttons: Sequence[Mapping[str, str]], *, callback: bool = True) -> str:
    """Under the message itself, ten at most; empty without buttons. `callback`: whether the customer's app knows buttons that
    write nothing; others write their label."""
    made = [_button(button, callback) for button in buttons if button.get("text")][:BUTTONS_LIMIT]
    across = 1 if len(made) <= _ROWS else 2
    rows = [made[start : start + across] for start in range(0, len(made), across)]
    return json.dumps({"inline": True, "buttons": rows}, ensure_ascii=False) if rows else ""


def _button(button: Mapping[str, str], callback: bool) -> dict[str, Any]:
    label = button.get("text", "")[:_LABEL]
    value = button.get("value", "") or label
    payload = _dump({"value": value, "text": label})
    if len(payload) > _PAYLOAD:
        payload = _dump({"value": value})
    while len(payload) > _PAYLOAD:
        value = value[: -max(1, len(payload) - _PAYLOAD)]
        payload = _dump({"value": value})
    return {"action": {"type": "callback" if callback else "text", "label": label, "payload": payload}}


def _dump(payload: Mapping[str, str]) -> str:
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
