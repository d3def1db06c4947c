"""A raw letter → typed events. The sender's address is the person; what the letter answers is told to the core as it stands."""

import hashlib
import re
from typing import Any
from uuid import UUID

import structlog
from django.utils.translation import gettext as _

from channels_app.base import (
    InboundResult,
    Incoming,
    IncomingFile,
    Letter,
    MessageReceived,
    Profile,
    Receipt,
    Unparsable,
)
from channels_app.email import naming
from channels_app.email.letter import MailLetter
from channels_app.email.machines import DeliveryReport, is_automatic, is_unverified, read_report, wants_quiet
from channels_app.email.plain import clean_html
from channels_app.email.quotes import forwarded_from, is_forward_subject, is_reply_subject, split_quoted

log = structlog.get_logger(__name__)

LOOP_HEADER = "X-Omni-Loop"
# Before the headers of a letter that was too large to be fetched; no letter begins with it.
TOO_LARGE = b"\x00omni-too-large "
LONGEST_TEXT = 50_000
MOST_REFERENCES = 50
MOST_FILES = 50
_RECIPIENT_HEADERS = ("Delivered-To", "X-Original-To", "Envelope-To", "To", "Cc")
_STATES = {"failed": "failed", "delivered": "delivered", "displayed": "read"}
_KINDS = {"image": "photo", "audio": "audio", "video": "video"}


def fingerprint(raw: bytes) -> tuple[str, str]:
    """(Message-ID as it stands, hash of sender and body): one letter, whatever way and however often it came."""
    end = min((place for mark in (b"\r\n\r\n", b"\n\n") if (place := raw.find(mark)) >= 0), default=len(raw))
    head = re.sub(rb"\r?\n[ \t]+", b" ", raw[:end])
    said: dict[bytes, bytes] = {}
    for line in re.split(rb"\r?\n", head):
        name, _colon, value = line.partition(b":")
        said.setdefault(name.strip().lower(), value.strip())
    body = b"\n".join(raw[end:].strip().splitlines())
    digest = hashlib.sha256(said.get(b"from", b"").lower() + b"\n" + body).hexdigest()
    return said.get(b"message-id", b"").decode("latin-1"), digest


def event_key(raw: bytes) -> str:
    given, digest = fingerprint(raw)
    return "mail:" + hashlib.sha256(f"{given}\n{digest}".encode()).hexdigest()


def parse_letter(
    raw: bytes, *, address: str, loop: str, secret: str, recipients: tuple[str, ...] = ()
) -> list[InboundResult]:
    """`address` is the mailbox's, `loop` the mark of its own letters, `recipients` those of the envelope. Raises Unparsable."""
    size, raw = _unstub(raw)
    letter = MailLetter(raw)
    if not letter.message.keys():
        raise Unparsable("This is not a letter: it has no headers.")
    if loop in letter.raws(LOOP_HEADER) or letter.sender[1] == address:
        log.info("own_letter_came_back", message_id=letter.message_id)
        return []
    report = read_report(letter)
    if report is not None:
        return _of_report(report, naming.domain_of(address))
    name, sender = letter.sender
    if not sender:
        raise Unparsable("This letter does not say who sent it: no From with an address.")
    profile = Profile(name="" if "@" in name else name[:200], email=sender)
    incoming = _incoming(letter, raw, size, address, secret, recipients)
    return [MessageReceived(sender, profile, incoming)]


def _unstub(raw: bytes) -> tuple[int, bytes]:
    """(size, headers) of a letter that was not fetched, else (0, the letter)."""
    if not raw.startswith(TOO_LARGE):
        return 0, raw
    first, _newline, rest = raw.partition(b"\n")
    digits = first.removeprefix(TOO_LARGE).strip()
    return (int(digits) if digits.isdigit() else 1), rest


def _of_report(report: DeliveryReport, domain: str) -> list[InboundResult]:
    """Only what concerns a message of ours; by its id alone, for the addresses in a report are forged easily."""
    state = _STATES.get(report.state)
    if state is None:
        return []
    error = report.reason if state == "failed" else ""
    if keys := naming.keys_of(report.ids):
        return [Receipt("", "", state, error, key) for key in keys]
    # Written by hand or by an earlier program; a search for any id that spammers make up would cost too much.
    own = [id for id in report.ids if naming.domain_of(id.strip("<>")) == domain]
    return [Receipt("", id, state, error) for id in own[:1]]


def _incoming(
    letter: MailLetter, raw: bytes, size: int, address: str, secret: str, recipients: tuple[str, ...]
) -> Incoming:
    given, digest = fingerprint(raw)
    subject = letter.header("Subject")[:255]
    references = _references(letter)
    keys = naming.keys_of(references)
    text, content = _words(letter, subject, bool(references))
    files = _files(letter)
    if size:
        megabytes = max(1, round(size / 1024 / 1024))
        content = {"unsupported": _("a letter of %(size)d MB, which is too large to be fetched") % {"size": megabytes}}
    elif not (text.strip() or files):
        content["unsupported"] = _("an empty letter")
    if subject:
        content["subject"] = subject
    return Incoming(
        external_id=_external_id(letter, given, digest),
        text=text,
        content=content,
        files=files,
        reply_to_external_id=references[0] if references else "",
        sent_at=letter.received_at,
        letter=Letter(
            subject=_bare_subject(subject),
            references=tuple(references),
            keys=keys,
            number=_number(letter, address, secret, recipients, subject),
            fingerprint=digest,
        ),
        automatic=is_automatic(letter),
        quiet=wants_quiet(letter) or is_unverified(letter),
    )


def _external_id(letter: MailLetter, given: str, digest: str) -> str:
    """The sender's own where it is one, for answers name it; else made of the letter."""
    if letter.message_id and len(letter.message_id) <= 250:
        return letter.message_id
    return f"<{hashlib.sha256(f'{given}{digest}'.encode()).hexdigest()[:32]}@synthetic>"


def _references(letter: MailLetter) -> list[str]:
    """What it answers first, then the way there, newest first."""
    earlier = letter.ids("References")[-MOST_REFERENCES:]
    return list(dict.fromkeys([*letter.ids("In-Reply-To")[:5], *reversed(earlier)]))


def _number(letter: MailLetter, address: str, secret: str, recipients: tuple[str, ...], subject: str) -> int:
    """The conversation that it says it belongs to, by our plus-address or by the tag in the subject."""
    sent_to = [*recipients, *(found for _name, found in letter.addresses(*_RECIPIENT_HEADERS))]
    return naming.number_in_address(sent_to, address, secret) or naming.number_in_subject(subject)


def _bare_subject(subject: str) -> str:
    return " ".join(naming.tagged_subject(subject, 0, is_reply=False).removeprefix("[#0]").split()) or _("(no subject)")


def _words(letter: MailLetter, subject: str, has_references: bool) -> tuple[str, dict[str, Any]]:
    """The new words, and what else belongs into the content. In a forwarded letter all words are new."""
    forwarded = is_forward_subject(subject)
    is_reply = not forwarded and (has_references or is_reply_subject(subject))
    text = letter.text(mark_quotes=is_reply)
    content: dict[str, Any] = {}
    if is_reply:
        text, quoted = split_quoted(text)
        if quoted:
            content["quoted"] = quoted[:LONGEST_TEXT]
    elif forwarded and (origin := forwarded_from(text)):
        content["forwarded_from"] = origin[:200]
    if letter.html:
        content["html"] = clean_html(letter.html)
    if is_unverified(letter):
        content["unverified"] = True
    if len(text) > LONGEST_TEXT:
        text = text[:LONGEST_TEXT].rstrip() + " …"
    return text, content


def _files(letter: MailLetter) -> tuple[IncomingFile, ...]:
    """Bytes stay in the ledger until they are unpacked."""
    return tuple(
        IncomingFile(
            kind=_KINDS.get(file.mime.partition("/")[0], "document"),
            name=file.name,
            remote={"part": file.place, "key": file.place},
        )
        for file in letter.files[:MOST_FILES]
    )


def loop_mark(channel_id: UUID) -> str:
    """Says of a letter that it is ours without saying more: it is read by everybody who gets it."""
    return hashlib.sha256(f"omni-loop:{channel_id}".encode()).hexdigest()[:32]
