"""A letter taken apart: headers, texts and files.

The standard parser splits the MIME and no more: what it makes of charsets and addresses raises on a broken header the moment
one looks at it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes
from email.header import decode_header
from email.message import Message
from email.utils import collapse_rfc2231_value, getaddresses, parsedate_to_datetime
from functools import cached_property

from channels_app.email.charset import decode
from channels_app.email.plain import html_to_text

# Of a header as we keep and look at it.
LONGEST_HEADER = 20_000
MOST_PARTS = 200
DEEPEST = 20
_ID = re.compile(r"<[^<>\s]{1,996}>")
_SPEC = re.compile(r"[^@\s<>()\[\],;:\\\"]{1,64}@[^@\s<>()\[\],;:\\\"]{1,190}\Z")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f\x80-\x9f\u2028\u2029]+")
# They reorder what stands around them: a file name that ends in .exe shows as one that ends in .jpg.
_REORDERING = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True)
class LetterFile:
    """`place` names the part within the letter: numbers of the way down, with dots."""

    place: str
    name: str
    mime: str
    part: Message = field(repr=False)
    inline: bool = False

    def body(self) -> bytes:
        if self.part.get_content_maintype() == "message":
            return _inner(self.part)
        return body_bytes(self.part)


class MailLetter:
    """Nothing here raises, whatever the bytes are."""

    def __init__(self, raw: bytes) -> None:
        self.message = message_from_bytes(raw)
        self.texts: list[Message] = []
        self.htmls: list[Message] = []
        self.files: list[LetterFile] = []
        self._sort(self.message, "", 0)

    # -- headers

    def raw(self, name: str) -> str:
        """As it was sent, on one line; empty where it is absent."""
        return next(iter(self.raws(name)), "")

    def raws(self, name: str) -> list[str]:
        wanted = name.lower()
        found = [str(value) for key, value in self.message.raw_items() if key.lower() == wanted]
        return [re.sub(r"\r?\n[ \t]*", " ", value)[:LONGEST_HEADER].strip() for value in found]

    def header(self, name: str) -> str:
        """Decoded, without control characters."""
        return words_of(self.raw(name))

    def has(self, name: str) -> bool:
        return bool(self.raws(name))

    @cached_property
    def message_id(self) -> str:
        """Empty where there is none, or something else."""
        return next(iter(self.ids("Message-ID")), "")

    def ids(self, *names: str) -> list[str]:
        found = [id for name in names for value in self.raws(name) for id in _ID.findall(value)]
        return [id for id in found if id.isprintable() and "\udc80" not in id and id.isascii()]

    @cached_property
    def sender(self) -> tuple[str, str]:
        """(name, address in lower case) of the first From that is an address; then Sender and Return-Path. ("", "")."""
        for name in ("From", "Sender", "Return-Path"):
            for said, address in self.addresses(name):
                return (said if name != "Return-Path" else ""), address
        return "", ""

    def addresses(self, *names: str) -> list[tuple[str, str]]:
        """Split before the names are decoded: an encoded name may hide a comma."""
        values = [value for name in names for value in self.raws(name)]
        try:
            found = getaddresses(values, strict=False)
        except TypeError:  # before Python 3.11.10 there is no such choice
            found = getaddresses(values)
        pairs = [(words_of(said), address.strip().lower()) for said, address in found]
        return [(said, address) for said, address in pairs if is_address(address)]

    @cached_property
    def received_at(self) -> datetime | None:
        """When our side took it; the sender's own date only where nobody says so, and never one of the future."""
        stamps = [self.raw("Received").rpartition(";")[2], self.raw("Date")]
        now = datetime.now(UTC)
        for stamp in stamps:
            try:
                found = parsedate_to_datetime(stamp.strip())
                moment = found if found.tzinfo else found.replace(tzinfo=UTC)
                if datetime(1990, 1, 1, tzinfo=UTC) < moment < now:
                    return moment
            except (ValueError, TypeError, IndexError, OverflowError):
                continue
        return None

    # -- bodies

    @cached_property
    def html(self) -> str:
        return "\n".join(text_of(part) for part in self.htmls)

    def text(self, *, mark_quotes: bool = True) -> str:
        """The plain text where there is one with words in it, else what the HTML says."""
        plain = "\n\n".join(filter(str.strip, (_plain(part) for part in self.texts)))
        if not plain.strip() and self.html:
            plain = html_to_text(self.html, mark_quotes=mark_quotes)
        return plain.replace("\r\n", "\n").replace("\r", "\n").strip()

    def report_parts(self, kind: str) -> list[Message]:
        """Parts of this type at the first levels, as of a delivery report."""
        return [part for part in _shallow(self.message) if part.get_content_type() == kind]

    def find(self, place: str) -> LetterFile | None:
        return next((file for file in self.files if file.place == place), None)

    def _sort(self, part: Message, place: str, depth: int) -> None:
        if len(self.texts) + len(self.htmls) + len(self.files) >= MOST_PARTS or depth > DEEPEST:
            return
        kind = part.get_content_type()
        inner = children(part)
        if part.get_content_maintype() == "multipart" and inner:
            for number, child in enumerate(inner):
                self._sort(child, f"{place}.{number}" if place else str(number), depth + 1)
            return
        disposition = part.get_content_disposition()
        # A letter within a letter is one file: its words are not the sender's.
        if disposition != "attachment" and not file_name_of(part):
            if kind == "text/plain" or kind.startswith("multipart/"):
                self.texts.append(part)
                return
            if kind == "text/html":
                self.htmls.append(part)
                return
        inline = disposition == "inline" or bool(part.get("Content-ID"))
        self.files.append(LetterFile(place or "0", _name(part, kind), kind, part, inline))


def children(part: Message) -> list[Message]:
    """What it is made of; nothing where the parser found no parts, whatever the type says."""
    inner = part.get_payload()
    return [child for child in inner if isinstance(child, Message)] if isinstance(inner, list) else []


def is_address(value: str) -> bool:
    return len(value) <= 254 and bool(_SPEC.match(value)) and value.isprintable()


def words_of(raw: str) -> str:
    """A header decoded, on one line: what is hidden in encoded words may not break out of it."""
    return _CONTROLS.sub(" ", _decoded(raw)).strip()


def _decoded(raw: str) -> str:
    if "=?" not in raw:
        return decode(_bytes(raw))
    try:
        # Neighbours of one charset come joined: a letter may be cut in two between them.
        chunks = decode_header(raw.encode("ascii", "surrogateescape").decode("ascii", "replace"))
    except Exception:  # broken base64 and more; the words as they stand are better than none
        return decode(_bytes(raw))
    return "".join(chunk if isinstance(chunk, str) else decode(chunk, charset or "") for chunk, charset in chunks)


def _bytes(raw: str) -> bytes:
    return raw.encode("utf-8", "surrogateescape")


def body_bytes(part: Message) -> bytes:
    """What the part carries, as well as its encoding can be undone."""
    try:
        body = part.get_payload(decode=True)
    except Exception:
        body = None
    if isinstance(body, bytes):
        return body
    inner = part.get_payload()
    return _bytes(inner) if isinstance(inner, str) else b""


def text_of(part: Message) -> str:
    declared = part.get_param("charset", "")
    return decode(body_bytes(part), collapse_rfc2231_value(declared) if declared else "")


def _plain(part: Message) -> str:
    text = text_of(part).replace("\r\n", "\n")
    return _unflowed(text, _is_set(part, "delsp")) if str(part.get_param("format", "")).lower() == "flowed" else text


def _is_set(part: Message, name: str) -> bool:
    return str(part.get_param(name, "")).lower() == "yes"


def _unflowed(text: str, delete_space: bool) -> str:
    """Lines that end in a space go on in the next one (RFC 3676)."""
    found: list[str] = []
    depth_before, flows = 0, False
    for line in text.split("\n"):
        depth = len(line) - len(line.lstrip(">"))
        words = line[depth:].removeprefix(" ")
        if flows and depth == depth_before and words != "-- ":
            found[-1] = (found[-1][:-1] if delete_space else found[-1]) + words
        else:
            found.append(f"{'>' * depth} {words}" if depth else words)
        flows, depth_before = words.endswith(" ") and words != "-- ", depth
    return "\n".join(line.rstrip() for line in found)


def _shallow(part: Message, depth: int = 0) -> Iterator[Message]:
    yield part
    if part.get_content_maintype() == "multipart" and depth < 3:
        for child in children(part):
            yield from _shallow(child, depth + 1)


def _inner(part: Message) -> bytes:
    try:
        if inner := children(part):
            return b"\r\n".join(child.as_bytes() for child in inner)
    except Exception:  # a letter that the generator cannot write again
        return str(part).encode("utf-8", "replace")
    return body_bytes(part)


def file_name_of(part: Message) -> str:
    """Without the path and without what would show it as another; empty where the part has none."""
    # Anew, with what is no ASCII made readable: the parser gives question marks for it.
    head = Message()
    for key, value in part.raw_items():
        if key.lower() in {"content-disposition", "content-type"}:
            head[key] = decode(_bytes(str(value)))
    try:
        raw = head.get_filename("") or ""
    except Exception:
        raw = ""
    name = _REORDERING.sub("", words_of(str(raw))).replace("\\", "/").rpartition("/")[2].strip(" .")
    return name[-200:]


def _name(part: Message, kind: str) -> str:
    if name := file_name_of(part):
        return name
    if part.get_content_maintype() == "message":
        subject = next((words_of(str(child.get("Subject", ""))) for child in children(part)), "")
        return f"{subject[:100].replace('/', ' ') or 'letter'}.eml"
    endings = {"image/png": "png", "image/jpeg": "jpg", "image/gif": "gif", "application/pdf": "pdf", "text/calendar": "ics",
               "text/plain": "txt", "text/html": "html", "application/ms-tnef": "dat"}  # fmt: skip
    return f"file.{endings.get(kind, 'bin')}"
