"""Letters that no person wrote: answers of machines, mailing lists, reports of deliveries and readings."""

import re
from dataclasses import dataclass
from email.message import Message

from django.utils.translation import gettext as _

from channels_app.email.letter import MailLetter, body_bytes, children, text_of, words_of

_BULK = {"bulk", "junk", "list", "auto_reply"}
_ROBOT = re.compile(r"^(?:mailer-daemon|postmaster|no-?reply|do-?not-?reply|bounces?)(?:[+._-].*)?@", re.IGNORECASE)
_BOUNCER = re.compile(r"^(?:postmaster|bounces?)(?:[+._-].*)?@", re.IGNORECASE)
_BOUNCE_SUBJECT = re.compile(
    r"undeliver|delivery (?:status|failure|has failed)|returned (?:mail|to sender)|mail delivery|failure notice|"
    r"не\s?доставлен|недоставлен|не удалось доставить|ошибка доставки|возврат письма",
    re.IGNORECASE,
)
_STATUS = re.compile(r"\b([245]\.\d{1,3}\.\d{1,3})\b")
_REASONS = {
    "5.1.1": lambda: _("There is no such address."),
    "5.1.2": lambda: _("There is no such address."),
    "5.1.10": lambda: _("There is no such address."),
    "5.2.1": lambda: _("The mailbox is switched off."),
    "5.2.2": lambda: _("The mailbox is full."),
    "4.2.2": lambda: _("The mailbox is full."),
    "5.3.4": lambda: _("The letter is too large for the mailbox."),
    "5.4.1": lambda: _("The mail server of the address cannot be reached."),
}


@dataclass(frozen=True)
class DeliveryReport:
    """`state`: failed, delayed, delivered, relayed, expanded or displayed (read); `ids` of the letters that it may concern."""

    state: str
    reason: str
    ids: tuple[str, ...]


def is_automatic(letter: MailLetter) -> bool:
    """A machine wrote it: kept, but nobody waits for an answer and none leaves by itself (RFC 3834)."""
    submitted = letter.header("Auto-Submitted").lower()
    return bool(
        (submitted and not submitted.startswith("no"))
        or letter.header("Precedence").lower() in _BULK
        or any(map(letter.has, ("List-Id", "List-Unsubscribe", "X-Autoreply", "X-Autorespond")))
        or letter.raw("Return-Path") == "<>"
        or letter.message.get_content_type() == "multipart/report"
        or _ROBOT.match(letter.sender[1])
    )


def wants_quiet(letter: MailLetter) -> bool:
    """Outlook sets it on letters of people as well: so no machine answers, but a person should."""
    return letter.has("X-Auto-Response-Suppress") and letter.header("X-Auto-Response-Suppress").lower() != "none"


def is_unverified(letter: MailLetter) -> bool:
    """Whether the newest server on the way found that the sender is perhaps somebody else. That all is well is not believed:
    where our server says nothing, the topmost word is the sender's own."""
    said = letter.header("Authentication-Results").lower()
    if re.search(r"\bdmarc=fail\b", said):
        return True
    return bool(re.search(r"\bspf=(?:soft)?fail\b", said)) and not re.search(r"\b(?:dkim|dmarc)=pass\b", said)


def read_report(letter: MailLetter) -> DeliveryReport | None:
    """What a server tells of a letter of ours; None for anything else. It may be forged: it says what became of a message, and
    never is one itself."""
    for part in letter.report_parts("message/disposition-notification"):
        displayed = "displayed" in _fields(part).get("disposition", "").lower()
        ids = tuple(_ids(_fields(part).get("original-message-id", "")))
        return DeliveryReport("displayed" if displayed else "", "", ids)
    for part in letter.report_parts("message/delivery-status"):
        return _of_status(letter, part)
    if _is_bounce(letter):
        # Without a report: the words are all there is.
        text = letter.text(mark_quotes=False)
        status = next(iter(_STATUS.findall(text)), "")
        return DeliveryReport(
            "delayed" if status.startswith("4") else "failed", _reason(status, text), _all_ids(letter)
        )
    return None


def _is_bounce(letter: MailLetter) -> bool:
    sender = letter.sender[1]
    if sender.startswith("mailer-daemon@") or letter.has("X-Failed-Recipients"):
        return True
    may_be = _BOUNCER.match(sender) or letter.raw("Return-Path") == "<>"
    return bool(may_be and _BOUNCE_SUBJECT.search(letter.header("Subject")))


def _of_status(letter: MailLetter, part: Message) -> DeliveryReport:
    recipients = [fields for fields in _blocks(part) if "action" in fields or "status" in fields]
    worst = next(
        (f for f in recipients if f.get("action", "").lower() == "failed"), recipients[0] if recipients else {}
    )
    status = next(iter(_STATUS.findall(worst.get("status", ""))), "")
    state = worst.get("action", "").lower().strip() or ("delayed" if status.startswith("4") else "failed")
    said = re.sub(r"^\s*[\w-]+\s*;\s*", "", worst.get("diagnostic-code", ""))
    return DeliveryReport(state, _reason(status, said), _all_ids(letter))


def _reason(status: str, said: str) -> str:
    known = _REASONS.get(status)
    words = " ".join(said.split())[:300]
    if known is None and status.startswith("5.7"):
        known = lambda: _("The mail server refuses our letters.")  # noqa: E731
    sentence = known() if known else _("The letter could not be delivered.")
    return f"{sentence} {words or status}".strip()


def _all_ids(letter: MailLetter) -> tuple[str, ...]:
    """Of the letter that came back: it, or its headers, hang below; else it is named above; else it is quoted in the words."""
    below: list[str] = []
    for part in letter.report_parts("message/rfc822") + letter.report_parts("text/rfc822-headers"):
        below += [id for child in children(part)[:1] for id in _ids(str(child.get("Message-ID", "")))]
        below += _ids_in_headers(body_bytes(part).decode("utf-8", "replace"))
    texts = [text_of(part).replace("&lt;", "<").replace("&gt;", ">") for part in (*letter.texts, *letter.htmls)]
    quoted = [id for text in texts for id in _ids_in_headers(text)] or [id for text in texts for id in _ids(text)]
    found = below or letter.ids("In-Reply-To") or quoted
    return tuple(dict.fromkeys(found))[:5]


def _ids_in_headers(text: str) -> list[str]:
    unfolded = re.sub(r"\r?\n[ \t]+", " ", text)
    return [id for line in unfolded.splitlines() if line.lower().startswith("message-id:") for id in _ids(line)]


def _ids(text: str) -> list[str]:
    return re.findall(r"<[^<>\s@]{1,300}@[^<>\s@]{1,300}>", text)


def _blocks(part: Message) -> list[dict[str, str]]:
    if inner := children(part):
        return [_fields_of(child) for child in inner]
    return [_fields(part)]


def _fields(part: Message) -> dict[str, str]:
    """Of a report whose fields the parser took for a letter of its own, or left as text."""
    if inner := children(part):
        return {name: value for child in inner for name, value in _fields_of(child).items()}
    lines = body_bytes(part).decode("utf-8", "replace").splitlines()
    return {name.strip().lower(): value.strip() for name, _colon, value in (line.partition(":") for line in lines)}


def _fields_of(message: Message) -> dict[str, str]:
    return {name.lower(): words_of(str(value)) for name, value in message.raw_items()}
