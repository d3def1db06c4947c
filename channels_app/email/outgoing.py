"""A message → the letter that leaves: text and HTML of one source, files, and the headers that keep a conversation together."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.utils import formataddr
from typing import Any

from django.core.mail import EmailMultiAlternatives
from django.core.mail.message import BadHeaderError
from django.utils.translation import gettext as _

from channels_app.base import OutgoingFile, OutgoingMessage, TransportError
from channels_app.email import naming
from channels_app.email.incoming import LOOP_HEADER
from channels_app.email.letter import is_address
from channels_app.text import with_sources
from omnisupport.lib.markup import HTML, PLAIN, translate

# Of all files together, in bytes: in base64 they grow by a third, and mailboxes take about 25 MB.
FILES_LIMIT = 18 * 1024 * 1024


@dataclass(frozen=True)
class Mailbox:
    """What letters say of where they come from. `secret` is empty where answers go to the plain address."""

    address: str
    name: str
    loop: str
    secret: str = ""


def build_letter(message: OutgoingMessage, mailbox: Mailbox) -> bytes:
    """Raises TransportError for an address that is none, and for what cannot be read."""
    if not is_address(message.address):
        raise TransportError(_("“%(address)s” is no e-mail address.") % {"address": message.address}, permanent=True)
    files, links = _parted(message.files)
    source = _source(message, links)
    letter = EmailMultiAlternatives(
        subject=naming.tagged_subject(_line(message.subject), message.ticket_number, is_reply=bool(message.thread)),
        body=translate(source, PLAIN),
        from_email=formataddr((_line(mailbox.name), mailbox.address)) if mailbox.name else mailbox.address,
        to=[message.address],
        headers=_headers(message, mailbox),
    )
    letter.attach_alternative(_html(source), "text/html")
    for file in files:
        letter.attach(_line(file.name) or "file", file.read(), _mime(file.mime))
    try:
        return letter.message().as_bytes()
    except (BadHeaderError, ValueError) as error:
        # Everything above is on one line already; this is the last fence.
        raise TransportError(_("This letter cannot be written: %(fault)s") % {"fault": error}, permanent=True) from None


def _headers(message: OutgoingMessage, mailbox: Mailbox) -> dict[str, str]:
    headers = {"Message-ID": naming.message_id(message.key, mailbox.address), LOOP_HEADER: mailbox.loop}
    thread = list(dict.fromkeys(filter(None, map(naming.reference_of, message.thread))))
    if thread:
        theirs = [id for id in thread if not naming.keys_of([id])]
        headers["In-Reply-To"] = naming.reference_of(message.reply_to_external_id) or (theirs or thread)[-1]
        headers["References"] = " ".join(thread)
    if mailbox.secret:
        headers["Reply-To"] = naming.plus_address(mailbox.address, message.ticket_number, mailbox.secret)
    if message.automatic:
        # So that no other machine answers it (RFC 3834; the second is Microsoft's).
        headers |= {"Auto-Submitted": "auto-replied", "X-Auto-Response-Suppress": "All"}
    return headers


def _source(message: OutgoingMessage, links: Sequence[str]) -> str:
    text = with_sources(message.text, message.citations)
    return "\n\n".join(filter(None, [text, "\n".join(map(_button, message.buttons)), "\n".join(links)]))


def _button(button: Mapping[str, Any]) -> str:
    """A letter has no buttons: the words can be written back."""
    return f"• {button.get('text') or button.get('value') or ''}"


def _html(source: str) -> str:
    body = translate(source, HTML)
    # Inside a block the lines are kept anyway.
    parts = body.split("<pre>")
    shown = [parts[0].replace("\n", "<br>\n")]
    for part in parts[1:]:
        block, _end, rest = part.partition("</pre>")
        shown.append(f"{block}</pre>{rest.replace(chr(10), f'<br>{chr(10)}')}")
    return f'<!DOCTYPE html>\n<html><body><div dir="auto">{"<pre>".join(shown)}</div></body></html>\n'


def _parted(files: Sequence[OutgoingFile]) -> tuple[list[OutgoingFile], list[str]]:
    """Those that fit into one letter, and links to the others."""
    kept: list[OutgoingFile] = []
    links, size = [], 0
    for file in files:
        if size + file.size <= FILES_LIMIT:
            kept.append(file)
            size += file.size
        else:
            links.append(f"{file.name or _('File')}: {file.url}")
    return kept, links


def _mime(mime: str) -> str:
    """Not a letter, a text or several parts: Django would take the bytes apart. A strange one breaks the header."""
    plain = re.fullmatch(r"[a-z]+/[a-z0-9.+-]+", mime)
    return (
        mime if plain and mime.partition("/")[0] not in {"message", "multipart", "text"} else "application/octet-stream"
    )


def _line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
