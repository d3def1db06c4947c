"""A mailbox of the company at the stand-in, and the letters of its customers."""

import asyncio
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from channels_app.base import ChannelInfo
from channels_app.email.adapter import Adapter
from channels_app.email.incoming import parse_letter
from channels_app.models import Channel, InboundEvent
from channels_app.registry import adapter_for
from channels_app.services import delivery
from channels_app.services.channels import connect_channel
from channels_app.services.inbound import drain_channel
from tests.standins.mailbox import ADDRESS, PASSWORD, Handed, MailServer
from tickets.models import Message, Ticket
from tickets.services.post import post_message

FIXTURES = Path(__file__).parent.parent / "fixtures"
PAVEL, ANNA = "pavel.kruglov@example.org", "anna@example.net"


def fixture(name: str) -> bytes:
    return next(FIXTURES.glob(f"{name}*.eml")).read_bytes()


def letter(
    text: str = "Где мой заказ?", *, sender: str = f"Павел Круглов <{PAVEL}>", subject: str = "Заказ 73", **headers: str
) -> bytes:
    """As a mail program would write it; `In_Reply_To=…` gives the header In-Reply-To, an empty value takes one out."""
    message = EmailMessage(policy=policy.SMTP)
    given = {"From": sender, "To": ADDRESS, "Subject": subject, "Message-ID": f"<{uuid.uuid4().hex}@mail.example.org>"}
    for name, value in (given | {name.replace("_", "-"): value for name, value in headers.items()}).items():
        if value:
            message[name] = value
    message.set_content(text)
    return bytes(message)


def raw(*lines: str | bytes, body: bytes = b"text") -> bytes:
    """A letter written by hand, however broken."""
    head = b"\r\n".join(line if isinstance(line, bytes) else line.encode() for line in lines)
    return head + b"\r\n\r\n" + body


def parse(body: bytes, **given: Any) -> Any:
    return parse_letter(body, **{"address": ADDRESS, "loop": "our-loop", "secret": "s", **given})


def incoming(body: bytes, **given: Any) -> Any:
    return parse(body, **given)[0].incoming


def adapter_of(config: dict[str, Any], **secrets: str) -> Adapter:
    hook = "https://shop.example/hooks/email/5/"
    return Adapter(ChannelInfo(uuid.uuid4(), "t_shop", "email", config, {"password": PASSWORD, **secrets}, hook))


@dataclass
class Office:
    """The workspace, its mailbox and the server that keeps it."""

    shop: Any
    mail: MailServer
    channel: Channel

    @classmethod
    def open(cls, shop: Any, mail: MailServer, **config: Any) -> "Office":
        channel = Channel.objects.create(
            kind="email", name="Почта", config=mail.config(**config), secrets={"password": PASSWORD, "secret": "hook"}
        )
        connect_channel(channel.id)
        office = cls(shop, mail, Channel.objects.get(id=channel.id))
        # The first look only learns where the mailbox stands.
        office.collect()
        return office

    @property
    def adapter(self) -> Any:
        return adapter_for(Channel.objects.get(id=self.channel.id))

    def get(self, *letters: bytes) -> list[Message]:
        """These arrive and are understood. Returns the messages that are new."""
        known = set(Message.objects.values_list("id", flat=True))
        for body in letters:
            self.mail.imap.add(body)
        self.collect()
        return list(Message.objects.exclude(id__in=known).order_by("id"))

    def collect(self) -> None:
        """One look into the mailbox, as the poller does it."""
        channel = Channel.objects.get(id=self.channel.id)
        adapter = adapter_for(channel)
        bodies, state = asyncio.run(adapter.poll(dict(channel.poll_state)))
        rows = [InboundEvent(channel=channel, event_key=adapter.event_key({}, body), body=body) for body in bodies]
        InboundEvent.objects.bulk_create(rows, ignore_conflicts=True)
        Channel.objects.filter(id=channel.id).update(poll_state=state)
        drain_channel(channel.id)

    def reply(self, ticket: Ticket, text: str = "Уже везём.", **fields: Any) -> Message:
        fields = {"user": self.shop.agent, "client_id": uuid.uuid4(), **fields}
        message = post_message(ticket_id=ticket.id, text=text, **fields)
        self.deliver(message)
        return message

    def deliver(self, message: Message) -> None:
        Message.objects.filter(address=message.address_id, delivery="queued").update(due_at=None)
        Channel.objects.filter(id=self.channel.id).update(paused_until=None)
        delivery.deliver_chat(message.address_id)
        message.refresh_from_db()

    @property
    def sent(self) -> list[Handed]:
        return self.mail.smtp.letters


def read(handed: Handed) -> EmailMessage:
    message = message_from_bytes(handed.body, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def texts(message: EmailMessage) -> Iterator[str]:
    for part in message.walk():
        if part.get_content_maintype() == "text":
            yield part.get_content()


def answer_to(handed: Handed, text: str, *, sender: str = f"Павел Круглов <{PAVEL}>", **headers: str) -> bytes:
    """What a mail program makes of «reply»."""
    sent = read(handed)
    references = f"{sent.get('References', '')} {sent['Message-ID']}".strip()
    given = {"In_Reply_To": str(sent["Message-ID"]), "References": references, **headers}
    subject = str(sent["Subject"])
    return letter(text, sender=sender, subject=subject if subject.startswith("Re:") else f"Re: {subject}", **given)
