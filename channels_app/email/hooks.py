"""Letters that a mail service posts to our webhook. Its call is proved and read as anymail does it for Django views; what comes
out is the letter itself, as it was or rebuilt, so that there is one parser for all ways in."""

import hashlib
import hmac
import json
from base64 import b64decode
from collections.abc import Iterator, Mapping
from email import message_from_bytes
from email.encoders import encode_base64
from email.message import Message
from email.policy import default
from functools import lru_cache
from typing import Any

from anymail.exceptions import AnymailError, AnymailWebhookValidationFailure
from anymail.webhooks.base import AnymailBaseWebhookView
from anymail.webhooks.mailgun import MailgunInboundWebhookView
from anymail.webhooks.mailjet import MailjetInboundWebhookView
from anymail.webhooks.postmark import PostmarkInboundWebhookView
from django.core.exceptions import ImproperlyConfigured, SuspiciousOperation
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpRequest, QueryDict
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext as _

from channels_app.base import Unparsable
from channels_app.email.letter import file_name_of
from omnisupport.lib.errors import NotAuthenticated
from omnisupport.lib.signing import check_signature

USER = "omni"
# Seconds. A call of Mailgun is signed over its time and token, not over the letter; the ledger knows each token that it has
# seen, so none counts twice.
MAILGUN_AGE = 24 * 3600
# Unfolded: the standard generator would hide long ids in encoded words.
_REBUILT = default.clone(max_line_length=None)
_NO_LETTER = (
    AnymailError,
    ImproperlyConfigured,
    SuspiciousOperation,
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
)
_BASIC: dict[str, type[AnymailBaseWebhookView]] = {
    "postmark": PostmarkInboundWebhookView,
    "mailjet": MailjetInboundWebhookView,
}


def verify(receive: str, secrets: Mapping[str, Any], headers: Mapping[str, str], body: bytes, now: float) -> None:
    """Raises NotAuthenticated."""
    match receive:
        case "own":
            _check_own(str(secrets.get("secret", "")), headers, body)
        case "mailgun":
            _check_mailgun(str(secrets.get("signing_key", "")), headers, body, now)
        case "postmark" | "mailjet":
            _check_basic(str(secrets.get("secret", "")), headers)
        case _:
            raise NotAuthenticated("this mailbox is read by IMAP")


def token_of(headers: Mapping[str, str], body: bytes) -> str:
    """Mailgun's own of this call."""
    return _request(headers, body).POST.get("token", "")[:100]


def read_letter(receive: str, headers: Mapping[str, str], body: bytes) -> tuple[bytes, tuple[str, ...]]:
    """(the raw letter, recipients of the envelope). Raises Unparsable."""
    if receive == "own":
        return body, ()
    try:
        request = _request(headers, body)
        if whole := _whole(receive, request):
            return whole
        message = _view(receive, "unused").parse_events(request)[0].message
        raw = _bytes_of(message, hashlib.sha256(body).hexdigest()[:24])
        recipient = str(message.envelope_recipient or "").strip()
    except _NO_LETTER as fault:
        raise Unparsable(f"This is not a letter as {receive} posts it: {type(fault).__name__}: {fault}") from None
    return raw, tuple(filter(None, [recipient]))


def _bytes_of(message: Message, mark: str) -> bytes:
    """The same each time: it is known by its bytes. Files that the service took out were put back as they are; only in base64
    do they survive being written."""
    for number, part in enumerate(message.walk()):
        if part.is_multipart():
            part.set_boundary(f"=_{mark}_{number}")
        elif "Content-Transfer-Encoding" not in part:
            encode_base64(part)
    return message.as_bytes(policy=_REBUILT)


def _whole(receive: str, request: HttpRequest) -> tuple[bytes, tuple[str, ...]] | None:
    """The letter as it came to the service, where it is set up to pass that on; None where it has taken it apart."""
    if receive == "mailgun" and "body-mime" in request.POST:
        return request.POST["body-mime"].encode("utf-8", "surrogateescape"), (request.POST.get("recipient", ""),)
    if receive == "postmark" and (event := json.loads(request.body)).get("RawEmail"):
        return str(event["RawEmail"]).encode("utf-8", "replace"), (str(event.get("OriginalRecipient", "")),)
    return None


def _check_own(secret: str, headers: Mapping[str, str], body: bytes) -> None:
    scheme, _space, given = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        if not secret or not hmac.compare_digest(given.strip().encode(), secret.encode()):
            raise NotAuthenticated("wrong token")
        return
    check_signature(secret, headers, body)


def _check_basic(secret: str, headers: Mapping[str, str]) -> None:
    scheme, _space, given = headers.get("authorization", "").partition(" ")
    try:
        said = b64decode(given, validate=True)
    except ValueError:
        said = b""
    if scheme.lower() != "basic" or not secret or not hmac.compare_digest(said, f"{USER}:{secret}".encode()):
        raise NotAuthenticated("wrong name or password")


def _check_mailgun(key: str, headers: Mapping[str, str], body: bytes, now: float) -> None:
    try:
        request = _request(headers, body)
        if not key:
            raise AnymailWebhookValidationFailure(_("The signing key is not stored."))
        _view("mailgun", key).run_validators(request)
        if abs(now - int(request.POST.get("timestamp", "0"))) > MAILGUN_AGE:
            raise AnymailWebhookValidationFailure("old")
    except (SuspiciousOperation, ValueError):
        raise NotAuthenticated("wrong signature") from None


@lru_cache(maxsize=64)
def _view(receive: str, key: str) -> AnymailBaseWebhookView:
    if receive == "mailgun":
        return MailgunInboundWebhookView(webhook_signing_key=key, webhook_secret=[])
    # Its name and password have been checked; anymail warns of views without any.
    return _BASIC[receive](webhook_secret=[f"{USER}:{key}"])


def _request(headers: Mapping[str, str], body: bytes) -> HttpRequest:
    """What anymail reads of a request. Django's own reading of forms has limits for pages and writes large files to disk."""
    request = HttpRequest()
    request.method = "POST"
    kind = headers.get("content-type", "")
    request.META = {"CONTENT_TYPE": kind, "CONTENT_LENGTH": str(len(body))}
    request._set_content_type_params(request.META)  # type: ignore[attr-defined]
    request._body = body
    request.POST, request.FILES = _form(kind, body)  # type: ignore[assignment]
    return request


def _form(kind: str, body: bytes) -> tuple[QueryDict, MultiValueDict[str, SimpleUploadedFile]]:
    fields, files = QueryDict(mutable=True), MultiValueDict[str, SimpleUploadedFile]()
    if kind.lower().startswith("application/x-www-form-urlencoded"):
        return QueryDict(body, mutable=True), files
    for head, content in _parts(kind, body):
        name = str(head.get_param("name", "", header="content-disposition"))
        if head.get_param("filename", header="content-disposition") is None:
            # Bytes of a letter that are no UTF-8 come back as they were.
            fields.appendlist(name, content.decode("utf-8", "surrogateescape"))
        else:
            files.appendlist(name, SimpleUploadedFile(file_name_of(head) or "file", content, head.get_content_type()))
    return fields, files


def _parts(kind: str, body: bytes) -> Iterator[tuple[Message, bytes]]:
    """Cut at the boundary: a parser that goes by lines would hold up the ingress over a letter of 30 MB."""
    outer = Message()
    outer["Content-Type"] = kind
    boundary = outer.get_boundary() if outer.get_content_type() == "multipart/form-data" else None
    if not boundary:
        return
    for part in (b"\r\n" + body).split(b"\r\n--" + boundary.encode("latin-1", "replace"))[1:]:
        head, blank, content = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        if blank and not part.startswith(b"--"):
            yield message_from_bytes(head + b"\r\n\r\n"), content
