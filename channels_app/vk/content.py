"""What a message of VK holds: words, files, a place, forwarded messages inside each other; the rest as a line with its link."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _
from pydantic import Field

from channels_app.base import IncomingFile
from channels_app.parts import Number, Part, Text, items, mapping, number, read, words
from channels_app.vk.payloads import DEEPEST, Message, Person

# [id1|Марина] and [club1|@shop]: a mention; only its words are for reading.
_MENTION = re.compile(r"\[(?:id|club|public|event)\d+\|([^\[\]]+)\]")
_STICKER_WIDTH = 512
# Sizes of pictures, smallest first: old ones have no other.
_LETTERS = "smxopqryzw"
# How the pages of these are called at vk.ru.
_PAGES = {"video": "video", "wall": "wall", "market": "product", "poll": "poll", "story": "story", "audio": "audio",
          "photo": "photo", "narrative": "narrative"}  # fmt: skip
_TITLES = ("title", "name", "question", "caption", "text")


class Place(Part):
    latitude: float = Field(ge=-90, le=90)
    longitude: float = Field(ge=-180, le=180)


class Picture(Part):
    type: Text = ""
    url: Text = ""
    width: Number = 0
    height: Number = 0


@dataclass
class Content:
    """`extra` as in Message.content; `missed`: kinds that a person saw and we cannot show."""

    text: str = ""
    extra: dict[str, Any] = field(default_factory=dict)
    files: list[IncomingFile] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)


def content_of(message: Message, people: Mapping[int, Person]) -> Content:
    content = Content()
    lines = _lines(message, content, people, 0)
    answered = message.reply_message
    if quote := readable(words(answered.get("text"))):
        content.extra["quote"] = quote[:500]
    if not (any(lines) or content.files or content.extra.keys() - {"quote", "forwarded_from"}):
        content.missed.append("message")
        lines.append(placeholder("message"))
    if content.missed:
        content.extra["unsupported"] = content.missed[0]
    content.text = "\n".join(filter(None, lines))
    return content


def readable(text: str) -> str:
    return _MENTION.sub(r"\1", text)


def placeholder(kind: str, *more: str) -> str:
    line = _("[The customer sent something that cannot be shown here: %(kind)s]") % {"kind": kind}
    return " ".join(filter(None, [line, *more]))


def name_of(person_id: int, people: Mapping[int, Person]) -> str:
    if person_id < 0:
        return _("Community %(id)s") % {"id": -person_id}
    known = people.get(person_id)
    return known.name if known else ""


def _lines(message: Message, content: Content, people: Mapping[int, Person], depth: int) -> list[str]:
    """The words of the message and of what is inside it; files and the place go into `content`."""
    lines = [readable(message.text)]
    if message.geo:
        lines += _read_place(message.geo, content)
    for attachment in map(mapping, message.attachments):
        found = _read_attachment(attachment, content, message.place)
        lines += [line for line in found if line not in message.text]
    for inner in message.forwarded:
        lines += _forwarded(inner, content, people, depth + 1)
    return lines


def _forwarded(message: Message, content: Content, people: Mapping[int, Person], depth: int) -> list[str]:
    author = name_of(message.from_id, people) or (f"id{message.from_id}" if message.from_id else _("somebody"))
    content.extra.setdefault("forwarded_from", author)
    if depth > DEEPEST:
        content.missed.append("fwd_messages")
        return [placeholder("fwd_messages")]
    inside = "\n".join(filter(None, _lines(message, content, people, depth)))
    return [f"{author}:", *(f"> {line}" for line in inside.splitlines())] if inside else [f"{author}:"]


def _read_place(geo: Mapping[str, Any], content: Content) -> list[str]:
    place, title = read(Place, geo.get("coordinates")), words(mapping(geo.get("place")).get("title"))
    if place is None:
        content.missed.append("geo")
        return [placeholder("geo", title)]
    if "location" in content.extra:
        return [f"{title} {place.latitude}, {place.longitude}".strip()]
    content.extra["location"] = {**place.model_dump(), **({"title": title} if title else {})}
    return []


# ---- Attachments -----------------------------------------------------------------------------------------------------


def _read_attachment(attachment: Mapping[str, Any], content: Content, place: tuple[int, int]) -> list[str]:
    kind = words(attachment.get("type"))[:40]
    thing = mapping(attachment.get(kind))
    if kind in _FILES:
        file = _FILES[kind](thing)
        if file is not None:
            peer, cmid = place
            remote = {**file.remote, "key": key_of(kind, thing), "peer": peer, "cmid": cmid}
            content.files.append(IncomingFile(kind=file.kind, name=file.name, size=file.size, remote=remote))
            return [words(thing.get("transcript"))]
    title, link = _title(thing), _link(kind, thing)
    if kind == "video" and link:
        # Bots get no file of a video, only its page.
        return [_("Video “%(title)s”: %(link)s") % {"title": title, "link": link}]
    if kind == "audio" and (title or link):
        return [" ".join(filter(None, [words(thing.get("artist")), "—", title, link]))]
    if kind == "link" and link:
        return [title, link]
    content.missed.append(kind or "attachment")
    return [placeholder(kind or "attachment", title, link)]


def key_of(kind: str, thing: Mapping[str, Any]) -> str:
    """What makes the same file the same, whatever its address is today."""
    return f"{kind}{number(thing.get('owner_id'))}_{number(thing.get('id')) or number(thing.get('sticker_id'))}"


def _title(thing: Mapping[str, Any]) -> str:
    return next((found for found in (words(thing.get(name)).strip() for name in _TITLES) if found), "")[:200]


def _link(kind: str, thing: Mapping[str, Any]) -> str:
    for name in ("url", "view_url", "share_url"):
        given = words(thing.get(name))
        if given.startswith(("https://", "http://")):
            return given
    # A post calls its owner by several names.
    owner = next((n for n in (number(thing.get(name)) for name in ("owner_id", "to_id", "from_id")) if n), 0)
    own = number(thing.get("id"))
    if kind not in _PAGES or not (owner and own):
        return ""
    key = words(thing.get("access_key"))
    return f"https://vk.ru/{_PAGES[kind]}{owner}_{own}" + (f"_{key}" if key else "")


def _photo(thing: Mapping[str, Any]) -> IncomingFile | None:
    # Their order means nothing.
    sizes = [read(Picture, size) for size in [*items(thing.get("sizes")), thing.get("orig_photo")]]
    pictures = [size for size in sizes if size is not None and size.url]
    if not pictures:
        return None
    best = max(pictures, key=lambda picture: (picture.width * picture.height, _LETTERS.find(picture.type)))
    return IncomingFile(kind="photo", name="photo.jpg", remote={"url": best.url})


def _document(thing: Mapping[str, Any]) -> IncomingFile | None:
    url, title, ext = words(thing.get("url")), words(thing.get("title")) or "file", words(thing.get("ext"))
    if not url:
        return None
    name = title if not ext or title.lower().endswith(f".{ext.lower()}") else f"{title}.{ext}"
    return IncomingFile(kind="document", name=name, size=max(0, number(thing.get("size"))), remote={"url": url})


def _voice(thing: Mapping[str, Any]) -> IncomingFile | None:
    ogg, mp3 = words(thing.get("link_ogg")), words(thing.get("link_mp3"))
    if not (ogg or mp3):
        return None
    return IncomingFile(kind="voice", name="voice.ogg" if ogg else "voice.mp3", remote={"url": ogg or mp3})


def _sticker(thing: Mapping[str, Any]) -> IncomingFile | None:
    images = [image for image in (read(Picture, row) for row in items(thing.get("images"))) if image and image.url]
    if not images:
        return None
    best = min(images, key=lambda image: abs(image.width - _STICKER_WIDTH))
    return IncomingFile(kind="sticker", name="sticker.png", remote={"url": best.url})


def _graffiti(thing: Mapping[str, Any]) -> IncomingFile | None:
    url = words(thing.get("url"))
    return IncomingFile(kind="photo", name="graffiti.png", remote={"url": url}) if url else None


_FILES: dict[str, Callable[[Mapping[str, Any]], IncomingFile | None]] = {
    "photo": _photo,
    "doc": _document,
    "audio_message": _voice,
    "sticker": _sticker,
    "graffiti": _graffiti,
}


def address_of(message: Message, key: str, depth: int = 0) -> str:
    """Where the file with this key lies, in the message or in what it forwards; empty when it is not there."""
    for attachment in map(mapping, message.attachments):
        kind = words(attachment.get("type"))
        thing = mapping(attachment.get(kind))
        if kind in _FILES and key_of(kind, thing) == key and (file := _FILES[kind](thing)):
            return str(file.remote["url"])
    if depth < DEEPEST:
        inner = (address_of(forwarded, key, depth + 1) for forwarded in message.forwarded)
        return next((url for url in inner if url), "")
    return ""
