"""What leaves for Viber: plain text in pieces, files as links that Viber fetches, one keyboard under the last of them."""

import html
import json
import mimetypes
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any
from urllib.parse import urlsplit

from django.utils.translation import gettext as _

from channels_app.base import OutgoingFile, OutgoingMessage, TransportError
from channels_app.text import split_text, with_sources
from channels_app.viber.incoming import action_body
from omnisupport.lib.markup import PLAIN, translate

TEXT_LIMIT = 7000
CAPTION_LIMIT = 512
NAME_LIMIT = 28
ROWS_LIMIT = 24
# iPhones take no larger ones; as a file they arrive all the same.
PICTURE_BYTES = 1024 * 1024
VIDEO_BYTES = 26 * 1024 * 1024
# The whole call has 30 KB: so much for the words, so much for the buttons, the rest for names and links.
_TEXT_BYTES, _KEYBOARD_BYTES = 20_000, 8_000


def steps_of(message: OutgoingMessage) -> list[dict[str, Any]]:
    """The parts of each call that differ. The same message gives the same at every try: the place in the list says what has
    been sent already. Raises TransportError for a file that Viber could not fetch."""
    text = translate(with_sources(message.text, message.citations), PLAIN).strip()
    steps = [_file_step(file) for file in message.files]
    if len(steps) == 1 and steps[0]["type"] == "picture" and len(text) <= CAPTION_LIMIT:
        steps[0]["text"] = text
    else:
        steps += [{"type": "text", "text": piece} for piece in split_text(text, TEXT_LIMIT, weight)]
    board = keyboard(message.buttons)
    if steps and board:
        steps[-1]["keyboard"] = board
    return steps


def weight(text: str) -> int:
    """Characters, or more where their bytes would fill the call first."""
    size = len(json.dumps(text, ensure_ascii=False).encode("utf-8", "replace"))
    return max(len(text), -(-size * TEXT_LIMIT // _TEXT_BYTES))


def _file_step(file: OutgoingFile) -> dict[str, Any]:
    if urlsplit(file.url).scheme != "https":
        reason = _("Viber fetches files from a public https:// address, which this installation does not have.")
        raise TransportError(reason, permanent=True)
    mime, ending = file.mime.partition(";")[0].strip(), PurePath(urlsplit(file.url).path).suffix.lower()
    if mime in {"image/jpeg", "image/png"} and ending in {".jpg", ".jpeg", ".png"} and file.size <= PICTURE_BYTES:
        return {"type": "picture", "text": "", "media": file.url}
    if mime == "video/mp4" and ending == ".mp4" and file.size <= VIDEO_BYTES:
        return {"type": "video", "media": file.url, "size": file.size}
    return {"type": "file", "media": file.url, "size": file.size, "file_name": _file_name(file, mime)}


def _file_name(file: OutgoingFile, mime: str) -> str:
    """At most 256 characters, its ending included and kept."""
    name = PurePath(file.name or "file")
    suffix = name.suffix or mimetypes.guess_extension(mime) or ".bin"
    return name.stem[: 256 - len(suffix)] + suffix


def keyboard(buttons: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    """One button a row, as many as have room; empty without buttons."""
    rows: list[dict[str, Any]] = []
    for button in buttons[:ROWS_LIMIT]:
        text = button.get("text", "").strip()
        if text:
            # Texts of buttons are HTML of a kind.
            label = html.escape(text[:100], quote=False)
            action = {"ActionType": "reply", "ActionBody": action_body(button.get("value", "") or text, text)}
            rows.append({"Columns": 6, "Rows": 1, **action, "Text": label})
    while len(json.dumps(rows, ensure_ascii=False).encode("utf-8", "replace")) > _KEYBOARD_BYTES:
        rows.pop()
    return {"Type": "keyboard", "DefaultHeight": False, "Buttons": rows} if rows else {}
