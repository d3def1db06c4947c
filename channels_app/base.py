"""What a channel kind must offer. One folder per kind; the folder's `adapter.py` has one class named `Adapter`."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID

from django.utils.functional import Promise
from pydantic import BaseModel
from pydantic.config import JsonDict

from channels_app.inbound import (
    AddressBlocked,
    AddressChanged,
    ButtonPressed,
    ConversationStarted,
    DeletedMessage,
    Echo,
    EditedMessage,
    Elsewhere,
    InboundResult,
    MessageReceived,
    NotUnderstood,
    Reaction,
    ReadUpTo,
    Receipt,
    TemplatesChanged,
    Typing,
    WindowClosed,
)
from channels_app.outbound import (
    OutgoingFile,
    OutgoingMessage,
    SendResult,
    TransportError,
    UnknownOutcome,
    lost_answer,
)
from tickets.services.receive import Incoming, IncomingFile, Letter, Profile

__all__ = [
    "GENERATED",
    "Adapter",
    "AddressBlocked",
    "AddressChanged",
    "ButtonPressed",
    "ChannelInfo",
    "Connected",
    "ConversationStarted",
    "DeletedMessage",
    "Echo",
    "EditedMessage",
    "Elsewhere",
    "FetchedFile",
    "InboundResult",
    "Incoming",
    "IncomingFile",
    "Letter",
    "Limits",
    "MessageReceived",
    "NotUnderstood",
    "OutgoingFile",
    "OutgoingMessage",
    "Profile",
    "Rate",
    "Reaction",
    "ReadUpTo",
    "Receipt",
    "SendResult",
    "Template",
    "TemplatesChanged",
    "TransportError",
    "Typing",
    "UnknownOutcome",
    "Unparsable",
    "WindowClosed",
    "lost_answer",
]  # fmt: skip


class Unparsable(Exception):
    """The raw event cannot be understood; it stays in the ledger as failed with this reason."""


@dataclass(frozen=True)
class FetchedFile:
    body: bytes
    name: str = ""
    mime: str = ""


# ---- The adapter -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ChannelInfo:
    """A channel as adapters see it; plain data, so that the ingress can keep it in memory."""

    id: UUID
    schema: str
    kind: str
    config: Mapping[str, Any]
    secrets: Mapping[str, Any]
    webhook_url: str

    @property
    def site_url(self) -> str:
        """Of the workspace, without a slash at its end."""
        return self.webhook_url.partition("/hooks/")[0]


@dataclass(frozen=True)
class Connected:
    """What connecting taught us. `config` is merged into the channel's; `external_id` is the provider's identity."""

    external_id: str
    title: str
    config: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Rate:
    """`per_second` in the long run, up to `burst` at once."""

    per_second: float
    burst: int


@dataclass(frozen=True)
class Template:
    """A message text that the provider has approved. `body` has its variables as {{name}}, in the order of `variables`."""

    external_id: str
    name: str
    language: str
    status: str
    category: str
    body: str
    variables: tuple[str, ...] = ()
    header: str = ""
    footer: str = ""


@dataclass(frozen=True)
class Limits:
    """Characters as the provider counts them (`Adapter.length`); `file_bytes`: larger files leave as a link."""

    text: int = 4096
    caption: int = 1024
    file_bytes: int = 20 * 1024 * 1024
    buttons: int = 10


class NoFields(BaseModel):
    pass


# `json_schema_extra` of a field of `Secrets` that we make ourselves: shown once when it is made, never typed in.
GENERATED: JsonDict = {"generated": True}


class Adapter:
    """Translates between one provider and us. Stateless; knows nothing of tickets, tenants or the database."""

    title: ClassVar[str | Promise]
    icon: ClassVar[str] = "chat"
    limits: ClassVar[Limits] = Limits()
    # True where the provider refuses a repeated key, so that a lost answer may be retried without doubling.
    idempotent: ClassVar[bool] = False
    has_webhook: ClassVar[bool] = True
    # True where another identity (bot, community) numbers its updates and messages anew, so that the same ids come again.
    numbers_anew: ClassVar[bool] = False
    # May be asked for updates where there is no public address; `always_polls`: that is how it works everywhere.
    can_poll: ClassVar[bool] = False
    always_polls: ClassVar[bool] = False
    # People and other machines answer each other here, perhaps for ever: what we send without a person is rationed.
    has_loops: ClassVar[bool] = False
    # Its addresses are e-mail addresses: one may write first to whoever has one, and each thread is a conversation.
    takes_letters: ClassVar[bool] = False
    # The provider vouches for who writes: nobody can write in another's name, and an address is one person's.
    vouches: ClassVar[bool] = False
    # The body of our 200; some providers compare it.
    acknowledgement: ClassVar[bytes] = b"ok"
    max_body: ClassVar[int] = 10 * 1024 * 1024
    # Headers of a webhook that parsing needs; none with a secret.
    kept_headers: ClassVar[frozenset[str]] = frozenset({"content-type", "user-agent", "x-retry-counter"})
    # What the provider lets the whole channel and one chat send; kept by us, in Redis, over all workers.
    rate: ClassVar[Rate | None] = None
    chat_rate: ClassVar[Rate | None] = None
    # So long after the customer's last message free text may be sent; later only a template.
    window: ClassVar[timedelta | None] = None
    has_templates: ClassVar[bool] = False
    # What the composer offers; "bold", "italic", "strike", "code", "link", "list".
    formats: ClassVar[frozenset[str]] = frozenset()
    # The forms of the set-up page are made from these; `Secrets` are write-only.
    Config: ClassVar[type[BaseModel]] = NoFields
    Secrets: ClassVar[type[BaseModel]] = NoFields

    def __init__(self, channel: ChannelInfo) -> None:
        self.channel = channel

    # -- inbound: called in the ingress on the event loop; no I/O, no database
    def verify(self, headers: Mapping[str, str], body: bytes) -> None:
        """Raises omnisupport.lib.errors.NotAuthenticated unless the provider sent exactly these bytes."""
        raise NotImplementedError

    def event_key(self, headers: Mapping[str, str], body: bytes) -> str:
        """The provider's key of this delivery; a hash of the bytes where there is none."""
        return "sha256:" + hashlib.sha256(body).hexdigest()

    def reply(self, headers: Mapping[str, str], body: bytes) -> bytes | None:
        """The answer to a verified call that is no event but a question of the provider. None: store it."""
        return None

    def answer_check(self, query: Mapping[str, str]) -> bytes | None:
        """The answer to a GET by which some providers prove an address. Raises NotAuthenticated; None: no such check."""
        return None

    def acknowledge(self, body: bytes) -> bytes:
        """What the provider hears once the event is stored."""
        return self.acknowledgement

    def redact(self, body: bytes) -> bytes:
        """The body as the ledger keeps it: without secrets of ours."""
        return body

    # -- inbound: called in the worker
    def prepare(self, bodies: Sequence[bytes]) -> None:
        """Before a batch is parsed, outside its transaction: fetches what events do not carry (names). What cannot
        be had is left out."""

    def parse(self, headers: Mapping[str, str], body: bytes) -> Sequence[InboundResult]:
        """Typed events in order. Empty: nothing for us. Raises Unparsable."""
        raise NotImplementedError

    def fetch_file(self, remote: Mapping[str, Any]) -> FetchedFile:
        """Raises TransportError."""
        raise NotImplementedError

    def unpack_file(self, headers: Mapping[str, str], body: bytes, remote: Mapping[str, Any]) -> FetchedFile:
        """A file that came inside the body of its event: an IncomingFile whose `remote` has a `part`. Raises TransportError."""
        raise NotImplementedError

    def answer_callback(self, callback_id: str) -> None:
        """Tells the provider that a button press was seen."""

    # -- outbound: called in the worker, outside transactions
    def send(self, message: OutgoingMessage) -> SendResult:
        """Raises TransportError (certainly not sent) or UnknownOutcome (perhaps sent)."""
        raise NotImplementedError

    @staticmethod
    def length(text: str) -> int:
        """Of a text, as the provider counts it against `limits`."""
        return len(text)

    def fetch_templates(self) -> Sequence[Template]:
        """All templates of the account, where `has_templates`. Raises TransportError."""
        return ()

    def deep_link(self, code: str) -> str:
        """A link that opens the chat and brings `code` (≤ 64 characters) along as the payload of ConversationStarted; empty
        where the channel has none."""
        return ""

    def mark_read(self, address: str, details: Mapping[str, Any], external_id: str) -> None:
        """Tells the customer that an agent has seen the message, where the channel can; faults are swallowed by the caller."""

    def edit(self, address: str, external_id: str, text: str) -> None:
        """Changes a message of ours at the customer's side, where the channel can."""
        raise TransportError("This channel cannot change sent messages.", permanent=True)

    def delete(self, address: str, external_id: str) -> None:
        """Takes a message of ours away at the customer's side, where the channel can; one that is gone already is gone."""
        raise TransportError("This channel cannot take sent messages back.", permanent=True)

    def send_typing(self, address: str, details: Mapping[str, Any]) -> None:
        """Shows that somebody writes; faults are swallowed by the caller."""

    def show_draft(self, address: str, details: Mapping[str, Any], draft_id: int, text: str) -> None:
        """Shows what is written so far of an answer to come; faults are swallowed by the caller. `draft_id` is not zero."""

    # -- set-up
    def setup_values(self) -> Mapping[str, str]:
        """What an admin copies from the channel page to the provider's; the page of the kind says where."""
        return {}

    def connect(self) -> Connected:
        """Checks the credentials and tells who we are there; changes nothing. Raises TransportError with what to do."""
        raise NotImplementedError

    def start_receiving(self) -> str:
        """Asks the provider to call our webhook, once it is known that the identity is ours alone. Returns a note for the
        channel page. Raises TransportError."""
        return ""

    def consent_url(self, state: str) -> str:
        """Where an admin signs in at the provider, who then sends them back with a code; empty where nobody has to."""
        return ""

    def accept_consent(self, code: str) -> Mapping[str, Any]:
        """The secrets that the provider gives for the code. Raises TransportError."""
        raise NotImplementedError

    def disconnect(self) -> None:
        """Takes our webhook back."""

    def check_health(self) -> str:
        """Asks the provider whether all is well; called every few minutes. Returns a note for the channel page. Raises
        TransportError when the channel does not work."""
        return ""

    def report(self) -> Sequence[tuple[str, str]]:
        """What the provider says of us at this moment, (name, value) for the channel page. Raises TransportError."""
        return ()

    def list_received(self, since: datetime) -> Sequence[bytes] | None:
        """What the provider holds of customers' messages since then, as bodies that `parse` takes: the daily reconciliation
        stores those that we lack. None: the provider lets nobody ask. Raises TransportError."""
        return None

    async def poll(self, state: dict[str, Any]) -> tuple[list[bytes], dict[str, Any]]:
        """Waits for updates (long poll, ≤ 30 s) where `wants_poll`: raw bodies and the next state."""
        raise NotImplementedError

    def wants_poll(self) -> bool:
        """Whether this channel, of a kind that polls here, is asked at all."""
        return True

    def renewed_secrets(self) -> Mapping[str, Any]:
        """Secrets that the provider has given in place of ours since they were stored; asked after each check of health."""
        return {}
