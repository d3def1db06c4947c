"""What leaves for Telegram: text in pieces of at most 4,096 UTF-16 units, files by their kind, buttons, numbered sources."""

import html
import re
from collections.abc import Mapping, Sequence
from typing import Any

from channels_app.base import OutgoingFile, OutgoingMessage

TEXT_LIMIT = 4096
CAPTION_LIMIT = 1024
_METHODS = {
    "photo": ("sendPhoto", "photo"),
    "voice": ("sendVoice", "voice"),
    "audio": ("sendAudio", "audio"),
    "video": ("sendVideo", "video"),
}
_PHOTO_LIMIT = 10 * 1024 * 1024


def units(text: str) -> int:
    """Telegram counts UTF-16: one emoji may be five."""
    return len(text.encode("utf-16-le")) // 2


def with_sources(text: str, citations: Sequence[Mapping[str, Any]]) -> str:
    """The sources as a numbered list under the text; [n] in it stays."""
    if not citations:
        return text
    lines = []
    for source in citations:
        name = str(source.get("title", ""))
        if source.get("page"):
            name += f", {source['page']}"
        if source.get("url"):
            name += f" — {source['url']}"
        lines.append(f"[{source.get('n')}] {name}")
    return text + "\n\n" + "\n".join(lines)


def split_text(text: str, limit: int = TEXT_LIMIT) -> list[str]:
    """Pieces within the limit, cut between paragraphs, else lines, else words."""
    pieces: list[str] = []
    rest = text.strip()
    while units(rest) > limit:
        cut = _cut(rest, limit)
        pieces.append(rest[:cut].rstrip())
        rest = rest[cut:].lstrip()
    return [*pieces, rest] if rest else pieces


def _cut(text: str, limit: int) -> int:
    end = min(len(text), limit)
    while units(text[:end]) > limit:
        end -= max(1, (units(text[:end]) - limit) // 2)
    for pattern in (r"\n\s*\n", r"\n", r"(?<=[.!?…])\s", r"\s"):
        places = [m.end() for m in re.finditer(pattern, text[:end])]
        # A cut near the beginning would leave a stub of a message.
        if places and places[-1] > end // 3:
            return places[-1]
    return end


def as_html(text: str) -> str:
    return html.escape(text, quote=False)


def keyboard(buttons: Sequence[Mapping[str, str]]) -> dict[str, Any] | None:
    rows = []
    for button in buttons:
        data = button.get("value", "") or button.get("text", "")
        while len(data.encode()) > 64:
            data = data[:-1]
        if button.get("text") and data:
            rows.append([{"text": button["text"][:64], "callback_data": data}])
    return {"inline_keyboard": rows} if rows else None


def file_call(file: OutgoingFile) -> tuple[str, str]:
    """(method, field) for a file of this kind; a picture too large for a photo goes as a document."""
    if file.kind == "photo" and file.size > _PHOTO_LIMIT:
        return "sendDocument", "document"
    return _METHODS.get(file.kind, ("sendDocument", "document"))


def base_of(message: OutgoingMessage) -> dict[str, Any]:
    base: dict[str, Any] = {"chat_id": int(message.address)}
    thread = message.details.get("message_thread_id")
    if thread:
        base["message_thread_id"] = thread
    return base


def reply_of(message: OutgoingMessage) -> dict[str, Any]:
    if not message.reply_to_external_id.isdecimal():
        return {}
    return {"reply_parameters": {"message_id": int(message.reply_to_external_id), "allow_sending_without_reply": True}}
