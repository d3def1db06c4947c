"""Letters that a mail service or the own server posts: proved on their bytes, one parser for all."""

import base64
import hashlib
import hmac
import json
import time
import uuid
from typing import Any

import httpx
import pytest

from channels_app.email.hooks import USER
from channels_app.email.tests.scene import PAVEL, adapter_of, answer_to, fixture, letter, read
from channels_app.models import Channel, InboundEvent
from channels_app.services.channels import connect_channel
from channels_app.services.inbound import drain_channel
from channels_app.services.media import fetch_attachment
from omnisupport.lib.errors import NotAuthenticated
from omnisupport.lib.signing import signed_headers
from tests.standins.mailbox import ADDRESS, PASSWORD
from tickets.models import Attachment, Message
from tickets.services.post import post_message

KEY, SECRET = "key-demo-signing-0000000000000000", "whsec_demo"
BASIC = {"authorization": "Basic " + base64.b64encode(f"{USER}:{SECRET}".encode()).decode()}


def hook(receive: str) -> Any:
    return adapter_of({"address": ADDRESS, "receive": receive}, secret=SECRET, signing_key=KEY)


def form(
    fields: dict[str, bytes | str], files: dict[str, tuple[str, bytes]] | None = None
) -> tuple[dict[str, str], bytes]:
    request = httpx.Request("POST", "http://x", data={}, files={
        **{name: (None, value) for name, value in fields.items()}, **(files or {}),
    })  # fmt: skip
    return {"content-type": request.headers["content-type"]}, request.read()


def mailgun(raw: bytes = b"", *, key: str = KEY, when: float | None = None, token: str = "", **fields: str) -> Any:
    stamp, token = str(int(time.time() if when is None else when)), token or uuid.uuid4().hex
    signature = hmac.new(key.encode(), f"{stamp}{token}".encode(), hashlib.sha256).hexdigest()
    given: dict[str, Any] = {"timestamp": stamp, "token": token, "signature": signature, "recipient": ADDRESS, **fields}
    return form(given | ({"body-mime": raw} if raw else {}))


def postmark(**changes: Any) -> tuple[dict[str, str], bytes]:
    event = {
        "FromFull": {"Email": PAVEL, "Name": "Павел Круглов"}, "ToFull": [{"Email": ADDRESS, "Name": ""}], "CcFull": [],
        "BccFull": [], "OriginalRecipient": ADDRESS, "Subject": "Документы",
        "MessageID": "73e6d360-66eb-11e1-8e72-a8904824019b",
        "Date": "Tue, 17 Nov 2026 10:15:00 +0300", "TextBody": "Высылаю", "HtmlBody": "<p>Высылаю</p>",
        "Headers": [{"Name": "Return-Path", "Value": f"<{PAVEL}>"}, {"Name": "Message-ID", "Value": "<pm.1@mail.example.org>"}],
        "Attachments": [{"Name": "Счёт.pdf", "Content": "JVBERi0xLjQ=", "ContentType": "application/pdf"}],
        **changes,
    }  # fmt: skip
    return {"content-type": "application/json", **BASIC}, json.dumps(event).encode()


def mailjet() -> tuple[dict[str, str], bytes]:
    event = {
        "Sender": PAVEL, "Recipient": ADDRESS, "Subject": "Документы", "Text-part": "Высылаю", "Attachment1": "JVBERi0xLjQ=",
        "Headers": {"From": f"Павел Круглов <{PAVEL}>", "Subject": "Документы", "Message-ID": "<mj.1@mail.example.org>"},
        "Parts": [{"Headers": {"Content-Type": 'text/plain; charset="UTF-8"'}, "ContentRef": "Text-part"},
                  {"Headers": {"Content-Type": 'application/pdf; name="a.pdf"', "Content-Disposition": "attachment"},
                   "ContentRef": "Attachment1"}],
    }  # fmt: skip
    return {"content-type": "application/json", **BASIC}, json.dumps(event).encode()


# ---- Who may


def test_the_worked_example_of_mailgun():
    stamp, token = "1790500000", "3f1c2b4a5d6e7f8091a2b3c4d5e6f708192a3b4c5d6e7f8091"
    _headers, body = mailgun(b"x", when=int(stamp), token=token)
    assert b"eea17d4e41d9da16781f2bffc12492a05b912a69a94d712bd536f00b78ffe468" in body


@pytest.mark.parametrize("receive", ["mailgun", "postmark", "mailjet", "own"])
def test_the_right_call_is_let_in_and_others_are_not(receive):
    body = letter()
    right = {
        "mailgun": mailgun(body),
        "postmark": postmark(),
        "mailjet": mailjet(),
        "own": (
            {"content-type": "message/rfc822", **{k.lower(): v for k, v in signed_headers(SECRET, body).items()}},
            body,
        ),
    }
    for kind, (headers, given) in right.items():
        if kind == receive or {kind, receive} == {"postmark", "mailjet"}:
            hook(receive).verify(headers, given)
        else:
            with pytest.raises(NotAuthenticated):
                hook(receive).verify(headers, given)
    headers, given = right[receive]
    for wrong in (
        {},
        {"content-type": headers["content-type"]},
        {"authorization": "Basic x"},
        {"authorization": "Bearer x"},
    ):
        if not (receive == "mailgun" and "content-type" in wrong):
            with pytest.raises(NotAuthenticated):
                hook(receive).verify(wrong, given)
    without = adapter_of({"address": ADDRESS, "receive": receive})
    with pytest.raises(NotAuthenticated):
        without.verify(headers, given)


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        mailgun(b"x", key="another"),
        mailgun(b"x", when=time.time() - 25 * 3600),
        mailgun(b"x", signature="ж"),
        mailgun(b"x", timestamp="now"),
        ({"content-type": "application/json"}, b"{}"),
        ({"content-type": "multipart/form-data"}, b"x"),
        ({"content-type": 'multipart/form-data; boundary=""'}, b"x"),
        ({"content-type": "application/x-www-form-urlencoded"}, b"&a=1" * 3000),
        ({}, b""),
    ],
)
def test_a_call_that_mailgun_did_not_sign(headers, body):
    with pytest.raises(NotAuthenticated):
        hook("mailgun").verify(headers, body)


def test_own_servers_may_bring_the_secret_as_a_token():
    hook("own").verify({"authorization": f"Bearer {SECRET}"}, letter())
    with pytest.raises(NotAuthenticated):
        hook("own").verify({"authorization": "Bearer "}, letter())


def test_a_mailbox_that_is_fetched_takes_no_calls():
    with pytest.raises(NotAuthenticated):
        hook("imap").verify(BASIC, letter())


# ---- What is in it


@pytest.mark.parametrize("name", ["01", "03", "04", "05", "06", "11"])
def test_a_whole_letter_is_read_as_if_it_were_fetched(name):
    body = fixture(name)
    fetched = hook("imap").parse({}, body)
    assert hook("mailgun").parse(*mailgun(body)) == fetched
    assert hook("own").parse({"content-type": "message/rfc822"}, body) == fetched


@pytest.mark.parametrize(("receive", "call"), [("postmark", postmark()), ("mailjet", mailjet())])
def test_a_letter_that_was_taken_apart_is_put_together(receive, call):
    (result,) = hook(receive).parse(*call)
    assert (result.address, result.profile.name, result.incoming.text) == (PAVEL, "Павел Круглов", "Высылаю")
    assert result.incoming.letter.subject == "Документы"
    (file,) = result.incoming.files
    assert file.name.endswith(".pdf")
    # Processed again, it is the same letter.
    assert hook(receive).parse(*call) == [result]


def test_postmark_may_pass_the_whole_letter_on():
    body = fixture("06")
    assert hook("postmark").parse(*postmark(RawEmail=body.decode())) == hook("imap").parse({}, body)


def test_mailgun_s_own_parts_and_files():
    headers, body = form(
        {"from": PAVEL, "subject": "Документы", "body-plain": "Высылаю", "message-headers": json.dumps([["From", PAVEL]]),
         "timestamp": str(int(time.time())), "token": "x", "attachment-count": "1"},
        {"attachment-1": ("Счёт.pdf", b"%PDF-1.4\r\n--\n\x00\xff\r.\r\n")},
    )  # fmt: skip
    (result,) = hook("mailgun").parse(headers, body)
    assert (result.address, result.incoming.text, len(result.incoming.files)) == (PAVEL, "Высылаю", 1)
    assert (
        hook("mailgun").unpack_file(headers, body, result.incoming.files[0].remote).body
        == b"%PDF-1.4\r\n--\n\x00\xff\r.\r\n"
    )


@pytest.mark.parametrize("receive", ["mailgun", "postmark", "mailjet"])
@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"null", b"\xff", b'{"Headers": 7}', b'{"FromFull": "x"}'])
def test_what_is_no_letter_waits_in_the_ledger_with_its_reason(receive, body):
    from channels_app.base import Unparsable

    with pytest.raises(Unparsable):
        hook(receive).parse({"content-type": "application/json"}, body)


def test_a_token_counts_once():
    first, again = mailgun(letter("раз"), token="abc"), mailgun(letter("подменено"), token="abc")
    assert hook("mailgun").event_key(*first) == hook("mailgun").event_key(*again)


def test_the_envelope_knows_the_plus_address_that_the_header_does_not():
    adapter = hook("mailgun")
    from channels_app.email.naming import plus_address

    hidden = plus_address(ADDRESS, 501, adapter._plus_secret)
    (result,) = adapter.parse(*mailgun(letter(subject="x"), recipient=hidden))
    assert result.incoming.letter.number == 501


# ---- The whole way


@pytest.mark.parametrize("receive", ["mailgun", "postmark", "own"])
def test_from_the_call_to_the_answer_and_back(live_shop, web, mail, receive):
    channel = Channel.objects.create(
        kind="email", name="Почта", config=mail.config(receive=receive),
        secrets={"password": PASSWORD, "secret": SECRET, "signing_key": KEY},
    )  # fmt: skip
    channel = connect_channel(channel.id)
    assert (channel.health, mail.imap.logins) == ("ok", [])

    def call(body: bytes, **wrong: str) -> int:
        headers, given = {
            "mailgun": lambda: mailgun(body, **wrong),
            "postmark": lambda: postmark(RawEmail=body.decode()),
            "own": lambda: ({"content-type": "message/rfc822", **signed_headers(SECRET, body)}, body),
        }[receive]()
        with web.client(live_shop) as client:
            return client.post(f"/hooks/email/{channel.id}/", content=given, headers={**headers, **wrong}).status_code

    assert call(fixture("03")) == 200
    assert call(fixture("03")) == 200
    drain_channel(channel.id)
    question = Message.objects.get()
    for attachment in Attachment.objects.all():
        fetch_attachment(attachment.id)
    assert sorted(Attachment.objects.values_list("name", "state")) == [
        ("foto.png", "ready"), ("Договор поставки №7.pdf", "ready"),
    ]  # fmt: skip
    from channels_app.services.delivery import deliver_chat

    post_message(ticket_id=question.ticket_id, client_id=uuid.uuid4(), text="Принято", user=live_shop.agent)
    deliver_chat(question.address_id)
    assert read(mail.smtp.letters[0])["In-Reply-To"] == "<a1.003@mail.example.org>"
    assert call(answer_to(mail.smtp.letters[0], "Спасибо")) == 200
    drain_channel(channel.id)
    assert Message.objects.latest("id").ticket_id == question.ticket_id
    known = InboundEvent.objects.count()
    with web.client(live_shop) as client:
        assert client.post(f"/hooks/email/{channel.id}/", content=letter()).status_code == 401
    assert InboundEvent.objects.count() == known
    # No secret of the call is kept.
    assert {name for row in InboundEvent.objects.all() for name in row.headers} <= {"content-type", "user-agent"}
