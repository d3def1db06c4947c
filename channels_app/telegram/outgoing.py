"""What leaves for Telegram: text in pieces of at most 4,096 UTF-16 units, files by their kind, albums, buttons, sources."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any

from channels_app.base import OutgoingFile, OutgoingMessage
from channels_app.text import split_marked, with_sources
from omnisupport.lib.markup import HTML, PLAIN, translate

TEXT_LIMIT = 4096
CAPTION_LIMIT = 1024
ALBUM_LIMIT = 10
# Larger pictures go as documents, and so do types that Telegram would not show as what they are.
_PHOTO_LIMIT = 10 * 1024 * 1024
_FIELDS = {
    "image/jpeg": "photo", "image/png": "photo", "image/webp": "photo", "image/gif": "animation", "video/mp4": "video",
    "audio/mpeg": "audio", "audio/mp4": "audio", "audio/x-m4a": "audio", "audio/ogg": "voice", "audio/opus": "voice",
}  # fmt: skip
# Documents and audio stand in an album with their own kind only; voice and animation in none.
_ALBUMS = {"photo": "seen", "video": "seen", "document": "document", "audio": "audio"}


@dataclass(frozen=True)
class Step:
    """One call of the Bot API: a piece of text, a file or an album with its caption.

    `plain` is the text without markup, for when Telegram cannot read the markup. `field` is the kind of each file.
    """

    data: Mapping[str, Any]
    plain: str = ""
    files: Sequence[OutgoingFile] = ()
    fields: Sequence[str] = ()
    caption: Mapping[str, str] = field(default_factory=dict)

    def as_documents(self) -> "Step":
        return replace(self, fields=["document"] * len(self.files))

    def with_uploads(self) -> "Step":
        return replace(self, files=[replace(file, remote={}) for file in self.files])

    def outside_topics(self) -> "Step":
        return replace(self, data={name: value for name, value in self.data.items() if name != "message_thread_id"})

    def without_markup(self) -> "Step":
        """The same words, free of anything that has to be parsed."""
        data = {name: value for name, value in self.data.items() if name != "parse_mode"}
        if self.files:
            return replace(self, data=data, caption={"caption": self.plain} if self.caption else {})
        return replace(self, data={**data, "text": self.plain})


def steps_of(message: OutgoingMessage) -> list[Step]:
    """The same message gives the same steps at every try: the place in the list says what has been sent already."""
    text = with_sources(message.text, message.citations)
    markup = keyboard(message.buttons)
    # An album takes no buttons.
    groups = [[file] for file in message.files] if markup else albums(message.files)
    captioned = len(groups) == 1 and bool(text) and units(text) <= CAPTION_LIMIT
    base, steps = _base_of(message), []
    for group in groups:
        caption = {"caption": as_html(text), "parse_mode": "HTML"} if captioned else {}
        steps.append(
            Step(
                base, plain=text if captioned else "", files=group, fields=[field_of(f) for f in group], caption=caption
            )
        )
    for piece in [] if captioned else split_marked(text, TEXT_LIMIT, units):
        data = {"text": as_html(piece), "parse_mode": "HTML", "link_preview_options": {"is_disabled": True}}
        steps.append(Step({**base, **data}, plain=translate(piece, PLAIN)))
    if steps:
        steps[0] = replace(steps[0], data={**steps[0].data, **_reply_of(message)})
    if steps and markup:
        steps[-1] = replace(steps[-1], data={**steps[-1].data, "reply_markup": markup})
    return steps


def albums(files: Sequence[OutgoingFile]) -> list[list[OutgoingFile]]:
    """Neighbours that may share an album, in order, at most ten together."""
    return list(_albums(files))


def _albums(files: Sequence[OutgoingFile]) -> Iterator[list[OutgoingFile]]:
    for kind, group in groupby(files, key=lambda file: _ALBUMS.get(field_of(file), "")):
        members = list(group)
        size = ALBUM_LIMIT if kind else 1
        yield from (members[start : start + size] for start in range(0, len(members), size))


def field_of(file: OutgoingFile) -> str:
    """How Telegram shows a file of this kind and type: photo, video, audio, voice, animation or document."""
    found = _FIELDS.get(file.mime.partition(";")[0].strip(), "document")
    if file.kind == "document" or (found == "photo" and file.size > _PHOTO_LIMIT):
        return "document"
    return "voice" if file.kind == "voice" and found == "audio" else found


def units(text: str) -> int:
    """Telegram counts UTF-16: one emoji may be five."""
    return len(text.encode("utf-16-le")) // 2


def as_html(text: str) -> str:
    return translate(text, HTML)


def keyboard(buttons: Sequence[Mapping[str, str]]) -> dict[str, Any] | None:
    """One button a row; their data hold 64 bytes."""
    rows = []
    for button in buttons:
        data = (button.get("value", "") or button.get("text", "")).encode()[:64].decode(errors="ignore")
        if button.get("text") and data:
            rows.append([{"text": button["text"][:64], "callback_data": data}])
    return {"inline_keyboard": rows} if rows else None


def chat_of(address: str, details: Mapping[str, Any]) -> dict[str, Any]:
    """Where a call goes: the chat, its topic, and the business account on whose behalf."""
    chat: dict[str, Any] = {"chat_id": int(address.rpartition(":")[2])}
    for name in ("message_thread_id", "business_connection_id"):
        if details.get(name):
            chat[name] = details[name]
    return chat


def _base_of(message: OutgoingMessage) -> dict[str, Any]:
    return chat_of(message.address, message.details)


def _reply_of(message: OutgoingMessage) -> dict[str, Any]:
    if not message.reply_to_external_id.isdecimal():
        return {}
    return {"reply_parameters": {"message_id": int(message.reply_to_external_id), "allow_sending_without_reply": True}}
