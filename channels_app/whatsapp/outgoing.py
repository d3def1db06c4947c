"""What leaves for WhatsApp: text in pieces, one file a message, up to three buttons or a list of ten, templates."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from channels_app.base import OutgoingFile, OutgoingMessage, TransportError
from channels_app.text import split_marked, with_sources
from channels_app.whatsapp.templates import filled
from omnisupport.lib.markup import Dialect, translate

MB = 1024 * 1024
TEXT_LIMIT, CAPTION_LIMIT, BODY_LIMIT, FILE_LIMIT = 4096, 1024, 1024, 100 * MB
_BUTTONS, _ROWS = 3, 10
_BUTTON_TITLE, _ROW_TITLE, _ROW_DESCRIPTION, _BUTTON_ID, _ROW_ID = 20, 24, 72, 256, 200
_FIELDS = {
    "image/jpeg": "image", "image/png": "image", "video/mp4": "video", "video/3gpp": "video", "audio/aac": "audio",
    "audio/amr": "audio", "audio/mpeg": "audio", "audio/mp4": "audio", "audio/ogg": "audio",
}  # fmt: skip
_LIMITS = {"image": 5 * MB, "video": 16 * MB, "audio": 16 * MB, "sticker": 100 * 1024}
_CAPTIONED = {"image", "video", "document"}
# WhatsApp knows no escaping: a mark that was meant as a letter may make its neighbours bold.
_MARKUP = Dialect(bold=("*", "*"), italic=("_", "_"), strike=("~", "~"), code=("`", "`"), block=("```", "```"))


@dataclass(frozen=True)
class Step:
    """One message of WhatsApp: `data` without its recipient; a file joins it once it is uploaded."""

    data: Mapping[str, Any]
    file: OutgoingFile | None = None
    caption: str = ""

    def content(self, media_id: str = "") -> dict[str, Any]:
        if self.file is None:
            return dict(self.data)
        field = field_of(self.file)
        media: dict[str, Any] = {"id": media_id}
        if self.caption and field in _CAPTIONED:
            media["caption"] = self.caption
        if field == "document":
            media["filename"] = (self.file.name or "file")[:240]
        # Only this one is drawn as a voice; with any other the flag makes WhatsApp refuse the message.
        if field == "audio" and self.file.kind == "voice" and mime_of(self.file).startswith("audio/ogg"):
            media["voice"] = True
        return {**self.data, "type": field, field: media}

    def without_quote(self) -> "Step":
        return replace(self, data={key: value for key, value in self.data.items() if key != "context"})

    def as_link(self) -> "Step":
        """The address of the file in its place. Raises TransportError where it has none."""
        if self.file is None:
            return self
        words = "\n".join(filter(None, [self.caption, link_to(self.file)]))
        return Step({**self.data, **_text(words)})


def steps_of(message: OutgoingMessage) -> list[Step]:
    """The same message gives the same steps at every try: the place in the list says what has been sent already."""
    if message.template:
        return [Step({"type": "template", "template": filled(message.template)})]
    small = [file for file in message.files if file.size <= FILE_LIMIT]
    links = [link_to(file) for file in message.files if file.size > FILE_LIMIT]
    text = with_sources("\n".join(filter(None, [message.text, *links])), message.citations)
    text, choice = text.strip(), choice_of(message.buttons)
    if message.buttons and choice is None:
        text = "\n".join(filter(None, [text, numbered(message.buttons)]))
    captioned = len(small) == 1 and choice is None and field_of(small[0]) in _CAPTIONED
    captioned = captioned and bool(text) and _weight(text) <= CAPTION_LIMIT
    steps = [Step({}, file, _marked(text) if captioned else "") for file in small]
    if not captioned:
        steps += _words(text, choice)
    if steps and message.reply_to_external_id:
        quoted = {**steps[0].data, "context": {"message_id": message.reply_to_external_id}}
        steps[0] = replace(steps[0], data=quoted)
    return steps


def _words(text: str, choice: Mapping[str, Any] | None) -> list[Step]:
    """The text in pieces; buttons under it where it is short enough, else under a line of their own."""
    if choice is None:
        return _pieces(text)
    under = _marked(text) if text and _weight(text) <= BODY_LIMIT else ""
    before = [] if under else _pieces(text)
    body = {"body": {"text": under or _("Choose an answer:")}}
    return [*before, Step({"type": "interactive", "interactive": {**choice, **body}})]


def _pieces(text: str) -> list[Step]:
    return [Step(_text(_marked(piece))) for piece in split_marked(text, TEXT_LIMIT, _weight)]


def _marked(text: str) -> str:
    return translate(text, _MARKUP).strip()


def _weight(text: str) -> int:
    return units(_marked(text))


def _text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": {"body": words, "preview_url": False}}


def units(text: str) -> int:
    """UTF-16, the strictest of what may be counted: nobody says whether an emoji is one character or more."""
    return len(text.encode("utf-16-le")) // 2


def tag(key: UUID, piece: int, pieces: int) -> str:
    """Comes back in statuses. The last piece has the bare key: with it, the message has left."""
    return str(key) if piece == pieces - 1 else f"{key}#{piece}"


# ---- Files -----------------------------------------------------------------------------------------------------------


def field_of(file: OutgoingFile) -> str:
    """As what WhatsApp takes a file of this kind, type and size; what is too large for its own kind is a document."""
    plain = mime_of(file).partition(";")[0].strip()
    found = "sticker" if (file.kind, plain) == ("sticker", "image/webp") else _FIELDS.get(plain, "document")
    return "document" if file.kind == "document" or file.size > _LIMITS.get(found, FILE_LIMIT) else found


def mime_of(file: OutgoingFile) -> str:
    same = {"audio/x-m4a": "audio/mp4", "audio/mp3": "audio/mpeg", "image/jpg": "image/jpeg", "audio/opus": "audio/ogg"}
    return same.get(file.mime, file.mime) or "application/octet-stream"


def link_to(file: OutgoingFile) -> str:
    """Raises TransportError where the file has no address that the customer could open."""
    if not file.url:
        raise TransportError(_("WhatsApp does not take the file “%(name)s”.") % {"name": file.name}, permanent=True)
    return f"{file.name}: {file.url}" if file.name else file.url


# ---- Choices ---------------------------------------------------------------------------------------------------------


def choice_of(buttons: Sequence[Mapping[str, str]]) -> dict[str, Any] | None:
    """Reply buttons, or a list where they are many or long. None: neither can hold them."""
    given = [(button.get("text", "").strip(), button.get("value") or button.get("text", "")) for button in buttons]
    titles, values = [title for title, _value in given], [value for _title, value in given]
    if not given or not all(titles) or len(set(values)) < len(values) or len(given) > _ROWS:
        return None
    if len(given) <= _BUTTONS and len(set(titles)) == len(titles) and max(map(units, titles)) <= _BUTTON_TITLE:
        replies = [{"type": "reply", "reply": {"id": value[:_BUTTON_ID], "title": title}} for title, value in given]
        return {"type": "button", "action": {"buttons": replies}}
    if max(map(units, titles)) > _ROW_DESCRIPTION or max(map(len, values)) > _ROW_ID:
        return None
    rows = [_row(title, value) for title, value in given]
    return {"type": "list", "action": {"button": _("Choose"), "sections": [{"title": _("Answers"), "rows": rows}]}}


def _row(title: str, value: str) -> dict[str, str]:
    if units(title) <= _ROW_TITLE:
        return {"id": value, "title": title}
    short = title
    while units(short) > _ROW_TITLE - 1:
        short = short[:-1]
    return {"id": value, "title": short.rstrip() + "…", "description": title}


def numbered(buttons: Sequence[Mapping[str, str]]) -> str:
    titles = [button.get("text", "").strip() for button in buttons]
    return "\n".join(f"{place}. {title}" for place, title in enumerate(filter(None, titles), 1))
