"""What leaves for MAX: text in pieces of at most 4,000 characters of HTML, pictures together, files alone, buttons."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any

from channels_app.base import OutgoingFile, OutgoingMessage
from channels_app.text import split_marked, with_sources
from omnisupport.lib.markup import HTML, translate

TEXT_LIMIT = 4000
GALLERY_LIMIT = 12
ROWS_LIMIT = 30
_KINDS = {
    "image/jpeg": "image", "image/png": "image", "image/gif": "image", "image/webp": "image", "image/bmp": "image",
    "image/tiff": "image", "image/heic": "image", "video/mp4": "video", "video/quicktime": "video",
    "video/webm": "video", "video/x-matroska": "video", "audio/mpeg": "audio", "audio/mp4": "audio",
    "audio/x-m4a": "audio", "audio/wav": "audio", "audio/x-wav": "audio", "audio/ogg": "audio", "audio/opus": "audio",
}  # fmt: skip


@dataclass(frozen=True)
class Step:
    """One message at MAX: a piece of text, or files that may stand together, with the text where it fits.

    `keyboard` and `link` are whole parts of the body, or nothing.
    """

    text: str = ""
    files: Sequence[OutgoingFile] = ()
    keyboard: Mapping[str, Any] = field(default_factory=dict)
    link: Mapping[str, Any] = field(default_factory=dict)

    def body(self, media: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        attachments = [*media, *([self.keyboard] if self.keyboard else [])]
        body: dict[str, Any] = {"text": as_html(self.text), "format": "html"} if self.text else {}
        if attachments:
            body["attachments"] = attachments
        if self.link:
            body["link"] = self.link
        return body

    def without_link(self) -> "Step":
        return replace(self, link={})


def steps_of(message: OutgoingMessage) -> list[Step]:
    """The same message gives the same steps at every try: the place in the list says what has been sent already."""
    groups = list(_groups(message.files))
    pieces = split_marked(with_sources(message.text, message.citations), TEXT_LIMIT, markup_length)
    if len(groups) == 1 and len(pieces) == 1:
        steps = [Step(text=pieces[0], files=groups[0])]
    else:
        steps = [*(Step(files=group) for group in groups), *(Step(text=piece) for piece in pieces)]
    if steps and message.reply_to_external_id:
        steps[0] = replace(steps[0], link={"type": "reply", "mid": message.reply_to_external_id})
    if steps:
        steps[-1] = replace(steps[-1], keyboard=keyboard(message.buttons))
    return steps


def _groups(files: Sequence[OutgoingFile]) -> Iterator[list[OutgoingFile]]:
    """Pictures and videos stand together, at most twelve; a file or a sound stands alone."""
    for together, group in groupby(files, key=lambda file: upload_kind(file) in {"image", "video"}):
        members = list(group)
        size = GALLERY_LIMIT if together else 1
        yield from (members[start : start + size] for start in range(0, len(members), size))


def upload_kind(file: OutgoingFile) -> str:
    """image, video, audio or file."""
    return "file" if file.kind == "document" else _KINDS.get(file.mime.partition(";")[0].strip(), "file")


def keyboard(buttons: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    """One button a row, thirty rows at most; empty without buttons."""
    rows = []
    for button in buttons[:ROWS_LIMIT]:
        text, payload = button.get("text", "")[:128], (button.get("value", "") or button.get("text", ""))[:1024]
        if text and payload:
            rows.append([{"type": "callback", "text": text, "payload": payload}])
    return {"type": "inline_keyboard", "payload": {"buttons": rows}} if rows else {}


def as_html(text: str) -> str:
    return translate(text, HTML)


def markup_length(text: str) -> int:
    return len(as_html(text))
